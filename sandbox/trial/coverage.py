"""Which steps and ways of a document a trial went."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass

from sandbox.automation import flow
from sandbox.automation.records import Execution, StepExecution
from ssmdoc import graph


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


def coverage(execution: Execution) -> Coverage:
    """What of a document a run went through, by its records."""
    plan = flow.plan_of(execution)
    drawn = graph.build(plan.document)
    begun = [record for record in execution.steps if record.started_at is not None]
    ran = {record.name for record in begun}
    gone = {move for record in begun for move in _moves(plan, record, ran)}
    ways = tuple(
        Way(
            edge.source,
            edge.target,
            edge.kind,
            edge.label,
            covered=(edge.source, edge.target, edge.kind == "failure") in gone and edge.kind != "cancel",
        )
        for edge in drawn.edges
    )
    steps = tuple(node.id for node in drawn.nodes)
    return Coverage(steps, tuple(step for step in steps if step in ran), ways)


def _moves(plan: flow.Plan, record: StepExecution, ran: Set[str]) -> Iterator[tuple[str, str, bool]]:
    """From where to where a step's end led, and whether that is the way of onFailure."""
    step = plan.step(record.name)
    if step is None:
        return
    if step.steps and step.steps[0].name in ran:
        yield step.name, step.steps[0].name, False
    if record.parent is not None and record.finished:
        yield step.name, record.parent.record.name, False
    if record.status in ("Failed", "TimedOut"):
        if step.failure_target in ran:
            yield step.name, str(step.failure_target), True
        elif step.on_failure == "Continue":
            following = plan.following(step)
            if following in ran:
                yield step.name, str(following), False
    elif record.next_step is not None:
        yield step.name, record.next_step, False
