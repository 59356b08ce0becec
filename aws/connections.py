"""Ways into AWS: as the portal on a person's behalf, or as the person.

The person stays visible to AWS: the session that the portal opens carries their name as session name,
SourceIdentity and tag, so that CloudTrail names somebody who has no AWS identity.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
"""

import hashlib
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from aws import sessions
from aws.clients import Keys, client
from aws.errors import translated
from aws.events_queue import EventsQueue
from aws.gateway import SsmGateway
from aws.models import AwsTarget, CallerIdentity, KeyedCredentials
from aws.quotas import Quotas
from aws.vault import open_sealed
from common.clock import now
from common.errors import Forbidden

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

# Long enough for any call the portal makes, short enough to be worthless soon; role chaining allows an hour.
SESSION_SECONDS = 900


def session_word(text: str, limit: int = 64) -> str:
    """Return `text` as a session name or SourceIdentity: what AWS forbids there is replaced by hyphens.

    Two people never get the same word: one that had to be changed ends in a digest of the original.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
    """
    word = re.sub(r"[^\w+=,.@-]", "-", text, flags=re.ASCII)
    if word != text or not 2 <= len(word) <= limit:
        digest = hashlib.sha256(text.encode()).hexdigest()[:10]
        word = f"{word[: limit - len(digest) - 1]}-{digest}"
    return word


def own_keys(keyed: KeyedCredentials) -> Keys | None:
    """Return the key that is kept with `keyed`; None where the process's own identity is meant."""
    if not keyed.access_key_id or keyed.sealed_secret is None:
        return None
    secret = open_sealed(keyed.sealed_secret)
    return Keys(keyed.access_key_id, secret["secret_access_key"], secret.get("session_token"))


def role_request(target: AwsTarget, role_arn: str, *, person: str) -> dict[str, Any]:
    """Return what AssumeRole is asked, so that the session carries the name of `person`."""
    name = session_word(person)
    tags = [{"Key": "automation-portal:operator", "Value": name}]
    request: dict[str, Any] = {
        "RoleArn": role_arn,
        "RoleSessionName": name,
        "SourceIdentity": name,
        "DurationSeconds": SESSION_SECONDS,
        "Tags": tags,
    }
    if target.external_id:
        request["ExternalId"] = target.external_id
    return request


def refuse_laboratory(target: AwsTarget) -> None:
    """Refuse a demonstration's target outside of one: its database may have been taken along."""
    if settings.LAB_TARGETS_ALLOWED or not (target.endpoint_url or target.sealed_secret):
        return
    raise Forbidden(
        f"{target} belongs to a demonstration: it keeps a key, or names another address than AWS's own. "
        "An administrator can change it, or add another target.",
        code="laboratory-target",
    )


def _portal_keys(target: AwsTarget, *, person: str) -> Keys | None:
    refuse_laboratory(target)
    own = own_keys(target)
    if not target.role_arn:
        return own
    request = role_request(target, target.role_arn, person=person)
    return sessions.opened(own, target, request)


def _caller_keys(target: AwsTarget, user: "AbstractBaseUser") -> Keys | None:
    refuse_laboratory(target)
    identity = CallerIdentity.objects.filter(target=target, user=user.pk).first()
    if identity is None:
        raise Forbidden(
            f"This runs with your own AWS identity, and you have none in {target}: "
            "add it under “My AWS identity”.",
            code="no-aws-identity",
        )
    if identity.expires_at is not None and identity.expires_at <= now():
        raise Forbidden(
            f"Your AWS identity in {target} ended at {identity.expires_at:%Y-%m-%d %H:%M} UTC: "
            "renew it under “My AWS identity”.",
            code="aws-identity-expired",
        )
    if not identity.role_arn:
        return own_keys(identity)
    request = role_request(target, identity.role_arn, person=user.get_username())
    return sessions.opened(own_keys(target), target, request)


def as_portal(target: AwsTarget, *, on_behalf_of: str) -> SsmGateway:
    """Return the way to Systems Manager in `target` with the portal's own credentials.

    Arguments:
        on_behalf_of: the user name of the person whom this serves, or what part of the portal asks.

    Raises AwsError when the target's role cannot be assumed.
    """
    keys = _portal_keys(target, person=on_behalf_of)
    return _gateway(target, keys)


def events_queue(target: AwsTarget) -> EventsQueue:
    """Return the queue of Automation's events in `target`, read with the portal's own credentials.

    Raises AwsError when the target's role cannot be assumed.
    """
    keys = _portal_keys(target, person="automation-portal")
    return EventsQueue(client("sqs", target, keys), target.events_queue_url)


def as_caller(target: AwsTarget, *, user: "AbstractBaseUser") -> SsmGateway:
    """Return the way to Systems Manager in `target` with the person's own AWS identity.

    Raises Forbidden when the person has none there, it has ended or is of another account, AwsError when its
    role cannot be assumed.
    """
    keys = _caller_keys(target, user)
    # Elsewhere a document of the same name may say anything: what was approved is what runs, in this account.
    arn = _whoami(keys, target)
    if arn.split(":")[4] != target.account_id:
        raise Forbidden(
            f"AWS knows your identity as {arn}: it belongs to another account than {target}. "
            "Renew it under “My AWS identity”.",
            code="aws-identity-elsewhere",
        )
    return _gateway(target, keys)


def _gateway(target: AwsTarget, keys: Keys | None) -> SsmGateway:
    once = partial(client, "ssm", target, keys, repeats=False)
    return SsmGateway(client("ssm", target, keys), Quotas(target), once=once)


def _whoami(keys: Keys | None, target: AwsTarget) -> str:
    try:
        return str(client("sts", target, keys).get_caller_identity()["Arn"])
    except (ClientError, BotoCoreError) as error:
        raise translated(error, "GetCallerIdentity") from error


def check_target(target: AwsTarget) -> str:
    """Return the ARN that AWS knows the portal by in `target`. Raises AwsError when there is no way in."""
    sessions.forget()
    return _whoami(_portal_keys(target, person="automation-portal"), target)


def check_identity(target: AwsTarget, user: "AbstractBaseUser") -> str:
    """Return the ARN that AWS knows the person by in `target`. Raises as `as_caller` does."""
    sessions.forget()
    return _whoami(_caller_keys(target, user), target)
