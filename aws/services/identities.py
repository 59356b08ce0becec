"""People's own AWS identities: what their runs "as the caller" act with."""

import re
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction

from audit.services import record
from aws import jobs
from aws.models import AwsTarget, CallerIdentity
from aws.services.faults import other_account, sentences
from aws.vault import seal
from common import access
from common.clock import now
from common.errors import Invalid
from common.queueing import enqueue_after_commit

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
_LASTING_KEY = re.compile(r"AKIA[A-Z0-9]{12,124}\Z")
_TEMPORARY_KEY = re.compile(r"ASIA[A-Z0-9]{12,124}\Z")


def _check_own_key(
    access_key_id: str, secret_access_key: str, session_token: str, expires_at: datetime | None
) -> None:
    found: dict[str, str] = {}
    lasting, temporary = _LASTING_KEY.match(access_key_id), _TEMPORARY_KEY.match(access_key_id)
    if not (lasting or temporary):
        found["access_key_id"] = "An access key id begins with AKIA or ASIA; copy it from AWS."
    if not secret_access_key:
        found |= {
            "secret_access_key": "Give the key's secret: what was stored before is not shown or reused."
        }
    if temporary and not session_token:
        found |= {"session_token": "A temporary key (ASIA…) comes with a session token: give it too."}
    if lasting and session_token:
        found |= {"session_token": "A lasting key (AKIA…) has no session token: leave this empty."}
    if lasting and not settings.LAB_TARGETS_ALLOWED:
        found["access_key_id"] = "Only temporary keys (ASIA…) are kept: take one from your sign-in to AWS."
    if temporary and expires_at is None and not settings.LAB_TARGETS_ALLOWED:
        found["expires_at"] = "Say when the temporary key ends, so that nothing starts with a dead one."
    if expires_at is not None and expires_at <= now():
        found["expires_at"] = "This lies in the past: take a fresh key."
    if found:
        raise Invalid("This key cannot be kept.", fields=found)


def _keep_identity(
    actor: AbstractBaseUser, user: AbstractBaseUser, target: AwsTarget, action: str, **values: Any
) -> CallerIdentity:
    fresh = {"arn": "", "failure": "", "checked_at": None, "updated_at": now()}
    identity, _ = CallerIdentity.objects.update_or_create(
        user_id=user.pk, target=target, defaults={**values, **fresh}
    )
    shown = {name: values[name] for name in ("access_key_id", "role_arn") if values[name]}
    record(actor=actor, action=action, obj=identity, data=shown)
    enqueue_after_commit("default", jobs.check_identity, identity.pk)
    return identity


@transaction.atomic
def set_own_key(
    *,
    actor: AbstractBaseUser,
    target: AwsTarget,
    access_key_id: str,
    secret_access_key: str,
    session_token: str = "",
    expires_at: datetime | None = None,
) -> CallerIdentity:
    """Keep the actor's own AWS key for `target`: what their runs "as the caller" act with there.

    Only for oneself, and only where something was delegated that runs as the caller. It replaces whatever
    identity the actor had there. AWS is asked whose key it is by a job.

    Raises Invalid with a sentence for each field refused.
    """
    access.require(actor, "identify", target)
    key = access_key_id.strip()
    secret, token = secret_access_key.strip(), session_token.strip()
    _check_own_key(key, secret, token, expires_at)
    sealed = {"secret_access_key": secret}
    if token:
        sealed["session_token"] = token
    return _keep_identity(
        actor,
        actor,
        target,
        "identity.key-set",
        access_key_id=key,
        sealed_secret=seal(sealed),
        role_arn="",
        expires_at=expires_at,
    )


@transaction.atomic
def assign_role(
    *, actor: AbstractBaseUser, user: AbstractBaseUser, target: AwsTarget, role_arn: str
) -> CallerIdentity:
    """Say which role the portal assumes in a person's name for their runs "as the caller".

    Only administrators may: the portal opens the role with its own credentials, so whoever could name one
    freely could act as any role that trusts the portal.

    Raises Invalid with a sentence for each field refused.
    """
    access.require_capability(actor, "administer")
    identity = CallerIdentity(user_id=user.pk, target=target, role_arn=role_arn.strip())
    found: dict[str, str] = {}
    try:
        identity.full_clean(exclude=["user"], validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        found = sentences(error)
    if not identity.role_arn:
        found["role_arn"] = "Write the role's ARN."
    elif fault := other_account(identity.role_arn, target):
        found.setdefault("role_arn", fault)
    elif identity.role_arn == target.role_arn:
        found["role_arn"] = "This is the role that the portal itself works as: give the person another one."
    if found:
        raise Invalid("This role cannot be assigned.", fields=found)
    return _keep_identity(
        actor,
        user,
        target,
        "identity.role-assigned",
        access_key_id="",
        sealed_secret=None,
        role_arn=identity.role_arn,
        expires_at=None,
    )


@transaction.atomic
def remove_identity(*, actor: AbstractBaseUser, identity: CallerIdentity) -> None:
    """Forget an AWS identity and its secret: one's own, or, for an administrator, anybody's."""
    if identity.user_id != actor.pk:
        access.require_capability(actor, "administer")
    record(actor=actor, action="identity.removed", obj=identity)
    identity.delete()


@transaction.atomic
def recheck_identity(*, actor: AbstractBaseUser, identity: CallerIdentity) -> None:
    """Ask AWS again whose identity this is: one's own, or, for an administrator, anybody's."""
    if identity.user_id != actor.pk:
        access.require_capability(actor, "administer")
    CallerIdentity.objects.filter(pk=identity.pk).update(failure="", checked_at=None)
    enqueue_after_commit("default", jobs.check_identity, identity.pk)
