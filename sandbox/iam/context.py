"""Condition keys: those that every request carries, and those of the principal.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sandbox.iam.entities import tags_of
from sandbox.identity import Principal, identities, utcnow


def context_values(context: Mapping[str, str | Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Condition keys as the evaluation wants them: names in lower case, every value a tuple."""
    return {k.lower(): (v,) if isinstance(v, str) else tuple(v) for k, v in context.items()}


def principal_context(principal: Principal) -> dict[str, tuple[str, ...]]:
    """The keys that depend on who calls and when."""
    now = utcnow()
    session = identities.session(principal.access_key_id)
    keys: dict[str, str] = {
        # Of a role session this is the role's ARN, not the session's.
        "aws:PrincipalArn": principal.role_arn or principal.arn,
        "aws:PrincipalAccount": principal.account_id,
        "aws:PrincipalType": {"user": "User", "root": "Account", "role-session": "AssumedRole"}[
            principal.kind
        ],
        "aws:PrincipalIsAWSService": "false",
        "aws:userid": principal.user_id,
        "aws:CurrentTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(now.timestamp())),
        "aws:ViaAWSService": str(session is not None and session.via_service).lower(),
        **{f"aws:PrincipalTag/{key}": value for key, value in tags_of(principal).items()},
    }
    if principal.kind == "user":
        keys["aws:username"] = principal.name
    if session is not None:
        keys["aws:TokenIssueTime"] = session.issued_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        keys["aws:MultiFactorAuthPresent"] = "false"
    if principal.source_identity:
        keys["aws:SourceIdentity"] = principal.source_identity
    return context_values(keys)
