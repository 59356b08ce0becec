"""STS on moto's server, with sessions that IAM then enforces: expiry, tags, source identity, session
policies.

https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from moto.core.responses import ActionResult
from moto.sts.responses import TokenResponse

from sandbox.authorization import authorise_role_assumption, role_session
from sandbox.errors import AccessDenied, AwsError
from sandbox.iam.entities import role_of
from sandbox.iam.policy import MalformedPolicy, parse_policy
from sandbox.identity import Principal, Session, current_principal, identities

CHAINED_SECONDS = 3600
MIN_SECONDS = 900
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_ROLE_ARN = re.compile(r"arn:[\w-]+:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)
_MAX_POLICY = 2048


class SessionTokenResponse(TokenResponse):
    """The STS operations; method names are those that moto dispatches to."""

    def assume_role(self) -> ActionResult:
        """https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"""
        caller = current_principal()
        role_arn, name = self._role_and_name()
        if caller.kind == "root":
            raise AccessDenied("Roles may not be assumed by root accounts.")
        caller_session = identities.session(caller.access_key_id)
        tags = self._tags()
        transitive = frozenset(self._get_param("TransitiveTagKeys") or ())
        inherited = _inherited_tags(caller, caller_session)
        clash = sorted(set(tags) & set(inherited))
        if clash:
            raise AwsError(
                "InvalidParameterValue", f"Transitive tag {clash[0]} of the role chain cannot be changed."
            )
        source_identity = self._source_identity(caller)
        actions, context = ["sts:AssumeRole"], {"sts:RoleSessionName": name}
        if self._get_param("ExternalId"):
            context["sts:ExternalId"] = self._get_param("ExternalId")
        if source_identity:
            actions.append("sts:SetSourceIdentity")
            context["sts:SourceIdentity"] = source_identity
        tag_context: dict[str, Any] = {}
        if tags:
            actions.append("sts:TagSession")
            tag_context = {"aws:TagKeys": list(tags), **{f"aws:RequestTag/{k}": v for k, v in tags.items()}}
            if transitive:
                tag_context["sts:TransitiveTagKeys"] = sorted(transitive)
        authorise_role_assumption(caller, role_arn, actions, {**context, **tag_context})
        subject = role_session(role_arn, name, source_identity=source_identity, tags={**inherited, **tags})
        session = identities.open_session(
            subject,
            duration=timedelta(seconds=self._duration(role_arn, chained=caller.kind == "role-session")),
            session_policies=self._session_policies(subject),
            transitive_tag_keys=transitive | frozenset(inherited),
        )
        result: dict[str, Any] = {
            "Credentials": _credentials(session),
            "AssumedRoleUser": {"AssumedRoleId": subject.user_id, "Arn": subject.arn},
            "PackedPolicySize": 6,
        }
        if source_identity:
            result["SourceIdentity"] = source_identity
        return ActionResult(result)

    def get_caller_identity(self) -> ActionResult:
        """https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""
        caller = current_principal()
        return ActionResult({"UserId": caller.user_id, "Account": caller.account_id, "Arn": caller.arn})

    def get_session_token(self) -> ActionResult:
        """https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html"""
        caller = current_principal()
        if caller.kind == "role-session" or identities.session(caller.access_key_id) is not None:
            raise AccessDenied("Cannot call GetSessionToken with session credentials")
        seconds = self._bounded(self._get_int_param("DurationSeconds", 43200), 129600)
        session = identities.open_session(caller, duration=timedelta(seconds=seconds))
        return ActionResult({"Credentials": _credentials(session)})

    def get_federation_token(self) -> ActionResult:
        raise AwsError("NotImplemented", "The sandbox has no federated users: assume a role instead.", 501)

    def assume_role_with_saml(self) -> ActionResult:
        raise AccessDenied("The sandbox trusts no SAML provider.")

    def assume_role_with_web_identity(self) -> ActionResult:
        raise AccessDenied("The sandbox trusts no web identity provider.")

    def get_access_key_info(self) -> ActionResult:
        """https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html"""
        account_id = identities.account_of(self._get_param("AccessKeyId"))
        if account_id is None:
            raise AwsError("ValidationError", "The access key is not one of this sandbox.")
        return ActionResult({"Account": account_id})

    def _role_and_name(self) -> tuple[str, str]:
        role_arn, name = self._get_param("RoleArn") or "", self._get_param("RoleSessionName") or ""
        if not _SESSION_NAME.fullmatch(name):
            raise _invalid(
                name, "roleSessionName", r"Member must satisfy regular expression pattern: [\w+=,.@-]{2,64}"
            )
        if not _ROLE_ARN.fullmatch(role_arn):
            raise AwsError("ValidationError", f"{role_arn} is invalid")
        return role_arn, name

    def _duration(self, role_arn: str, *, chained: bool) -> int:
        seconds = self._get_int_param("DurationSeconds", CHAINED_SECONDS)
        if chained and seconds > CHAINED_SECONDS:
            raise AwsError(
                "ValidationError",
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role "
                "chaining",
            )
        role = role_of(role_arn)
        if role is not None and seconds > int(role.max_session_duration or CHAINED_SECONDS):
            raise AwsError(
                "ValidationError",
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            )
        return self._bounded(seconds, 43200)

    def _bounded(self, seconds: int, most: int) -> int:
        if seconds < MIN_SECONDS:
            raise _invalid(
                str(seconds),
                "durationSeconds",
                f"Member must have value greater than or equal to {MIN_SECONDS}",
            )
        if seconds > most:
            raise _invalid(
                str(seconds), "durationSeconds", f"Member must have value less than or equal to {most}"
            )
        return seconds

    def _tags(self) -> dict[str, str]:
        tags: list[Mapping[str, str]] = self._get_param("Tags") or []
        if len(tags) > 50:
            raise _invalid("…", "tags", "Member must have length less than or equal to 50")
        if not all(tag.get("Key") for tag in tags):
            raise _invalid("null", "tags.member.key", "Member must not be null")
        return {tag["Key"]: tag.get("Value", "") for tag in tags}

    def _source_identity(self, caller: Principal) -> str | None:
        asked = self._get_param("SourceIdentity")
        if asked and not _SESSION_NAME.fullmatch(asked):
            raise _invalid(
                asked, "sourceIdentity", r"Member must satisfy regular expression pattern: [\w+=,.@-]{2,64}"
            )
        if asked and caller.source_identity and asked != caller.source_identity:
            raise AccessDenied(
                f"User: {caller.arn} is not authorized to perform: sts:SetSourceIdentity: the source "
                "identity of the session is already set and cannot be changed"
            )
        return asked or caller.source_identity

    def _session_policies(self, subject: Principal) -> tuple[str, ...]:
        from moto.iam.models import iam_backends

        texts: list[str] = []
        inline = self._get_param("Policy")
        if inline:
            if len(inline) > _MAX_POLICY:
                raise _invalid("…", "policy", f"Member must have length less than or equal to {_MAX_POLICY}")
            try:
                parse_policy(inline)
            except MalformedPolicy as error:
                raise AwsError(
                    "MalformedPolicyDocument", f"The policy is not well-formed: {error}"
                ) from error
            texts.append(inline)
        managed = iam_backends[subject.account_id][subject.partition].managed_policies
        for descriptor in self._get_param("PolicyArns") or []:
            policy = managed.get(descriptor.get("arn") or descriptor.get("Arn"))
            if policy is None:
                raise AwsError(
                    "ValidationError", "A policy of PolicyArns does not exist or is not attachable."
                )
            texts.extend(v.document for v in policy.versions if v.version_id == policy.default_version_id)
        return tuple(texts)


def _inherited_tags(caller: Principal, session: Session | None) -> dict[str, str]:
    keys = session.transitive_tag_keys if session else frozenset()
    return {key: value for key, value in caller.session_tags.items() if key in keys}


def _credentials(session: Session) -> dict[str, Any]:
    return {
        "AccessKeyId": session.principal.access_key_id,
        "SecretAccessKey": session.principal.secret_access_key,
        "SessionToken": session.principal.session_token,
        "Expiration": session.expires_at.replace(tzinfo=None, microsecond=0),
    }


def _invalid(value: str, name: str, constraint: str) -> AwsError:
    return AwsError(
        "ValidationError",
        f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: "
        f"{constraint}",
    )


def install() -> None:
    """Make moto's server answer STS calls with ours."""
    from moto.sts import urls

    urls.url_paths["{0}/$"] = SessionTokenResponse.dispatch
