"""What changed between two documents, in terms of the language: steps, parameters, permissions, not lines."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ssmdoc import analysis
from ssmdoc.document import Parsed, position
from ssmdoc.findings import Path
from ssmdoc.model import Document
from ssmdoc.pairing import Pairs, Place, follow

Subject = Literal["document", "assumeRole", "parameter", "variable", "step", "output", "permission"]
Kind = Literal["added", "removed", "changed", "renamed", "moved"]

# Longer texts are only counted: comparing them takes too long.
_MAX_LINES = 4_000
_SHOWN = 60

# What has changes of its own.
_PARTS = ("parameters", "variables", "mainSteps", "outputs")
_STEP_PARTS = ("name", "inputs", "outputs")


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one thing.

    `name` is the thing's name, for a step the new one when it was renamed; `before` and `after` are the
    values of the `key` that changed (a step's ``inputs.ImageId``, a parameter's ``default``), the old and the
    new name or place, or None. `line` is where it stands in the new text, in the old one when it was removed.
    """

    subject: Subject
    kind: Kind
    name: str
    key: str = ""
    before: Any = None
    after: Any = None
    line: int = 1

    def as_dict(self) -> dict[str, Any]:
        """The change as JSON-ready data."""
        return {
            "subject": self.subject,
            "kind": self.kind,
            "name": self.name,
            "key": self.key,
            "before": self.before,
            "after": self.after,
            "line": self.line,
            "sentence": self.sentence,
        }

    @property
    def sentence(self) -> str:
        """The change in words."""
        what = {
            "document": "The document",
            "assumeRole": "The assumeRole",
            "parameter": f"Parameter {self.name}",
            "variable": f"Variable {self.name}",
            "step": f"Step {self.name}",
            "output": f"Output {self.name}",
            "permission": f"Permission {self.name}",
        }[self.subject]
        if self.kind == "renamed":
            return f"{what} was called {self.before}."
        if self.kind == "moved":
            return f"{what} stands {self.after}; it stood {self.before}."
        by = f", by {self.key}" if self.key else ""
        if self.subject == "permission":
            return f"{what} is {'needed now' if self.kind == 'added' else 'no longer needed'}{by}."
        if self.kind != "changed":
            return f"{what} was {self.kind}{f' ({self.key})' if self.key else ''}."
        return self._changed(what)

    def _changed(self, what: str) -> str:
        whose = f"{what}: {self.key}" if self.key else what
        if self.before is None:
            return f"{whose} was added: {_shown(self.after)}."
        if self.after is None:
            return f"{whose} was removed; it was {_shown(self.before)}."
        if _is_text(self.before) and _is_text(self.after):
            return f"{whose} changed: {_lines(self.before, self.after)}."
        return f"{whose} changed from {_shown(self.before)} to {_shown(self.after)}."


def _shown(value: Any) -> str:
    if _is_text(value):
        return f"a text of {len(value.splitlines())} lines"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and "\n" in value


def _lines(before: str, after: str) -> str:
    old, new = before.splitlines(), after.splitlines()
    if len(old) + len(new) > _MAX_LINES:
        return f"{len(old)} lines became {len(new)}"
    codes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    gone = sum(end - start for code, start, end, _, _ in codes if code != "equal")
    come = sum(end - start for code, _, _, start, end in codes if code != "equal")
    return f"{gone} line{'' if gone == 1 else 's'} out, {come} in"


@dataclass(frozen=True, slots=True)
class Difference:
    """All changes: of the head, parameters, variables, steps, outputs and permissions, in this order."""

    changes: tuple[Change, ...]

    @property
    def sentences(self) -> list[str]:
        """The changes in words."""
        return [change.sentence for change in self.changes]

    def of(self, *subjects: Subject) -> tuple[Change, ...]:
        """The changes of some subjects."""
        return tuple(change for change in self.changes if change.subject in subjects)

    def as_dict(self) -> dict[str, Any]:
        """The changes as JSON-ready data."""
        return {"changes": [change.as_dict() for change in self.changes]}


def compare(old: Parsed, new: Parsed) -> Difference:
    """What `new` changed against `old`. Raises ValueError when one of the texts holds no document."""
    if old.document is None or new.document is None:
        raise ValueError("Only two documents can be compared.")
    pairs = Pairs(old.document, new.document)
    return Difference(
        (
            *_head(old, new),
            *_definitions("parameter", "parameters", old, new),
            *_definitions("variable", "variables", old, new),
            *_steps(pairs, old, new),
            *_outputs(old, new, pairs.renamed),
            *_permissions(old.document, new.document),
        )
    )


