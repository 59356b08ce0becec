"""Stops the stack when its supervisor could not: the supervisor's `kill -9` leaves nothing running.

The supervisor holds the other end of standard input and tells, a JSON line each, which programs run. When
that end closes without a word of farewell, the supervisor is gone and the warden stops what it left, in
order. It inherits the instance's lock, so that nobody starts the instance anew before the old one has ended.
"""

import json
import signal
import sys

from automation_portal.stack.processes import Stopping, stop_in_stages

FAREWELL = "farewell"


def main() -> int:
    """Watch until the supervisor says farewell or dies."""
    # Ctrl-C and a closed terminal are the supervisor's to deal with.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    programs: dict[str, Stopping] = {}
    for line in sys.stdin:
        message = json.loads(line)
        if message == FAREWELL:
            return 0
        programs = {entry["name"]: Stopping(**entry) for entry in message}
    stop_in_stages(programs.values())
    return 0


if __name__ == "__main__":
    sys.exit(main())
