"""What pages read of runs: a constant number of queries, starting from what the person may see."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.dateparse import parse_datetime

import ssmdoc.graph
from accounts.launching import parsed
from accounts.models import Delegation, User
from aws.models import CallerIdentity
from common import access
from common.clock import now
from documents.models import Publication
from executions.models import FINAL, Execution, ExecutionEvent, StepExecution, TrackingLease
from executions.newest import PROBED, Key, Window
from executions.services import ANSWERS, WAITING_STEP, just_answered
from executions.transitions import IN_FLIGHT_IN_AWS

PAGE_SIZE = 25
EVENTS_SHOWN = 200
# Filters offer at most as many choices; who has more finds the rest by searching.
CHOICES = 200

PERIODS: Mapping[str, tuple[str, timedelta]] = {
    "hour": ("The last hour", timedelta(hours=1)),
    "day": ("The last 24 hours", timedelta(days=1)),
    "week": ("The last 7 days", timedelta(days=7)),
    "month": ("The last 30 days", timedelta(days=30)),
}
# A filter for whatever has not ended, beside the states themselves.
UNFINISHED = "unfinished"


@dataclass(frozen=True)
class Page:
    """One page of a list, and the query strings of its neighbours (empty where there is none)."""

    rows: tuple[Any, ...]
    newer: str = ""
    older: str = ""


def _address(kept: Mapping[str, str], **key: str) -> str:
    return "?" + urlencode({name: value for name, value in {**kept, **key}.items() if value})


def catalogue(actor: User, *, search: str = "", before: str = "", after: str = "") -> Page:
    """Return a page of the delegations that the actor may launch, by name.

    Each has `published` (AWS holds its version) and `identified` (the actor has the AWS identity that it
    needs). The neighbouring pages' keys are names: `after` goes on, `before` goes back.
    """
    active = Publication.objects.filter(
        version=OuterRef("version"), target=OuterRef("target"), status=Publication.Status.ACTIVE
    )
    own = CallerIdentity.objects.filter(user=actor, target=OuterRef("target"))
    found = (
        access.visible(actor, "execute", Delegation.objects.all())
        .filter(Q(expires_at=None) | Q(expires_at__gt=now()), enabled=True, target__enabled=True)
        .select_related("document", "version", "target", "service_role")
        .annotate(published=Exists(active), identified=Q(service_role__isnull=False) | Exists(own))
    )
    if search:
        found = found.filter(
            Q(name__icontains=search) | Q(description__icontains=search) | Q(document__name__icontains=search)
        )
    if before:
        rows = list(found.filter(name__lt=before).order_by("-name")[: PAGE_SIZE + 1])
        more, rows = len(rows) > PAGE_SIZE, rows[:PAGE_SIZE][::-1]
        earlier, later = more, True
    else:
        rows = list((found.filter(name__gt=after) if after else found).order_by("name")[: PAGE_SIZE + 1])
        earlier, later = bool(after), len(rows) > PAGE_SIZE
        rows = rows[:PAGE_SIZE]
    kept = {"q": search}
    return Page(
        tuple(rows),
        newer=_address(kept, before=rows[0].name) if rows and earlier else "",
        older=_address(kept, after=rows[-1].name) if rows and later else "",
    )


def runs(actor: User, filters: Mapping[str, str]) -> Page:
    """Return a page of the runs that the actor may see, newest first.

    Arguments:
        filters: from the address: q (words of delegation, document or person, or an id), status, delegation,
            operator (ids), period (of PERIODS), before and after (keys of the neighbouring pages).
    """
    upward, downward = _key(filters.get("after", "")), _key(filters.get("before", ""))
    window = Window(PAGE_SIZE + 1, upwards=upward is not None)
    keys = _keys(actor, _bounded(_filtered(filters), upward, downward), filters, window)
    more, keys = len(keys) > PAGE_SIZE, keys[:PAGE_SIZE]
    # The door is asked again for the rows themselves: the keys are only where to look.
    seen = access.visible(actor, "view", Execution.objects.filter(pk__in=[key for _, key in keys]))
    rows = list(
        seen.select_related("delegation", "operator", "target", "version")
        .defer("parameters", "outputs", "failure", "version__text")
        .order_by("-requested_at", "-pk")
    )
    newer, older = (more, True) if upward else (downward is not None, more)
    kept = {name: value for name, value in filters.items() if name not in {"before", "after"}}
    return Page(
        tuple(rows),
        newer=_address(kept, after=_as_key(rows[0])) if rows and newer else "",
        older=_address(kept, before=_as_key(rows[-1])) if rows and older else "",
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


def _keys(actor: User, found: QuerySet[Execution], filters: Mapping[str, str], window: Window) -> list[Key]:
    """Return the keys of the first of `found` that the actor may see and that the words fit."""
    chosen = None
    if filters.get("delegation", "").isdecimal():
        chosen = Delegation.objects.filter(pk=int(filters["delegation"]))
    words = filters.get("q", "").strip()
    if not words:
        # Where few are left anyhow, or they are one person's, nothing is gained by asking each delegation.
        narrow = bool(filters.get("operator")) or filters.get("status") == UNFINISHED
        return _of_delegations(actor, found, chosen, window, probed=not narrow)
    if chosen is not None:
        found = found.filter(delegation__in=chosen)
    named = Delegation.objects.filter(Q(name__icontains=words) | Q(document__name__icontains=words))
    people = list(User.objects.filter(username__icontains=words).values_list("pk", flat=True))
    meant = Q(aws_execution_id=words)
    with suppress(ValueError):
        meant |= Q(pk=UUID(words))
    return window.merged(
        [
            *_of_delegations(actor, found, named, window),
            *window.of(access.visible(actor, "view", found.filter(operator__in=people))),
            *window.of(access.visible(actor, "view", found.filter(meant))),
        ]
    )


def _of_delegations(
    actor: User,
    found: QuerySet[Execution],
    scope: QuerySet[Delegation] | None,
    window: Window,
    *,
    probed: bool = True,
) -> list[Key]:
    """Return the first keys of `found` that the actor may see, of the delegations in `scope` (None: all)."""
    everything = access.everywhere(actor, "view", Execution)
    within = found if scope is None else found.filter(delegation__in=scope)
    if (everything and scope is None) or not probed:
        return window.of(access.visible(actor, "view", within))
    offered = Delegation.objects.all() if scope is None else scope
    seen = offered if everything else access.visible(actor, "view", offered)
    keys = list(seen.order_by().values_list("pk", flat=True)[: PROBED + 1])
    if len(keys) > PROBED:
        return window.of(access.visible(actor, "view", within))
    own = [] if everything else window.of(within.filter(operator=actor.pk))
    return window.merged([*own, *window.among(found, keys)])


def _as_key(run: Execution) -> str:
    return f"{run.requested_at.isoformat()}~{run.pk}"


def _key(text: str) -> Key | None:
    moment, _, key = text.partition("~")
    try:
        at, run = parse_datetime(moment), UUID(key)
    except ValueError:
        return None
    return (at, run) if at is not None and at.tzinfo is not None else None


def filter_choices(actor: User) -> dict[str, list[tuple[str, str]]]:
    """Return what the list's filters offer: the delegations that the actor may see, and who may launch them.

    Who sees all runs is offered all delegations and everybody.
    """
    seen = access.visible(actor, "view", Delegation.objects.all())
    if access.everywhere(actor, "view", Execution):
        people = User.objects.all()
    else:
        people = User.objects.filter(Q(pk=actor.pk) | access.holders(seen, "execute"))
    return {
        "delegation": [
            (str(key), name) for key, name in seen.order_by("name").values_list("pk", "name")[:CHOICES]
        ],
        "operator": [
            (str(person.pk), person.get_full_name()) for person in people.order_by("username")[:CHOICES]
        ],
    }


@dataclass(frozen=True)
class RunView:
    """Everything that a run's page shows, for one person."""

    run: Execution
    steps: list[StepExecution]
    events: list[ExecutionEvent]
    permissions: frozenset[str]
    may_repeat: bool
    tracking_failure: str
    graph: dict[str, Any] | None
    waiting: StepExecution | None = None
    answers: tuple[str, ...] = ()
    unsent: bool = False
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def may_cancel(self) -> bool:
        """Whether a cancel button makes sense."""
        return (
            "cancel" in self.permissions
            and not self.run.is_final
            and self.run.cancel_requested_at is None
            and self.run.status != "Cancelling"
        )

    @property
    def may_answer(self) -> bool:
        """Whether this person may answer the step that waits."""
        return self.waiting is not None and "signal" in self.permissions and not self.unsent

    @property
    def failure_title(self) -> str:
        """What went wrong, in a few words: the failing step where there is one."""
        failed = [step.name for step in self.steps if step.failure]
        if failed:
            return f"Step “{failed[-1]}” failed. AWS says:"
        return {
            "Refused": "The portal did not start it",
            "Lost": "How it ended is not known",
        }.get(self.run.status, "AWS says:")

    @property
    def role_name(self) -> str:
        """The service role's name; empty for a run as the caller."""
        return self.run.service_role_arn.rpartition("/")[2]

    @property
    def cancel_question(self) -> str:
        """What is asked before a run is cancelled."""
        return f"Cancel this run of “{self.run.delegation}”?"

    @property
    def announcement(self) -> str:
        """The sentence for who cannot see the page change."""
        where = (
            f", at step {self.run.current_step}" if self.run.current_step and not self.run.is_final else ""
        )
        return f"The run is {self.run.status}{where}."


