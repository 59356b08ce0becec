"""Processes that share the memory of what their parent has loaded, and are started again when they end."""

import gc
import logging
import multiprocessing
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType

log = logging.getLogger(__name__)

_STOPS = (signal.SIGTERM, signal.SIGINT)
# What cannot work, for example because the queue does not answer, is tried again once a second.
PAUSE_SECONDS = 1.0
_forking = multiprocessing.get_context("fork")


@dataclass
class _Sibling:
    name: str
    work: Callable[[], None]
    process: BaseProcess | None = None
    due: float = 0.0


class Siblings:
    """One process for each entry of `works`, which maps its name to what it does.

    The parent must have loaded everything and hold no connection and no thread. What it has loaded by then is
    shared by all: nothing marks it as used any more, so that the system need not copy it for each.
    """

    def __init__(self, works: Mapping[str, Callable[[], None]]) -> None:
        self._siblings = [_Sibling(name, work) for name, work in works.items()]
        self._stopping = False

    def run(self) -> None:
        """Run all until this process is asked to end (SIGTERM, SIGINT) and they have ended, too."""
        # https://docs.python.org/3/library/gc.html#gc.freeze
        gc.collect()
        gc.freeze()
        for number in _STOPS:
            signal.signal(number, self._stop)
        while not self._stopping or self._living():
            self._start_due()
            # A signal that came in between has been passed on: the answer to it is a process's end.
            wait([process.sentinel for process in self._living()], timeout=PAUSE_SECONDS)
            self._bury()

    def _living(self) -> list[BaseProcess]:
        return [sibling.process for sibling in self._siblings if sibling.process is not None]

    def _start_due(self) -> None:
        for sibling in self._siblings:
            if sibling.process is None and time.monotonic() >= sibling.due:
                self._start(sibling)

    def _start(self, sibling: _Sibling) -> None:
        # A signal must find either no process or one that is known, and never this handler in the child.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        try:
            if self._stopping:
                return
            sibling.due = time.monotonic() + PAUSE_SECONDS
            sibling.process = _forking.Process(target=_begin, args=(sibling.name, sibling.work))
            sibling.process.start()
            log.info("%s is process %s", sibling.name, sibling.process.pid)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _bury(self) -> None:
        for sibling in self._siblings:
            process = sibling.process
            if process is None or process.is_alive():
                continue
            # In this order: a signal may come at any moment, and what is closed can't be asked to end.
            sibling.process = None
            if not self._stopping:
                log.warning("%s ended (%s) and is started again", sibling.name, process.exitcode)
            process.close()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True
        for process in self._living():
            process.terminate()


def _begin(name: str, work: Callable[[], None]) -> None:
    for number in _STOPS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
    # So that `top` and `ps` tell one from the other, where the system has that.
    with suppress(OSError):
        Path("/proc/self/comm").write_text(name, encoding="utf-8")
    work()
