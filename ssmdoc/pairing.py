"""Which steps of two documents are the same: by name, or renamed but alike; and which of them moved."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ssmdoc.findings import Path
from ssmdoc.model import Document, Step

# How alike two steps of the same action must be to count as one that was renamed: the part of what they say.
_ALIKE = 0.5
# Pairs beyond this are not compared, so that two hostile texts take a moment only.
_MAX_PAIRS = 20_000
_JUMPS = ("nextStep", "onFailure", "onCancel", "NextStep", "Default")
_REFERENCE = re.compile(r"(\{\{\s*)([A-Za-z0-9_]+)(\.)")


@dataclass(frozen=True, slots=True)
class Place:
    """A step, its data without the steps inside it, and where it stands: in which loop, after which step."""

    step: Step
    data: Mapping[str, Any]
    loop: str
    after: str

    @property
    def words(self) -> str:
        where = f"after {self.after}" if self.after else "first"
        return f"{where} in the loop {self.loop}" if self.loop else where


class Pairs:
    """The steps of two documents, paired: by name, and what is left over by what they say."""

    def __init__(self, old: Document, new: Document) -> None:
        self.old = _places(old)
        self.new = _places(new)
        self.renamed = self._renamed()
        # New name to old name.
        self.was = {after: before for before, after in self.renamed.items()}
        self.was.update((name, name) for name in self.new if name in self.old)

    def _renamed(self) -> dict[str, str]:
        """Old name to new name of the steps that got another name."""
        # A step whose name is empty has none to change.
        gone = [place for name, place in self.old.items() if name and name not in self.new]
        come = [place for name, place in self.new.items() if name and name not in self.old]
        if len(gone) * len(come) > _MAX_PAIRS:
            return {}
        said = {id(place): _leaves(place) for place in (*gone, *come)}
        pairs = [
            (_alike(said[id(before)], said[id(after)]), before.step.name, after.step.name)
            for before in gone
            for after in come
            if before.step.action == after.step.action
        ]
        found: dict[str, str] = {}
        for likeness, before, after in sorted(pairs, key=lambda pair: -pair[0]):
            if likeness >= _ALIKE and before not in found and after not in found.values():
                found[before] = after
        return found

    def before(self, name: str) -> Place | None:
        """The old place of a step of the new document; None for a step that was added."""
        return self.old[self.was[name]] if name in self.was else None

    def moved(self) -> set[str]:
        """The fewest steps whose move explains the new order, and those that went into or out of a loop."""
        moved: set[str] = set()
        levels: dict[str, list[str]] = {}
        for name, place in self.new.items():
            before = self.before(name)
            if before is None:
                continue
            if self.renamed.get(before.loop, before.loop) != place.loop:
                moved.add(name)
            else:
                levels.setdefault(place.loop, []).append(name)
        order = {name: index for index, name in enumerate(self.old)}
        for names in levels.values():
            moved |= set(names) - _increasing(names, [order[self.was[name]] for name in names])
        return moved


def _places(document: Document) -> dict[str, Place]:
    found: dict[str, Place] = {}

    def add(steps: Sequence[Step], loop: str) -> None:
        after = ""
        for step in steps:
            if step.name not in found:
                found[step.name] = Place(step, _own(document, step), loop, after)
            after = step.name
            add(step.steps, step.name)

    add(document.steps, "")
    return found


def _own(document: Document, step: Step) -> Mapping[str, Any]:
    """A step's data as written, without the steps of a loop's body."""
    data: Any = document.data
    for key in step.path:
        data = data[key]
    if not step.steps:
        return dict(data)
    return {**data, "inputs": {key: value for key, value in data["inputs"].items() if key != "Steps"}}


def follow(value: Any, renamed: Mapping[str, str], key: str = "") -> Any:
    """A value as it reads when every reference and jump to a renamed step follows it."""
    if not renamed:
        return value
    if isinstance(value, str):
        if key in _JUMPS:
            name = value.removeprefix("step:")
            return f"{value[: len(value) - len(name)]}{renamed[name]}" if name in renamed else value
        if key == "":
            # An output of the document is a reference without braces.
            head, dot, tail = value.partition(".")
            value = f"{renamed[head]}{dot}{tail}" if dot and head in renamed else value
        return _REFERENCE.sub(
            lambda match: (
                match[1] + renamed.get(match[2], match[2]) + match[3] if match[2] in renamed else match[0]
            ),
            value,
        )
    if isinstance(value, Mapping):
        return {name: follow(inner, renamed, str(name)) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [follow(inner, renamed, key) for inner in value]
    return value


def _leaves(place: Place) -> set[tuple[Path, str]]:
    """What a step says: each value with its path, a text line by line."""
    found: set[tuple[Path, str]] = set()
    pending: list[tuple[Path, Any]] = [
        ((key,), value) for key, value in place.data.items() if key not in ("name", "action")
    ]
    while pending:
        path, value = pending.pop()
        if isinstance(value, Mapping):
            pending += [((*path, str(key)), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            # An item that comes or goes leaves the others as they are.
            pending += [(path, inner) for inner in value]
        else:
            found |= {(path, line) for line in str(value).splitlines()}
    return found


def _alike(one: set[tuple[Path, str]], other: set[tuple[Path, str]]) -> float:
    return len(one & other) / len(one | other) if one or other else 1.0


def _increasing(names: Sequence[str], numbers: Sequence[int]) -> set[str]:
    """The names of a longest run of numbers that grow."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for index, number in enumerate(numbers):
        at = bisect_left(tails, number)
        before.append(ends[at - 1] if at else -1)
        tails[at : at + 1] = [number]
        ends[at : at + 1] = [index]
    kept = set()
    index = ends[-1] if ends else -1
    while index >= 0:
        kept.add(names[index])
        index = before[index]
    return kept