def _permissions(old: Document, new: Document) -> Iterator[Change]:
    """The IAM actions that are needed now, or no longer, each with the first step that needs it."""
    before, after = (_needed(document) for document in (old, new))
    for action in sorted(set(before) ^ set(after)):
        step, line = (after if action in after else before)[action]
        kind: Kind = "added" if action in after else "removed"
        yield Change("permission", kind, action, key=step, line=line)


def _needed(document: Document) -> dict[str, tuple[str, int]]:
    found: dict[str, tuple[str, int]] = {}
    for step in analysis.analyse(document).steps:
        for need in step.needs:
            found.setdefault(need.action, (step.step, step.line))
    return found


def _place(parsed: Parsed, path: Path) -> int:
    return position(parsed, path)[0]


def _head(old: Parsed, new: Parsed) -> Iterator[Change]:
    before, after = _map(old.data), _map(new.data)
    for key in dict.fromkeys((*after, *before)):
        if key not in _PARTS and before.get(key) != after.get(key):
            subject: Subject = "assumeRole" if key == "assumeRole" else "document"
            where = (new, key) if key in after else (old, key)
            named = "" if subject == "assumeRole" else key
            yield Change(
                subject, "changed", key, named, before.get(key), after.get(key), _place(where[0], (key,))
            )


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _definitions(subject: Subject, key: str, old: Parsed, new: Parsed) -> Iterator[Change]:
    before, after = _map(_map(old.data).get(key)), _map(_map(new.data).get(key))
    for name in dict.fromkeys((*after, *before)):
        if name not in before:
            kind = _map(after[name]).get("type")
            yield Change(subject, "added", name, str(kind or ""), line=_place(new, (key, name)))
        elif name not in after:
            yield Change(subject, "removed", name, line=_place(old, (key, name)))
        else:
            yield from _parts(before[name], after[name], new, (key, name), subject=subject, name=name)


def _parts(
    before: Any, after: Any, parsed: Parsed, path: Path, *, subject: Subject, name: str, prefix: str = ""
) -> Iterator[Change]:
    """The keys of a map that changed."""
    was, now = _map(before), _map(after)
    for key in dict.fromkeys((*now, *was)):
        if was.get(key) != now.get(key):
            line = _place(parsed, (*path, key))
            yield Change(subject, "changed", name, f"{prefix}{key}", was.get(key), now.get(key), line)


def _steps(pairs: Pairs, old: Parsed, new: Parsed) -> Iterator[Change]:
    moved = pairs.moved()
    for name, place in pairs.new.items():
        line = place.step.line
        before = pairs.before(name)
        if before is None:
            yield Change("step", "added", name, place.step.action, line=line)
            continue
        if before.step.name != name:
            yield Change("step", "renamed", name, "", before.step.name, name, line)
        if name in moved:
            yield Change("step", "moved", name, "", before.words, place.words, line)
        yield from _inside(pairs, name, before, place, new)
    for name, place in pairs.old.items():
        if name not in pairs.new and name not in pairs.renamed:
            yield Change("step", "removed", name, place.step.action, line=place.step.line)


def _inside(pairs: Pairs, name: str, before: Place, after: Place, new: Parsed) -> Iterator[Change]:
    """What changed in a step, its inputs and its outputs."""
    was, now, path = follow(before.data, pairs.renamed), after.data, after.step.path
    compared = (
        (_rest(was), _rest(now), path, ""),
        (was.get("inputs"), now.get("inputs"), (*path, "inputs"), "inputs."),
        (_by_name(was), _by_name(now), (*path, "outputs"), "outputs."),
    )
    for one, other, where, prefix in compared:
        yield from _parts(one, other, new, where, subject="step", name=name, prefix=prefix)


def _rest(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in _STEP_PARTS}


def _by_name(data: Mapping[str, Any]) -> dict[str, Any]:
    outputs = data.get("outputs")
    return {
        str(item.get("Name")): item.get("Selector") if item.get("Type") is None else dict(item)
        for item in (outputs if isinstance(outputs, list) else [])
        if isinstance(item, Mapping)
    }


def _outputs(old: Parsed, new: Parsed, renamed: Mapping[str, str]) -> Iterator[Change]:
    assert old.document is not None
    assert new.document is not None
    before = dict.fromkeys(follow(old.document.outputs, renamed))
    after = dict.fromkeys(new.document.outputs)
    for name in after:
        if name not in before:
            yield Change("output", "added", name, line=_place(new, ("outputs",)))
    for name in before:
        if name not in after:
            yield Change("output", "removed", name, line=_place(old, ("outputs",)))
