"""The numbered facts about a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from executions import limits, wakeups
from executions.models import Execution, ExecutionEvent


@dataclass(frozen=True)
class Fact:
    """What happened: a word for programs, a sentence for people."""

    kind: str
    message: str
    data: Mapping[str, Any] = field(default_factory=dict)


def append(execution_id: UUID, facts: Sequence[Fact]) -> int:
    """Number and keep `facts` in the caller's transaction, and wake the run's pages after its commit.

    Returns the number of the newest event. Updating the run's row keeps two writers from the same number.
    """
    if not facts:
        raise ValueError("There is no fact to keep")
    with transaction.atomic(savepoint=False):
        Execution.objects.filter(pk=execution_id).update(last_event=F("last_event") + len(facts))
        run = Execution.objects.only("last_event", "status", "behind_since").get(pk=execution_id)
        append_to_all([(run, facts)])
    return run.last_event


def append_to_all(news: Sequence[tuple[Execution, Sequence[Fact]]]) -> None:
    """Keep the facts of several runs in the caller's transaction, and wake their pages after its commit.

    The caller has raised each run's `last_event` by the number of its facts, there and in the run as given.
    """
    ExecutionEvent.objects.bulk_create(
        ExecutionEvent(
            execution_id=run.pk,
            number=number,
            kind=fact.kind,
            message=fact.message,
            data=dict(fact.data),
        )
        for run, facts in news
        for number, fact in enumerate(facts, start=run.last_event - len(facts) + 1)
    )
    transaction.on_commit(partial(wakeups.tell_watchers, [run.pk for run, _ in news]))
    if ended := [run.pk for run, _ in news if run.is_final]:
        transaction.on_commit(partial(limits.launch_who_waited, ended))
