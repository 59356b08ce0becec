"""The interpreter: moves a run from one step to the next until it has to wait or has ended.

A loop over explicit state. All state lies in the Execution; a turn of an action is the only thing that
happens outside of the store's lock, so whatever is saved can be resumed.
"""

import datetime as dt
import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ssmdoc
from sandbox.automation import actions
from sandbox.automation.actions.registry import Action
from sandbox.automation.clock import Clock
from sandbox.automation.context import StepContext
from sandbox.automation.flow import document_of, following, selected
from sandbox.automation.outcomes import ACTING, Done, InvalidInputs, Outcome, StepFailed, Wait
from sandbox.automation.records import Execution, Failure, StepExecution
from sandbox.automation.store import Store
from sandbox.automation.values import NO_OUTPUT, look_up, resolve, resolve_inputs
from ssmdoc import references

GUIDE = "Please refer to Automation Service Troubleshooting Guide for more diagnosis details."
# For onCancel: https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-actions.html
CANCEL_SECONDS = 120
LONGEST_BACKOFF_SECONDS = 30
MOST_STEP_EXECUTIONS = 5_000


@dataclass(frozen=True)
class _Rest:
    until: dt.datetime | None


@dataclass(frozen=True)
class _Turn:
    record: StepExecution
    action: Action | None
    context: StepContext


