"""Work that steps have under way outside of the engine's turns, such as scripts."""

import threading
from collections.abc import Callable

from sandbox.automation.clock import Clock
from sandbox.automation.records import Execution, Signal, StepExecution
from sandbox.automation.store import Store


class Work:
    """Knows how to cancel what is under way, and wakes its run when it is done.

    `hold` is called when work begins, and what it returns when it is done: time must not leap meanwhile.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        wake: Callable[[Execution], None],
        hold: Callable[[], Callable[[], None]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._wake = wake
        self._hold = hold
        self._lock = threading.Lock()
        self._cancels: dict[str, Callable[[], None]] = {}

    def begin(
        self, execution: Execution, record: StepExecution, cancel: Callable[[], None]
    ) -> Callable[[], None]:
        """A step leaves something under way; returns what must be called once when it is done.

        `cancel` ends it early; it is called with the store held, so it must not wait for anything.
        """
        release = self._hold()
        with self._lock:
            self._cancels[record.id] = cancel

        def done() -> None:
            with self._lock:
                self._cancels.pop(record.id, None)
            with self._store.changing(execution):
                if not record.finished:
                    now = self._clock.now()
                    # As a signal, it is not missed when the step's turn has not quite ended yet.
                    record.signals.append(Signal("Ended", execution.arn, "", now))
                    record.wake_at = now
            self._wake(execution)
            release()

        return done

    def drop(self, record: StepExecution) -> None:
        """The step does not wait for its work any more: cancel it."""
        with self._lock:
            cancel = self._cancels.pop(record.id, None)
        if cancel is not None:
            cancel()
