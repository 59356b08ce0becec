"""A document's steps and the ways between them: for the picture, for reachability, for what can happen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ssmdoc import actions, operators
from ssmdoc.actions import Effect
from ssmdoc.model import Document, Step

EdgeKind = Literal["next", "branch", "failure", "cancel", "loop"]


@dataclass(frozen=True, slots=True)
class Node:
    """A step of the picture."""

    id: str
    label: str
    action: str
    line: int
    step: Step = field(repr=False, compare=False)

    @property
    def kind(self) -> Effect:
        """What the step does: ``read``, ``change``, ``destroy`` or ``flow``."""
        # The checks walk the graph at every keystroke and never ask; a script has to be read to tell.
        return actions.effect(self.step)


@dataclass(frozen=True, slots=True)
class Edge:
    """A way from a step to another.

    `label` is the condition of a branch or of a loop. A ``loop`` edge leads from a loop to the first step of
    its body; the body's last step leads back to the loop by a ``next`` edge.
    """

    source: str
    target: str
    kind: EdgeKind
    label: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """Steps and ways. A step that ends the run has no ``next`` edge."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def as_dict(self) -> dict[str, Any]:
        """The graph as JSON-ready data."""
        return {
            "nodes": [
                {"id": n.id, "label": n.label, "action": n.action, "line": n.line, "kind": n.kind}
                for n in self.nodes
            ],
            "edges": [
                {"source": e.source, "target": e.target, "kind": e.kind, "label": e.label} for e in self.edges
            ],
        }

    def reachable(self) -> frozenset[str]:
        """The steps that some way from the first step leads to."""
        return self.from_(self.nodes[0].id) if self.nodes else frozenset()

    def from_(self, start: str) -> frozenset[str]:
        """`start` and every step that some way from it leads to."""
        ways: dict[str, list[str]] = {}
        for edge in self.edges:
            ways.setdefault(edge.source, []).append(edge.target)
        seen = {start}
        pending = [start]
        while pending:
            for target in ways.get(pending.pop(), ()):
                if target not in seen:
                    seen.add(target)
                    pending.append(target)
        return frozenset(seen)


def build(document: Document) -> Graph:
    """The graph of a document. Jumps to steps that do not exist are left out; a name's first step counts."""
    steps: dict[str, Step] = {}
    for step in document.walk():
        steps.setdefault(step.name, step)
    edges = dict.fromkeys(edge for edge in _edges(document.steps, None) if edge.target in steps)
    nodes = [Node(step.name, step.name, step.action, step.line, step) for step in steps.values()]
    return Graph(tuple(nodes), tuple(edges))


def _edges(steps: Sequence[Step], loop: Step | None) -> Iterator[Edge]:
    for index, step in enumerate(steps):
        yield from successors(step, steps[index + 1] if index + 1 < len(steps) else None, loop)
        yield from _edges(step.steps, step)


def successors(step: Step, following: Step | None, loop: Step | None = None) -> Iterator[Edge]:
    """The ways out of a step that `following` stands after, inside `loop` or at the top.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-actions.html
    """
    after = following.name if following else loop.name if loop else None
    if step.steps:
        yield Edge(step.name, step.steps[0].name, "loop", _repeats(step))
    if step.action == "aws:branch":
        yield from _branches(step)
        # Without a default a branch whose conditions all fail goes on, unless it ends the run.
        if not step.inputs.get("Default") and not step.is_end and (step.next_step or after):
            yield Edge(step.name, step.next_step or str(after), "next")
    elif step.next_step:
        yield Edge(step.name, step.next_step, "next")
    elif step.is_end:
        if loop:
            yield Edge(step.name, loop.name, "next")
    elif after:
        yield Edge(step.name, after, "next")
    if step.failure_target:
        yield Edge(step.name, step.failure_target, "failure")
    if step.cancel_target:
        yield Edge(step.name, step.cancel_target, "cancel")


def _repeats(loop: Step) -> str:
    held = loop.inputs.get("LoopCondition")
    return f"while {condition(held)}" if isinstance(held, dict) else "each time"


def _branches(step: Step) -> Iterator[Edge]:
    choices = step.inputs.get("Choices")
    for choice in choices if isinstance(choices, list) else []:
        if isinstance(choice, dict) and isinstance(choice.get("NextStep"), str):
            yield Edge(step.name, choice["NextStep"], "branch", condition(choice))
    default = step.inputs.get("Default")
    if isinstance(default, str) and default:
        yield Edge(step.name, default, "branch", "otherwise")


def condition(choice: Mapping[str, Any], depth: int = 0) -> str:
    """A branch's or loop's condition in short: ``Count > 3 and not Ready = true``."""
    if depth > 8:
        return "…"
    for word in ("And", "Or"):
        parts = choice.get(word)
        if isinstance(parts, list):
            said = [condition(part, depth + 1) for part in parts if isinstance(part, dict)]
            return f" {word.lower()} ".join(f"({part})" if " or " in part else part for part in said)
    inner = choice.get("Not")
    if isinstance(inner, dict):
        return f"not {condition(inner, depth + 1)}"
    variable = str(choice.get("Variable", "")).strip().removeprefix("{{").removesuffix("}}").strip()
    for operator, sign in operators.ALL.items():
        if operator in choice:
            value = choice[operator]
            return f"{variable} {sign} {str(value).lower() if isinstance(value, bool) else value}"
    return variable
