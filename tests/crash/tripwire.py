"""Kills the process that it is set in when it comes to a point: kill -9, once for each run."""

import os
import signal
import threading
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from botocore.client import BaseClient
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.models.query import QuerySet
from redis import Redis
from rq import Queue
from rq.worker import BaseWorker
from urllib3.connection import HTTPConnection

from executions.models import ExecutionEvent
from tests.crash.points import Moment, Point

# Under such names the queue's server keeps who plays a role; see common.queueing.
ROLES = "portal:role:"


class Marks:
    """Who was killed already: one file for each run, so that no mark is lost with the process.

    Arguments:
        folder: where.
        most: how many may be killed in all.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self._folder = folder
        self._most = most
        folder.mkdir(parents=True, exist_ok=True)

    def __len__(self) -> int:
        return sum(1 for _ in self._folder.iterdir())

    def take(self, key: str) -> bool:
        """Say whether the one with this key is to die now; the second time it is not.

        key: a run's; "" where it is not known, then any of those left dies.
        """
        killed = len(self)
        if killed >= self._most:
            return False
        numbered = (f"nobody-{number}" for number in range(killed, self._most))
        return any(self._mark(name) for name in ([key] if key else numbered))

    def _mark(self, name: str) -> bool:
        try:
            os.close(os.open(self._folder / name, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True


class Tripwire:
    """Watches what the process does.

    Arguments:
        point: where it dies.
        marks: who has died there already.
    """

    def __init__(self, point: Point, marks: Marks) -> None:
        self._point = point
        self._marks = marks
        self._here = threading.local()

    def set(self) -> None:
        """Wrap what lies below the product, in this process."""
        self._watch_commits()
        self._watch_queues()
        self._watch_calls()
        self._watch_queries()
        self._watch_roles()

    def _reach(self, when: str, what: str, name: str, key: str = "") -> None:
        moment = Moment(when, what, name, getattr(self._here, "job", ""))
        if self._point.reached(moment) and self._marks.take(key):
            os.kill(os.getpid(), signal.SIGKILL)

    def _watch_commits(self) -> None:
        here = self._here

        def noted(write: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(write)
            def bulk_create(query: Any, rows: Any, *arguments: Any, **options: Any) -> Any:
                if query.model is ExecutionEvent:
                    rows = list(rows)
                    here.events = [*getattr(here, "events", []), *rows]
                return write(query, rows, *arguments, **options)

            return bulk_create

        def watched(commit: Callable[[Any], Any]) -> Callable[[Any], Any]:
            @wraps(commit)
            def watching(connection: Any) -> Any:
                events, here.events = getattr(here, "events", []), []
                kinds = "".join(f" {row.kind} " for row in events)
                key = str(events[0].execution_id) if events else ""
                if events:
                    self._reach("before", "commit", kinds, key)
                done = commit(connection)
                if events:
                    self._reach("after", "commit", kinds, key)
                return done

            return watching

        def forgetful(rollback: Callable[[Any], Any]) -> Callable[[Any], Any]:
            @wraps(rollback)
            def forgetting(connection: Any) -> Any:
                here.events = []
                return rollback(connection)

            return forgetting

        QuerySet.bulk_create = noted(QuerySet.bulk_create)  # type: ignore[method-assign]
        BaseDatabaseWrapper.commit = watched(BaseDatabaseWrapper.commit)  # type: ignore[method-assign]
        BaseDatabaseWrapper.rollback = forgetful(BaseDatabaseWrapper.rollback)  # type: ignore[method-assign]

    def _watch_queues(self) -> None:
        send, perform = Queue.enqueue_call, BaseWorker.perform_job

        @wraps(send)
        def enqueue_call(queue: Any, func: Any, args: Any = None, *more: Any, **options: Any) -> Any:
            name = func if isinstance(func, str) else func.__name__
            # Of a target, all runs are followed by one job: it says nothing of the run at hand.
            key = "" if name == "track" else "-".join(str(value) for value in args or ())
            self._reach("before", "enqueue", name, key)
            sent = send(queue, func, args, *more, **options)
            self._reach("after", "enqueue", name, key)
            return sent

        @wraps(perform)
        def perform_job(worker: Any, job: Any, *more: Any) -> Any:
            self._here.job, self._here.queries = job.func_name.rpartition(".")[2], 0
            self._reach("before", "job", self._here.job, "-".join(str(value) for value in job.args))
            try:
                return perform(worker, job, *more)
            finally:
                self._here.job = ""

        Queue.enqueue_call = enqueue_call  # type: ignore[method-assign]
        BaseWorker.perform_job = perform_job  # type: ignore[method-assign]

    def _watch_calls(self) -> None:
        make, await_answer = BaseClient._make_api_call, HTTPConnection.getresponse
        here = self._here

        @wraps(make)
        def make_api_call(client: Any, operation: str, request: Any) -> Any:
            key = str(request.get("ClientToken") or request.get("AutomationExecutionId") or "")
            self._reach("before", "call", operation, key)
            here.call = (operation, key)
            try:
                answer = make(client, operation, request)
            finally:
                here.call = None
            self._reach("after", "call", operation, key)
            return answer

        @wraps(await_answer)
        def getresponse(connection: Any) -> Any:
            if getattr(here, "call", None):
                self._reach("sent", "call", *here.call)
            return await_answer(connection)

        BaseClient._make_api_call = make_api_call
        HTTPConnection.getresponse = getresponse  # type: ignore[method-assign]

    def _watch_queries(self) -> None:
        execute, here = CursorWrapper.execute, self._here

        @wraps(execute)
        def counted(cursor: Any, *arguments: Any, **options: Any) -> Any:
            if getattr(here, "job", ""):
                here.queries += 1
                self._reach("before", "query", str(here.queries))
            return execute(cursor, *arguments, **options)

        CursorWrapper.execute = counted  # type: ignore[method-assign]

    def _watch_roles(self) -> None:
        write = Redis.set

        @wraps(write)
        def written(client: Any, name: Any, *arguments: Any, **options: Any) -> Any:
            done = write(client, name, *arguments, **options)
            if done and str(name).startswith(ROLES):
                self._reach("after", "role", str(name).removeprefix(ROLES))
            return done

        Redis.set = written  # type: ignore[method-assign]