def fetch_run(actor: User, execution_id: UUID, permission: str = "view") -> Execution:
    """Return a run, through the door. Raises NotFound or Forbidden."""
    everything = Execution.objects.select_related(
        "delegation__document",
        "delegation__service_role",
        "operator",
        "target",
        "version__document",
        "again_of",
    )
    return access.fetch(actor, permission, everything, pk=execution_id)


def run_view(actor: User, execution: Execution) -> RunView:
    """Return what the page of a run (that the actor was allowed to fetch) shows."""
    steps = list(execution.steps.all())
    events = list(execution.events.order_by("-number")[:EVENTS_SHOWN])[::-1]
    waiting = _waiting(execution, steps)
    lease = TrackingLease.objects.filter(target=execution.target_id).first()
    followed = execution.status in IN_FLIGHT_IN_AWS
    return RunView(
        run=execution,
        steps=steps,
        events=events,
        permissions=access.permissions(actor, [execution])[execution.pk],
        may_repeat="execute" in access.permissions(actor, [execution.delegation])[execution.delegation_id],
        tracking_failure=lease.failure if lease is not None and followed else "",
        graph=_graph(execution, steps),
        waiting=waiting,
        answers=ANSWERS[waiting.action] if waiting is not None else (),
        unsent=waiting is not None and just_answered(execution, waiting),
        parameters={name: "\n".join(values) for name, values in execution.parameters.items()},
    )


