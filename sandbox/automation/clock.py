"""Time as the engine sees it. Everything that waits asks a clock, so a test can hand in its own.

Three clocks run a sandbox: the machine's, one that runs a number of times as fast, and one that stands still
until nothing is left to do but to wait (`sandbox.automation.runner` moves it then).
"""

import datetime as dt
import time
from typing import Protocol

# Where a seeded sandbox begins: the same documents then report the same times.
SEEDED_START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class Clock(Protocol):
    """Gives the present moment, in UTC."""

    def now(self) -> dt.datetime: ...


class RunningClock(Clock, Protocol):
    """A clock that a runner can wait by."""

    def seconds_until(self, moment: dt.datetime) -> float | None:
        """How long to wait, in real seconds, for `moment` to come; None when it comes only when moved to."""
        ...

    def move_to(self, moment: dt.datetime) -> None:
        """Be at `moment` at least: executions that were loaded have been there."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    def seconds_until(self, moment: dt.datetime) -> float | None:
        return (moment - self.now()).total_seconds()

    def move_to(self, moment: dt.datetime) -> None:
        """Nobody moves the machine's clock: what lies ahead of it is waited for."""


class ScaledClock:
    """Runs `factor` times as fast as the machine's clock."""

    def __init__(self, factor: float, start: dt.datetime | None = None) -> None:
        self._factor = factor
        self._start = start or dt.datetime.now(dt.UTC)
        self._began = time.monotonic()

    def now(self) -> dt.datetime:
        return self._start + dt.timedelta(seconds=(time.monotonic() - self._began) * self._factor)

    def seconds_until(self, moment: dt.datetime) -> float | None:
        return (moment - self.now()).total_seconds() / self._factor

    def move_to(self, moment: dt.datetime) -> None:
        self._start += max(dt.timedelta(0), moment - self.now())


class VirtualClock:
    """Stands still until it is moved, and never goes back."""

    def __init__(self, start: dt.datetime | None = None) -> None:
        self._moment = start or dt.datetime.now(dt.UTC)

    def now(self) -> dt.datetime:
        return self._moment

    def seconds_until(self, moment: dt.datetime) -> float | None:
        return 0.0 if moment <= self._moment else None

    def move_to(self, moment: dt.datetime) -> None:
        self._moment = max(self._moment, moment)


def clock_of(factor: float | None, *, seeded: bool = False) -> RunningClock:
    """The clock that runs `factor` times as fast as the machine's; a virtual one for None.

    A seeded virtual clock begins at SEEDED_START, any other at the present moment.
    """
    if factor is None:
        return VirtualClock(SEEDED_START if seeded else None)
    return SystemClock() if factor == 1 else ScaledClock(factor)
