"""Delegations: made, changed, switched on and off, and handed to people."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Delegation, User
from accounts.services.limits import binding_faults
from accounts.services.people import sentences
from audit.services import record
from aws.models import AwsTarget, ServiceRole
from common import access
from common.clock import now
from common.errors import Conflict, Forbidden, Invalid
from documents.models import Document, DocumentVersion

PERMISSIONS = tuple(access.rules_for(Delegation).permissions)


def _may_bind(actor: User, document: Document, role: ServiceRole | None) -> None:
    """Let an administrator pass who may see the document and bind the role.

    Raises NotFound when they may not administer or see the document, Invalid beside the role's field when
    nobody let them use the role: the analogue of iam:PassRole.
    """
    access.require_capability(actor, "administer")
    access.require(actor, "view", document)
    if role is not None:
        decision = access.decide(actor, "use", role)
        if not decision.allowed:
            raise Invalid(
                f"You may not bind the service role {role}.",
                fields={
                    "service_role": f"You may not bind {role}: somebody must grant you “use” on it first."
                },
                code="role-not-granted",
            )


def _require_authority(actor: User, delegation: Delegation) -> None:
    """Let an administrator pass who could have made this delegation: see the document, bind the role."""
    access.require_capability(actor, "administer")
    access.require(actor, "view", delegation.document)
    if delegation.service_role is not None:
        decision = access.decide(actor, "use", delegation.service_role)
        if not decision.allowed:
            raise Forbidden(
                f"This delegation runs as {delegation.service_role}, and nobody has granted you “use” on "
                "that service role. Ask somebody who may grant it.",
                code="role-not-granted",
            )


def _facts(delegation: Delegation) -> dict[str, Any]:
    """Return what the audit record keeps of a delegation."""
    role = delegation.service_role
    return {
        "name": delegation.name,
        "description": delegation.description,
        "document": str(delegation.document),
        "version": delegation.version.number,
        "target": str(delegation.target),
        "service_role": role.arn if role is not None else None,
        "constraints": delegation.constraints,
        "max_concurrent": delegation.max_concurrent,
        "max_per_day": delegation.max_per_day,
        "approvals_needed": delegation.approvals_needed,
        "enabled": delegation.enabled,
        "expires_at": delegation.expires_at.isoformat() if delegation.expires_at else None,
    }


def _check(delegation: Delegation, *, expiry_is_new: bool) -> None:
    faults: dict[str, str] = {}
    try:
        delegation.full_clean(exclude=["created_by"])
    except ValidationError as error:
        faults |= sentences(error)
    if delegation.version.document_id != delegation.document_id:
        faults["version"] = f"{delegation.version} is not a version of {delegation.document}."
    else:
        faults |= binding_faults(
            version=delegation.version,
            target=delegation.target,
            service_role=delegation.service_role,
            constraints=delegation.constraints,
        )
    if expiry_is_new and delegation.expired:
        faults["expires_at"] = "This lies in the past: choose a later moment, or none."
    if faults:
        raise Invalid("This delegation cannot be saved like this.", fields=faults)


@transaction.atomic
def create_delegation(
    *,
    actor: User,
    name: str,
    document: Document,
    version: DocumentVersion,
    target: AwsTarget,
    service_role: ServiceRole | None,
    description: str = "",
    constraints: Mapping[str, Any] | None = None,
    max_concurrent: int | None = None,
    max_per_day: int | None = None,
    approvals_needed: int = 0,
    expires_at: datetime | None = None,
    enabled: bool = True,
) -> Delegation:
    """Bind a document's version to a target and a role, within limits. Nobody may run it until granted.

    Arguments:
        actor: an administrator who may see the document and `use` the role.
        service_role: None to run as the caller, with the operator's own AWS identity.
        constraints: parameter → {"fixed": value}, {"allowed": [value, …]} or {"default": value}.
        max_concurrent: how many runs of it AWS may be at work on at the same time; None for no limit.
        max_per_day: how many runs of it may be started within 24 hours; None for no limit.
        approvals_needed: how many people other than its operator must approve a run before it is sent to AWS.

    Raises Invalid with a sentence for each field refused.
    """
    _may_bind(actor, document, service_role)
    delegation = Delegation(
        name=name.strip(),
        description=description.strip(),
        document=document,
        version=version,
        target=target,
        service_role=service_role,
        constraints=dict(constraints or {}),
        max_concurrent=max_concurrent,
        max_per_day=max_per_day,
        approvals_needed=approvals_needed,
        expires_at=expires_at,
        enabled=enabled,
        created_by=actor,
    )
    _check(delegation, expiry_is_new=True)
    delegation.save()
    record(actor=actor, action="delegation.created", obj=delegation, data=_facts(delegation))
    return delegation


@transaction.atomic
def update_delegation(
    *,
    actor: User,
    delegation: Delegation,
    name: str,
    version: DocumentVersion,
    target: AwsTarget,
    service_role: ServiceRole | None,
    description: str,
    constraints: Mapping[str, Any],
    max_concurrent: int | None,
    max_per_day: int | None,
    approvals_needed: int,
    expires_at: datetime | None,
    seen: datetime,
) -> Delegation:
    """Change a delegation. Runs that were launched keep what they were launched with.

    How many may run is asked when each is sent to AWS: a new limit holds for those that wait as well. So does
    a higher number of approvals; a lower one holds for runs that are launched after it.

    Arguments:
        seen: `updated_at` as the actor saw it.

    Raises Conflict when somebody changed it since, Invalid with a sentence for each field refused.
    """
    current = Delegation.objects.select_for_update().get(pk=delegation.pk)
    _require_authority(actor, current)
    _may_bind(actor, current.document, service_role)
    if current.updated_at != seen:
        raise Conflict(
            f"Somebody else changed “{current}” while you were editing it: look at it again, then repeat "
            "your change.",
            code="delegation-changed",
        )
    before, old_expiry = _facts(current), current.expires_at
    current.name, current.description = name.strip(), description.strip()
    current.version, current.target, current.service_role = version, target, service_role
    current.constraints, current.expires_at = dict(constraints), expires_at
    current.max_concurrent, current.max_per_day = max_concurrent, max_per_day
    current.approvals_needed = approvals_needed
    _check(current, expiry_is_new=expires_at != old_expiry)
    after = _facts(current)
    changed = {key: {"from": before[key], "to": after[key]} for key in after if before[key] != after[key]}
    if changed:
        current.updated_at = now()
        current.save()
        record(actor=actor, action="delegation.changed", obj=current, data=changed)
    return current


@transaction.atomic
def set_enabled(*, actor: User, delegation: Delegation, enabled: bool) -> None:
    """Switch a delegation on or off. Off needs no right to the role: stopping is for every administrator."""
    if enabled:
        _require_authority(actor, delegation)
    else:
        access.require_capability(actor, "administer")
    changed = Delegation.objects.filter(pk=delegation.pk, enabled=not enabled)
    if changed.update(enabled=enabled, updated_at=now()):
        record(actor=actor, action="delegation.enabled" if enabled else "delegation.disabled", obj=delegation)
    delegation.enabled = enabled


def _named(permission: str) -> str:
    if permission not in PERMISSIONS:
        raise Invalid(
            "There is no such permission on a delegation.",
            fields={"permission": f"Choose one of {', '.join(PERMISSIONS)}."},
        )
    return permission


def _holds(holder: User | Group, permission: str, delegation: Delegation) -> bool:
    return any(
        given.holder == holder and permission in given.permissions for given in access.grants(delegation)
    )


@transaction.atomic
def grant(*, actor: User, delegation: Delegation, permission: str, holder: User | Group) -> None:
    """Let a person or group `view`, `execute` or `approve`; who lets others run as a role must may use it."""
    _require_authority(actor, delegation)
    if isinstance(holder, User) and not holder.is_active:
        raise Invalid(
            f"{holder} is deactivated.", fields={"holder": f"{holder} is deactivated: activate them first."}
        )
    if _holds(holder, _named(permission), delegation):
        return
    access.grant(permission, delegation, to=holder)
    record(
        actor=actor,
        action="delegation.granted",
        obj=delegation,
        data={"permission": permission, **named_holder(holder)},
    )


@transaction.atomic
def revoke(*, actor: User, delegation: Delegation, permission: str, holder: User | Group) -> None:
    """Take `view`, `execute` or `approve` away. Any administrator may."""
    access.require_capability(actor, "administer")
    if not _holds(holder, _named(permission), delegation):
        return
    access.revoke(permission, delegation, holder=holder)
    record(
        actor=actor,
        action="delegation.revoked",
        obj=delegation,
        data={"permission": permission, **named_holder(holder)},
    )


def named_holder(holder: User | Group) -> dict[str, str]:
    """Return a holder as the audit record names them."""
    kind = "group" if isinstance(holder, Group) else "person"
    return {"holder": str(holder), "holder_type": kind, "holder_id": str(holder.pk)}
