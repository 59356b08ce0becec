"""The interpreter: moves a run from one step to the next until it has to wait or has ended.

A loop over explicit state. All state lies in the Execution; a turn of an action is the only thing that
happens outside of the store's lock, so whatever is saved can be resumed.
"""

import datetime as dt
import functools
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import botocore.exceptions

from sandbox.automation import actions
from sandbox.automation.actions.registry import Action
from sandbox.automation.clock import Clock
from sandbox.automation.context import StepContext
from sandbox.automation.flow import plan_of
from sandbox.automation.moves import CHILD_ACTION, Moves
from sandbox.automation.outcomes import GUIDE, Outcome, Repeat, StepFailed, Wait
from sandbox.automation.records import Execution, Failure, StepExecution
from sandbox.automation.store import Store
from sandbox.automation.values import resolve
from sandbox.automation.work import Work

log = logging.getLogger(__name__)

SCRIPT_ACTION = "aws:executeScript"


@dataclass(frozen=True)
class _Rest:
    until: dt.datetime | None


@dataclass(frozen=True)
class _Turn:
    record: StepExecution
    action: Action | None
    context: StepContext


def _nothing(*_: Any) -> None:
    """Nobody wants to know."""


class Engine:
    """Runs documents. Everything outside of it is handed in: the store, the clock and the way to AWS.

    `on_end` is called with each run that has ended, `wake` with each that somebody should look at because
    another's move has changed it. `throttling_limit` is that of Moves. `keys` gives the credentials of a
    run's service role, None when it has none. Without `work`, actions do all their work within their turns.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        client: Callable[[Execution, str], Any],
        on_end: Callable[[Execution], None] = _nothing,
        wake: Callable[[Execution], None] = _nothing,
        throttling_limit: Callable[[Execution], int] = lambda _: 0,
        keys: Callable[[Execution], Mapping[str, str] | None] = lambda _: None,
        work: Work | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._client = client
        self._on_end = on_end
        self._wake = wake
        self._keys = keys
        self._work = work
        self._moves = Moves(store, clock, throttling_limit, work.drop if work else _nothing)
        self._halted = threading.Event()

    def halt(self) -> None:
        """Begin no further turn, and let those under way leave no trace: the process is about to end."""
        self._halted.set()

    def advance(
        self, execution: Execution, *, before_call: Callable[[], None] = _nothing
    ) -> dt.datetime | None:
        """Go on with the run; return when to call again, or None when only a signal, or nothing, moves it.

        `before_call` is called before each turn that may take its time, since it calls something.
        """
        while not execution.finished:
            if self._halted.is_set():
                return None
            with self._store.changing(execution):
                work = self._prepare(execution)
            self._wake_stopped()
            self._stop_abandoned(execution, before_call)
            if isinstance(work, _Rest):
                return work.until
            if isinstance(work, _Turn):
                if work.action is not None and not work.action.quick:
                    before_call()
                outcome = _take(work)
                if self._halted.is_set():
                    return None
                with self._store.changing(execution):
                    self._settle(execution, work, outcome)
                self._wake_stopped()
        self._on_end(execution)
        return None

    def recover(self, execution: Execution) -> None:
        """Make a run that was loaded from a file fit to go on: a call that was under way then has failed."""
        record = execution.current_step
        if execution.finished or record is None:
            return
        with self._store.changing(execution):
            if record.wake_at is None and record.action in {CHILD_ACTION, SCRIPT_ACTION}:
                # What it waits for has ended, or may have, without anybody left to say so.
                record.wake_at = self._clock.now()
            if record.calling is not None:
                interrupted = StepFailed(
                    f"The sandbox stopped while this step was calling {record.calling}. "
                    "Whether the call took effect is not known: check before running the automation again",
                    type="Internal",
                )
                self._moves.fail(execution, record, interrupted)
        self._wake_stopped()

    def give_up(self, execution: Execution) -> None:
        """End a run that the engine itself could not go on with."""
        with self._store.changing(execution):
            message = f"Internal Server Error. {GUIDE}"
            if (record := execution.current_step) is not None and not record.finished:
                self._moves.close(record, "Failed", Failure(message, "Invocation", "Internal"))
            execution.failure_message = message
            self._moves.finish(execution, "Failed")
        self._wake_stopped()
        self._on_end(execution)

    def _wake_stopped(self) -> None:
        # Not while the store is held: whoever is woken may hold what is asked for the store.
        for execution in self._moves.take_stopped():
            self._wake(execution)

    def _stop_abandoned(self, execution: Execution, before_call: Callable[[], None]) -> None:
        """Let actions end what their steps have begun elsewhere and will not see the end of."""
        for record in self._moves.take_abandoned(execution):
            turn = self._turn(execution, record, self._clock.now())
            if turn.action is not None and turn.action.stop is not None:
                before_call()
                try:
                    turn.action.stop(turn.context)
                except (StepFailed, botocore.exceptions.ClientError) as refusal:
                    # The step has ended whatever becomes of this.
                    log.info("Step %s of %s could not be stopped: %s", record.name, execution.id, refusal)

    # --- before a turn ---

    def _prepare(self, execution: Execution) -> _Turn | _Rest | None:
        now = self._clock.now()
        if execution.status == "Pending":
            self._moves.open(execution, now)
            return None
        if self._stopped(execution, now):
            return None
        record = execution.current_step
        if record is None:
            return self._prepare_step(execution, now)
        for each in (record, execution.loop):
            if each is not None and each.deadline is not None and now >= each.deadline:
                self._moves.time_out(execution, each)
                return None
        if record.wake_at is None or record.wake_at > now:
            return _Rest(_next_moment(execution, record))
        return self._turn(execution, record, now)

    def _prepare_step(self, execution: Execution, now: dt.datetime) -> _Rest | None:
        """Between two steps: in Interactive mode a person says when the next begins, except to clean up."""
        if execution.mode == "Interactive" and not (execution.may_begin or execution.cancel_deadline):
            execution.status = "Waiting"
            return _Rest(execution.deadline)
        execution.may_begin = False
        self._moves.begin(execution, now)
        return None

    def _stopped(self, execution: Execution, now: dt.datetime) -> bool:
        """Whether the run was just taken off its way: cancelled, completed early, or out of time."""
        record = execution.current_step
        if execution.deadline is not None and now >= execution.deadline:
            message = (
                "The automation has run for 12 hours in the caller's own context, which is the longest that "
                "is allowed without an assume role."
            )
            execution.failure_message = message
            failure = Failure(message, "Invocation", "Internal", timed_out=True)
            self._moves.finish(execution, "TimedOut", failure)
        elif execution.cancel_deadline is not None:
            if now < execution.cancel_deadline:
                return False
            self._moves.finish(execution, "Cancelled")
        elif execution.stop_requested == "Cancel":
            self._moves.cancel(execution, now)
        elif execution.stop_requested == "Complete" and (record is None or record.status == "Waiting"):
            self._moves.finish(execution, execution.verdict)
        elif record is not None and record.id == execution.step_to_stop:
            self._moves.stop_step(execution, record)
        else:
            return False
        return True

    def _turn(self, execution: Execution, record: StepExecution, now: dt.datetime) -> _Turn:
        plan = plan_of(execution)
        step = plan.step(record.name)
        assert step is not None, "a record exists only for a step of the document"

        def mark_call(name: str) -> None:
            with self._store.changing(execution):
                record.calling = name

        def resolve_now(value: Any) -> Any:
            return resolve(execution, plan.document, value, now)

        def expect_child(token: str) -> None:
            self._store.expect_child(token, execution.id, (execution.account_id, execution.region))

        context = StepContext(
            step=step,
            inputs=record.inputs,
            memo=dict(record.memo),
            now=now,
            started_at=record.started_at or now,
            signals=tuple(record.signals),
            step_execution_id=record.id,
            attempt=record.attempt,
            execution_id=execution.id,
            execution_arn=execution.arn,
            account_id=execution.account_id,
            region=execution.region,
            following_step=plan.following(step),
            client=functools.partial(self._client, execution),
            mark_call=mark_call,
            document=plan.document,
            level=self._store.level(execution),
            resolve=resolve_now,
            expect_child=expect_child,
            deadline=record.deadline,
            attachments=execution.attachments or {},
            keys=functools.partial(self._keys, execution),
            leave_work=functools.partial(self._work.begin, execution, record) if self._work else None,
        )
        return _Turn(record, actions.find(step.action), context)

    # --- after a turn ---

    def _settle(self, execution: Execution, turn: _Turn, outcome: Outcome | StepFailed) -> None:
        record = turn.record
        record.calling = None
        record.memo = turn.context.memo
        if isinstance(outcome, StepFailed):
            self._moves.retry_or_fail(execution, record, outcome)
        elif isinstance(outcome, Wait):
            # A signal that came while the action ran has not been seen by it.
            unheard = len(record.signals) > len(turn.context.signals)
            record.wake_at = self._clock.now() if unheard else outcome.until
            record.status, record.doing = outcome.status, outcome.doing
            record.throttled_at = None
            record.outputs.update(outcome.outputs)
            if execution.status in {"InProgress", "Waiting"}:
                execution.status = outcome.status
        elif isinstance(outcome, Repeat):
            self._moves.repeat(execution, record, outcome)
        else:
            self._moves.succeed(execution, record, outcome)


def _next_moment(execution: Execution, record: StepExecution) -> dt.datetime | None:
    """When to look at a run again in which nobody does anything meanwhile."""
    loop = execution.loop
    moments = (
        record.wake_at,
        record.deadline,
        loop.deadline if loop else None,
        execution.deadline,
        execution.cancel_deadline,
    )
    return min((moment for moment in moments if moment is not None), default=None)


def _take(turn: _Turn) -> Outcome | StepFailed:
    """Let the action have its turn."""
    if turn.action is None:
        return StepFailed(
            f"The action {turn.context.step.action} of step {turn.context.step.name} is not emulated "
            "by this sandbox",
            stage="InputValidation",
            type="Internal",
        )
    try:
        return turn.action.run(turn.context)
    except StepFailed as failure:
        return failure
