"""A document's parameters: the form to ask for them, the check of what was given, and the values a run
starts with.

https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-syntax-data-elements-parameters.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ssmdoc.model import MISSING, Document, Parameter
from ssmdoc.parameters.export import json_schema
from ssmdoc.parameters.form import FormField, Widget, form_fields
from ssmdoc.parameters.values import (
    MAX_NAME,
    MAX_PARAMETERS,
    TYPES,
    Invalid,
    base_type,
    check,
    convert,
    written,
)

__all__ = [
    "MAX_NAME",
    "TYPES",
    "FormField",
    "Invalid",
    "Widget",
    "base_type",
    "convert",
    "default_fault",
    "form_fields",
    "from_wire",
    "json_schema",
    "to_wire",
    "validate",
]


def validate(document: Document, values: Mapping[str, Any]) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Checks a launch's values and puts them into the form that StartAutomationExecution takes.

    Values may be typed (str, int, bool, list, dict), as an HTML form sends them (one item a line for lists,
    JSON for maps), or in the wire form already (a list of strings). A parameter that has a default may be
    left out, None or, unless it is a String, empty; it is left out of the result then.

    Returns the wire form of all good values and a sentence for each parameter that is not good. Start only
    when there is no sentence.
    """
    wire: dict[str, list[str]] = {}
    errors: dict[str, str] = {}
    for name in values:
        if name not in document.parameters:
            errors[str(name)] = "The document has no such parameter. Remove it."
    if len(document.parameters) > MAX_PARAMETERS and len(values) > MAX_PARAMETERS:
        errors[""] = (
            f"AWS takes {MAX_PARAMETERS} parameters at most. Leave out those that have a good default."
        )
    for name, parameter in document.parameters.items():
        given = values.get(name)
        try:
            if _left_out(parameter, given):
                if parameter.required:
                    raise Invalid("Give a value: this parameter has no default.")
                continue
            typed = convert(parameter, given)
            try:
                check(parameter, typed)
                if "" in to_wire(typed):
                    raise Invalid("AWS takes no empty value at a start. Write something, or leave it out.")
            except Invalid:
                # AWS does not hold a default against the document's own constraints when the value is left
                # out.
                if not parameter.required and typed == convert(parameter, parameter.default):
                    continue
                raise
            wire[name] = to_wire(typed)
        except Invalid as error:
            errors[name] = str(error)
    return wire, errors


def from_wire(document: Document, wire: Mapping[str, list[str]]) -> dict[str, Any]:
    """The typed values that a run starts with, defaults included, from what StartAutomationExecution was
    given.

    A parameter without value and default is left out. Raises Invalid, a ValueError, naming the parameter
    whose value is not of its type; constraints are `validate`'s to check.
    """
    values: dict[str, Any] = {}
    for name, parameter in document.parameters.items():
        given = wire.get(name, parameter.default)
        if given is MISSING or given is None:
            continue
        try:
            values[name] = convert(parameter, given)
        except Invalid as error:
            raise Invalid(f"Parameter {name}: {error}") from error
    return values


def to_wire(value: Any) -> list[str]:
    """A typed value as StartAutomationExecution takes it: a list of strings."""
    return [written(item) for item in (value if isinstance(value, list) else [value])]


def default_fault(parameter: Parameter) -> str:
    """A sentence for why the parameter does not take its own default, empty when it does."""
    try:
        check(parameter, convert(parameter, parameter.default), sent=False)
    except Invalid as error:
        return str(error)
    return ""


def _left_out(parameter: Parameter, given: Any) -> bool:
    if given is None:
        return True
    if isinstance(given, str) and not given.strip():
        is_text = base_type(parameter.type) not in (
            "Integer",
            "Boolean",
            "StringList",
            "StringMap",
            "MapList",
        )
        return parameter.required or not is_text or parameter.default == ""
    return False
