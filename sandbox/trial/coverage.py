"""Which steps and ways of a document a trial went."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.automation.records import StepExecution
from ssmdoc import Document, graph


@dataclass(frozen=True)
class Way:
    """A way out of a step: a choice of a branch, an edge of onFailure, the next step. See `ssmdoc.graph`."""

    source: str
    target: str
    kind: str
    label: str
    covered: bool


@dataclass(frozen=True)
class Coverage:
    """The document's steps in its order, those that ran among them, and all ways."""

    steps: tuple[str, ...]
    ran: tuple[str, ...]
    ways: tuple[Way, ...]


def coverage(document: Document, records: Sequence[StepExecution]) -> Coverage:
    """What of a document a run went through, by its records."""
    drawn = graph.build(document)
    begun = [record for record in records if record.started_at is not None]
    gone = {(before.name, after.name): before for before, after in _moves(begun)}
    ways = []
    for edge in drawn.edges:
        record = gone.get((edge.source, edge.target))
        failed = record is not None and record.status in ("Failed", "TimedOut")
        ways.append(
            Way(
                edge.source,
                edge.target,
                edge.kind,
                edge.label,
                covered=record is not None and failed == (edge.kind == "failure") and edge.kind != "cancel",
            )
        )
    ran = {record.name for record in begun}
    steps = tuple(node.id for node in drawn.nodes)
    return Coverage(steps, tuple(step for step in steps if step in ran), tuple(ways))


def _moves(begun: list[StepExecution]) -> list[tuple[StepExecution, StepExecution]]:
    moments = sorted(range(len(begun)), key=lambda index: (begun[index].started_at, index))
    ordered = [begun[index] for index in moments]
    return list(itertools.pairwise(ordered))