class Engine:
    """Runs documents. Everything outside of it is handed in: the store, the clock and the way to AWS."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        client: Callable[[Execution, str], Any],
        on_end: Callable[[Execution], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._client = client
        self._on_end = on_end
        self._halted = threading.Event()

    def halt(self) -> None:
        """Begin no further turn, and let those under way leave no trace: the process is about to end."""
        self._halted.set()

    def advance(self, execution: Execution) -> dt.datetime | None:
        """Go on with the run; return when to call again, or None when only a signal, or nothing, moves it."""
        while not execution.finished:
            if self._halted.is_set():
                return None
            with self._store.changing():
                work = self._prepare(execution)
            if isinstance(work, _Rest):
                return work.until
            if isinstance(work, _Turn):
                outcome = _take(work)
                if self._halted.is_set():
                    return None
                with self._store.changing():
                    self._settle(execution, work.record, outcome, heard=len(work.context.signals))
        self._on_end(execution)
        return None

    def recover(self, execution: Execution) -> None:
        """Make a run that was loaded from a file fit to go on: a call that was under way then has failed."""
        record = execution.current_step
        if execution.finished or record is None or record.calling is None:
            return
        with self._store.changing():
            interrupted = StepFailed(
                f"The sandbox stopped while this step was calling {record.calling}. "
                "Whether the call took effect is not known: check before running the automation again",
                type="Internal",
            )
            self._fail(execution, record, interrupted)

    def give_up(self, execution: Execution) -> None:
        """End a run that the engine itself could not go on with."""
        with self._store.changing():
            message = f"Internal Server Error. {GUIDE}"
            if (record := execution.current_step) is not None and not record.finished:
                self._close(record, "Failed", Failure(message, "Invocation", "Internal"))
            execution.failure_message = message
            self._finish(execution, "Failed")
        self._on_end(execution)

    # --- before a turn ---

    def _prepare(self, execution: Execution) -> _Turn | _Rest | None:
        now = self._clock.now()
        if execution.status == "Pending":
            execution.status = "InProgress"
        if self._stopped(execution, now):
            return None
        if execution.current is None:
            self._begin(execution, now)
            return None
        record = execution.steps[execution.current]
        if record.deadline is not None and now >= record.deadline:
            self._settle(execution, record, _timeout(record), heard=len(record.signals))
            return None
        if record.wake_at is None or record.wake_at > now:
            moments = (record.wake_at, record.deadline, execution.deadline, execution.cancel_deadline)
            return _Rest(min((moment for moment in moments if moment is not None), default=None))
        return self._turn(execution, record, now)

    def _stopped(self, execution: Execution, now: dt.datetime) -> bool:
        """Whether the run was just taken off its way: cancelled, completed early, or out of time."""
        record = execution.current_step
        if execution.deadline is not None and now >= execution.deadline:
            message = (
                "The automation has run for 12 hours in the caller's own context, which is the longest that "
                "is allowed without an assume role."
            )
            if record is not None:
                self._close(record, "TimedOut", Failure(message, "Invocation", "Internal", timed_out=True))
            execution.failure_message = message
            self._finish(execution, "TimedOut")
        elif execution.cancel_deadline is not None:
            if now < execution.cancel_deadline:
                return False
            if record is not None:
                self._close(record, "Cancelled")
            self._finish(execution, "Cancelled")
        elif execution.stop_requested == "Cancel":
            self._cancel(execution, record, now)
        elif execution.stop_requested == "Complete" and (record is None or record.status == "Waiting"):
            if record is not None:
                self._close(record, "Cancelled")
            self._finish(execution, execution.verdict)
        else:
            return False
        return True

    def _cancel(self, execution: Execution, record: StepExecution | None, now: dt.datetime) -> None:
        execution.verdict = "Cancelled"
        on_cancel = None
        if record is not None:
            step = document_of(execution).step(record.name)
            on_cancel = step.on_cancel if step else None
            self._close(record, "Cancelled")
        if on_cancel and on_cancel.startswith("step:"):
            execution.current, execution.upcoming = None, on_cancel.removeprefix("step:").strip()
            execution.cancel_deadline = now + dt.timedelta(seconds=CANCEL_SECONDS)
        else:
            self._finish(execution, "Cancelled")

    def _begin(self, execution: Execution, now: dt.datetime) -> None:
        if execution.upcoming is None:
            self._finish(execution, execution.verdict)
            return
        document = document_of(execution)
        step = document.step(execution.upcoming)
        if step is None or len(execution.steps) >= MOST_STEP_EXECUTIONS:
            execution.failure_message = (
                f"The automation goes on to step {execution.upcoming}, which the document does not have."
                if step is None
                else f"The automation has begun {MOST_STEP_EXECUTIONS} steps, the limit: it may be looping."
            )
            self._finish(execution, "Failed")
            return
        record = execution.step(step.name)
        if record is None or record.status != "Pending":
            record = StepExecution(name=step.name, action=step.action)
            execution.steps.append(record)
        execution.current, execution.upcoming = execution.steps.index(record), None
        record.status, record.started_at, record.wake_at = "InProgress", now, now
        try:
            record.inputs = resolve_inputs(execution, document, step.inputs, now)
            record.timeout_seconds = self._timeout_seconds(execution, document, step, now)
        except StepFailed as failure:
            self._fail(execution, record, failure)
            return
        self._set_deadline(record, now)

    def _timeout_seconds(
        self, execution: Execution, document: ssmdoc.Document, step: ssmdoc.Step, now: dt.datetime
    ) -> int | None:
        if step.timeout_seconds is None:
            action = actions.find(step.action)
            return action.timeout_seconds if action else None
        given = resolve(execution, document, step.timeout_seconds, now)
        try:
            seconds = int(given)
            now + dt.timedelta(seconds=seconds)
        except (TypeError, ValueError, OverflowError):
            raise InvalidInputs(f"timeoutSeconds must be a whole number of seconds, not {given!r}.") from None
        if seconds < 1:
            raise InvalidInputs(f"timeoutSeconds must be 1 at least, not {seconds}.")
        return seconds

    def _turn(self, execution: Execution, record: StepExecution, now: dt.datetime) -> _Turn:
        document = document_of(execution)
        step = document.step(record.name)
        assert step is not None, "a record exists only for a step of the document"

        def mark_call(name: str) -> None:
            with self._store.changing():
                record.calling = name

        context = StepContext(
            step=step,
            inputs=record.inputs,
            memo=dict(record.memo),
            now=now,
            started_at=record.started_at or now,
            signals=tuple(record.signals),
            execution_id=execution.id,
            execution_arn=execution.arn,
            account_id=execution.account_id,
            region=execution.region,
            following_step=following(document, step),
            client=functools.partial(self._client, execution),
            mark_call=mark_call,
        )
        return _Turn(record, actions.find(step.action), context)

    # --- after a turn ---

    def _settle(
        self,
        execution: Execution,
        record: StepExecution,
        outcome: "Outcome | StepFailed | _Ended",
        *,
        heard: int,
    ) -> None:
        record.calling = None
        if isinstance(outcome, _Ended):
            record.memo = outcome.memo
            outcome = outcome.outcome
        if isinstance(outcome, StepFailed):
            self._retry_or_fail(execution, record, outcome)
        elif isinstance(outcome, Wait):
            # A signal that came while the action ran has not been seen by it.
            unheard = len(record.signals) > heard
            record.wake_at = self._clock.now() if unheard else outcome.until
            record.status, record.doing = outcome.status, outcome.doing
            record.outputs.update(outcome.outputs)
            if execution.status in {"InProgress", "Waiting"}:
                execution.status = outcome.status
        else:
            self._succeed(execution, record, outcome)

    def _succeed(self, execution: Execution, record: StepExecution, done: Done) -> None:
        document = document_of(execution)
        step = document.step(record.name)
        assert step is not None, "a record exists only for a step of the document"
        try:
            chosen = selected(step, done)
        except StepFailed as failure:
            self._retry_or_fail(execution, record, failure)
            return
        record.outputs = {**done.outputs, **chosen}
        record.response, record.response_code = done.response, done.response_code
        record.next_step = done.next_step or following(document, step)
        self._close(record, "Success")
        self._go_on(execution, record.next_step)

    def _retry_or_fail(self, execution: Execution, record: StepExecution, failure: StepFailed) -> None:
        step = document_of(execution).step(record.name)
        if step is None or record.attempt >= step.max_attempts or failure.stage == "InputValidation":
            self._fail(execution, record, failure)
            return
        seconds = min(2 ** (record.attempt - 1), LONGEST_BACKOFF_SECONDS)
        record.attempt += 1
        record.memo = {}
        record.status = "InProgress"
        record.wake_at = self._clock.now() + dt.timedelta(seconds=seconds)
        self._set_deadline(record, record.wake_at)

    def _fail(self, execution: Execution, record: StepExecution, failure: StepFailed) -> None:
        """The step has failed for good: note it and follow onFailure."""
        timed_out = isinstance(failure, _TimedOut)
        verb = "Step timed out while step is" if timed_out else "Step fails when it is"
        reason = f"{failure.reason.rstrip('. ')}. " if failure.reason else ""
        message = f"{verb} {failure.doing}. {reason}{GUIDE}"
        status = "TimedOut" if timed_out else "Failed"
        record.response, record.response_code = failure.response, failure.response_code
        record.outputs.update(failure.outputs)
        self._close(
            record,
            status,
            Failure(message, failure.stage, failure.type, failure.details, timed_out=timed_out),
        )
        document = document_of(execution)
        step = document.step(record.name)
        assert step is not None, "a record exists only for a step of the document"
        policy = step.on_failure or "Abort"
        aborts = policy.lower() == "abort"
        if (step.is_critical or aborts) and execution.failure_message is None:
            execution.failure_message = message
            if execution.verdict == "Success":
                execution.verdict = status
        if aborts or step.is_end:
            self._go_on(execution, None)
        elif policy.startswith("step:"):
            self._go_on(execution, policy.removeprefix("step:").strip())
        else:
            self._go_on(execution, following(document, step))

    def _go_on(self, execution: Execution, name: str | None) -> None:
        execution.current, execution.upcoming = None, name
        if execution.status == "Waiting":
            execution.status = "InProgress"
        if name is None:
            self._finish(
                execution, "Cancelled" if execution.stop_requested == "Cancel" else execution.verdict
            )

    def _close(self, record: StepExecution, status: str, failure: Failure | None = None) -> None:
        record.status, record.failure = status, failure
        record.ended_at = self._clock.now()
        record.deadline = record.wake_at = record.calling = None
        record.memo = {}

    def _finish(self, execution: Execution, status: str) -> None:
        now = self._clock.now()
        execution.status, execution.ended_at = status, now
        execution.current = execution.upcoming = None
        document = document_of(execution)
        for name in document.outputs:
            try:
                execution.outputs[name] = look_up(
                    execution, document, references.parse(name.strip("{} ")), now
                )
            except KeyError:
                execution.outputs[name] = NO_OUTPUT

    @staticmethod
    def _set_deadline(record: StepExecution, start: dt.datetime) -> None:
        if record.timeout_seconds is not None:
            record.deadline = start + dt.timedelta(seconds=record.timeout_seconds)


class _TimedOut(StepFailed):
    """The step was not done before its timeout."""


@dataclass(frozen=True)
class _Ended:
    outcome: Outcome | StepFailed
    memo: dict[str, Any]


def _take(turn: _Turn) -> _Ended:
    """Let the action have its turn."""
    if turn.action is None:
        outcome: Outcome | StepFailed = StepFailed(
            f"The action {turn.context.step.action} of step {turn.context.step.name} is not emulated "
            "by this sandbox",
            stage="InputValidation",
            type="Internal",
        )
    else:
        try:
            outcome = turn.action.run(turn.context)
        except StepFailed as failure:
            outcome = failure
    return _Ended(outcome, turn.context.memo)


def _timeout(record: StepExecution) -> StepFailed:
    return _TimedOut("", doing=record.doing or ACTING, type="Action")
