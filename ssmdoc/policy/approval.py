"""The rule that somebody approves before anything is destroyed.

Approval counts when it is sure: on every way from the document's first step to the one that destroys there is
an aws:approve step that was left because it succeeded. An aws:approve step that goes on after a rejection or
its timeout (onFailure: Continue, or a jump) therefore does not count on that way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ssmdoc import actions, graph
from ssmdoc.document import Parsed
from ssmdoc.findings import Finding
from ssmdoc.model import Document, Step
from ssmdoc.policy.rule import Rule, boolean


def unapproved(document: Document) -> dict[str, tuple[str, ...]]:
    """The steps that some way without approval leads to, each with the steps of the shortest such way."""
    steps: dict[str, Step] = {}
    for step in document.walk():
        steps.setdefault(step.name, step)
    ways: dict[str, list[str]] = {}
    for edge in graph.build(document).edges:
        if _is_open(steps[edge.source], edge):
            ways.setdefault(edge.source, []).append(edge.target)
    if not document.steps:
        return {}
    came_from: dict[str, str | None] = {document.steps[0].name: None}
    pending = [document.steps[0].name]
    # The list grows while it is walked: steps come in the order of their distance.
    for name in pending:
        for target in ways.get(name, ()):
            if target not in came_from:
                came_from[target] = name
                pending.append(target)
    return {name: _way(name, came_from) for name in came_from}


def _is_open(source: Step, edge: graph.Edge) -> bool:
    """Whether one can go this way without approval."""
    if source.action != "aws:approve":
        return True
    return edge.kind in ("failure", "cancel") or source.on_failure == "Continue"


def _way(name: str, came_from: dict[str, str | None]) -> tuple[str, ...]:
    way = [name]
    while (before := came_from[way[-1]]) is not None:
        way.append(before)
    return tuple(reversed(way))


def _require(parsed: Parsed, document: Document, setting: Any) -> Iterator[Finding]:
    ways = unapproved(document)
    for step in document.walk():
        if step.name not in ways or actions.effect(step) != "destroy":
            continue
        way = ways[step.name]
        if len(way) == 1:
            how = "nothing comes before it"
        else:
            shown = way if len(way) <= 6 else (*way[:3], "…", *way[-2:])
            how = f"the way {' → '.join(shown)} has no approval"
        yield parsed.finding(
            "policy-approval",
            "error",
            f'Step "{step.name}" destroys something before anybody approved: {how}.',
            (*step.path, "name"),
            hint="Put an aws:approve step before it, on every way, whose onFailure is Abort.",
        )


RULES = (
    Rule(
        "require_approval",
        boolean,
        lambda _: "Somebody must approve, by an aws:approve step, before a document destroys anything.",
        _require,
    ),
)
