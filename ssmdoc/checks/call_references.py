"""References in calls of AWS's services: what they stand for against what the operation takes there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ssmdoc import references
from ssmdoc.apis import Service
from ssmdoc.checks.calls import operations
from ssmdoc.checks.rule import Context, Fault, Rules
from ssmdoc.checks.types import type_of
from ssmdoc.findings import Path
from ssmdoc.references import Reference

RULES = Rules()

_API = "automation-action-executeAwsApi.html"
# What no reference to a value of these types can be turned into, by the kind of shape; and what to say of it.
_REFUSED = {
    "list": (("String", "Integer", "Boolean", "StringMap"), "a list"),
    "string": (("StringList", "MapList"), "text"),
    **dict.fromkeys(
        ("integer", "long", "float", "double"),
        (("StringList", "MapList", "StringMap", "Boolean"), "a number"),
    ),
    "boolean": (("StringList", "MapList", "StringMap", "Integer"), "true or false"),
    **dict.fromkeys(("structure", "map"), (("StringList", "MapList", "Integer", "Boolean"), "a map")),
}


@RULES.add(
    "api-reference",
    "warning",
    "A reference in a call stands for a value of the type that its operation takes.",
    _API,
)
def _references(context: Context) -> Iterator[Fault]:
    for step, service, operation in operations(context):
        for key, member in operation.members.items():
            if key not in step.inputs:
                continue
            shape = service.shape(member["shape"])
            for path, found, kind in _whole(service, shape, step.inputs[key], (*step.path, "inputs", key)):
                given = type_of(context, found)
                refused, said = _REFUSED.get(kind, ((), ""))
                # One item of a list may stand for several.
                several = isinstance(path[-1], int) and given in ("StringList", "MapList")
                if given in refused and not several:
                    message = (
                        f"{operation.name} takes {said} there, and {found.text[:60]} stands for a {given}."
                    )
                    hint = "Write it as an item of a list." if kind == "list" and given == "String" else ""
                    yield Fault(path, message, hint, text=found.text)


def _whole(
    service: Service, shape: Mapping[str, Any], value: Any, path: Path
) -> Iterator[tuple[Path, Reference, str]]:
    """Every value below that is one reference, with its path and the kind of shape that is wanted there."""
    kind = str(shape.get("type", ""))
    if isinstance(value, str):
        found = references.whole(value)
        if found is not None:
            yield path, found, kind
    elif isinstance(value, dict) and kind == "structure":
        for key, inner in value.items():
            if key in shape.get("members", {}):
                yield from _whole(service, service.shape(shape["members"][key]["shape"]), inner, (*path, key))
    elif isinstance(value, dict) and kind == "map":
        for key, inner in value.items():
            yield from _whole(service, service.shape(shape["value"]["shape"]), inner, (*path, key))
    elif isinstance(value, list) and kind == "list":
        for index, inner in enumerate(value):
            yield from _whole(service, service.shape(shape["member"]["shape"]), inner, (*path, index))
