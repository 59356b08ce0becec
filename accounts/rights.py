"""What somebody may do, and why: a constant number of queries, and as much as a page can show."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet

from accounts.models import Delegation, User
from accounts.selectors import capabilities_in
from aws.models import ServiceRole
from common import access
from documents.models import Document

# Of each kind, so many are shown; a team's members may have been granted thousands.
SHOWN = 100


@dataclass(frozen=True)
class Right:
    """What somebody may do to one thing, and why: (permission, words) pairs."""

    thing: Document | Delegation | ServiceRole
    ways: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Rights:
    """What a person or group may do, and why.

    Attributes:
        capabilities: (capability, what it lets one do, the groups that give it).
        documents, delegations, roles: what was granted on each, by name: the first SHOWN.
        more: whether there are more than are shown, of any kind.
    """

    capabilities: tuple[tuple[str, str, tuple[str, ...]], ...]
    documents: tuple[Right, ...]
    delegations: tuple[Right, ...]
    roles: tuple[Right, ...]
    more: bool


def rights_of(holder: User | Group, *, text: str = "") -> Rights:
    """Return what a person or a group may do, and why; nothing once a person is deactivated.

    Arguments:
        text: part of the thing's name, or of the name of a delegation's document.
    """
    named = Q(name__icontains=text) if text else Q()
    of_document = Q(document__name__icontains=text) if text else Q()
    delegations = Delegation.objects.select_related("document", "target", "service_role")
    documents, more_documents = _rights(holder, Document.objects.filter(named))
    delegated, more_delegations = _rights(holder, delegations.filter(named | of_document))
    roles, more_roles = _rights(holder, ServiceRole.objects.select_related("target").filter(named))
    return Rights(
        capabilities=_capabilities(holder),
        documents=documents,
        delegations=delegated,
        roles=roles,
        more=more_documents or more_delegations or more_roles,
    )


def _capabilities(holder: User | Group) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    if isinstance(holder, Group):
        return tuple((name, access.CAPABILITIES[name], ()) for name in capabilities_in(holder))
    through: dict[str, list[str]] = {}
    if holder.is_active:
        for group in holder.groups.order_by("name").prefetch_related("permissions__content_type"):
            for name in capabilities_in(group):
                through.setdefault(name, []).append(group.name)
    return tuple(
        (name, words, tuple(through[name])) for name, words in access.CAPABILITIES.items() if name in through
    )


def _rights(holder: User | Group, queryset: QuerySet[Any]) -> tuple[tuple[Right, ...], bool]:
    """Return the first rights on those of `queryset`, and whether there are more."""
    found = list(access.granted(holder, queryset).order_by("name", "pk")[: SHOWN + 1])
    shown = found[:SHOWN]
    ways = _ways(holder, shown)
    return tuple(Right(thing, tuple(ways[thing.pk])) for thing in shown), len(found) > SHOWN


def _ways(holder: User | Group, things: Iterable[Any]) -> dict[Any, list[tuple[str, str]]]:
    if isinstance(holder, Group):
        return access.granted_to_group(holder, things)
    return access.granted_to(holder, things)
