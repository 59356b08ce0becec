"""What pages read of runs: a constant number of queries, starting from what the person may see."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

import ssmdoc.graph
from accounts.launching import parsed
from accounts.models import Delegation, User
from aws.models import CallerIdentity
from common import access
from common.clock import now
from documents.models import Publication
from executions import stepping
from executions.models import FINAL, Execution, ExecutionEvent, StepExecution, TrackingLease
from executions.services import ANSWERS, WAITING_STEP, just_answered
from executions.transitions import IN_FLIGHT_IN_AWS

PAGE_SIZE = 25
EVENTS_SHOWN = 200


@dataclass(frozen=True)
class Page:
    """One page of a list, and the query strings of its neighbours (empty where there is none)."""

    rows: tuple[Any, ...]
    newer: str = ""
    older: str = ""


def address(kept: Mapping[str, str], **key: str) -> str:
    """Return the query string of a neighbouring page: the filters, and where it begins."""
    return "?" + urlencode({name: value for name, value in {**kept, **key}.items() if value})


def catalogue(actor: User, *, search: str = "", before: str = "", after: str = "") -> Page:
    """Return a page of the delegations that the actor may launch, by name.

    Each has `published` (AWS holds its version) and `identified` (the actor has the AWS identity that it
    needs). The neighbouring pages' keys are names: `after` goes on, `before` goes back.
    """
    found = access.visible(actor, "execute", Delegation.objects.all()).filter(
        Q(expires_at=None) | Q(expires_at__gt=now()), enabled=True, target__enabled=True
    )
    if search:
        found = found.filter(
            Q(name__icontains=search) | Q(description__icontains=search) | Q(document__name__icontains=search)
        )
    if before:
        names = _names(found.filter(name__lt=before).order_by("-name"))
        more, names = len(names) > PAGE_SIZE, names[:PAGE_SIZE][::-1]
        earlier, later = more, True
    else:
        names = _names((found.filter(name__gt=after) if after else found).order_by("name"))
        earlier, later = bool(after), len(names) > PAGE_SIZE
        names = names[:PAGE_SIZE]
    kept = {"q": search}
    return Page(
        tuple(_launchable(actor, names)),
        newer=address(kept, before=names[0]) if names and earlier else "",
        older=address(kept, after=names[-1]) if names and later else "",
    )


def _names(found: QuerySet[Delegation]) -> list[str]:
    return list(found.values_list("name", flat=True)[: PAGE_SIZE + 1])


def _launchable(actor: User, names: list[str]) -> QuerySet[Delegation]:
    """Return the delegations of these names as the catalogue shows them, by name."""
    active = Publication.objects.filter(
        version=OuterRef("version"), target=OuterRef("target"), status=Publication.Status.ACTIVE
    )
    own = CallerIdentity.objects.filter(user=actor, target=OuterRef("target"))
    # Asked of the page's rows alone: together with the search, it would be asked of all that it might find.
    return (
        Delegation.objects.filter(name__in=names)
        .select_related("document", "version", "target", "service_role")
        .defer("version__text")
        .annotate(published=Exists(active), identified=Q(service_role__isnull=False) | Exists(own))
        .order_by("name")
    )


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
    pace: stepping.Choices | None = None
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
    def may_control(self) -> bool:
        """Whether this person may say what a run step by step does next."""
        return "cancel" in self.permissions

    @property
    def failure_title(self) -> str:
        """What went wrong, in a few words: the failing step where there is one."""
        if self.run.status == "Rejected" and not self.run.aws_execution_id:
            return "The launch was not approved"
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
    followed = execution.status in IN_FLIGHT_IN_AWS or execution.behind_since is not None
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
        pace=stepping.choices(execution, steps),
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
    # Asked of each step that waits, which are few: the runs that one may answer may be all that ever were.
    run = Execution.objects.order_by().exclude(status__in=FINAL).filter(pk=OuterRef("execution"))
    answerable = Exists(access.visible(actor, "signal", run))
    found = (
        StepExecution.objects.filter(answerable, status__in=WAITING_STEP, action__in=ANSWERS, ended_at=None)
        .select_related("execution__delegation", "execution__operator", "execution__target")
        .order_by("pk")
    )
    if after.isdecimal():
        found = found.filter(pk__gt=int(after))
    rows = list(found[: PAGE_SIZE + 1])
    more = f"?after={rows[PAGE_SIZE - 1].pk}" if len(rows) > PAGE_SIZE else ""
    return rows[:PAGE_SIZE], more
