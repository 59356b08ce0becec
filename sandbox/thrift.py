"""Memory that calls needed and nothing needs any more goes back to the system, once calls have stopped.

The C library keeps for later what it is handed back, for each thread apart: tens of megabytes here.
https://www.gnu.org/software/libc/manual/html_node/Malloc-Tunable-Parameters.html
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable

QUIET_SECONDS = 2.0


class Thrift:
    """To be called again and again.

    Arguments:
        served: tells how many calls there have been.
    """

    def __init__(self, served: Callable[[], int]) -> None:
        self._served = served
        self._seen = -1
        self._quiet_since = 0.0
        self._given_back = False

    def __call__(self) -> None:
        """Give memory back when no call has come since QUIET_SECONDS, once."""
        served, moment = self._served(), time.monotonic()
        if served != self._seen:
            self._seen, self._quiet_since, self._given_back = served, moment, False
        elif not self._given_back and moment - self._quiet_since >= QUIET_SECONDS:
            self._given_back = True
            give_back()


def give_back() -> None:
    """Give back what the C library holds for later; where it has no way to (other than glibc), nothing."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
