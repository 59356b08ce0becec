"""AWS's limits on calls, kept by all workers together.

Every account and Region takes only so many calls of each API a second. A bucket in Redis for each spreads
the portal's calls over time, so that AWS has none to turn away. Where it turns one away all the same, since
somebody else calls there too, the bucket fills more slowly for a while.
https://docs.aws.amazon.com/general/latest/gr/ssm.html
"""

import logging
import threading
import time
from collections.abc import Mapping
from typing import Final

from redis.exceptions import RedisError

from aws.errors import AwsError
from aws.models import AwsTarget
from common import queueing

log = logging.getLogger(__name__)

START: Final = "StartAutomationExecution"
# Which of a target's two rates holds for which API; what is not listed has no limit worth keeping.
_RATES: Mapping[str, str] = {
    START: "start_rate",
    "StopAutomationExecution": "start_rate",
    "GetAutomationExecution": "read_rate",
    "DescribeAutomationExecutions": "read_rate",
    "DescribeAutomationStepExecutions": "read_rate",
    "SendAutomationSignal": "read_rate",
}
# Whoever would have to wait longer than this is told so instead.
LONGEST_WAIT = 20.0
# After a throttle the rate is this part of what it was, but never less than the least part of the whole; it
# comes back by so much of the whole every second.
_CUT, _LEAST, _RECOVERY = 0.7, 0.1, 0.01
# A reader that was late by less (a slow answer, a busy machine) makes up for it: AWS's own bucket has filled
# meanwhile. Who comes after a longer pause finds no more than one call.
_MADE_UP_SECONDS = 1.0
_KEPT_SECONDS = 600

# Each bucket is the moment up to which calls are spoken for ("next"), and how far a throttle has lowered its
# rate ("part" at the moment "cut"). Redis' own clock counts, so that the workers' clocks may differ.
_TAKE = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local kept = redis.call('HMGET', KEYS[1], 'next', 'part', 'cut')
local part = 1
if kept[2] then part = math.min(1, tonumber(kept[2]) + (now - tonumber(kept[3])) * tonumber(ARGV[4])) end
local free = tonumber(kept[1] or 0)
if free < now - tonumber(ARGV[5]) then free = now end
local wait = math.max(0, free - now)
if wait > tonumber(ARGV[2]) then return tostring(-wait) end
redis.call('HSET', KEYS[1], 'next', string.format('%.6f', free + 1 / (tonumber(ARGV[1]) * part)))
redis.call('EXPIRE', KEYS[1], ARGV[3])
return tostring(wait)
"""
_SLOW = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local kept = redis.call('HMGET', KEYS[1], 'next', 'part', 'cut')
local part = 1
if kept[2] then
  if now - tonumber(kept[3]) < 1 then return 0 end
  part = math.min(1, tonumber(kept[2]) + (now - tonumber(kept[3])) * tonumber(ARGV[4]))
end
part = math.max(tonumber(ARGV[5]), part * tonumber(ARGV[2]))
local free = math.max(now, tonumber(kept[1] or 0)) + 1 / (tonumber(ARGV[1]) * part)
redis.call('HSET', KEYS[1], 'next', string.format('%.6f', free), 'part', tostring(part),
           'cut', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""


class Quotas:
    """The calls that one account and Region takes. Safe to share between threads and processes.

    Arguments:
        target: whose account, Region and rates these are.
    """

    def __init__(self, target: AwsTarget) -> None:
        self._place = f"{target.account_id}:{target.region}"
        self._rates = {"start_rate": target.start_rate, "read_rate": target.read_rate}

    def rate(self, api: str) -> float | None:
        """Return how many calls of `api` AWS takes a second; None when that is not limited here."""
        name = _RATES.get(api)
        return self._rates[name] if name is not None else None

    def take(self, api: str, *, within: float = 0.0) -> float:
        """Speak for one call of `api`.

        Arguments:
            within: how many seconds the caller is ready to wait.

        Returns the seconds to wait before calling, `within` at most; or, when that is not enough and nothing
        was taken, minus the seconds after which to ask again.
        """
        rate = self.rate(api)
        if rate is None:
            return 0.0
        late = _MADE_UP_SECONDS if _RATES[api] == "read_rate" else 0.0
        arguments = (rate, within, _KEPT_SECONDS, _RECOVERY, late)
        try:
            return float(queueing.connection().eval(_TAKE, 1, self._key(api), *arguments))
        except RedisError as error:
            log.warning("The queue does not answer (%s): this process keeps AWS's limits alone", error)
            return _alone.take(self._key(api), rate, within)

    def wait(self, api: str) -> None:
        """Return when `api` may be called. Raises AwsError when that would take more than LONGEST_WAIT."""
        seconds = self.take(api, within=LONGEST_WAIT)
        if seconds < 0:
            raise AwsError(
                aws_code="Throttling",
                message=f"The portal's own calls use all that AWS takes here ({self.rate(api):g} a second).",
                operation=api,
                retryable=True,
            )
        if seconds:
            time.sleep(seconds)

    def slow_down(self, api: str) -> None:
        """AWS has turned a call of `api` away: call less often for a while."""
        rate = self.rate(api)
        if rate is None:
            return
        arguments = (rate, _CUT, _KEPT_SECONDS, _RECOVERY, _LEAST)
        try:
            queueing.connection().eval(_SLOW, 1, self._key(api), *arguments)
        except RedisError as error:
            log.warning("The queue does not answer (%s): others do not learn of AWS's throttle", error)

    def _key(self, api: str) -> str:
        return f"portal:quota:{self._place}:{api}"


class _Alone:
    """Buckets of this process alone, for as long as Redis does not answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next: dict[str, float] = {}

    def take(self, key: str, rate: float, within: float) -> float:
        with self._lock:
            now = time.monotonic()
            free = max(now, self._next.get(key, 0.0))
            if free - now > within:
                return now - free
            self._next[key] = free + 1 / rate
            return free - now


_alone = _Alone()
