"""The queue: the only place that knows django-rq.

RQ carries ids from one process to another and keeps nothing that matters: whatever a job is about stands in
the database, so that a lost queue loses nothing.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any
from uuid import uuid4

import django_rq
from django.db import connections, transaction
from django_rq.cron import DjangoCronScheduler
from django_rq.workers import get_worker_class
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from rq.timeouts import BaseTimeoutException

log = logging.getLogger(__name__)

# Raised in a job that takes longer than its queue allows.
TimeIsUp = BaseTimeoutException


def enqueue_after_commit(queue: str, function: Callable[..., None], *arguments: str | int) -> None:
    """Enqueue `function(*arguments)` once the present transaction has been committed.

    Arguments:
        queue: "launch", "default" or "tracking".
        function: a job of some `jobs.py`.
        arguments: ids, never objects or secrets.

    A queue that does not answer is logged, not raised: the reconciler enqueues again what stands in the
    database.
    """

    def send() -> None:
        enqueue(queue, function, *arguments)

    transaction.on_commit(send)


def enqueue(queue: str, function: Callable[..., None], *arguments: str | int) -> bool:
    """Enqueue `function(*arguments)` now; answer whether the queue took it.

    The same call may be enqueued twice: a job claims its work in the database, so the second finds nothing
    to do. RQ's own unique ids would instead lock out the job that replaces a killed one.
    """
    try:
        _queue(queue).enqueue_call(function, args=arguments, result_ttl=0, failure_ttl=86400)
    except RedisError as error:
        log.warning("The queue does not answer (%s); %s waits for the reconciler", error, function.__name__)
        return False
    return True


def waiting(queue: str) -> int:
    """Return how many jobs wait in `queue`."""
    return int(_queue(queue).count)


def load() -> None:
    """Load what workers need, so that processes which are forked then find it there."""
    # Most of it comes with the first connection, which nobody may inherit.
    with suppress(RedisError):
        connection().ping()
        connection().connection_pool.disconnect()
    get_worker_class()  # type: ignore[no-untyped-call]


def work(*queues: str) -> None:
    """Perform the jobs of these queues, of the first ones first, until this process is asked to end."""
    with _ending_without_a_queue():
        django_rq.get_worker(*queues).work()


def keep_time(schedule: str) -> None:
    """Enqueue what is due again and again, until this process is asked to end.

    Arguments:
        schedule: the module that registers it all with `rq.cron`.
    """
    with _ending_without_a_queue():
        scheduler = DjangoCronScheduler()
        scheduler.load_config_from_file(schedule)
        scheduler.start()  # type: ignore[no-untyped-call]


@contextmanager
def _ending_without_a_queue() -> Iterator[None]:
    try:
        yield
    except RedisConnectionError as error:
        raise SystemExit(f"The queue does not answer: {error}") from error


_connecting = threading.Lock()


def connection() -> Any:
    """Return this process's Redis client: safe to share between threads, and opened anew after a fork."""
    # Of two that threads make at once one would be dropped, and close what is being read through it.
    with _connecting:
        return _client()


@cache
def _client() -> Any:
    return django_rq.get_connection("default")


def _queue(name: str) -> Any:
    return django_rq.get_queue(name, connection=connection(), commit_mode="auto")


class Role:
    """A part that one process at a time plays; whoever plays it and dies loses it when its time is up.

    Arguments:
        name: what is played, e.g. "pacer".
        seconds: how long the part is kept without being renewed.
    """

    # Only who holds it may keep or give it up: by then it may be another's.
    _KEEP = """
    if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
    return redis.call('PEXPIRE', KEYS[1], ARGV[2])
    """
    _GIVE_UP = """
    if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
    return redis.call('DEL', KEYS[1])
    """

    def __init__(self, name: str, seconds: float) -> None:
        self._key = f"portal:role:{name}"
        self._milliseconds = int(seconds * 1000)
        self._token = uuid4().hex

    def play(self) -> bool:
        """Take the part, or keep it; answer False when another plays it. Raises RedisError."""
        server = connection()
        kept = server.eval(self._KEEP, 1, self._key, self._token, self._milliseconds)
        return bool(kept or server.set(self._key, self._token, nx=True, px=self._milliseconds))

    def give_up(self) -> None:
        """Let another play the part, if it is this process's."""
        with suppress(RedisError):
            connection().eval(self._GIVE_UP, 1, self._key, self._token)


_stopping = threading.Event()


def stop() -> None:
    """This process is asked to end: whatever runs long comes to its end."""
    _stopping.set()


def stopping() -> bool:
    """Whether this process was asked to end."""
    return _stopping.is_set()


def close_database_connections() -> None:
    """Close this process's database connections, so that a long job does not hold a dead one."""
    connections.close_all()
