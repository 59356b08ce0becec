"""The queue: the only place that knows django-rq.

RQ carries ids from one process to another and keeps nothing that matters: whatever a job is about stands in
the database, so that a lost queue loses nothing.
"""

import logging
from collections.abc import Callable
from typing import Any

import django_rq
from django.db import connections, transaction
from redis.exceptions import RedisError

log = logging.getLogger(__name__)


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
        target = django_rq.get_queue(queue, commit_mode="auto")
        target.enqueue_call(function, args=arguments, result_ttl=0, failure_ttl=86400)
    except RedisError as error:
        log.warning("The queue does not answer (%s); %s waits for the reconciler", error, function.__name__)
        return False
    return True


def waiting(queue: str) -> int:
    """Return how many jobs wait in `queue`."""
    return int(django_rq.get_queue(queue).count)


def connection() -> Any:
    """Return the Redis client that the queues use."""
    return django_rq.get_connection("default")


def close_database_connections() -> None:
    """Close this process's database connections, so that a long job does not hold a dead one."""
    connections.close_all()
