"""Time as the engine sees it. Everything that waits asks a clock, so a test can hand in its own."""

import datetime as dt
from typing import Protocol


class Clock(Protocol):
    """Gives the present moment, in UTC."""

    def now(self) -> dt.datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)
