"""What AWS says of an automation, put into the run's rows, with an event for whatever is new.

A full look brings the steps and outputs too. A list of automations gives each one's state and current step
only; where these are new, the run stays marked (`behind_since`) until a full look has brought the rest.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q

from aws.gateway import RemoteExecution, RemoteStep, RemoteSummary
from executions import wakeups
from executions.events import Fact, append, append_to_all
from executions.models import FINAL, Execution, Status, StepExecution
from executions.transitions import IN_FLIGHT_IN_AWS, LEGAL

_NOT_BEGUN = frozenset({Status.PENDING, Status.SCHEDULED})
_WAITS = frozenset({Status.WAITING, Status.PENDING_APPROVAL})
# Of what a list says, this is news; the rest comes with it.
_NEWS = ("status", "failure", "current_step")
_STEP_FIELDS = (
    "position",
    "name",
    "action",
    "status",
    "failure",
    "inputs",
    "outputs",
    "next_step",
    "started_at",
    "ended_at",
)
# AWS may need so long to act on a signal that it has taken.
ACTS_AFTER = timedelta(seconds=5)


def known_status(word: str) -> Status:
    """Return AWS's word for a state; one that AWS has added since counts as in progress."""
    return Status(word) if word in Status.values else Status.IN_PROGRESS


def apply(execution: Execution, remote: RemoteExecution) -> bool:
    """Bring the run up to what AWS said; answer whether anything had changed.

    The update is conditional on the run being as it was read, and on nothing newer being known: where another
    look was faster, nothing is written, and the next compares anew. Of a run that has ended, its steps and
    outputs are still brought.
    """
    status, at = known_status(remote.status), remote.asked_at
    if status != execution.status and status not in LEGAL[Status(execution.status)]:
        return False
    with transaction.atomic():
        known = {row.aws_step_id: row for row in execution.steps.all()}
        fresh = [_row(execution, position, step) for position, step in enumerate(remote.steps)]
        changed = [row for row in fresh if _differs(known.get(row.aws_step_id), row)]
        told_step = _told_by_summary(execution, known.values())
        facts = [
            fact
            for row in changed
            for fact in _step_facts(known.get(row.aws_step_id), row)
            if not (fact.kind == "step-started" and row.name == told_step)
        ]
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
            "ended_at": (remote.ended_at or execution.ended_at or at) if status in FINAL else None,
        }
        same = not changed and all(getattr(execution, name) == value for name, value in values.items())
        # News that came while AWS was asked is not in the answer: its mark stays. So does that of a signal
        # which AWS has yet to act on: no list tells that a run step by step waits again, for another step.
        behind = execution.behind_since
        unheard = same and execution.step_by_step and status not in FINAL
        still_behind = behind if behind and behind > at - (ACTS_AFTER if unheard else timedelta()) else None
        as_read = Execution.objects.filter(
            _not_seen_since(at), pk=execution.pk, status=execution.status, last_event=execution.last_event
        )
        if behind is None:
            won = as_read.update(**values, observed_at=at)
        else:
            won = as_read.update(**values, observed_at=at, behind_since=still_behind)
        if not won:
            return False
        if same:
            if behind is not None and status in FINAL and still_behind is None:
                transaction.on_commit(partial(wakeups.tell_watchers, [execution.pk]))
            return False
        StepExecution.objects.bulk_create(
            changed,
            update_conflicts=True,
            unique_fields=["execution", "aws_step_id"],
            update_fields=_STEP_FIELDS,
        )
        append(execution.pk, facts or [Fact("updated", "AWS reports more about the run")])
    return True


def note(target_id: int, summaries: Sequence[RemoteSummary]) -> list[Execution]:
    """Bring a target's runs up to what one list said; return those of which it said something new.

    One transaction and two queries, and one more for each run with news. What else the account runs, runs
    that have ended, and runs of which something newer is known, are passed over.
    """
    if not summaries:
        return []
    told, at = {summary.aws_id: summary for summary in summaries}, summaries[0].asked_at
    news: list[tuple[Execution, list[Fact]]] = []
    with transaction.atomic():
        same = []
        for run in _in_flight(told, target_id):
            if run.observed_at is not None and run.observed_at > at:
                continue
            summary = told[run.aws_execution_id]
            values = _values(run, summary, at)
            if all(getattr(run, name) == values[name] for name in _NEWS):
                same.append(run.pk)
                continue
            facts = _summary_facts(run, values)
            values |= {
                "observed_at": at,
                "behind_since": run.behind_since or at,
                "last_event": run.last_event + len(facts),
            }
            as_read = Execution.objects.filter(_not_seen_since(at), pk=run.pk, status=run.status)
            if as_read.filter(last_event=run.last_event).update(**values):
                for name, value in values.items():
                    setattr(run, name, value)
                news.append((run, facts))
        if same:
            Execution.objects.filter(_not_seen_since(at), pk__in=same).update(observed_at=at)
        if news:
            append_to_all(news)
    return [run for run, _ in news]


def mark_behind(aws_ids: Collection[str], target_id: int, at: datetime) -> list[str]:
    """Mark a target's unfinished runs among `aws_ids` for a full look; return the ids that are such."""
    found = {run.pk: run.aws_execution_id for run in _in_flight(aws_ids, target_id)}
    if found:
        Execution.objects.filter(pk__in=found, behind_since=None).update(behind_since=at)
    return list(found.values())


def _in_flight(aws_ids: Collection[str], target_id: int) -> list[Execution]:
    # Target and state are not asked for: the database would rather walk all the target's runs by them than
    # look up the ids.
    found = Execution.objects.filter(ended_at=None, aws_execution_id__in=list(aws_ids)).order_by()
    return [run for run in found if run.target_id == target_id and run.status in IN_FLIGHT_IN_AWS]


def _not_seen_since(at: datetime) -> Q:
    """The condition that keeps an answer from overwriting a newer one."""
    return Q(observed_at=None) | Q(observed_at__lte=at)


def _values(run: Execution, summary: RemoteSummary, at: datetime) -> dict[str, Any]:
    status = known_status(summary.status)
    return {
        "status": status,
        "failure": summary.failure,
        "current_step": summary.current_step,
        "started_at": summary.started_at or run.started_at,
        "ended_at": (summary.ended_at or at) if status in FINAL else None,
    }


def _summary_facts(run: Execution, values: Mapping[str, Any]) -> list[Fact]:
    """The facts in a summary's values, those of the run until now being in `run`."""
    status, step = values["status"], values["current_step"]
    facts = []
    if status != run.status:
        facts.append(_status_fact(status, values["failure"]))
    if step and step != run.current_step and status not in FINAL:
        data = {"step": step, "status": str(Status.IN_PROGRESS)}
        facts.append(Fact("step-started", f"Step “{step}” started", data))
    return facts or [Fact("updated", "AWS reports more about the run")]


def _told_by_summary(execution: Execution, rows: Any) -> str:
    """The step of which a summary has told that it started, while none of its rows is kept yet."""
    step = execution.current_step
    return "" if any(row.name == step for row in rows) else step


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
        next_step=step.next_step,
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
