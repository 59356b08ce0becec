"""Literal values and selectors against the shapes of botocore's models: what AWS would object to.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-executeAwsApi.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ssmdoc.apis import Service
from ssmdoc.findings import Path
from ssmdoc.model import truth, whole_number
from ssmdoc.selectors import Selector
from ssmdoc.suggestions import listed, meant

# What a reader calls each kind of shape.
_CALLED = {
    "structure": "a map",
    "map": "a map",
    "list": "a list",
    "string": "text",
    "integer": "a whole number",
    "long": "a whole number",
    "float": "a number",
    "double": "a number",
    "boolean": "true or false",
}
# The kinds of shape that have a least and a most, and what is counted.
_MEASURED = {"string": " character(s)", "list": " item(s)", "integer": "", "long": ""}
_NUMBER = re.compile(r"\s*-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?\s*\Z")
# Inputs nest less deep than this in every model; a text may nest deeper.
_MAX_DEPTH = 30


@dataclass(frozen=True, slots=True)
class Objection:
    """What a value does that its shape does not allow, at a path inside it."""

    path: Path
    message: str
    hint: str = ""
    at_key: bool = False


def _open(value: Any) -> bool:
    """Whether nobody can tell what the value will be."""
    return value is None or (isinstance(value, str) and "{{" in value)


def _value(
    service: Service, shape: Mapping[str, Any], value: Any, path: Path, depth: int
) -> Iterator[Objection]:
    kind = shape.get("type", "")
    if _open(value) or depth > _MAX_DEPTH:
        return
    if not _fits(kind, value):
        # A map given where text is expected is written as JSON: policies are given so.
        if kind != "string" or not isinstance(value, dict):
            yield Objection(path, f"{_name(path)} is {_CALLED[kind]}.")
        return
    if kind == "structure":
        yield from structure(service, shape, value, path, depth)
    elif kind == "list":
        inner = service.shape(shape["member"]["shape"])
        for index, item in enumerate(value):
            yield from _value(service, inner, item, (*path, index), depth + 1)
    elif kind == "map":
        inner = service.shape(shape["value"]["shape"])
        for key, item in value.items():
            yield from _value(service, inner, item, (*path, key), depth + 1)
    if kind in _MEASURED:
        yield from _size(shape, value, path)
    if kind == "string" and shape.get("enum") and str(value) not in shape["enum"]:
        choices = shape["enum"]
        few = f"Choose {listed(choices, 'or')}." if len(choices) <= 12 else ""
        yield Objection(
            path, f"{_name(path)} cannot be `{str(value)[:60]}`.", meant(str(value), choices) or few
        )


def _size(shape: Mapping[str, Any], value: Any, path: Path) -> Iterator[Objection]:
    """What is too short, too long, too small or too large."""
    number = whole_number(value) if shape["type"] in ("integer", "long") else None
    size = number if number is not None else len(value) if isinstance(value, (str, list)) else None
    unit = "" if number is not None else _MEASURED[shape["type"]]
    if size is None or (isinstance(value, list) and any(_open(item) for item in value)):
        return
    if size < shape.get("min", size):
        yield Objection(path, f"{_name(path)} takes at least {shape['min']}{unit}, not {size}.")
    elif size > shape.get("max", size):
        yield Objection(path, f"{_name(path)} takes at most {shape['max']}{unit}, not {size}.")


def structure(
    service: Service, shape: Mapping[str, Any], value: Mapping[str, Any], path: Path, depth: int = 0
) -> Iterator[Objection]:
    """The objections to a map: members that the shape lacks, those that it requires, and their values."""
    members = shape.get("members", {})
    near = {member.lower(): member for member in members}
    misspelt: set[str] = set()
    for key, item in value.items():
        if key in members:
            yield from _value(service, service.shape(members[key]["shape"]), item, (*path, key), depth + 1)
            continue
        right = near.get(key.lower(), "")
        hint = f"It is spelt `{right}`." if right else meant(key, members)
        misspelt.update(name for name in members if f"`{name}`" in hint)
        yield Objection((*path, key), f"{_name(path)} has no member `{key[:60]}`.", hint, True)
    for required in shape.get("required", ()):
        if required not in value and required not in misspelt:
            yield Objection(path, f"{_name(path)} lacks {required}, which AWS requires.", "", bool(path))


def _fits(kind: str, value: Any) -> bool:
    if kind in ("structure", "map"):
        return isinstance(value, dict)
    if kind == "list":
        return isinstance(value, list)
    if kind in ("integer", "long"):
        return whole_number(value) is not None
    if kind in ("float", "double"):
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return is_number or (isinstance(value, str) and bool(_NUMBER.match(value)))
    if kind == "boolean":
        return truth(value) is not None
    return kind != "string" or not isinstance(value, (dict, list))


def _name(path: Path) -> str:
    """The last name on a path, with the index of an item: ``Filters[0]``."""
    if not path:
        return "The value"
    if isinstance(path[-1], int) and len(path) > 1:
        return f"{path[-2]}[{path[-1]}]"
    return str(path[-1])


@dataclass(frozen=True, slots=True)
class Selected:
    """Where a selector leads in a response.

    `missing` names what does not exist there and `known` what does; `kind` is the shape's kind where the
    selector can lead to one value, otherwise "list"; both are empty where nobody can tell. `values` are all
    that the value can be, where AWS lists them. `within` is the kind of what has no names at all where a name
    is missing: "list" or "string".
    """

    kind: str = ""
    missing: str = ""
    known: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    within: str = ""


def selected(service: Service, shape: str, selector: Selector) -> Selected:  # noqa: PLR0911
    """Follow a selector through the shape of a response, as far as names and indexes lead."""
    here = service.shape(shape)
    if not here:
        return Selected()
    many = False
    for part in selector.parts:
        kind = here.get("type", "")
        if part.deep or part.test is not None:
            return Selected()
        if part.names:
            if kind == "map":
                here = service.shape(here["value"]["shape"])
                many = many or len(part.names) > 1
                continue
            if kind in ("list", "string"):
                return Selected(missing=part.names[0], within=kind)
            if kind != "structure" or here.get("document"):
                return Selected()
            members = here.get("members", {})
            wanting = next((name for name in part.names if name not in members), "")
            if wanting:
                return Selected(missing=wanting, known=tuple(members))
            if len(part.names) > 1:
                return Selected()
            here = service.shape(members[part.names[0]]["shape"])
        elif kind == "list":
            many = many or not part.definite
            here = service.shape(here["member"]["shape"])
        else:
            return Selected()
    return Selected(kind="list" if many else str(here.get("type", "")), values=tuple(here.get("enum", ())))
