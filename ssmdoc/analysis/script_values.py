"""What a name in a script may hold, as far as finding its calls of AWS needs to know."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final


class _Unknown(Enum):
    UNKNOWN = "UNKNOWN"

    def __repr__(self) -> str:
        return "ssmdoc.analysis.UNKNOWN"


UNKNOWN: Final = _Unknown.UNKNOWN
"""A value that only the run knows."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A value of plain Python, with UNKNOWN for the parts that cannot be told."""

    value: Any


NOT_KNOWN: Final = Literal(UNKNOWN)
"""Stands among values for those that cannot be told."""


@dataclass(frozen=True, slots=True)
class Module:
    """An imported module or a name of one, like ``boto3`` or ``boto3.client``."""

    name: str


@dataclass(frozen=True, slots=True)
class Target:
    """Where calls go: a Region, empty for the one that the script runs in and ``*`` when it cannot be told.
    `foreign` says that they are made with keys that the script was given, and not with its own role."""

    region: str = ""
    foreign: bool = False


HERE: Final = Target()


@dataclass(frozen=True, slots=True)
class Session:
    """A session of boto3."""

    target: Target = HERE


@dataclass(frozen=True, slots=True)
class Client:
    """A client; `service` is empty when it cannot be told which."""

    service: str
    target: Target = HERE


@dataclass(frozen=True, slots=True)
class Resource:
    """An object of boto3's resource API; `type` is empty for the service itself. `identifiers` tell which one
    it is, as far as they are known."""

    service: str
    type: str = ""
    target: Target = HERE
    identifiers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Collection:
    """Resources of a kind, like ``ec2.instances``, with what all of them have in common."""

    service: str
    type: str
    target: Target = HERE
    identifiers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Paginator:
    """A paginator of a client; `operation` is empty when it cannot be told."""

    service: str
    operation: str
    target: Target = HERE


@dataclass(frozen=True, slots=True)
class Waiter:
    """A waiter of a client, with the operation that it asks."""

    service: str
    operation: str
    target: Target = HERE


@dataclass(frozen=True, slots=True)
class Method:
    """An attribute of something above, before it is called."""

    of: Client | Resource | Collection | Paginator | Waiter | Session
    name: str


@dataclass(frozen=True, slots=True)
class Class:
    """A class that the script defines."""

    node: ast.ClassDef


@dataclass(frozen=True, slots=True)
class Instance:
    """An object of such a class."""

    of: Class


@dataclass(frozen=True, slots=True)
class Function:
    """A function that the script defines; `bound` is the object it is a method of."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    bound: Instance | None = None


Value = (
    Literal
    | Module
    | Session
    | Client
    | Resource
    | Collection
    | Paginator
    | Waiter
    | Method
    | Class
    | Instance
    | Function
)
Values = tuple[Value, ...]
"""All that a name may hold; empty when nothing is known."""


def union(*groups: Values) -> Values:
    """Everything of all, once, and no more than a few."""
    found: list[Value] = []
    for group in groups:
        for value in group:
            if value not in found:
                found.append(value)
    return tuple(found[:12])


def either(groups: Iterable[Values]) -> Values:
    """What is one of several: where one of them is not known, the rest are not all that it may be."""
    given = list(groups)
    if not any(given):
        return ()
    return union(*(group or (NOT_KNOWN,) for group in given))


def plain(values: Values) -> Any:
    """The one literal that the values are, or UNKNOWN."""
    if len(values) == 1 and isinstance(values[0], Literal):
        return values[0].value
    return UNKNOWN


def texts(values: Values) -> list[str]:
    """The strings among the values."""
    return [item.value for item in values if isinstance(item, Literal) and isinstance(item.value, str)]


def wrapped(value: Any) -> Values:
    """Something kept inside a literal, as values again."""
    if value is UNKNOWN:
        return ()
    return value if isinstance(value, tuple) else (Literal(value),)


def kept(values: Values) -> Any:
    """Values as they are kept inside a literal: plain where they are, as a tuple where they are objects."""
    if len(values) == 1 and isinstance(values[0], Literal):
        return values[0].value
    return values if values else UNKNOWN


def plain_method(held: Any, name: str, given: list[Values], named: dict[str, Values]) -> Values:
    """What a method of a plain value returns, where that matters: a map's `get`, a text's `format`. Adding to
    a list or map is done to `held` itself."""
    if isinstance(held, dict):
        if name == "update":
            merged = plain(given[0]) if given else {key: kept(item) for key, item in named.items()}
            held.update(merged if isinstance(merged, dict) else {"**": UNKNOWN})
        key = plain(given[0]) if given else UNKNOWN
        if name == "get" and isinstance(key, str):
            found = wrapped(held.get(key, held.get("**", UNKNOWN)))
            return (
                found if key in held else either([found, *given[1:2]]) if "**" in held else union(*given[1:2])
            )
        views = {"items": [[key, item] for key, item in held.items()], "values": list(held.values())}
        return (Literal(views[name]),) if name in views else ()
    if isinstance(held, list) and name in ("append", "add", "insert") and given:
        held.append(kept(given[-1]))
    if isinstance(held, list) and name in ("extend", "update") and given:
        more = plain(given[0])
        held.extend(more if isinstance(more, list) else [UNKNOWN])
    if isinstance(held, str) and name == "format":
        return (Literal(re.sub(r"\{[^{}]*\}", "*", held)),)
    return ()