def _waiting(execution: Execution, steps: list[StepExecution]) -> StepExecution | None:
    if execution.is_final:
        return None
    found = [step for step in steps if step.status in WAITING_STEP and step.action in ANSWERS]
    return found[-1] if found else None


def _graph(execution: Execution, steps: list[StepExecution]) -> dict[str, Any] | None:
    document = parsed(execution.version).document
    if document is None or not document.steps:
        return None
    status = {step.name: step.status for step in steps}
    picture = ssmdoc.graph.build(document).as_dict()
    for node in picture["nodes"]:
        node["status"] = status.get(node["id"], "")
    return picture


def approvals(actor: User, *, after: str = "") -> tuple[list[StepExecution], str]:
    """Return the waiting steps that the actor may answer, longest waiting first, and the next page's key."""
    answerable = access.visible(actor, "signal", Execution.objects.exclude(status__in=FINAL))
    found = (
        StepExecution.objects.filter(
            status__in=WAITING_STEP, action__in=ANSWERS, ended_at=None, execution__in=answerable
        )
        .select_related("execution__delegation", "execution__operator", "execution__target")
        .order_by("pk")
    )
    if after.isdecimal():
        found = found.filter(pk__gt=int(after))
    rows = list(found[: PAGE_SIZE + 1])
    more = f"?after={rows[PAGE_SIZE - 1].pk}" if len(rows) > PAGE_SIZE else ""
    return rows[:PAGE_SIZE], more
