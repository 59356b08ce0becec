"""The numbered facts about a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from executions import wakeups
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
    with transaction.atomic():
        Execution.objects.filter(pk=execution_id).update(last_event=F("last_event") + len(facts))
        run = Execution.objects.only("last_event", "status", "behind_since").get(pk=execution_id)
        last = run.last_event
        ExecutionEvent.objects.bulk_create(
            ExecutionEvent(
                execution_id=execution_id,
                number=number,
                kind=fact.kind,
                message=fact.message,
                data=dict(fact.data),
            )
            for number, fact in enumerate(facts, start=last - len(facts) + 1)
        )
        transaction.on_commit(partial(wakeups.tell_watchers, [execution_id]))
    return last
