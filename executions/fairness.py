"""Whose run is sent next: people take turns, and so do each person's delegations.

A launch of hundreds takes its person's turns only: whoever else launches one comes next. Turns are kept in
the database, so that they outlive every process; who was never served comes first.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from common.clock import now
from executions import limits
from executions.models import FINAL, IN_PORTAL, Execution, LaunchTurn, Status

# AWS works on these, or will in a moment: they count against a delegation's limit.
UNDER_WAY = frozenset(Status) - FINAL - IN_PORTAL
# A run that a worker took to check and send is left to that worker for so long.
TAKEN_SECONDS = 15
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Line:
    """The waiting runs of one delegation by one person."""

    operator: int
    delegation: int
    count: int
    oldest: datetime
    served_at: datetime


def queued(target_id: int) -> QuerySet[Execution]:
    """Return the runs of a target that wait in the portal."""
    return Execution.objects.filter(target=target_id, status=Status.QUEUED)


def lines(runs: QuerySet[Execution]) -> list[Line]:
    """Return the lines that `runs` stand in, in one query."""
    turn = LaunchTurn.objects.filter(
        target=OuterRef("target"), operator=OuterRef("operator"), delegation=OuterRef("delegation")
    )
    grouped = (
        runs.order_by()
        .annotate(served_at=Coalesce(Subquery(turn.values("served_at")), _NEVER))
        .values("operator", "delegation", "served_at")
        .annotate(count=Count("pk"), oldest=Min("requested_at"))
    )
    return [Line(**row) for row in grouped]


def in_turn(waiting: Iterable[Line], served: dict[int, datetime]) -> list[list[Line]]:
    """Return the lines person by person, whose turn is next first; each person's lines likewise.

    served: when each person was served last, whichever delegation it was.
    """
    people: dict[int, list[Line]] = {}
    for line in waiting:
        people.setdefault(line.operator, []).append(line)
    for own in people.values():
        own.sort(key=lambda line: (line.served_at, line.oldest, line.delegation))

    def turn(own: Sequence[Line]) -> tuple[datetime, datetime, int]:
        return served.get(own[0].operator, _NEVER), min(line.oldest for line in own), own[0].operator

    return sorted(people.values(), key=turn)


def people_served(target_id: int, operators: Iterable[int]) -> dict[int, datetime]:
    """Return when each of these people was served last in a target."""
    turns = LaunchTurn.objects.filter(target=target_id, operator__in=set(operators))
    rows = turns.order_by().values_list("operator", "served_at")
    found: dict[int, datetime] = {}
    for operator, served_at in rows:
        found[operator] = max(served_at, found.get(operator, _NEVER))
    return found


@dataclass(frozen=True)
class Turns:
    """Which runs of a target may be sent now, in turn.

    Attributes:
        interrupted: a run of which it is not known whether AWS has heard of it. Such are settled first, and
            are nobody's turn.
        lines: the lines of waiting runs, whose turn is next first.
    """

    interrupted: UUID | None
    lines: Sequence[Line]

    def __bool__(self) -> bool:
        return self.interrupted is not None or bool(self.lines)


def turns(here: QuerySet[Execution], target_id: int) -> Turns:
    """Return whose turn it is among the runs `here`, all of one target, that wait for a worker."""
    interrupted = here.filter(status=Status.STARTING).order_by("claimed_at").values_list("pk", flat=True)
    waiting = lines(here.filter(status=Status.QUEUED))
    full = limits.full({line.delegation for line in waiting})
    waiting = [line for line in waiting if line.delegation not in full]
    order = in_turn(waiting, people_served(target_id, (line.operator for line in waiting)))
    return Turns(interrupted.first(), [line for own in order for line in own])


def take(here: QuerySet[Execution], target_id: int, line: Line) -> UUID | None:
    """Take the oldest run of a line for the caller to send; None when other workers have taken them all.

    Another worker is given the one after it: for TAKEN_SECONDS the run is this caller's, and its person has
    had the turn. A caller that dies has lost nothing: the run's turn comes again.
    """
    runs = here.filter(status=Status.QUEUED, operator=line.operator, delegation=line.delegation)
    with transaction.atomic():
        key = runs.order_by("requested_at", "pk").values_list("pk", flat=True).first()
        moment = now()
        # Conditional on being due still: of two workers one gets it.
        if key is None or not runs.filter(pk=key).update(retry_at=moment + timedelta(seconds=TAKEN_SECONDS)):
            return None
        turn: Any = {"target_id": target_id, "operator_id": line.operator, "delegation_id": line.delegation}
        if not LaunchTurn.objects.filter(**turn).update(served_at=moment):
            LaunchTurn.objects.update_or_create(**turn, defaults={"served_at": moment})
    return key


@dataclass(frozen=True)
class Position:
    """Where a waiting run stands.

    Attributes:
        ahead: how many runs of this target are sent before it.
        seconds: how long that takes at the rate that AWS allows.
        at_limit: how many runs of its delegation may be under way at once, when so many are.
    """

    ahead: int
    seconds: float
    at_limit: int | None = None

    @property
    def words(self) -> str:
        """Where the run stands, for a person."""
        if self.at_limit is not None:
            few = "the run" if self.at_limit == 1 else f"one of the {self.at_limit} runs"
            return f"waits until {few} of this delegation that AWS is at work on has ended"
        if not self.ahead:
            return "next to be sent to AWS"
        runs = "1 run is" if self.ahead == 1 else f"{self.ahead} runs are"
        minutes = round(self.seconds / 60)
        about = f"{math.ceil(self.seconds)} s" if self.seconds < 90 else f"{minutes} min"
        return f"{runs} sent to AWS before it: about {about}"


def position(execution: Execution) -> Position:
    """Return where a queued run stands, in a constant number of queries."""
    here = queued(execution.target_id)
    waiting = lines(here)
    order = in_turn(waiting, people_served(execution.target_id, (line.operator for line in waiting)))
    own_line = here.filter(operator=execution.operator_id, delegation=execution.delegation_id)
    earlier = Q(requested_at__lt=execution.requested_at) | Q(
        requested_at=execution.requested_at, pk__lt=execution.pk
    )
    ahead = _ahead(order, execution, own_line.filter(earlier).count())
    full = bool(limits.full([execution.delegation_id]))
    at_limit = execution.delegation.max_concurrent if full else None
    return Position(ahead, ahead / execution.target.start_rate, at_limit)


def _ahead(order: Sequence[Sequence[Line]], execution: Execution, in_line: int) -> int:
    """Return how many runs take their turn before the one that has `in_line` before it in its own line."""
    own = next((lines for lines in order if lines[0].operator == execution.operator_id), [])
    own_counts = [line.count for line in own]
    own_place = next((n for n, line in enumerate(own) if line.delegation == execution.delegation_id), 0)
    by_person = _rounds(own_counts, own_place, in_line)
    counts = [sum(line.count for line in lines) for lines in order]
    person_place = next((n for n, lines in enumerate(order) if lines is own), 0)
    return _rounds(counts, person_place, by_person)


def _rounds(counts: Sequence[int], place: int, before: int) -> int:
    """Return how many are served first when each of `counts` gives one in turn.

    The one meant has `before` others before it among those at `place`.
    """
    others = (min(count, before + (number < place)) for number, count in enumerate(counts) if number != place)
    return before + sum(others)
