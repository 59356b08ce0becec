"""The list of runs: what its filters offer, and its pages."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from django.db.models import F, Model, Q, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils.dateparse import parse_datetime

from accounts.models import Delegation, User
from common import access
from common.clock import now
from documents.models import Document
from executions.models import FINAL, Execution
from executions.newest import PROBED, Key, Window
from executions.selectors import PAGE_SIZE, Page, address

M = TypeVar("M", bound=Model)
# Primary keys; those of too many to tell as the question for them.
Keys: TypeAlias = set[int] | QuerySet[Any, int]

# Filters offer at most as many choices; who has more finds the rest by searching.
CHOICES = 100
# The runs of more people than this are not asked for person by person.
FEW_PEOPLE = 10
# Of what words name, so many keys are told; a delegation may be told twice.
TOLD = 5000

PERIODS: Mapping[str, tuple[str, timedelta]] = {
    "hour": ("The last hour", timedelta(hours=1)),
    "day": ("The last 24 hours", timedelta(days=1)),
    "week": ("The last 7 days", timedelta(days=7)),
    "month": ("The last 30 days", timedelta(days=30)),
}
# What User.get_full_name says.
FULL_NAME = Coalesce(NullIf("full_name", Value("")), "username")
# A filter for whatever has not ended, beside the states themselves.
UNFINISHED = "unfinished"


@dataclass(frozen=True)
class Sight:
    """Whose runs a person may see, beside their own.

    Attributes:
        everything: everybody's.
        first: by id, the names of the first delegations whose runs they may see, by name: PROBED and one
            more at most; none when they see everything.
    """

    everything: bool
    first: Mapping[int, str]

    @property
    def delegations(self) -> Mapping[int, str] | None:
        """The names of all of them; None for more than PROBED, or when the person sees everything."""
        return None if self.everything or len(self.first) > PROBED else self.first


def sight(actor: User) -> Sight:
    """Return whose runs the actor may see: at most one query."""
    if access.everywhere(actor, "view", Execution):
        return Sight(True, {})
    seen = access.visible(actor, "view", Delegation.objects.order_by("name"))
    return Sight(False, dict(seen.values_list("pk", "name")[: PROBED + 1]))


def runs(actor: User, filters: Mapping[str, str], seen: Sight | None = None) -> Page:
    """Return a page of the runs that the actor may see, newest first.

    Arguments:
        filters: from the address: q (words of delegation, document or person, or an id), status, delegation,
            operator (ids), period (of PERIODS), before and after (keys of the neighbouring pages).
        seen: the actor's sight, when it is known already.
    """
    upward, downward = _key(filters.get("after", "")), _key(filters.get("before", ""))
    window = Window(PAGE_SIZE + 1, upwards=upward is not None)
    search = _Search(actor, seen or sight(actor), window)
    keys = search.keys(_bounded(_filtered(filters), upward, downward), filters)
    more, keys = len(keys) > PAGE_SIZE, keys[:PAGE_SIZE]
    found = Execution.objects.filter(pk__in=[key for _, key in keys]).order_by("-requested_at", "-pk")
    rows = list(
        found.select_related("delegation", "operator", "target", "version").defer(
            "parameters", "outputs", "failure", "version__text", "delegation__constraints"
        )
    )
    # The keys are only where to look: the door is asked for the rows themselves.
    held = access.permissions(actor, rows)
    rows = [run for run in rows if "view" in held[run.pk]]
    newer, older = (more, True) if upward else (downward is not None, more)
    kept = {name: value for name, value in filters.items() if name not in {"before", "after"}}
    return Page(
        tuple(rows),
        newer=address(kept, after=_as_key(rows[0])) if rows and newer else "",
        older=address(kept, before=_as_key(rows[-1])) if rows and older else "",
    )


def _filtered(filters: Mapping[str, str]) -> QuerySet[Execution]:
    """Return the runs that the filters leave, but for those that name delegations."""
    found = Execution.objects.all()
    status = filters.get("status", "")
    if status == UNFINISHED:
        found = found.filter(ended_at=None).exclude(status__in=FINAL)
    elif status:
        found = found.filter(status=status)
    if filters.get("operator", "").isdecimal():
        found = found.filter(operator=int(filters["operator"]))
    if filters.get("period") in PERIODS:
        found = found.filter(requested_at__gte=now() - PERIODS[filters["period"]][1])
    return found


def _bounded(found: QuerySet[Execution], upward: Key | None, downward: Key | None) -> QuerySet[Execution]:
    # The first condition follows from the second; it is the one with which an index finds the place.
    if upward:
        at, key = upward
        return found.filter(Q(requested_at__gte=at), Q(requested_at__gt=at) | Q(pk__gt=key))
    if downward:
        at, key = downward
        return found.filter(Q(requested_at__lte=at), Q(requested_at__lt=at) | Q(pk__lt=key))
    return found


@dataclass(frozen=True)
class _Search:
    """Finds the keys of the first runs that the actor may see."""

    actor: User
    seen: Sight
    window: Window

    def keys(self, found: QuerySet[Execution], filters: Mapping[str, str]) -> list[Key]:
        """Return the keys of the first of `found` of the filters' delegation and words."""
        chosen = None
        if filters.get("delegation", "").isdecimal():
            chosen = {int(filters["delegation"])}
        words = filters.get("q", "").strip()
        if words and chosen:
            found = found.filter(delegation__in=chosen)
        if words:
            return self._of_words(found, words)
        # Where few are left anyhow, or they are one person's, nothing is gained by asking each delegation.
        if filters.get("operator") or filters.get("status") == UNFINISHED:
            return self._in_order(found.filter(delegation__in=chosen) if chosen else found)
        return self._of_delegations(found, chosen)

    def _of_words(self, found: QuerySet[Execution], words: str) -> list[Key]:
        keys = self._of_named(found, words)
        people = _told(User.objects.order_by().filter(username__icontains=words).values_list("pk", flat=True))
        if people != set():
            keys += self._of_people(found, people)
        with suppress(ValueError):
            # AWS's ids of executions are UUIDs, as the portal's own are.
            keys += self._in_order(found.filter(Q(aws_execution_id=words) | Q(pk=UUID(words))))
        return self.window.merged(keys)

    def _of_named(self, found: QuerySet[Execution], words: str) -> list[Key]:
        """Return the first keys of the delegations that the words name, or whose documents they name."""
        # Each table is asked by itself: joined, PostgreSQL reads all names of both instead of their indexes.
        documents = Document.objects.order_by().filter(name__icontains=words)
        by_itself, by_document = (
            Delegation.objects.order_by().filter(fitting).values_list("pk", flat=True)
            for fitting in (Q(name__icontains=words), Q(document__in=documents))
        )
        named = _told(by_itself.union(by_document, all=True))
        if isinstance(named, set):
            return self._of_delegations(found, named) if named else []
        if self.seen.delegations is None:
            return self._in_order(found.filter(delegation__in=named))
        # Among the actor's own runs, and what they see, such words are met soon.
        own = found.filter(_fitting(words, "delegation__"), operator=self.actor.pk)
        seen = Delegation.objects.filter(_fitting(words), pk__among=set(self.seen.delegations))
        return [*self.window.of(own), *self.window.among(found, seen, "delegation")]

    def _in_order(self, found: QuerySet[Execution]) -> list[Key]:
        return self.window.of(access.visible(self.actor, "view", found))

    def _of_people(self, found: QuerySet[Execution], people: Keys) -> list[Key]:
        """Return the first keys of these people's runs."""
        if not isinstance(people, set):
            return self._of_delegations(found.filter(operator__in=people), None)
        theirs = found.filter(operator__among=people)
        if len(people) == 1:
            return self._in_order(theirs)
        if len(people) <= FEW_PEOPLE:
            seen = access.visible(self.actor, "view", found)
            return self.window.among(seen, User.objects.filter(pk__among=people), "operator")
        # Each delegation that the actor sees meets one of many people soon; all runs together may not.
        return self._of_delegations(theirs, None)

    def _of_delegations(self, found: QuerySet[Execution], chosen: set[int] | None) -> list[Key]:
        """Return the first keys of the delegations of these ids (None: of all)."""
        seen = self._seen(chosen)
        within = found if chosen is None else found.filter(delegation__among=chosen)
        if seen is None:
            return self._in_order(within)
        own = [] if self.seen.everything else self.window.of(within.filter(operator=self.actor.pk))
        return self.window.merged([*own, *self.window.among(found, seen, "delegation")])

    def _seen(self, chosen: set[int] | None) -> QuerySet[Delegation] | None:
        """Return which of these delegations the actor sees; None for more than can each be asked."""
        names = self.seen.delegations
        if names is not None:
            keys = set(names) if chosen is None else chosen.intersection(names)
            return Delegation.objects.filter(pk__among=keys)
        if chosen is None or len(chosen) > PROBED:
            return None
        offered = Delegation.objects.filter(pk__among=chosen)
        return offered if self.seen.everything else access.visible(self.actor, "view", offered)


