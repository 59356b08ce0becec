"""Runs the engine for many executions at once: a bounded pool of threads and an agenda.

One thread leads: it waits for what is due next, and computes what only takes computing. Before a turn that
calls something it hands the lead over, so that a slow call holds up its own run only.
"""

import datetime as dt
import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Protocol

from sandbox import settings
from sandbox.automation.agenda import Agenda
from sandbox.automation.clock import RunningClock
from sandbox.automation.fleets import RateControlled
from sandbox.automation.moves import CHILD_ACTION
from sandbox.automation.records import Execution, Signal
from sandbox.automation.store import Store

log = logging.getLogger(__name__)

WORKERS = 16

# Executions on targets have a quota of their own.
Scope = tuple[str, str, bool]


class Mover(Protocol):
    """Moves an execution from one state to the next: see `sandbox.automation.engine.Engine`."""

    def advance(self, execution: Execution, *, before_call: Callable[[], None]) -> dt.datetime | None: ...

    def recover(self, execution: Execution) -> None: ...

    def give_up(self, execution: Execution) -> None: ...

    def halt(self) -> None: ...


def _scope(execution: Execution) -> Scope:
    return execution.account_id, execution.region, isinstance(execution, RateControlled)


class Runner:
    """Threads that move executions on when they are due or have been woken.

    On a virtual clock time leaps to the next moment at which something happens by itself, once no turn is
    under way; while all that is left waits for people, time stands still.
    """

    def __init__(self, engine: Mover, store: Store, clock: RunningClock, *, workers: int = WORKERS) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._workers = workers
        self._agenda = Agenda()
        self._waiting: defaultdict[Scope, deque[str]] = defaultdict(deque)
        self._running: defaultdict[Scope, set[str]] = defaultdict(set)
        # Children run besides the quota: their parents, which fill it, wait for them.
        self._children: set[str] = set()
        self._busy: set[str] = set()
        self._again: set[str] = set()
        lock = threading.Lock()
        self._changed = threading.Condition(lock)
        self._vacant = threading.Condition(lock)
        self._idle = 0
        self._held = 0
        self._leader: int | None = None
        self._threads: list[threading.Thread] = []
        self._stopping = False

    def has_room(self, execution: Execution) -> bool:
        """Whether one more execution like this may be queued in its account and Region."""
        limits, scope = settings.current().limits, _scope(execution)
        most = limits.rate_control_pending if scope[2] else limits.pending
        with self._changed:
            return len(self._waiting[scope]) < most

    def submit(self, execution: Execution) -> None:
        """Begin an execution: at once, or when one of those that fill the quota has ended."""
        with self._changed:
            self._enlist(execution)

    def _enlist(self, execution: Execution) -> None:
        scope = _scope(execution)
        if execution.parent_id:
            self._children.add(execution.id)
            self._put(execution.id, self._clock.now())
        else:
            self._waiting[scope].append(execution.id)
            self._admit(scope)

    def wake(self, execution: Execution) -> None:
        """Look at an execution now, because something has happened to it."""
        with self._changed:
            scope = _scope(execution)
            if execution.id in self._busy:
                self._again.add(execution.id)
            elif execution.id in self._running[scope] or execution.id in self._children:
                self._put(execution.id, self._clock.now())
            elif execution.stop_requested and execution.id in self._waiting[scope]:
                # One that is stopped while it queues ends now; it need not wait for its turn to do so.
                self._waiting[scope].remove(execution.id)
                self._running[scope].add(execution.id)
                self._put(execution.id, self._clock.now())

    def ended(self, execution: Execution) -> None:
        """Tell the step that has started an execution that it has ended."""
        parent = self._store.get(execution.parent_id) if execution.parent_id else None
        if parent is None:
            return
        if isinstance(parent, RateControlled):
            self.wake(parent)
            return
        with self._store.changing(parent):
            record = parent.current_step
            if record is None or record.action != CHILD_ACTION:
                return
            now = self._clock.now()
            record.signals.append(Signal("Ended", execution.arn, "", now))
            record.wake_at = now
        self.wake(parent)

    def hold(self) -> Callable[[], None]:
        """Keep virtual time from leaping until what this returns is called."""
        with self._changed:
            self._held += 1

        def release() -> None:
            with self._changed:
                self._held -= 1
                self._call_up()

        return release

    def expire_waits(self) -> None:
        """On a virtual clock: let time pass even for those that now wait for people, until they time out."""
        with self._changed:
            self._agenda.lose_patience()
            self._call_up()

    def resume(self) -> None:
        """Go on with every unfinished execution of the store, after it has been loaded."""
        runs = self._store.all()
        for moment in [run.ended_at or run.started_at for run in runs]:
            self._clock.move_to(moment)
        unfinished = [run for run in runs if not run.finished]
        for execution in unfinished:
            for record in execution.steps:
                self._clock.move_to(record.ended_at or record.started_at or execution.started_at)
        for execution in unfinished:
            self._engine.recover(execution)
        with self._changed:
            for execution in sorted(unfinished, key=lambda run: run.status == "Pending"):
                self._enlist(execution)

    def stop(self, *, seconds: float = 2.0) -> None:
        """Let no further turn begin, and wait up to `seconds` for those that are under way.

        What a turn brings after that is not recorded, so that the saved state tells the truth about it.
        """
        self._engine.halt()
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            self._vacant.notify_all()
            threads = list(self._threads)
        deadline = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _admit(self, scope: Scope) -> None:
        """Let queued executions begin, the oldest first, as far as the quota goes."""
        waiting, running = self._waiting[scope], self._running[scope]
        limits = settings.current().limits
        most = limits.rate_control_running if scope[2] else limits.running
        while waiting and len(running) < most:
            execution_id = waiting.popleft()
            running.add(execution_id)
            self._put(execution_id, self._clock.now())

    def _put(self, execution_id: str, moment: dt.datetime, *, patient: bool = False) -> None:
        self._agenda.put(execution_id, moment, patient=patient)
        self._call_up()

    def _call_up(self) -> None:
        """See to it that a thread looks at what is due next: the one that leads, or one that will."""
        if self._leader is not None:
            self._changed.notify()
        elif self._idle:
            self._vacant.notify()
        elif not self._stopping and len(self._threads) < self._workers:
            thread = threading.Thread(target=self._work, name=f"automation-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        while (execution := self._next()) is not None:
            try:
                due = self._engine.advance(execution, before_call=self._hand_over)
            except Exception:
                # The thread serves every run: a fault of the engine ends this run only, and is not hidden.
                log.exception("Automation execution %s could not go on", execution.id)
                self._engine.give_up(execution)
                due = None
            self._put_back(execution, due)

    def _next(self) -> Execution | None:
        me = threading.get_ident()
        with self._changed:
            while not self._stopping:
                if self._leader not in (None, me):
                    self._idle += 1
                    self._vacant.wait()
                    self._idle -= 1
                    continue
                self._leader = me
                moment = self._agenda.next()
                seconds = None if moment is None else self._clock.seconds_until(moment)
                if seconds is not None and seconds <= 0:
                    execution_id = self._agenda.take()
                    if execution := self._store.get(execution_id):
                        self._busy.add(execution_id)
                        return execution
                elif moment is not None and seconds is None and self._may_leap():
                    self._clock.move_to(moment)
                else:
                    self._changed.wait(seconds)
            return None

    def _may_leap(self) -> bool:
        return not self._busy and not self._held and self._agenda.passes_time()

    def _hand_over(self) -> None:
        """Let another thread lead while this one is held up."""
        with self._changed:
            if self._leader == threading.get_ident():
                self._leader = None
                if self._agenda.next() is not None:
                    self._call_up()

    def _put_back(self, execution: Execution, due: dt.datetime | None) -> None:
        with self._changed:
            self._busy.discard(execution.id)
            again = execution.id in self._again
            self._again.discard(execution.id)
            if execution.finished:
                self._children.discard(execution.id)
                self._running[_scope(execution)].discard(execution.id)
                self._admit(_scope(execution))
            elif again:
                self._agenda.put(execution.id, self._clock.now())
            elif due is not None:
                self._agenda.put(execution.id, due, patient=execution.waits_for_somebody)
            # This thread looks at the agenda next, unless another leads, which may wait for us to be done.
            if self._leader not in (None, threading.get_ident()):
                self._changed.notify()
