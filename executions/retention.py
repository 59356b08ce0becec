"""Runs that ended long ago are removed, with their steps, events and answers; the record of them stays.

A run that has not ended is never removed, and a run that has ended never changes again. What the audit tells
of a removed run names it in words, so that it still reads.
"""

import time
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from audit.services import record
from common import queueing
from common.clock import now
from executions.models import FINAL, Execution, Status

BATCH = 500
# A job of the queue gives its worker back after this; the next one goes on.
JOB_SECONDS = 20.0


@dataclass
class Purged:
    """How many rows were removed (in a dry run: would be), by the model's name; `runs` among them."""

    runs: int
    rows: dict[str, int]
    complete: bool = True


def ended_before(days: int) -> QuerySet[Execution]:
    """Return the runs that ended more than `days` days ago, the oldest first."""
    moment = now() - timedelta(days=days)
    # Whatever ended before the moment was asked for before it: the index on that gives the oldest at once.
    # The states are those left out: an index on states that are wanted would be read instead, to its end.
    old = Execution.objects.filter(requested_at__lt=moment, ended_at__lt=moment)
    return old.exclude(status__in=sorted(set(Status) - FINAL)).order_by("requested_at", "id")


def purge_runs(*, days: int, batch: int = BATCH, seconds: float | None = None) -> Purged:
    """Remove the runs that ended more than `days` days ago.

    Each batch is one transaction with its audit entry, so that others wait for no longer than it takes, and
    whoever interrupts it leaves whole runs only. Runs that repeat a removed one no longer say so.

    Arguments:
        days: 1 or more.
        batch: runs a transaction.
        seconds: stop beginning batches after this; None to go on to the end. A process that is asked to end
            begins none either.
    """
    if days < 1 or batch < 1:
        raise ValueError("Runs are kept for a day at least, and removed one at a time at least")
    end = None if seconds is None else time.monotonic() + seconds
    total: dict[str, int] = {}
    while True:
        removed = _purge_batch(days, batch)
        for name, count in removed.items():
            total[name] = total.get(name, 0) + count
        runs = total.get(Execution._meta.model_name or "", 0)
        if not removed:
            return Purged(runs, total)
        if queueing.stopping() or (end is not None and time.monotonic() >= end):
            return Purged(runs, total, complete=not ended_before(days).exists())


@transaction.atomic
def _purge_batch(days: int, batch: int) -> dict[str, int]:
    chosen = ended_before(days)
    if connection.features.has_select_for_update_skip_locked:
        # Of two that purge at once each takes runs of its own.
        chosen = chosen.select_for_update(skip_locked=True)
    found = list(chosen.values_list("pk", "requested_at")[:batch])
    if not found:
        return {}
    _, counts = Execution.objects.filter(pk__in=[key for key, _ in found]).only("pk").delete()
    removed = {label.rpartition(".")[2].lower(): count for label, count in counts.items() if count}
    record(
        actor=None,
        action="runs.purged",
        obj=None,
        data={
            "ended_days_ago": days,
            "removed": removed,
            "requested_from": found[0][1].isoformat(),
            "requested_to": found[-1][1].isoformat(),
        },
    )
    return removed


def purge_by_setting() -> None:
    """Remove what RETENTION_DAYS no longer keeps, for as long as a job may take."""
    if settings.RETENTION_DAYS:
        purge_runs(days=settings.RETENTION_DAYS, seconds=JOB_SECONDS)
