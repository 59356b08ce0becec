"""What a value of a document can be when it runs, as far as its text tells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ssmdoc import references
from ssmdoc.findings import Path
from ssmdoc.model import MISSING, Document, Parameter, Step

# Texts of another language, or for people: what they say is not what a step does.
TEXTS = ("Script", "commands", "Commands", "TemplateBody", "UserData")
_PROSE = ("Message", "Description", "description", "Comment", "ImageDescription")


@dataclass(frozen=True, slots=True)
class Possible:
    """One thing that a value can be.

    `path` is where it is written, `source` names what it comes from (empty for a literal). `text` is empty
    when it can be anything, which is decided elsewhere: `source` says where.
    """

    text: str
    path: Path
    source: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A value somewhere in a step's inputs, with the key that it stands under."""

    key: str
    value: Any
    path: Path


def entries(step: Step) -> Iterator[Entry]:
    """Everything that a step's inputs hold under a key, in reading order, without prose for people.

    A pair of ParameterKey and ParameterValue, as CloudFormation takes parameters, counts as a key and its
    value. The body of a loop is not searched: its steps have inputs of their own.
    """
    pending: list[Entry] = [Entry("", step.inputs, (*step.path, "inputs"))]
    while pending:
        entry = pending.pop()
        below: list[Entry] = []
        if isinstance(entry.value, Mapping):
            for key, value in entry.value.items():
                if key not in _PROSE and not (step.steps and entry.key == "" and key == "Steps"):
                    below.append(Entry(str(key), value, (*entry.path, key)))
            named = entry.value.get("ParameterKey")
            if isinstance(named, str) and "ParameterValue" in entry.value:
                yield Entry(named, entry.value["ParameterValue"], (*entry.path, "ParameterValue"))
        elif isinstance(entry.value, list):
            below = [Entry(entry.key, item, (*entry.path, index)) for index, item in enumerate(entry.value)]
        if entry.key:
            yield entry
        pending.extend(reversed(below))


def possible(document: Document, value: Any, path: Path) -> Iterator[Possible]:
    """What a value can be: itself, or what a parameter or variable that it refers to can be."""
    return _possible(document, value, path, frozenset())


def _possible(document: Document, value: Any, path: Path, seen: frozenset[str]) -> Iterator[Possible]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _possible(document, inner, (*path, key), seen)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _possible(document, inner, (*path, index), seen)
    elif value is None or isinstance(value, bool):
        return
    elif not references.find(value):
        yield Possible(references.render(value), path)
    else:
        yield from _referred(document, value, path, seen)


def _referred(document: Document, value: Any, path: Path, seen: frozenset[str]) -> Iterator[Possible]:
    reference = references.whole(value)
    if reference is None:
        yield Possible("", path, f"the text {references.render(value)[:60]}")
    elif reference.kind == "parameter" and reference.name in document.parameters:
        yield from _of_parameter(document.parameters[reference.name], path)
    elif reference.kind == "variable" and reference.name in document.variables:
        if reference.name not in seen:
            yield from _of_variable(document, reference.name, path, seen | {reference.name})
    elif reference.kind in ("output", "ssm"):
        what = "output" if reference.kind == "output" else "Systems Manager parameter"
        yield Possible("", path, f"the {what} {reference.expression[:60]}")


def _of_parameter(parameter: Parameter, path: Path) -> Iterator[Possible]:
    source = f"the parameter {parameter.name}"
    own: Path = ("parameters", parameter.name)
    if parameter.allowed_values is None:
        spelt = _spelt_out(parameter.allowed_pattern or "")
        if not spelt:
            yield Possible("", path, source)
            return
        for text in spelt:
            yield Possible(text, (*own, "allowedPattern"), source)
    for index, item in enumerate(parameter.allowed_values or ()):
        yield Possible(references.render(item), (*own, "allowedValues", index), source)
    # A default need not be one of the allowed values: AWS takes it as it is when nothing is given.
    default = parameter.default
    for item in default if isinstance(default, list) else [default]:
        if item is not MISSING and item is not None and item != "":
            opaque = bool(references.find(item))
            where = f"{source} and its default" if opaque else source
            yield Possible("" if opaque else references.render(item), (*own, "default"), where)


def _of_variable(document: Document, name: str, path: Path, seen: frozenset[str]) -> Iterator[Possible]:
    """A variable's first value, and all that steps give it."""
    source = f"the variable {name}"
    variable = document.variables[name]
    if variable.default is not MISSING:
        for found in _possible(document, variable.default, ("variables", name, "default"), seen):
            yield replace(found, source=found.source or source)
    for step in document.walk():
        if step.action == "aws:updateVariable" and _names(step.inputs.get("Name"), name):
            value = step.inputs.get("Value")
            for found in _possible(document, value, (*step.path, "inputs", "Value"), seen):
                yield replace(found, source=found.source or source)


def _names(written: Any, variable: str) -> bool:
    return isinstance(written, str) and written.strip("{} ").removeprefix("variable:").strip() == variable


# A dot that is not escaped counts as a dot: no name differs from another only there.
_WORD = re.compile(r"(?:[\w.-]|\\[.-])+\Z")


def _spelt_out(pattern: str) -> list[str]:
    """The words of a pattern that is nothing but a choice of words, like ``^(t3\\.micro|t3\\.small)$``."""
    inner = pattern.removeprefix("^").removesuffix("$")
    if inner[:1] == "(" and inner[-1:] == ")":
        inner = inner[1:-1].removeprefix("?:")
    words = inner.split("|")
    if not all(_WORD.match(word) for word in words):
        return []
    return [word.replace("\\", "") for word in words]
