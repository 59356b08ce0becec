"""What pages read of people, groups and delegations: a constant number of queries."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Group
from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet

from accounts.models import Delegation, User
from accounts.wording import run_limits
from common import access
from common.clock import now
from common.pages import Page, page_of
from documents.models import Document, Publication


@dataclass(frozen=True)
class DelegationRow:
    """A delegation of a list, and who holds what on it."""

    delegation: Delegation
    grants: tuple[access.Grant, ...]

    def holders(self, permission: str) -> list[str]:
        """Return the names of those to whom `permission` was granted."""
        return [str(grant.holder) for grant in self.grants if permission in grant.permissions]

    @property
    def executed_by(self) -> list[str]:
        """Who may execute it."""
        return self.holders("execute")

    @property
    def approved_by(self) -> list[str]:
        """Who may approve its launches."""
        return self.holders("approve")

    @property
    def run_limits(self) -> list[str]:
        """How many runs there may be, in words."""
        return run_limits(self.delegation)

    @property
    def state(self) -> str:
        """The word of its state."""
        return state_of(self.delegation)


def state_of(delegation: Delegation) -> str:
    """Return a delegation's state in one word: Active, Disabled or Expired."""
    if not delegation.enabled:
        return "Disabled"
    return "Expired" if delegation.expired else "Active"


def _delegations() -> QuerySet[Delegation]:
    return Delegation.objects.select_related("document", "version", "target", "service_role").defer(
        "version__text"
    )


def delegations(
    actor: AbstractBaseUser,
    query: Mapping[str, str],
    *,
    text: str = "",
    state: str = "",
    target: str = "",
) -> tuple[Page[Delegation], list[DelegationRow]]:
    """Return a page of the delegations that the actor may see, by name, and its rows.

    Arguments:
        text: part of the delegation's or the document's name.
        state: "active", "disabled" or "expired"; empty for all.
        target: a target's id; empty for all.
    """
    found = access.visible(actor, "view", _delegations())
    if text:
        found = found.filter(Q(name__icontains=text) | Q(document__name__icontains=text))
    if target.isdecimal():
        found = found.filter(target=int(target))
    ended = Q(expires_at__lte=now())
    if state == "disabled":
        found = found.filter(enabled=False)
    elif state == "expired":
        found = found.filter(ended, enabled=True)
    elif state == "active":
        found = found.filter(~ended, enabled=True)
    page = page_of(found, ("name",), query, kept={"q": text, "state": state, "target": target})
    return page, _rows(page.rows)


def _rows(found: list[Delegation]) -> list[DelegationRow]:
    granted = access.grants_on(found)
    return [DelegationRow(row, tuple(granted[row.pk])) for row in found]


def delegations_of(document: Document) -> list[DelegationRow]:
    """Return every delegation of a document, by name."""
    return _rows(list(_delegations().filter(document=document).order_by("name")))


def approvers(delegation: Delegation) -> QuerySet[User]:
    """Return the active people who may approve launches of the delegation: groups are opened."""
    holders = [given.holder for given in access.grants(delegation) if "approve" in given.permissions]
    in_person = [holder.pk for holder in holders if isinstance(holder, User)]
    groups = [holder.pk for holder in holders if isinstance(holder, Group)]
    people = User.objects.filter(Q(pk__in=in_person) | Q(groups__in=groups), is_active=True)
    return people.distinct().order_by("username")


def active_publications(document: Document) -> QuerySet[Publication]:
    """Return where the document stands and may be run, the newest version first."""
    return (
        Publication.objects.filter(
            version__document=document, status=Publication.Status.ACTIVE, target__enabled=True
        )
        .select_related("version__document", "target")
        .order_by("-version__number", "target__name")
    )


def delegable_documents(actor: AbstractBaseUser) -> QuerySet[Document]:
    """Return the documents that the actor may see and that stand published somewhere."""
    published = Publication.objects.filter(
        version__document=OuterRef("pk"), status=Publication.Status.ACTIVE, target__enabled=True
    )
    return access.visible(actor, "view", Document.objects.filter(Exists(published))).order_by("name")


