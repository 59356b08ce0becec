"""Service roles, and who may bind them."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Group
from django.db import transaction

from audit.services import record
from aws.models import AwsTarget, ServiceRole
from aws.services.faults import faults as row_faults
from aws.services.faults import other_account
from common import access
from common.errors import Invalid


@transaction.atomic
def create_role(
    *, actor: AbstractBaseUser, target: AwsTarget, name: str, arn: str, description: str = ""
) -> ServiceRole:
    """Make a role known that Automation may assume in `target`. Nobody may bind it until `use` is granted.

    Raises Invalid with a sentence for each field refused.
    """
    access.require_capability(actor, "administer")
    role = ServiceRole(target=target, name=name.strip(), arn=arn.strip(), description=description.strip())
    faults = row_faults(role)
    if fault := other_account(role.arn, target):
        faults.setdefault("arn", fault)
    if ServiceRole.objects.filter(target=target, arn=role.arn).exists():
        faults = {**faults, "arn": f"{target} has this role already."}
        faults.pop("__all__", None)
    if faults:
        raise Invalid("This service role cannot be added like this.", fields=faults)
    role.save()
    record(actor=actor, action="role.created", obj=role, data={"arn": role.arn, "target": str(target)})
    return role


@transaction.atomic
def update_role(*, actor: AbstractBaseUser, role: ServiceRole, name: str, description: str) -> ServiceRole:
    """Change a role's name and description; its ARN and target stay, because delegations rely on them.

    Raises Invalid with a sentence for each field refused.
    """
    access.require_capability(actor, "administer")
    before = {"name": role.name, "description": role.description}
    role.name, role.description = name.strip(), description.strip()
    faults = row_faults(role)
    if faults:
        raise Invalid("This service role cannot be changed like this.", fields=faults)
    after = {"name": role.name, "description": role.description}
    if after != before:
        role.save(update_fields=["name", "description"])
        record(actor=actor, action="role.changed", obj=role, data={"from": before, "to": after})
    return role


def _role_grant(
    actor: AbstractBaseUser, role: ServiceRole, permission: str, holder: AbstractBaseUser | Group
) -> dict[str, str]:
    access.require_capability(actor, "administer")
    if permission not in access.rules_for(ServiceRole).permissions:
        raise Invalid(
            "There is no such permission on a service role.", fields={"permission": "Choose view or use."}
        )
    kind = "group" if isinstance(holder, Group) else "person"
    return {
        "permission": permission,
        "holder": str(holder),
        "holder_type": kind,
        "holder_id": str(holder.pk),
    }


def _holds(role: ServiceRole, permission: str, holder: AbstractBaseUser | Group) -> bool:
    held = (given.permissions for given in access.grants(role) if given.holder == holder)
    return any(permission in names for names in held)


@transaction.atomic
def grant_use(
    *,
    actor: AbstractBaseUser,
    role: ServiceRole,
    holder: AbstractBaseUser | Group,
    permission: str = "use",
) -> None:
    """Let a person or group `use` a service role, the analogue of iam:PassRole, or only `view` it."""
    facts = _role_grant(actor, role, permission, holder)
    if isinstance(holder, AbstractBaseUser) and not holder.is_active:
        raise Invalid(
            f"{holder} is deactivated.", fields={"holder": f"{holder} is deactivated: activate them first."}
        )
    if _holds(role, permission, holder):
        return
    access.grant(permission, role, holder)
    record(actor=actor, action="role.granted", obj=role, data=facts)


@transaction.atomic
def revoke_use(
    *,
    actor: AbstractBaseUser,
    role: ServiceRole,
    holder: AbstractBaseUser | Group,
    permission: str = "use",
) -> None:
    """Take `use` or `view` of a service role away. Delegations that stand go on: disable those instead."""
    facts = _role_grant(actor, role, permission, holder)
    if not _holds(role, permission, holder):
        return
    access.revoke(permission, role, holder)
    record(actor=actor, action="role.revoked", obj=role, data=facts)
