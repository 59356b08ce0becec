"""How far runs are, for whoever watches them: asked through the door, for many watchers at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connections

from accounts.sessions import signed_in
from common.access_in_bulk import permitted
from executions.models import Execution


@dataclass(frozen=True)
class Question:
    """How far is a run, if whoever has the session may see it?"""

    session_key: str
    execution_id: UUID


@dataclass(frozen=True)
class Standing:
    """How far a run is: its newest event's number, whether all is known of its end, when AWS was last asked.

    `person` is the primary key of who asked. `behind_since`: since when AWS knows more about its steps.
    """

    person: Any
    number: int
    final: bool
    observed_at: datetime | None
    behind_since: datetime | None


def standings(questions: Sequence[Question]) -> list[Standing | None]:
    """Answer each question as its session's person may know now, in a constant number of queries.

    None where the run does not exist, or the session, the person or their right to see the run has ended.
    """
    keys = {question.execution_id for question in questions}
    # Read before the door is asked: what is told is never newer than the right to know it.
    runs = Execution.objects.only("last_event", "status", "behind_since", "observed_at").in_bulk(list(keys))
    people = signed_in({question.session_key for question in questions})
    asked = [(people.get(question.session_key), question.execution_id) for question in questions]
    seeing = permitted(
        "view", Execution, [(who, key) for who, key in asked if who is not None and key in runs]
    )
    return [
        _standing(runs[key], who.pk) if who is not None and (who.pk, key) in seeing else None
        for who, key in asked
    ]


def _standing(run: Execution, person: Any) -> Standing:
    return Standing(person, run.last_event, run.is_settled, run.observed_at, run.behind_since)


def let_connections_go() -> None:
    """Close the thread's database connections: they may be broken, or are not needed for a while."""
    connections.close_all()
