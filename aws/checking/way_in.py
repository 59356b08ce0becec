"""The way into a target: the processes' own identity, the role that is assumed, and whose account it is.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from aws import sessions
from aws.checking.findings import Finding, Outcome, Remedy, allow, refusal
from aws.clients import Keys, client
from aws.connections import own_keys, refuse_laboratory, role_request
from aws.errors import AwsError, translated
from aws.models import AwsTarget
from common.errors import PortalError

PERSON = "automation-portal"
ASSUME, TAG, IDENTIFY = "sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"
# What each of the session's two extras adds to the request.
_EXTRAS = {TAG: "Tags", IDENTIFY: "SourceIdentity"}


@dataclass(frozen=True)
class Way:
    """How far one comes.

    Attributes:
        arn: what AWS knows the portal by at the end; "" when the way is closed.
        keys: what signs there; None for the process's own identity.
    """

    findings: tuple[Finding, ...]
    arn: str = ""
    keys: Keys | None = None


def go(target: AwsTarget) -> Way:
    """Try the way in, as every worker goes it."""
    what = "the AWS identity of the portal's processes"
    try:
        refuse_laboratory(target)
        own = own_keys(target)
        arn = _whoami(target, own)
    except PortalError as error:
        return Way((Finding(what, Outcome.FAILS, _no_identity(target, error)),))
    found = [Finding(what, Outcome.WORKS, f"AWS knows them as {arn}.")]
    keys = own
    if target.role_arn:
        more, session = _assume(target, own, arn)
        found += more
        if session is None:
            return Way(tuple(found))
        keys = session
        try:
            arn = _whoami(target, keys)
        except AwsError as error:
            closed = refusal("the assumed role's session", error, otherwise=Outcome.FAILS)
            return Way((*found, closed))
    if (stranger := _elsewhere(target, arn)) is not None:
        return Way((*found, stranger))
    found.append(Finding("the account", Outcome.WORKS, f"The portal works as {arn}."))
    return Way(tuple(found), arn, keys)


def _no_identity(target: AwsTarget, error: PortalError) -> str:
    if isinstance(error, AwsError) and error.aws_code == "NoCredentialsError":
        return (
            "There is none here: give this machine's processes one (an instance profile, a task role, or "
            "whatever else boto3 finds by itself). Run the check where the workers run."
        )
    return f"{target} cannot be entered: {error.message}"


def _whoami(target: AwsTarget, keys: Keys | None) -> str:
    try:
        return str(client("sts", target, keys).get_caller_identity()["Arn"])
    except (ClientError, BotoCoreError) as error:
        raise translated(error, "GetCallerIdentity") from error


def _elsewhere(target: AwsTarget, arn: str) -> Finding | None:
    _, partition, _, _, account, _ = arn.split(":", 5)
    if (partition, account) == (target.partition, target.account_id):
        return None
    said = (
        f"AWS knows the portal as {arn}, in account {account} ({partition}); the target is in account "
        f"{target.account_id} ({target.partition}). Correct the target, or name a role of its account."
    )
    return Finding("the account", Outcome.FAILS, said)


def _assume(target: AwsTarget, own: Keys | None, arn: str) -> tuple[list[Finding], Keys | None]:
    """Assume the target's role as a launch does; when that fails, find out which part of it does."""
    request = role_request(target, target.role_arn, person=PERSON)
    words = {
        ASSUME: f"{ASSUME} on {target.role_arn}" + (", naming the external id" if target.external_id else ""),
        TAG: f"{TAG}: the person and the run as tags of the session",
        IDENTIFY: f"{IDENTIFY}: the person as the session's source identity",
    }
    try:
        keys = _session(target, own, request)
        return [Finding(what, Outcome.WORKS) for what in words.values()], keys
    except AwsError as error:
        if not error.denied:
            return [refusal(words[ASSUME], error, otherwise=Outcome.FAILS)], None
    plain = {name: value for name, value in request.items() if name not in _EXTRAS.values()}
    try:
        keys = _session(target, own, plain)
    except AwsError as error:
        remedies = _remedies(target, arn, ASSUME, error)
        return [refusal(words[ASSUME], error, *remedies, otherwise=Outcome.FAILS)], None
    found = [Finding(words[ASSUME], Outcome.WORKS)]
    for action, name in _EXTRAS.items():
        try:
            _session(target, own, {**plain, name: request[name]})
        except AwsError as error:
            found.append(refusal(words[action], error, *_remedies(target, arn, action, error)))
        else:
            found.append(Finding(words[action], Outcome.WORKS))
    return found, keys


def _session(target: AwsTarget, own: Keys | None, request: Mapping[str, Any]) -> Keys:
    """Open a session anew: one that was opened before would tell nothing of what holds now."""
    sessions.forget()
    return sessions.opened(own, target, request)


def _remedies(target: AwsTarget, arn: str, action: str, error: AwsError) -> list[Remedy]:
    """Return what may lack: AWS often does not tell on which side it does."""
    identity = Remedy(f"the policy of {identity_of(arn)}", allow(action, target.role_arn))
    trust: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"AWS": identity_of(arn)},
        "Action": action,
    }
    if action == ASSUME and target.external_id:
        trust["Condition"] = {"StringEquals": {"sts:ExternalId": target.external_id}}
    if "identity-based policy" in error.message:
        return [identity]
    return [Remedy(f"the trust policy of {target.role_arn}", trust), identity]


def identity_of(arn: str) -> str:
    """Return the role that a session is one of; any other ARN as it is. A role's path is not in a session's.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
    """
    head, _, rest = arn.partition(":assumed-role/")
    if not rest:
        return arn
    return f"{head.replace(':sts:', ':iam:')}:role/{rest.split('/')[0]}"
