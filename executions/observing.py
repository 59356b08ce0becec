"""What AWS says of an automation, put into the run's rows, with an event for whatever is new."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from aws.gateway import RemoteExecution, RemoteStep
from executions.events import Fact, append
from executions.models import FINAL, Execution, Status, StepExecution
from executions.transitions import LEGAL

_NOT_BEGUN = frozenset({Status.PENDING, Status.SCHEDULED})
_WAITS = frozenset({Status.WAITING, Status.PENDING_APPROVAL})
_STEP_FIELDS = (
    "position",
    "name",
    "action",
    "status",
    "failure",
    "inputs",
    "outputs",
    "started_at",
    "ended_at",
)


def known_status(word: str) -> Status:
    """Return AWS's word for a state; one that AWS has added since counts as in progress."""
    return Status(word) if word in Status.values else Status.IN_PROGRESS


def apply(execution: Execution, remote: RemoteExecution, at: datetime) -> bool:
    """Bring the run up to what AWS said at `at`; answer whether anything had changed.

    The update is conditional on the run being as it was read: where another worker was faster, nothing is
    written, and the next look compares anew.
    """
    status = known_status(remote.status)
    if status != execution.status and status not in LEGAL[Status(execution.status)]:
        return False
    with transaction.atomic():
        known = {row.aws_step_id: row for row in execution.steps.all()}
        fresh = [_row(execution, position, step) for position, step in enumerate(remote.steps)]
        changed = [row for row in fresh if _differs(known.get(row.aws_step_id), row)]
        facts = [fact for row in changed for fact in _step_facts(known.get(row.aws_step_id), row)]
        if status != execution.status:
            told = any(remote.failure and remote.failure in fact.message for fact in facts)
            facts.append(_status_fact(status, "" if told else remote.failure))
        values: dict[str, Any] = {
            "status": status,
            "failure": remote.failure,
            "current_step": remote.current_step,
            "outputs": remote.outputs,
            "executed_by": remote.executed_by or execution.executed_by,
            "started_at": remote.started_at or execution.started_at,
            "ended_at": (remote.ended_at or at) if status in FINAL else None,
        }
        same = all(getattr(execution, name) == value for name, value in values.items())
        if same and not changed:
            return False
        as_read = Execution.objects.filter(
            pk=execution.pk, status=execution.status, last_event=execution.last_event
        )
        if not as_read.update(**values, observed_at=at):
            return False
        StepExecution.objects.bulk_create(
            changed,
            update_conflicts=True,
            unique_fields=["execution", "aws_step_id"],
            update_fields=_STEP_FIELDS,
        )
        append(execution.pk, facts or [Fact("updated", "AWS reports more about the run")])
    return True


def _row(execution: Execution, position: int, step: RemoteStep) -> StepExecution:
    return StepExecution(
        execution=execution,
        aws_step_id=step.step_id,
        position=position,
        name=step.name,
        action=step.action,
        status=known_status(step.status),
        failure=step.failure,
        inputs=step.inputs,
        outputs=step.outputs,
        started_at=step.started_at,
        ended_at=step.ended_at,
    )


def _differs(old: StepExecution | None, new: StepExecution) -> bool:
    return old is None or any(getattr(old, name) != getattr(new, name) for name in _STEP_FIELDS)


def _step_facts(old: StepExecution | None, new: StepExecution) -> list[Fact]:
    before = Status(old.status) if old is not None else Status.PENDING
    after = Status(new.status)
    if before == after or after in _NOT_BEGUN:
        return []
    data: Mapping[str, Any] = {"step": new.name, "status": str(after)}
    if after in FINAL or after in {Status.APPROVED, Status.REJECTED}:
        words = f"Step “{new.name}”: {after}" + (f". {new.failure}" if new.failure else "")
        return [Fact("step-ended", words, data)]
    if after in _WAITS:
        return [Fact("step-waiting", f"Step “{new.name}” waits for an answer", data)]
    if before in _NOT_BEGUN:
        return [Fact("step-started", f"Step “{new.name}” ({new.action}) started", data)]
    return [Fact("step-changed", f"Step “{new.name}”: {after}", data)]


def _status_fact(status: Status, failure: str) -> Fact:
    words = f"The run is {status}" + (f". {failure}" if failure else "")
    return Fact("status", words, {"status": str(status)})
