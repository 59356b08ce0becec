"""`manage.py work`: the portal's own processes on one machine, sharing the memory of what they load."""

import importlib
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connections

from aws import clients
from common import queueing
from common.siblings import Siblings
from documents import checking
from executions.models import Execution

SCHEDULE = "automation_portal.cron"


class Command(BaseCommand):
    """Runs workers, tracker, cron and, when asked to, the web until it is asked to end."""

    help = (
        "Runs what rqworker-pool, rqworker and rqcron run, and with --web what gunicorn runs, as processes "
        "that share their memory. Whichever ends is started again."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the number of workers, and the web's address."""
        parser.add_argument(
            "--workers", type=int, default=2, help="how many launch and do other short jobs (default: 2)"
        )
        parser.add_argument("--web", metavar="HOST:PORT", help="serve the pages, too, with one web process")

    def handle(self, *args: Any, workers: int, web: str | None, **options: Any) -> None:
        """Load everything once, and fork."""
        if workers < 1:
            raise CommandError("At least one worker is needed: --workers 1 or more.")
        works: dict[str, Callable[[], None]] = {}
        if web:
            works["web"] = _web(web)
        for number in range(1, workers + 1):
            works[f"worker {number}"] = partial(queueing.work, "launch", "default")
        works |= {
            "tracker": partial(queueing.work, "tracking"),
            "cron": partial(queueing.keep_time, SCHEDULE),
        }
        _load()
        Siblings(works).run()


def _web(address: str) -> Callable[[], None]:
    from django.urls import get_resolver

    from automation_portal import asgi, serving  # noqa: F401 - the application, for the child to find

    # Imports the pages, which Django otherwise does at the first request.
    _ = get_resolver().url_patterns
    server: Callable[[], None] = serving.Web(address).run
    return server


def _load() -> None:
    """Load what jobs need: it is there at their first one, and once for all processes."""
    # The schedule names all jobs, and these bring what they work with.
    importlib.import_module(SCHEDULE)
    queueing.load()
    checking.load()
    clients.load()
    # The first question brings most of what Django needs to ask any.
    with suppress(DatabaseError):
        Execution.objects.select_related("target").first()
    # Two processes may not talk through one connection.
    connections.close_all()
