"""The sandbox, which keeps AWS's limits on calls from SIGUSR1 on, and no longer from SIGUSR2 on.

Thousands of runs are started before, which one a second would take hours, and read afterwards.
"""

import signal
import sys
from dataclasses import replace
from types import FrameType

from sandbox import settings
from sandbox.__main__ import main


def _switch(signum: int, frame: FrameType | None) -> None:
    rates: settings.RateLimits = "aws" if signum == signal.SIGUSR1 else "off"
    settings.use(replace(settings.current(), rate_limits=rates))


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, _switch)
    signal.signal(signal.SIGUSR2, _switch)
    sys.exit(main(sys.argv[1:]))
