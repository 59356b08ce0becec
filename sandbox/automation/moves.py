"""The moves that a run can make from one state to the next. Every one is made while the store is held."""

import contextlib
import copy
import datetime as dt
from collections import deque
from collections.abc import Callable

from sandbox.automation import actions
from sandbox.automation.clock import Clock
from sandbox.automation.flow import Plan, defines, document_of, plan_of, selected
from sandbox.automation.outcomes import ACTING, GUIDE, Done, InvalidInputs, Repeat, StepFailed, TimedOut
from sandbox.automation.records import Execution, Failure, ParentStep, StepExecution
from sandbox.automation.store import Store
from sandbox.automation.values import NO_OUTPUT, as_text, look_up, resolve, resolve_inputs
from ssmdoc import MISSING, Step, references

# For onCancel: https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-actions.html
CANCEL_SECONDS = 120
LONGEST_BACKOFF_SECONDS = 30
MOST_STEP_EXECUTIONS = 5_000
CHILD_ACTION = "aws:executeAutomation"
# AWS tries every action's throttled call again but that of a script.
# https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-throttling-retry.html
NEVER_THROTTLED = "aws:executeScript"


class Moves:
    """What happens to a run when its steps begin and end, and when it is stopped.

    `throttling_limit` tells for how many seconds a run's throttled calls are tried again; `drop` is called
    with each step that waits no longer for what it has under way.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        throttling_limit: Callable[[Execution], int] = lambda _: 0,
        drop: Callable[[StepExecution], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._throttling_limit = throttling_limit
        self._drop = drop
        self._stopped: deque[Execution] = deque()
        self._abandoned: dict[str, list[StepExecution]] = {}

    def take_stopped(self) -> list[Execution]:
        """The children that moves have stopped since the last call: somebody has to wake them."""
        taken = []
        while self._stopped:
            # Another thread may have taken the last one meanwhile.
            with contextlib.suppress(IndexError):
                taken.append(self._stopped.popleft())
        return taken

    def take_abandoned(self, execution: Execution) -> list[StepExecution]:
        """The run's steps, as they were, that have ended since the last call before their action had."""
        return self._abandoned.pop(execution.id, [])

    # --- beginning ---

    def open(self, execution: Execution, now: dt.datetime) -> None:
        """The run leaves the queue: its variables get the values that their defaults stand for."""
        execution.status = "InProgress"
        document = document_of(execution)
        for name, variable in document.variables.items():
            if variable.default is not MISSING and references.find(variable.default):
                try:
                    execution.variables[name] = resolve(execution, document, variable.default, now)
                except InvalidInputs as problem:
                    execution.failure_message = f"The variable {name} has no value. {problem.reason}"
                    self.finish(execution, "Failed")
                    return

    def begin(self, execution: Execution, now: dt.datetime) -> None:
        """Begin the upcoming step, or end the run when there is none."""
        name = execution.upcoming
        if name is None:
            self.finish(execution, execution.verdict)
            return
        plan = plan_of(execution)
        step, loop = plan.step(name), plan.loop_of(name)
        if execution.loop is not None and loop != execution.loop.name:
            self._leave_loop(execution, "Success")
        if step is None or (loop and execution.loop is None) or len(execution.steps) >= MOST_STEP_EXECUTIONS:
            execution.failure_message = _obstacle(name, step, loop)
            self.finish(execution, "Failed")
            return
        self._begin(execution, plan, step, now)

    def _begin(self, execution: Execution, plan: Plan, step: Step, now: dt.datetime) -> None:
        record = None if execution.loop else execution.step(step.name)
        fresh = record is None or record.status != "Pending"
        if record is None or fresh:
            record = StepExecution(name=step.name, action=step.action, parent=_turn_of(execution.loop))
        record.status, record.started_at, record.wake_at = "InProgress", now, now
        failure = None
        try:
            action = actions.find(step.action)
            late = action.late if action else frozenset()
            record.inputs = resolve_inputs(execution, plan.document, step, now, late=late)
            record.timeout_seconds = self._timeout_seconds(execution, plan, step, now)
        except StepFailed as problem:
            failure = problem
        # Only now: until here the step's name stands for what it gave the last time.
        if fresh:
            execution.add(record)
        execution.current_step, execution.upcoming = record, None
        if failure:
            self.fail(execution, record, failure)
        else:
            _set_deadline(record, now)

    def _timeout_seconds(self, execution: Execution, plan: Plan, step: Step, now: dt.datetime) -> int | None:
        action = actions.find(step.action)
        if step.timeout_seconds is None:
            return action.timeout_seconds if action else None
        given = resolve(execution, plan.document, step.timeout_seconds, now)
        try:
            seconds = int(given)
            now + dt.timedelta(seconds=seconds)
        except (TypeError, ValueError, OverflowError):
            raise InvalidInputs(f"timeoutSeconds must be a whole number of seconds, not {given!r}.") from None
        if seconds < 1:
            raise InvalidInputs(f"timeoutSeconds must be 1 at least, not {seconds}.")
        longest = action.longest_seconds if action else None
        if longest is not None and seconds > longest:
            raise InvalidInputs(f"timeoutSeconds of {step.action} must be {longest} at most, not {seconds}.")
        return seconds

    # --- ending a step ---

    def succeed(self, execution: Execution, record: StepExecution, done: Done) -> None:
        """The action has done its part: select the outputs, and go on."""
        plan = plan_of(execution)
        step = _step_of(plan, record)
        try:
            chosen = selected(step, done)
        except StepFailed as failure:
            self.retry_or_fail(execution, record, failure)
            return
        record.outputs = {**done.outputs, **chosen}
        record.response, record.response_code = done.response, done.response_code
        record.next_step = done.next_step or plan.following(step)
        execution.variables.update(done.variables)
        if record is execution.loop:
            execution.loop = None
        self.close(record, "Success")
        self.go_on(execution, record.next_step)

    def repeat(self, execution: Execution, record: StepExecution, turn: Repeat) -> None:
        """Let the inner steps of a loop run, in a turn of their own."""
        first = _step_of(plan_of(execution), record).steps[0]
        record.outputs = dict(turn.outputs)
        record.wake_at, record.status, record.doing = None, "InProgress", "running the steps of the loop"
        execution.enter(record)
        self.go_on(execution, first.name)

    def retry_or_fail(self, execution: Execution, record: StepExecution, failure: StepFailed) -> None:
        """The attempt has failed: try again when AWS only was too busy, or the step has attempts left."""
        now = self._clock.now()
        self._drop(record)
        if self._was_throttled(execution, record, failure, now):
            record.wake_at = now + dt.timedelta(seconds=_backoff(record.memo))
            _set_deadline(record, record.wake_at)
            return
        step = plan_of(execution).step(record.name)
        if step is None or record.attempt >= step.max_attempts or failure.stage == "InputValidation":
            self.fail(execution, record, failure)
            return
        if record is execution.loop:
            execution.loop = None
        execution.current_step = record
        seconds = min(2 ** (record.attempt - 1), LONGEST_BACKOFF_SECONDS)
        record.attempt += 1
        record.memo, record.throttled_at = {}, None
        record.status = "InProgress"
        record.wake_at = now + dt.timedelta(seconds=seconds)
        _set_deadline(record, record.wake_at)

    def _was_throttled(
        self, execution: Execution, record: StepExecution, failure: StepFailed, now: dt.datetime
    ) -> bool:
        if failure.type != "Throttling" or record.action == NEVER_THROTTLED:
            return False
        record.throttled_at = record.throttled_at or now
        return (now - record.throttled_at).total_seconds() < self._throttling_limit(execution)

    def fail(self, execution: Execution, record: StepExecution, failure: StepFailed) -> None:
        """The step has failed for good: note it, and go where onFailure leads."""
        plan = plan_of(execution)
        step = _step_of(plan, record)
        timed_out = isinstance(failure, TimedOut)
        status = "TimedOut" if timed_out else "Failed"
        message = _message(failure)
        record.response, record.response_code = failure.response, failure.response_code
        record.outputs.update(failure.outputs)
        told = Failure(message, failure.stage, failure.type, failure.details, timed_out=timed_out)
        if record is execution.loop:
            execution.loop = None
        self.close(record, status, told)
        if timed_out and record.action == CHILD_ACTION:
            self._stop_children(execution)
        if execution.loop is not None and not defines(plan.document, step, "onFailure"):
            self._fail_loop(execution, execution.loop, failure)
            return
        policy = step.on_failure or "Abort"
        aborts = policy.lower() == "abort"
        if (step.is_critical or aborts) and execution.failure_message is None:
            execution.failure_message = message
            if execution.verdict == "Success":
                execution.verdict = status
        target = policy.removeprefix("step:").strip() if policy.startswith("step:") else None
        if execution.loop is not None and (
            aborts or (target and plan.loop_of(target) != execution.loop.name)
        ):
            self._leave_loop(execution, status, told)
            if target:
                self.go_on(execution, target)
                return
        if aborts:
            self._end(execution)
        elif step.is_end:
            self.go_on(execution, None)
        else:
            self.go_on(execution, target or plan.following(step))

    def _fail_loop(self, execution: Execution, loop: StepExecution, failure: StepFailed) -> None:
        """A step whose failure the document says nothing about makes its loop fail, which may say more."""
        same = copy.copy(failure)
        same.outputs, same.response, same.response_code = {}, None, None
        self.retry_or_fail(execution, loop, same)

    def _leave_loop(self, execution: Execution, status: str, failure: Failure | None = None) -> None:
        loop, execution.loop = execution.loop, None
        assert loop is not None, "only a loop that runs can be left"
        self.close(loop, status, failure)

    def go_on(self, execution: Execution, name: str | None) -> None:
        """Go on with the step called `name`; without one the turn of the loop, or the run, is over."""
        execution.current_step, execution.upcoming = None, name
        if execution.status == "Waiting":
            execution.status = "InProgress"
        if name is not None:
            return
        if execution.loop is not None and execution.cancel_deadline is None:
            execution.current_step = execution.loop
            execution.loop.wake_at = self._clock.now()
        elif execution.mode != "Interactive" or execution.stop_requested:
            self._end(execution)

    def _end(self, execution: Execution) -> None:
        self.finish(execution, "Cancelled" if execution.stop_requested == "Cancel" else execution.verdict)

    def close(self, record: StepExecution, status: str, failure: Failure | None = None) -> None:
        """The step has ended."""
        self._drop(record)
        record.status, record.failure = status, failure
        record.ended_at = self._clock.now()
        record.deadline = record.wake_at = record.calling = record.throttled_at = None
        record.memo = {}

    def _cut(
        self, execution: Execution, record: StepExecution, status: str, failure: Failure | None = None
    ) -> None:
        """The step has ended before its action had."""
        self._abandon(execution, record)
        self.close(record, status, failure)

    def _abandon(self, execution: Execution, record: StepExecution) -> None:
        action = actions.find(record.action)
        if action is not None and action.stop is not None:
            # A copy: what the action has noted goes when the step ends or is tried again.
            self._abandoned.setdefault(execution.id, []).append(copy.copy(record))

    # --- ending the run ---

    def cancel(self, execution: Execution, now: dt.datetime) -> None:
        """Somebody cancels the run: its step ends, and onCancel says whether anything is cleaned up."""
        execution.verdict = "Cancelled"
        record, target = execution.current_step, None
        if record is not None:
            plan = plan_of(execution)
            target = _step_of(plan, record).cancel_target
            target = target.strip() if target else None
            self._cut(execution, record, "Cancelled")
            if record is execution.loop:
                execution.loop = None
            if execution.loop is not None and (target is None or plan.loop_of(target) != execution.loop.name):
                self._leave_loop(execution, "Cancelled")
        self._stop_children(execution)
        if target:
            execution.current_step, execution.upcoming = None, target
            execution.cancel_deadline = now + dt.timedelta(seconds=CANCEL_SECONDS)
        else:
            self.finish(execution, "Cancelled")

    def stop_step(self, execution: Execution, record: StepExecution) -> None:
        """Somebody stops a step of a run in Interactive mode, who may begin it again."""
        execution.step_to_stop = None
        self._cut(execution, record, "Cancelled")
        self._stop_children(execution)
        execution.current_step, execution.upcoming = None, record.name

    def finish(self, execution: Execution, status: str, failure: Failure | None = None) -> None:
        """The run has ended, and with it whatever of it still runs."""
        now = self._clock.now()
        for record in (execution.current_step, execution.loop):
            if record is not None and not record.finished:
                self._cut(execution, record, "TimedOut" if status == "TimedOut" else "Cancelled", failure)
        execution.status, execution.ended_at = status, now
        execution.current_step = execution.upcoming = execution.loop = None
        self._stop_children(execution)
        document = document_of(execution)
        for name in document.outputs:
            try:
                execution.outputs[name] = look_up(
                    execution, document, references.parse(name.strip("{} ")), now
                )
            except KeyError:
                execution.outputs[name] = NO_OUTPUT

    def _stop_children(self, execution: Execution) -> None:
        for child in self._store.children(execution.id):
            if not child.finished:
                child.stop_requested = "Cancel"
                child.status = "Cancelling"
                self._stopped.append(child)

    def time_out(self, execution: Execution, record: StepExecution) -> None:
        """The step, or the loop whose turn runs, was not done in time."""
        running = execution.current_step
        if running is not None and running is not record:
            self._cut(execution, running, "Cancelled")
            self._stop_children(execution)
        self._abandon(execution, record)
        record.calling = None
        self.retry_or_fail(execution, record, TimedOut("", doing=record.doing or ACTING, type="Action"))


