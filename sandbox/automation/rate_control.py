"""Moves rate-controlled executions on: lets children begin as concurrency and errors allow, and sums them up.

https://docs.aws.amazon.com/systems-manager/latest/userguide/running-automations-scale-controls.html
"""

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass

import botocore.exceptions

from sandbox.automation.clock import Clock
from sandbox.automation.engine import Engine
from sandbox.automation.fleets import Fleet, Member, RateControlled, Wave
from sandbox.automation.records import Execution, Failure
from sandbox.automation.store import Store
from sandbox.errors import AwsError


@dataclass(frozen=True)
class _Work:
    """What is to be done outside of the store's lock: a member to begin, or children to wake."""

    begin: Member | None = None
    wake: tuple[Execution, ...] = ()


class Conductor:
    """Does for rate-controlled executions what the engine does for those that run a document's steps.

    `begin` lets the child of a member begin and returns its id; `wake` has an execution looked at that
    something has happened to.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        begin: Callable[[RateControlled, Member], str],
        wake: Callable[[Execution], None],
        on_end: Callable[[Execution], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._begin = begin
        self._wake = wake
        self._on_end = on_end
        self._halted = threading.Event()

    def halt(self) -> None:
        """Begin no further child: the process is about to end."""
        self._halted.set()

    def advance(self, execution: RateControlled, *, before_call: Callable[[], None]) -> dt.datetime | None:
        """Go on as far as it goes; the end of a child, or the moment that is returned, is when to call again.

        `before_call` is called before anything that may take its time.
        """
        while not execution.finished:
            if self._halted.is_set():
                return None
            with self._store.changing(execution):
                work = self._next(execution)
            for child in work.wake:
                self._wake(child)
            if work.begin is not None:
                if work.begin.place:
                    before_call()
                self._let_begin(execution, work.begin)
            elif not execution.finished:
                return None if execution.stop_requested == "Cancel" else execution.deadline
        self._on_end(execution)
        return None

    def recover(self, execution: RateControlled) -> None:
        """Make an execution that was loaded from a file fit to go on: what was to begin begins anew."""
        with self._store.changing(execution):
            for member in execution.fleet.members:
                if member.child_id is None and not member.step.finished:
                    member.step.status, member.step.started_at = "Pending", None

    def give_up(self, execution: RateControlled) -> None:
        """End an execution that could not go on."""
        with self._store.changing(execution):
            execution.failure_message = "Internal Server Error."
            self._finish(execution, "Failed")
        self._on_end(execution)

    def _next(self, execution: RateControlled) -> _Work:
        now = self._clock.now()
        if execution.status == "Pending":
            execution.status = "InProgress"
        for member in execution.fleet.members:
            self._follow(member)
        if execution.deadline is not None and now >= execution.deadline and not execution.stop_requested:
            execution.stop_requested, execution.verdict = "Cancel", "TimedOut"
            execution.failure_message = "The automation has run for 12 hours in the caller's own context."
        for wave in execution.fleet.waves:
            if execution.stop_requested or wave.failed:
                for member in wave.waiting:
                    self._close(member, "Cancelled")
            elif wave.waiting and wave.running < wave.room:
                member = wave.waiting[0]
                member.step.status, member.step.started_at = "InProgress", now
                return _Work(begin=member)
        if all(member.step.finished for member in execution.fleet.members):
            self._conclude(execution)
            return _Work()
        if execution.stop_requested == "Cancel":
            execution.status = "Cancelling"
            return _Work(wake=tuple(self._stopped(execution.fleet)))
        return _Work()

    def _follow(self, member: Member) -> None:
        """Take over the end of the member's child."""
        if member.child_id is None or member.step.finished:
            return
        child = self._store.get(member.child_id)
        if child is None:
            # A fixture, for example, has answered the start.
            message = f"The automation execution {member.child_id} does not exist."
            self._close(member, "Failed", Failure(message, "Invocation", "Action"))
            return
        if not child.finished:
            return
        if member.place:
            member.step.outputs = {"ExecutionId": child.id, "Status": child.status}
        failure = None
        if child.status != "Success":
            message = child.failure_message or f"The automation {child.id} has ended as {child.status}."
            failure = Failure(message, "Invocation", "Action", timed_out=child.status == "TimedOut")
        self._close(member, child.status, failure)

    def _let_begin(self, execution: RateControlled, member: Member) -> None:
        try:
            child_id = self._begin(execution, member)
        except (AwsError, botocore.exceptions.ClientError) as error:
            with self._store.changing(execution):
                self._close(member, "Failed", Failure(str(error), "Invocation", "Action"))
            return
        with self._store.changing(execution):
            member.child_id = child_id

    def _stopped(self, fleet: Fleet) -> list[Execution]:
        """The children that still run, each told to stop if it was not."""
        children = [self._store.get(member.child_id) for member in fleet.members if member.child_id]
        running = [child for child in children if child and not child.finished]
        told = [child for child in running if child.stop_requested != "Cancel"]
        for child in told:
            child.stop_requested, child.status = "Cancel", "Cancelling"
        return told

    def _conclude(self, execution: RateControlled) -> None:
        failed = [wave for wave in execution.fleet.waves if wave.failed]
        if execution.stop_requested == "Cancel":
            status = "TimedOut" if execution.verdict == "TimedOut" else "Cancelled"
        elif failed or not any(execution.fleet.members):
            execution.failure_message = _why(failed[0]) if failed else _nothing(execution)
            status = "Failed"
        else:
            status = "Success"
        self._finish(execution, status)

    def _finish(self, execution: Execution, status: str) -> None:
        execution.status, execution.ended_at = status, self._clock.now()

    def _close(self, member: Member, status: str, failure: Failure | None = None) -> None:
        member.step.status, member.step.failure = status, failure
        member.step.ended_at = self._clock.now()


def _nothing(execution: RateControlled) -> str:
    if execution.fleet.crosses_accounts:
        return "The target locations name no account."
    return "No resources match the targets."


def _why(wave: Wave) -> str:
    first = next(member.step for member in wave.members if member.step.failure)
    assert first.failure is not None
    return (
        f"{wave.errors} of {len(wave.members)} automations failed, more than the {wave.allowed_errors} that "
        f"are allowed. The first was {first.name}: {first.failure.message}"
    )


@dataclass(frozen=True)
class Movers:
    """The engine and the conductor, each for its executions."""

    engine: Engine
    conductor: Conductor

    def advance(self, execution: Execution, *, before_call: Callable[[], None]) -> dt.datetime | None:
        if isinstance(execution, RateControlled):
            return self.conductor.advance(execution, before_call=before_call)
        return self.engine.advance(execution, before_call=before_call)

    def recover(self, execution: Execution) -> None:
        if isinstance(execution, RateControlled):
            self.conductor.recover(execution)
        else:
            self.engine.recover(execution)

    def give_up(self, execution: Execution) -> None:
        if isinstance(execution, RateControlled):
            self.conductor.give_up(execution)
        else:
            self.engine.give_up(execution)

    def halt(self) -> None:
        self.engine.halt()
        self.conductor.halt()