def _fitting(words: str, delegation: str = "") -> Q:
    """Return the filter for what words name; `delegation` leads to the delegation."""
    return Q(**{f"{delegation}name__icontains": words}) | Q(
        **{f"{delegation}document__name__icontains": words}
    )


def _told(named: QuerySet[Any, int]) -> Keys:
    """Return the keys of what words name, or the question itself where they name too much to tell."""
    found = list(named[: TOLD + 1])
    return set(found) if len(found) <= TOLD else named


def _as_key(run: Execution) -> str:
    return f"{run.requested_at.isoformat()}~{run.pk}"


def _key(text: str) -> Key | None:
    moment, _, key = text.partition("~")
    try:
        at, run = parse_datetime(moment), UUID(key)
    except ValueError:
        return None
    return (at, run) if at is not None and at.tzinfo is not None else None


def filter_choices(
    actor: User, chosen: Mapping[str, str], seen: Sight | None = None
) -> dict[str, list[tuple[str, str]]]:
    """Return what the list's filters offer: the delegations that the actor may see, and who may launch them.

    Who sees all runs is offered all delegations and everybody. Of many, the first are offered.

    Arguments:
        chosen: the address's parameters; what they name is offered, wherever it stands.
        seen: the actor's sight, when it is known already.
    """
    seen = seen or sight(actor)
    people = User.objects.order_by("username").annotate(label=FULL_NAME)
    if seen.everything:
        delegations = Delegation.objects.order_by("name").annotate(label=F("name"))
        return {
            "delegation": _offered(delegations, chosen.get("delegation", "")),
            "operator": _offered(people, chosen.get("operator", "")),
        }
    named = {str(key): name for key, name in islice(seen.first.items(), CHOICES)}
    named |= _beyond(actor, seen, named, chosen.get("delegation", ""))
    # Who may launch what is offered, so that nothing is asked of all the delegations that somebody sees.
    among = [int(key) for key in named]
    launching = people.filter(Q(pk=actor.pk) | access.holders(Delegation, "execute", among))
    return {
        "delegation": list(named.items()),
        "operator": _offered(launching, chosen.get("operator", "")),
    }


def _beyond(actor: User, seen: Sight, offered: Mapping[str, str], chosen: str) -> dict[str, str]:
    """Return the chosen delegation that the actor sees and is not offered yet, if it is one."""
    if chosen in offered or not chosen.isdecimal():
        return {}
    if int(chosen) in seen.first:
        return {chosen: seen.first[int(chosen)]}
    if seen.delegations is not None:
        return {}
    there = access.visible(actor, "view", Delegation.objects.order_by().filter(pk=int(chosen)))
    return {str(key): name for key, name in there.values_list("pk", "name")}


def _offered(found: QuerySet[M], chosen: str) -> list[tuple[str, str]]:
    rows = found.values_list("pk", "label")
    offered = {str(key): label for key, label in rows[:CHOICES]}
    if chosen.isdecimal() and chosen not in offered:
        offered |= {str(key): label for key, label in rows.filter(pk=int(chosen))}
    return list(offered.items())