def _step_of(plan: Plan, record: StepExecution) -> Step:
    step = plan.step(record.name)
    assert step is not None, "a record exists only for a step of the document"
    return step


def _turn_of(loop: StepExecution | None) -> ParentStep | None:
    if loop is None:
        return None
    value = loop.outputs.get("CurrentIteratorValue")
    iteration = int(loop.outputs["CurrentIteration"])
    return ParentStep(loop, iteration, None if value is None else as_text(value))


def _obstacle(name: str, step: Step | None, loop: str | None) -> str:
    if step is None:
        return f"The automation goes on to step {name}, which the document does not have."
    if loop:
        return f"The automation goes on to step {name}, which runs only in a turn of the loop {loop}."
    return f"The automation has begun {MOST_STEP_EXECUTIONS} steps, the limit: it may be looping."


def _message(failure: StepFailed) -> str:
    verb = "Step timed out while step is" if isinstance(failure, TimedOut) else "Step fails when it is"
    reason = f"{failure.reason.rstrip('. ')}. " if failure.reason else ""
    return f"{verb} {failure.doing}. {reason}{GUIDE}"


def _set_deadline(record: StepExecution, start: dt.datetime) -> None:
    if record.timeout_seconds is not None:
        record.deadline = start + dt.timedelta(seconds=record.timeout_seconds)


def _backoff(memo: dict[str, object]) -> float:
    """Seconds to wait after one more throttled call."""
    times = memo["throttled"] = int(str(memo.get("throttled", 0))) + 1
    return float(min(2 ** (times - 1), LONGEST_BACKOFF_SECONDS))
