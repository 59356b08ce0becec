"""What branches make certain: the conditions that hold wherever a step runs.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-branch-condition.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ssmdoc.checks.rule import Context, RawStep

_EQUALITIES = ("StringEquals", "NumericEquals", "BooleanEquals")


@dataclass(frozen=True, slots=True)
class Held:
    """A condition that is known to hold, or not to; of an equality, what equals what."""

    condition: str
    holds: bool
    variable: str = ""
    value: str = ""

    def denies(self, other: Held) -> bool:
        """Whether the two cannot both be."""
        if self.condition == other.condition:
            return self.holds is not other.holds
        both = self.holds and other.holds and bool(self.variable)
        return both and self.variable == other.variable and self.value != other.value


@dataclass(frozen=True, slots=True)
class Way:
    """A way out of a step, and what is known once it was taken."""

    target: str
    held: frozenset[Held] = frozenset()


def ways(context: Context) -> dict[str, list[Way]]:
    """The ways out of every step that has not failed."""
    found: dict[str, list[Way]] = {}
    for step in context.named.values():
        if step.action == "aws:branch":
            found[step.name] = list(_of_branch(step))
    for edge in context.graph.edges:
        branch = found.get(edge.source) if edge.kind == "next" else None
        if edge.kind in ("next", "loop"):
            refused = branch[-1].held if branch and branch[-1].target == "" else frozenset[Held]()
            found.setdefault(edge.source, []).append(Way(edge.target, refused))
    return {
        source: [way for way in targets if way.target in context.named] for source, targets in found.items()
    }


def _of_branch(step: RawStep) -> Iterator[Way]:
    """A branch's choices, and last where it leads when each of them is refused: nowhere without a Default."""
    refused: set[Held] = set()
    choices = step.inputs.get("Choices")
    for choice in choices if isinstance(choices, list) else []:
        if isinstance(choice, dict):
            said = _held(choice)
            yield Way(str(choice.get("NextStep")), frozenset({*refused, *_with(said, True)}))
            refused |= _with(said, False)
    default = step.inputs.get("Default")
    yield Way(default if isinstance(default, str) else "", frozenset(refused))


def _held(choice: dict[str, Any]) -> Held | None:
    condition = {key: value for key, value in choice.items() if key != "NextStep"}
    text = json.dumps(condition, sort_keys=True, default=str).replace("{{ ", "{{").replace(" }}", "}}")
    # What a step may change between two branches says nothing of the second.
    if "{{variable:" in text:
        return None
    variable = str(condition.get("Variable", "")).replace(" ", "")
    operator = next((key for key in _EQUALITIES if key in condition), "")
    if not operator or len(condition) != 2 or "{{" in str(condition[operator]):
        return Held(text, True)
    return Held(text, True, variable, str(condition[operator]).lower())


def _with(said: Held | None, holds: bool) -> set[Held]:
    return {Held(said.condition, holds, said.variable, said.value)} if said else set()


def known_at(found: dict[str, list[Way]], start: str, step: str) -> frozenset[Held]:
    """What holds on every way from `start` to `step`."""
    known: dict[str, frozenset[Held]] = {start: frozenset()}
    pending = [start]
    while pending:
        source = pending.pop()
        for way in found.get(source, ()):
            after = known[source] | way.held
            before = known.get(way.target)
            less = after if before is None else before & after
            if less != before:
                known[way.target] = less
                pending.append(way.target)
    return known.get(step, frozenset())


def leads_around(found: dict[str, list[Way]], start: str, step: str, without: str) -> bool:
    """Whether a way leads to `step` around `without` that no condition known at `step` denies."""
    known = known_at(found, start, step)
    seen = {start}
    pending = [start]
    while pending:
        for way in found.get(pending.pop(), ()):
            denied = any(one.denies(other) for one in way.held for other in known)
            if way.target not in seen and way.target != without and not denied:
                seen.add(way.target)
                pending.append(way.target)
    return step in seen
