"""How often the Automation operations may be called: a bucket of tokens for each account, Region and API.

https://docs.aws.amazon.com/general/latest/gr/ssm.html
"""

import threading
import time
from collections.abc import Callable, Mapping

from sandbox import settings
from sandbox.automation.api.errors import ThrottlingException

PER_SECOND: Mapping[str, float] = {
    "StartAutomationExecution": 1,
    "StopAutomationExecution": 1,
    "GetAutomationExecution": 3,
    "DescribeAutomationExecutions": 3,
    "DescribeAutomationStepExecutions": 3,
    "SendAutomationSignal": 3,
    "StartExecutionPreview": 1,
    "GetExecutionPreview": 1,
}
# AWS tells how fast a bucket fills, not how much it holds: two seconds' worth.
BURST_SECONDS = 2


class Throttle:
    """Counts calls. Thread-safe.

    `now` gives seconds of a clock that runs steadily: however fast automations live, callers live here.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str, str], tuple[float, float]] = {}

    def take(self, account_id: str, region: str, operation: str) -> None:
        """Count one call. ThrottlingException when it comes too soon after others; it is not counted then."""
        rate = PER_SECOND.get(operation)
        if rate is None:
            return
        key, most = (account_id, region, operation), rate * BURST_SECONDS
        with self._lock:
            now = self._now()
            tokens, filled_at = self._buckets.get(key, (most, now))
            tokens = min(most, tokens + (now - filled_at) * rate)
            if tokens < 1:
                raise ThrottlingException
            self._buckets[key] = (tokens - 1, now)


_throttle = Throttle()


def throttle(account_id: str, region: str, operation: str) -> None:
    """Count one call where the sandbox was told to keep AWS's rates. ThrottlingException as of `take`."""
    if settings.current().rate_limits == "aws":
        _throttle.take(account_id, region, operation)
