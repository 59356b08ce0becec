"""Groups: what people hold rights through, and the capabilities that open areas."""

from collections.abc import Iterable, Mapping

from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import User
from accounts.services.authority import administrators_remain, require_administrator
from accounts.services.people import sentences
from audit.services import record
from common import access
from common.errors import Invalid

# What a portal starts with: each group and its capabilities.
STANDARD_GROUPS: Mapping[str, tuple[str, ...]] = {
    "Administrators": ("administer", "audit", "author"),
    "Auditors": ("audit",),
    "Authors": ("author",),
    "Operators": (),
}


def capabilities_of(group: Group) -> frozenset[str]:
    """Return the capabilities that the group's members have through it."""
    names = group.permissions.filter(content_type__app_label="accounts", codename__in=access.CAPABILITIES)
    return frozenset(names.values_list("codename", flat=True))


def _set_capabilities(group: Group, capabilities: Iterable[str]) -> None:
    wanted = Permission.objects.filter(
        content_type__app_label="accounts", content_type__model="user", codename__in=list(capabilities)
    )
    group.permissions.set(wanted)


@transaction.atomic
def ensure_standard_groups() -> dict[str, Group]:
    """Make the groups that a portal starts with, where they are missing; return them by name.

    A group that stands is left as it is: its capabilities may have been changed on purpose.
    """
    found = {}
    for name, capabilities in STANDARD_GROUPS.items():
        group, made = Group.objects.get_or_create(name=name)
        if made:
            _set_capabilities(group, capabilities)
            record(actor=None, action="group.created", obj=group, data={"capabilities": list(capabilities)})
        found[name] = group
    return found


@transaction.atomic
def create_group(*, actor: User, name: str, capabilities: Iterable[str] = ()) -> Group:
    """Make a group. Raises Invalid for a name that is empty or taken, or an unknown capability."""
    require_administrator(actor)
    wanted = _known(capabilities)
    group = Group(name=name.strip())
    try:
        group.full_clean()
    except ValidationError as error:
        raise Invalid("This group cannot be made like this.", fields=sentences(error)) from None
    if Group.objects.filter(name__iexact=group.name).exists():
        raise Invalid(
            "This group cannot be made like this.",
            fields={"name": "A group of this name exists already; choose another name."},
        )
    group.save()
    _set_capabilities(group, wanted)
    record(actor=actor, action="group.created", obj=group, data={"capabilities": wanted})
    return group


@transaction.atomic
def set_capabilities(*, actor: User, group: Group, capabilities: Iterable[str]) -> None:
    """Give the group's members exactly these capabilities.

    Raises Conflict when nobody would be left to administer.
    """
    require_administrator(actor)
    before, after = capabilities_of(group), frozenset(_known(capabilities))
    if before == after:
        return
    _set_capabilities(group, after)
    administrators_remain()
    record(
        actor=actor,
        action="group.capabilities-changed",
        obj=group,
        data={"given": sorted(after - before), "taken": sorted(before - after)},
    )


@transaction.atomic
def add_member(*, actor: User, group: Group, user: User) -> None:
    """Make a person a member of the group."""
    require_administrator(actor)
    if group.user_set.filter(pk=user.pk).exists():
        return
    group.user_set.add(user)
    record(actor=actor, action="person.groups-changed", obj=user, data={"joined": [group.name], "left": []})


@transaction.atomic
def remove_member(*, actor: User, group: Group, user: User) -> None:
    """End a person's membership of the group.

    Raises Conflict when nobody would be left to administer.
    """
    require_administrator(actor)
    if not group.user_set.filter(pk=user.pk).exists():
        return
    group.user_set.remove(user)
    administrators_remain()
    record(actor=actor, action="person.groups-changed", obj=user, data={"joined": [], "left": [group.name]})


def _known(capabilities: Iterable[str]) -> list[str]:
    wanted = sorted(set(capabilities))
    unknown = [name for name in wanted if name not in access.CAPABILITIES]
    if unknown:
        raise Invalid("There is no such capability.", fields={"capabilities": f"There is no “{unknown[0]}”."})
    return wanted
