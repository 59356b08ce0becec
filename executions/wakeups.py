"""Tells whoever waits that something has changed. Nothing is lost with it: the facts stand in the database.

Pages wait for a run, a tracker waits for its target. Both go through Redis' publish and subscribe.
https://redis.io/docs/latest/develop/pubsub/
"""

import json
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import redis.asyncio
from django.conf import settings
from redis.exceptions import RedisError

from common import queueing

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Change:
    """A run has changed: the number of its newest event, and whether it has ended."""

    number: int
    final: bool


def _run_channel(execution_id: UUID | str) -> str:
    return f"portal:run:{execution_id}"


def _target_channel(target_id: int) -> str:
    return f"portal:target:{target_id}"


def _publish(channel: str, text: str) -> None:
    try:
        queueing.connection().publish(channel, text)
    except RedisError as error:
        log.warning("Nobody was woken on %s: the queue does not answer (%s)", channel, error)


def tell_watchers(execution_id: UUID | str, change: Change) -> None:
    """Wake the pages that show a run."""
    _publish(_run_channel(execution_id), json.dumps({"number": change.number, "final": change.final}))


def tell_tracker(target_id: int) -> None:
    """Wake the tracker of a target: there is something new to ask AWS about."""
    _publish(_target_channel(target_id), "look")


# Which runs somebody looks at: a sorted set of ids, each with the second until which that holds.
_WATCHED = "portal:watched"
# Longer than a live page lets pass between two calls of `watched`.
WATCHED_SECONDS = 30


def watched(execution_id: UUID | str) -> None:
    """Say that somebody looks at a run now: for WATCHED_SECONDS its tracker looks at it more closely."""
    moment = time.time()
    try:
        with queueing.connection().pipeline(transaction=False) as pipeline:
            pipeline.zadd(_WATCHED, {str(execution_id): moment + WATCHED_SECONDS})
            pipeline.zremrangebyscore(_WATCHED, "-inf", moment)
            pipeline.expire(_WATCHED, WATCHED_SECONDS)
            pipeline.execute()
    except RedisError as error:
        log.warning(
            "Run %s is not looked at more closely: the queue does not answer (%s)", execution_id, error
        )


def watched_runs() -> set[UUID]:
    """Return the runs that somebody looks at."""
    try:
        found = queueing.connection().zrangebyscore(_WATCHED, time.time(), "+inf")
    except RedisError as error:
        log.warning("Nobody's looking is known: the queue does not answer (%s)", error)
        return set()
    return {UUID(member.decode()) for member in found}


class Watch:
    """The wake-ups of one run, for one page."""

    def __init__(self, subscription: Any) -> None:
        self._subscription = subscription

    async def next(self, seconds: float) -> Change | None:
        """Return the next change; None when there is none for so long. Raises RedisError."""
        message = await self._subscription.get_message(ignore_subscribe_messages=True, timeout=seconds)
        if message is None:
            return None
        facts = json.loads(message["data"])
        return Change(number=facts["number"], final=facts["final"])


@asynccontextmanager
async def watching(execution_id: UUID | str) -> AsyncIterator[Watch]:
    """Listen for the changes of a run. Raises RedisError when the queue does not answer."""
    client = redis.asyncio.Redis.from_url(settings.REDIS_URL)
    subscription = client.pubsub()
    try:
        await subscription.subscribe(_run_channel(execution_id))
        # The confirmation: from here on no change is missed.
        await subscription.get_message(timeout=5)
        yield Watch(subscription)
    finally:
        await subscription.aclose()  # type: ignore[no-untyped-call]
        await client.aclose()


class Waiter(Protocol):
    """How a tracker lets time pass."""

    def wait(self, seconds: float) -> None:
        """Return after `seconds`, or as soon as there is something new to look at."""

    def sleep(self, seconds: float) -> None:
        """Return after `seconds`, whatever happens."""

    def monotonic(self) -> float:
        """Return a clock's seconds."""


class TargetWaiter:
    """Waits for a target's wake-ups."""

    def __init__(self, subscription: Any) -> None:
        self._subscription = subscription

    def wait(self, seconds: float) -> None:
        """Return after `seconds`, or as soon as there is something new to look at."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            message = self._subscription.get_message(timeout=left)
            if message is not None and message["type"] == "message":
                return

    def sleep(self, seconds: float) -> None:
        """Return after `seconds`, whatever happens."""
        time.sleep(seconds)

    def monotonic(self) -> float:
        """Return a clock's seconds."""
        return time.monotonic()


@contextmanager
def waiting_for(target_id: int) -> Iterator[TargetWaiter]:
    """Listen for the wake-ups of a target. Raises RedisError when the queue does not answer."""
    subscription = queueing.connection().pubsub()
    try:
        subscription.subscribe(_target_channel(target_id))
        yield TargetWaiter(subscription)
    finally:
        subscription.close()
