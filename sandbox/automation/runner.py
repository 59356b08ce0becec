"""Runs the engine for many executions at once: a bounded pool of threads and an agenda."""

import datetime as dt
import heapq
import itertools
import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from sandbox import settings
from sandbox.automation.clock import Clock
from sandbox.automation.engine import Engine
from sandbox.automation.records import Execution
from sandbox.automation.store import Store

log = logging.getLogger(__name__)

WORKERS = 16

Scope = tuple[str, str]


def _scope(execution: Execution) -> Scope:
    return execution.account_id, execution.region


@dataclass
class _Agenda:
    """When which execution is due. An id is due once, at the earliest moment asked for."""

    due: dict[str, dt.datetime] = field(default_factory=dict)
    # Whoever was put there first comes first of those that are due at the same moment.
    heap: list[tuple[dt.datetime, int, str]] = field(default_factory=list)
    places: Iterator[int] = field(default_factory=itertools.count)

    def put(self, execution_id: str, moment: dt.datetime) -> None:
        known = self.due.get(execution_id)
        if known is None or moment < known:
            self.due[execution_id] = moment
            heapq.heappush(self.heap, (moment, next(self.places), execution_id))

    def next(self) -> tuple[dt.datetime, str] | None:
        while self.heap:
            moment, _, execution_id = self.heap[0]
            if self.due.get(execution_id) == moment:
                return moment, execution_id
            heapq.heappop(self.heap)
        return None

    def take(self) -> str:
        _, _, execution_id = heapq.heappop(self.heap)
        del self.due[execution_id]
        return execution_id


class Runner:
    """Threads that move executions on when they are due or have been woken."""

    def __init__(self, engine: Engine, store: Store, clock: Clock, *, workers: int = WORKERS) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._workers = workers
        self._agenda = _Agenda()
        self._waiting: defaultdict[Scope, deque[str]] = defaultdict(deque)
        self._running: defaultdict[Scope, set[str]] = defaultdict(set)
        self._busy: set[str] = set()
        self._again: set[str] = set()
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._stopping = False

    def has_room(self, account_id: str, region: str) -> bool:
        """Whether one more execution may be queued in this account and Region."""
        with self._changed:
            return len(self._waiting[account_id, region]) < settings.current().limits.pending

    def submit(self, execution: Execution) -> None:
        """Begin an execution: at once, or when one of those that fill the quota has ended."""
        with self._changed:
            scope = _scope(execution)
            self._waiting[scope].append(execution.id)
            self._admit(scope)

    def wake(self, execution: Execution) -> None:
        """Look at an execution now, because something has happened to it."""
        with self._changed:
            scope = _scope(execution)
            if execution.id in self._busy:
                self._again.add(execution.id)
            elif execution.id in self._running[scope]:
                self._put(execution.id, self._clock.now())
            elif execution.stop_requested and execution.id in self._waiting[scope]:
                # One that is stopped while it queues ends now; it need not wait for its turn to do so.
                self._waiting[scope].remove(execution.id)
                self._running[scope].add(execution.id)
                self._put(execution.id, self._clock.now())

    def resume(self) -> None:
        """Go on with every unfinished execution of the store, after it has been loaded."""
        unfinished = [run for run in self._store.all() if not run.finished]
        for execution in unfinished:
            self._engine.recover(execution)
        with self._changed:
            for execution in sorted(unfinished, key=lambda run: run.status == "Pending"):
                self._waiting[_scope(execution)].append(execution.id)
            for scope in {_scope(execution) for execution in unfinished}:
                self._admit(scope)

    def stop(self, *, seconds: float = 2.0) -> None:
        """Let no further turn begin, and wait up to `seconds` for those that are under way.

        What a turn brings after that is not recorded, so that the saved state tells the truth about it.
        """
        self._engine.halt()
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            threads = list(self._threads)
        deadline = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _admit(self, scope: Scope) -> None:
        """Let queued executions begin, the oldest first, as far as the quota goes."""
        waiting, running = self._waiting[scope], self._running[scope]
        while waiting and len(running) < settings.current().limits.running:
            execution_id = waiting.popleft()
            running.add(execution_id)
            self._put(execution_id, self._clock.now())

    def _put(self, execution_id: str, moment: dt.datetime) -> None:
        self._agenda.put(execution_id, moment)
        self._hire()
        self._changed.notify()

    def _hire(self) -> None:
        """See to it that one thread is free for what is due next, up to the limit."""
        if not self._stopping and len(self._busy) >= len(self._threads) < self._workers:
            thread = threading.Thread(target=self._work, name=f"automation-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        while (execution := self._next()) is not None:
            try:
                due = self._engine.advance(execution)
            except Exception:
                # The thread serves every run: a fault of the engine ends this run only, and is not hidden.
                log.exception("Automation execution %s could not go on", execution.id)
                self._engine.give_up(execution)
                due = None
            self._put_back(execution, due)

    def _next(self) -> Execution | None:
        with self._changed:
            while not self._stopping:
                coming = self._agenda.next()
                seconds = None if coming is None else (coming[0] - self._clock.now()).total_seconds()
                if seconds is None or seconds > 0:
                    self._changed.wait(seconds)
                    continue
                execution_id = self._agenda.take()
                if execution := self._store.get(execution_id):
                    self._busy.add(execution_id)
                    self._hire()
                    return execution
            return None

    def _put_back(self, execution: Execution, due: dt.datetime | None) -> None:
        with self._changed:
            self._busy.discard(execution.id)
            again = execution.id in self._again
            self._again.discard(execution.id)
            if execution.finished:
                self._running[_scope(execution)].discard(execution.id)
                self._admit(_scope(execution))
            elif again:
                self._put(execution.id, self._clock.now())
            elif due is not None:
                self._put(execution.id, due)
