"""Checks a request against botocore's model of its operation, and words what is wrong as AWS does."""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session
from botocore.model import Shape

from sandbox.automation.api.errors import ValidationException
from sandbox.automation.api.members import refuse_others
from sandbox.automation.calls import loader

# Patterns in the model are Java's; Python has no property classes, and these stand for the same letters.
_JAVA_CLASSES = {r"\p{L}": r"\w", r"\p{Z}": r"\s", r"\p{N}": r"\d"}
# The model asks for one character and one entry at least; the service takes, and itself answers with, none.
_MAY_BE_EMPTY = frozenset({"AutomationParameterMap", "AutomationParameterValue"})


@functools.cache
def input_shape(operation: str) -> Shape:
    """The input of an operation of Systems Manager."""
    session = botocore.session.Session()
    session.register_component("data_loader", loader())
    shape = session.get_service_model("ssm").operation_model(operation).input_shape
    assert shape is not None
    return shape


def validate(operation: str, request: Mapping[str, Any]) -> None:
    """Raise ValidationException when `request` breaks a constraint of the operation's model, or asks for what
    the sandbox has not.

    That its members have the model's types was seen to before: see `sandbox.json_bodies`.
    """
    shape: Any = input_shape(operation)
    refuse_others(operation, request, shape.members)
    faults = list(_faults(request, shape, ""))
    if faults:
        noun = "error" if len(faults) == 1 else "errors"
        raise ValidationException(f"{len(faults)} validation {noun} detected: {'; '.join(faults)}")


def _faults(value: Any, shape: Any, path: str) -> Iterator[str]:
    if value is None:
        yield _fault(None, path, "Member must not be null")
        return
    if shape.type_name == "structure":
        for name in shape.required_members:
            if value.get(name) is None:
                yield _fault(None, _join(path, name), "Member must not be null")
        for name, item in value.items():
            if item is not None and name in shape.members:
                yield from _faults(item, shape.members[name], _join(path, name))
        return
    yield from _own_faults(value, shape, path)
    if shape.type_name == "list":
        for index, item in enumerate(value, 1):
            yield from _faults(item, shape.member, f"{path}.{index}.member")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _faults(key, shape.key, f"{path}.{key}.key")
            yield from _faults(item, shape.value, f"{path}.{key}.value")


def _own_faults(value: Any, shape: Shape, path: str) -> Iterator[str]:
    limits = shape.metadata
    size = value if isinstance(value, int) else len(value)
    measure = "value" if isinstance(value, int) else "length"
    if not isinstance(value, bool):
        if "min" in limits and shape.name not in _MAY_BE_EMPTY and size < limits["min"]:
            yield _fault(value, path, f"Member must have {measure} greater than or equal to {limits['min']}")
        if "max" in limits and size > limits["max"]:
            yield _fault(value, path, f"Member must have {measure} less than or equal to {limits['max']}")
    if "enum" in limits and value not in limits["enum"]:
        yield _fault(value, path, f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]")
    if "pattern" in limits and not _pattern(limits["pattern"]).fullmatch(value):
        yield _fault(value, path, f"Member must satisfy regular expression pattern: {limits['pattern']}")


@functools.cache
def _pattern(java: str) -> re.Pattern[str]:
    for name, python in _JAVA_CLASSES.items():
        java = java.replace(name, python)
    return re.compile(java)


def _join(path: str, name: str) -> str:
    member = name[0].lower() + name[1:]
    return f"{path}.{member}" if path else member


def _fault(value: Any, path: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{value if isinstance(value, str) else json.dumps(value)}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}"