@dataclass(frozen=True)
class Runner:
    """Somebody who may execute something: the first delegations that let them, and through what.

    Attributes:
        ways: (the delegation and whom it runs as, through what), in words.
        more: how many more ways there are.
    """

    person: User
    ways: tuple[tuple[str, str], ...]
    more: int


def runners(rows: list[DelegationRow], *, people: int, ways: int) -> tuple[list[Runner], int]:
    """Return the first active people who may execute these delegations, by user name, and how many there are.

    Arguments:
        people, ways: how many people, and of each how many ways, are told at most: a document may be
            delegated thirty times to thirty groups of thirty people.
    """
    holding = [
        (row.delegation, grant.holder)
        for row in rows
        for grant in row.grants
        if "execute" in grant.permissions
    ]
    groups = {holder.pk for _, holder in holding if isinstance(holder, Group)}
    in_person = {holder.pk for _, holder in holding if isinstance(holder, User)}
    found = User.objects.filter(Q(pk__in=in_person) | Q(groups__in=groups), is_active=True).distinct()
    shown = list(found.order_by("username")[:people])
    members: dict[int, list[int]] = {}
    memberships = User.groups.through._default_manager.filter(user__in=shown, group__in=groups)
    for person, group in memberships.values_list("user_id", "group_id"):
        members.setdefault(group, []).append(person)
    told: dict[int, list[tuple[str, str]]] = {person.pk: [] for person in shown}
    more = dict.fromkeys(told, 0)
    for delegation, holder in holding:
        what = f"{delegation}, as {delegation.service_role or 'themselves'}"
        if isinstance(holder, Group):
            through, way = members.get(holder.pk, []), (what, f"in the group “{holder}”")
        else:
            through, way = [holder.pk] if holder.pk in told else [], (what, "granted in person")
        for key in through:
            if len(told[key]) < ways:
                told[key].append(way)
            else:
                more[key] += 1
    runners = [Runner(person, tuple(told[person.pk]), more[person.pk]) for person in shown]
    return runners, found.count()


# People and groups


def people(query: Mapping[str, str], *, text: str = "", group: str = "", state: str = "") -> Page[User]:
    """Return a page of people by user name, with their groups.

    Arguments:
        text: part of the user name, the full name or the e-mail address.
        group: a group's id; empty for all.
        state: "active" or "deactivated"; empty for all.
    """
    found = User.objects.prefetch_related(Prefetch("groups", Group.objects.order_by("name")))
    if text:
        found = found.filter(
            Q(username__icontains=text) | Q(full_name__icontains=text) | Q(email__icontains=text)
        )
    if group.isdecimal():
        found = found.filter(groups=int(group))
    if state:
        found = found.filter(is_active=state == "active")
    return page_of(found, ("username",), query, kept={"q": text, "group": group, "state": state})


def groups(query: Mapping[str, str], *, text: str = "") -> Page[Group]:
    """Return a page of groups by name, each with `member_count` and its permissions at hand."""
    found = Group.objects.annotate(
        member_count=Count("user", filter=Q(user__is_active=True))
    ).prefetch_related("permissions__content_type")
    if text:
        found = found.filter(name__icontains=text)
    return page_of(found, ("name",), query, kept={"q": text})


def capabilities_in(group: Group) -> list[str]:
    """Return a group's capabilities from the permissions at hand, in the order of CAPABILITIES."""
    held = {row.codename for row in group.permissions.all() if row.content_type.app_label == "accounts"}
    return [name for name in access.CAPABILITIES if name in held]


def members(group: Group, query: Mapping[str, str], *, kept: Mapping[str, str]) -> Page[User]:
    """Return a page of a group's members by user name; neighbours' addresses keep `kept`."""
    return page_of(User.objects.filter(groups=group), ("username",), query, kept=kept)
