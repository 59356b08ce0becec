"""Readies the database, static files and demonstration data, and sees the workers come up.

A process of its own, so that the supervisor need not hold Django. Announces each milestone as a JSON line on
standard output: `{"reached": NAME}`, at the end `{"sign_ins": [...]}`, or `{"fault": SENTENCE}`.
"""

import hashlib
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from automation_portal.stack.programs import (
    COLLECTED,
    DEMONSTRATED,
    MIGRATED,
    POOL_WORKERS,
    WORKING,
    answers,
)
from common.errors import PortalError

PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.1


class Unprepared(Exception):
    """The instance cannot be readied. The message is a sentence for the person at the console."""


def main() -> int:
    """Do it all; returns the process's exit status."""
    announcements = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    # What Django's commands print belongs into the log, not among the announcements.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def announce(**message: object) -> None:
        announcements.write(json.dumps(message) + "\n")
        announcements.flush()

    began = datetime.now(UTC)
    try:
        django.setup()
        migrate()
        announce(reached=MIGRATED)
        collect_static_files()
        announce(reached=COLLECTED)
        if settings.DEMONSTRATION:
            await_sandbox()
            from automation_portal import demonstration

            demonstration.ensure()
            announce(reached=DEMONSTRATED)
            announce(sign_ins=[list(entry) for entry in demonstration.sign_ins()])
        await_workers(began)
        announce(reached=WORKING)
    except (ImproperlyConfigured, PortalError, Unprepared) as error:
        announce(fault=str(error))
        return 1
    return 0


def migrate() -> None:
    """Bring the database to the checkout's models; one question to the database when it already is."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False)


def collect_static_files() -> None:
    """Copy, name by content and compress the static files, unless the same ones already are."""
    from django.contrib.staticfiles.finders import get_finders

    state = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            status = Path(storage.path(name)).stat()
            state.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    stamp = Path(settings.STATIC_ROOT).with_name("static.stamp")
    wanted = state.hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    stamp.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    stamp.write_text(wanted)


def await_sandbox() -> None:
    """Wait until the sandbox answers."""
    if not _within_patience(lambda: answers(settings.SANDBOX_PORT, "/_sandbox/health")):
        raise Unprepared("The sandbox AWS did not answer within a minute; its log says why.")


def await_workers(began: datetime) -> None:
    """Wait until every worker of this start, and cron, has registered with the queue."""
    wanted = {"launch": POOL_WORKERS, "tracking": 1, "cron": 1}
    if not _within_patience(lambda: all(_registered(began)[queue] >= n for queue, n in wanted.items())):
        raise Unprepared("The workers did not come up within a minute; their logs say why.")


def _registered(began: datetime) -> Counter[str]:
    """Return how many workers born since `began` serve each queue, and under "cron" how many schedulers."""
    from rq import Worker, cron_scheduler_registry

    from common import queueing

    connection = queueing.connection()
    schedulers = connection.zcount(cron_scheduler_registry.get_registry_key(), began.timestamp(), "+inf")
    counts = Counter({"cron": schedulers})
    for worker in Worker.all(connection=connection):
        if worker.birth_date and worker.birth_date.replace(tzinfo=UTC) >= began:
            counts.update(worker.queue_names())
    return counts


def _within_patience(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(PAUSE_SECONDS)
    return False


if __name__ == "__main__":
    sys.exit(main())
