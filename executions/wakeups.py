"""Tells whoever waits that something has changed. Nothing is lost with it: the facts stand in the database.

Web processes hear of every run that changes, a tracker waits for its target. Both go through Redis' publish
and subscribe. https://redis.io/docs/latest/develop/pubsub/
"""

import logging
import time
from collections.abc import AsyncGenerator, Collection, Iterable
from uuid import UUID

import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from common import queueing

log = logging.getLogger(__name__)


# All runs' changes: a web process has one subscription, whatever its pages watch.
_RUNS_CHANNEL = "portal:runs"
# A connection that is silent for so long is asked whether it lives, and given up when it is silent again.
SILENCE_SECONDS = 15.0


_TARGETS = "portal:target:"


def _publish(channel: str, text: str) -> None:
    try:
        queueing.connection().publish(channel, text)
    except RedisError as error:
        log.warning("Nobody was woken on %s: the queue does not answer (%s)", channel, error)


def tell_watchers(execution_ids: Iterable[UUID]) -> None:
    """Wake the pages that show these runs."""
    _publish(_RUNS_CHANNEL, " ".join(map(str, execution_ids)))


def tell_tracker(target_id: int) -> None:
    """Wake the tracker of a target: there is something new to ask AWS about."""
    _publish(f"{_TARGETS}{target_id}", "look")


# Which runs somebody looks at: a sorted set of ids, each with the second until which that holds.
_WATCHED = "portal:watched"
# Longer than a live page lets pass between two calls of `watched`.
WATCHED_SECONDS = 30


def watched(execution_ids: Collection[UUID]) -> None:
    """Say that somebody looks at these runs now: for WATCHED_SECONDS their trackers look more closely."""
    if not execution_ids:
        return
    moment = time.time()
    try:
        with queueing.connection().pipeline(transaction=False) as pipeline:
            pipeline.zadd(_WATCHED, {str(key): moment + WATCHED_SECONDS for key in execution_ids})
            pipeline.zremrangebyscore(_WATCHED, "-inf", moment)
            pipeline.expire(_WATCHED, WATCHED_SECONDS)
            pipeline.execute()
    except RedisError as error:
        log.warning("No run is looked at more closely: the queue does not answer (%s)", error)


def watched_runs() -> set[UUID]:
    """Return the runs that somebody looks at."""
    try:
        found = queueing.connection().zrangebyscore(_WATCHED, time.time(), "+inf")
    except RedisError as error:
        log.warning("Nobody's looking is known: the queue does not answer (%s)", error)
        return set()
    return {UUID(member.decode()) for member in found}


async def changes() -> AsyncGenerator[list[UUID] | None, None]:
    """Give the ids of runs as they change; None when any may have changed: at first, and after a gap.

    Raises RedisError when the queue does not answer.
    """
    # It must not reconnect by itself: what is published meanwhile is lost, and whoever listens has to know.
    client = redis.asyncio.Redis.from_url(settings.REDIS_URL, retry=Retry(NoBackoff(), 0))
    async with client, client.pubsub() as subscription:
        await subscription.subscribe(_RUNS_CHANNEL)
        asked = False
        while True:
            message = await subscription.get_message(timeout=SILENCE_SECONDS)
            if message is None:
                if asked:
                    raise redis.exceptions.TimeoutError(f"silent for {2 * SILENCE_SECONDS:g} s")
                await subscription.ping()
            elif message["type"] == "subscribe":
                yield None
            elif message["type"] == "message":
                yield [UUID(each) for each in message["data"].decode().split()]
            asked = message is None


class Ears:
    """The wake-ups of targets' trackers, for the one process that follows some of them."""

    def __init__(self) -> None:
        self._subscription = queueing.connection().pubsub(ignore_subscribe_messages=True)
        self._listens = False

    def heard(self, seconds: float) -> set[int]:
        """Return the targets of which somebody said that there is something new; wait for one so long.

        A queue that does not answer is waited out: trackers look by themselves.
        """
        end = time.monotonic() + seconds
        found: set[int] = set()
        try:
            if not self._listens:
                self._subscription.psubscribe(f"{_TARGETS}*")
                self._listens = True
            while True:
                left = 0.0 if found else max(0.0, end - time.monotonic())
                message = self._subscription.get_message(timeout=left)
                if message is not None:
                    found.add(int(message["channel"].decode().removeprefix(_TARGETS)))
                elif not left:
                    return found
        except RedisError as error:
            log.warning("Wake-ups are not heard: the queue does not answer (%s)", error)
            time.sleep(max(0.0, end - time.monotonic()))
            return found

    def close(self) -> None:
        """Listen no more."""
        self._subscription.close()
