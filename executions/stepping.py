"""Runs step by step: a person says when each step begins, stops the one that runs, and completes the run.

AWS calls it Interactive mode. It waits between the steps, and after the last one as well. Whoever starts
them chooses when, never which: a step that could be left out might be the approval of what comes after it.
https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-working-executing-manually.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction

import audit.services
import ssmdoc
import ssmdoc.graph
from accounts.launching import parsed
from accounts.models import User
from common import access
from common.errors import Conflict, NotFound
from common.queueing import enqueue_after_commit
from executions import events, jobs
from executions.models import Execution, Signal, Status, StepExecution
from executions.services import WAITING_STEP, just_answered
from executions.transitions import IN_FLIGHT_IN_AWS

NOT_BEGUN = frozenset({Status.PENDING, Status.SCHEDULED})
RUNNING = frozenset({Status.IN_PROGRESS, *WAITING_STEP})
# It lasts for as long as its inner steps, and waits for them as the run does.
LOOP = "aws:loop"

_ASKED: Mapping[str, str] = {
    Signal.Kind.START_STEP: "asked to start “{}”",
    Signal.Kind.STOP_STEP: "asked to stop “{}”",
    Signal.Kind.COMPLETE: "asked to complete the run",
}


@dataclass(frozen=True)
class Choices:
    """What a run step by step waits for, as far as AWS's last word goes.

    Attributes:
        waits: it waits to be told what to do next.
        next: the step that comes next by AWS's word, or by the document's text where that leaves no choice;
            one that was stopped comes again; "" after the last.
        begun: some step has begun, so that the run can be completed.
        running: the step that runs, which can be stopped.
        asked: what a person asked for is on its way, or AWS has not shown yet what it made of it.
    """

    waits: bool = False
    next: str = ""
    begun: bool = False
    running: StepExecution | None = None
    asked: bool = False

    @property
    def stop_question(self) -> str:
        """What is asked before the step that runs is stopped."""
        return f"Stop the step “{self.running.name}”?" if self.running is not None else ""

    @property
    def stop_fields(self) -> dict[str, str]:
        """What the form sends that stops the step that runs."""
        return {"kind": Signal.Kind.STOP_STEP, "step": self.running.name if self.running is not None else ""}

    @property
    def complete_fields(self) -> dict[str, str]:
        """What the form sends that completes the run."""
        return {"kind": Signal.Kind.COMPLETE}


def choices(execution: Execution, steps: Sequence[StepExecution]) -> Choices | None:
    """Return what may be asked of the run now; None unless it goes step by step and is under way in AWS.

    steps: all that are known of it, in order.
    """
    going = execution.status in IN_FLIGHT_IN_AWS - {Status.CANCELLING}
    if not (execution.step_by_step and going) or execution.cancel_requested_at is not None:
        return None
    asked = just_answered(execution)
    running = [step for step in steps if step.status in RUNNING and step.action != LOOP]
    if running:
        return Choices(running=running[-1], asked=asked)
    # Of a run that is behind, another step may have ended than those known here.
    asked = asked or execution.behind_since is not None
    if execution.status != Status.WAITING or not steps:
        return Choices(asked=asked)
    document = parsed(execution.version).document
    upcoming = _upcoming(document, steps) if document is not None else ""
    begun = any(step.status not in NOT_BEGUN for step in steps)
    return Choices(waits=True, next=upcoming, begun=begun, asked=asked)


def _upcoming(document: ssmdoc.Document, steps: Sequence[StepExecution]) -> str:
    """Return the step that comes next; "" when there is none, or nobody has said which."""
    loop = next((step for step in steps if step.action == LOOP and step.status in RUNNING), None)
    around = document.step(loop.name) if loop is not None else None
    body = around.steps if around is not None and around.steps else document.steps
    names = {step.name for step in body}
    since = loop.started_at if loop is not None else None
    ended = [
        (step.ended_at, step.position, step)
        for step in steps
        if step.name in names and step.ended_at is not None and (since is None or step.ended_at >= since)
    ]
    first = body[0].name if body else ""
    if not ended:
        return first
    found = _after(document, max(ended, key=lambda each: each[:2])[2])
    # The last step of a loop's turn leads to the loop, whose next turn begins with its first step.
    return first if loop is not None and found == loop.name else found


def _after(document: ssmdoc.Document, last: StepExecution) -> str:
    """Return the step that follows the one that ended last."""
    if last.status == Status.CANCELLED:
        # Somebody stopped it: it is not done.
        return last.name
    if last.status == Status.SUCCESS and last.next_step:
        return last.next_step
    ways = [edge for edge in ssmdoc.graph.build(document).edges if edge.source == last.name]
    failed = last.status in {Status.FAILED, Status.TIMED_OUT}
    on_failure = {edge.target for edge in ways if edge.kind == "failure" and failed}
    found = on_failure or {edge.target for edge in ways if edge.kind in {"next", "branch"}}
    return found.pop() if len(found) == 1 else ""


def control_step(*, actor: User, execution: Execution, kind: str, step: str = "") -> Signal:
    """Start a step of a run step by step, stop the one that runs, or complete the run.

    Arguments:
        kind: "StartStep", "StopStep" or "Complete".
        step: the name of the step to start or stop; completing names none.

    Raises NotFound, Forbidden, and Conflict when the run does not wait for this.
    """
    access.require(actor, "cancel", execution)
    if kind not in _ASKED:
        raise NotFound("There is no such request: start a step, stop one, or complete the run.")
    if kind == Signal.Kind.COMPLETE:
        step = ""
    execution.refresh_from_db()
    # Whatever a browser sends is weighed before any of it is written.
    _request(execution, kind, step)
    with transaction.atomic():
        said = f"{actor.get_full_name()} {_ASKED[kind].format(step)}"
        # First the event: its lock on the run lets two people ask only one after the other.
        events.append(execution.pk, [events.Fact("step-asked", said, {"step": step, "kind": kind})])
        execution.refresh_from_db()
        request = _request(execution, kind, step)
        request.actor = actor
        request.save()
        audit.services.record(
            actor=actor, action="run.step-asked", obj=execution, data={"step": step, "kind": kind}
        )
        enqueue_after_commit("launch", jobs.signal, request.pk)
    return request


def _request(execution: Execution, kind: str, step: str) -> Signal:
    """Return what AWS is to be sent, if the run waits for it. Raises Conflict."""
    found = choices(execution, list(execution.steps.all()))
    if found is None:
        raise Conflict(
            "This run does not go step by step, or not any more: reload the page to see how it is."
        )
    if found.asked:
        raise Conflict("Something has just been asked of this run: wait until AWS has said what follows.")
    request = Signal(execution=execution, kind=kind, step=step)
    if kind == Signal.Kind.STOP_STEP:
        if found.running is None or found.running.name != step:
            raise Conflict(f"The step “{step}” does not run: reload the page to see what does.")
        request.aws_step_id = found.running.aws_step_id
        return request
    if not found.waits:
        raise Conflict("This run does not wait to be told what is next: reload the page to see what it does.")
    if kind == Signal.Kind.START_STEP:
        if not step or step != found.next:
            raise Conflict(f"The step “{step}” does not come next: reload the page to see which does.")
        before = execution.steps.filter(name=step, started_at__isnull=False).order_by("-started_at").first()
        request.aws_step_id = before.aws_step_id if before is not None else ""
    elif not found.begun:
        raise Conflict("No step of this run has begun: start the first one, or cancel the run.")
    return request
