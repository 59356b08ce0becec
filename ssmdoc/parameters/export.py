"""A document's parameters as a JSON Schema, for clients that launch by the API.

https://json-schema.org/draft/2020-12
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from ssmdoc import references
from ssmdoc.model import Document, Parameter
from ssmdoc.parameters.values import MAX_VALUE_LENGTH, MAX_VALUES, Invalid, base_type, convert

# What Java and ECMAScript read alike: no classes by name, no classes inside classes, no look-around.
_ESCAPE = r"\\[.\\/+*?()\[\]{}|^$dDwWsS-]"
_ALIKE = re.compile(
    rf"(?:[A-Za-z0-9_ .,:;=@#%!<>~'\"/|){{}}*?^$-]|\((?:\?:|(?!\?))|(?<![*+?}}])\+|{_ESCAPE}"
    rf"|\[\^?(?:[^\[\]\\&]|{_ESCAPE})+\])*\Z"
)


def json_schema(document: Document) -> dict[str, Any]:
    """The schema of the values of a launch, by parameter and typed (Integer as integer, StringMap as object).

    It says what JSON Schema can say: an allowedPattern that means something else outside Java is left out, as
    are the shapes of AWS's own types. `validate` has the last word.
    """
    parameters = document.parameters.values()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {parameter.name: _property(parameter) for parameter in parameters},
        "required": [parameter.name for parameter in parameters if parameter.required],
        "additionalProperties": False,
    }


def _property(parameter: Parameter) -> dict[str, Any]:
    kind = base_type(parameter.type)
    found: dict[str, Any] = {"description": parameter.description} if parameter.description else {}
    if not parameter.required:
        # AWS takes defaults that are no value of the type: there is nothing to offer then.
        with suppress(Invalid):
            found["default"] = convert(parameter, parameter.default)
    found |= _TYPED.get(kind, _text)(parameter)
    return found


def _integer(parameter: Parameter) -> dict[str, Any]:
    return {
        "type": "integer",
        **_limit("minimum", parameter.min_value),
        **_limit("maximum", parameter.max_value),
        **_choice(parameter),
    }


def _boolean(parameter: Parameter) -> dict[str, Any]:
    return {"type": "boolean", **_choice(parameter)}


def _object(parameter: Parameter) -> dict[str, Any]:
    return {"type": "object"}


def _list(parameter: Parameter) -> dict[str, Any]:
    return {
        "type": "array",
        "items": _text(parameter) if base_type(parameter.type) == "StringList" else _object(parameter),
        **_limit("minItems", None if parameter.min_items is None else max(parameter.min_items, 0)),
        "maxItems": max(min(parameter.max_items or MAX_VALUES, MAX_VALUES), 0),
    }


def _text(parameter: Parameter) -> dict[str, Any]:
    most = MAX_VALUE_LENGTH if parameter.max_chars is None else parameter.max_chars
    found: dict[str, Any] = {
        "type": "string",
        "minLength": max(parameter.min_chars or 1, 1),
        "maxLength": max(min(most, MAX_VALUE_LENGTH), 0),
    }
    if parameter.allowed_values is not None:
        found["enum"] = [references.render(item) for item in parameter.allowed_values]
    pattern = parameter.allowed_pattern
    if pattern is not None and _ALIKE.match(pattern) and _compiles(pattern):
        found["pattern"] = f"^(?:{pattern})$"
    return found


def _compiles(pattern: str) -> bool:
    # Java takes ranges such as `\\w-x` for what they say, which others refuse.
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _limit(keyword: str, limit: int | None) -> dict[str, Any]:
    return {} if limit is None else {keyword: limit}


def _choice(parameter: Parameter) -> dict[str, Any]:
    """The values of another type than text that are allowed."""
    allowed: list[Any] = []
    for item in parameter.allowed_values or ():
        with suppress(Invalid):
            allowed.append(convert(parameter, item))
    return {"enum": allowed} if parameter.allowed_values is not None else {}


_TYPED = {
    "Integer": _integer,
    "Boolean": _boolean,
    "StringMap": _object,
    "StringList": _list,
    "MapList": _list,
}
