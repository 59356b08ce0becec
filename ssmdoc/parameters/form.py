"""The form that asks for a document's parameters."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ssmdoc import references
from ssmdoc.model import Document, Parameter
from ssmdoc.parameters.values import base_type

Widget = Literal["text", "textarea", "select", "multiselect", "boolean", "integer", "lines", "json"]


@dataclass(frozen=True, slots=True)
class FormField:
    """One input of a launch form.

    `default` is in the form's own text: one item a line for ``lines``, JSON for ``json``, ``true`` or
    ``false`` for ``boolean``. `pattern` is the Java expression as written. `constraints` has those of
    ``min_chars``, ``max_chars``, ``min_items``, ``max_items``, ``min_value`` and ``max_value`` that are set.
    """

    name: str
    label: str
    type: str
    widget: Widget
    required: bool
    default: str = ""
    choices: tuple[str, ...] = ()
    help: str = ""
    pattern: str = ""
    constraints: Mapping[str, int] = field(default_factory=dict)


def form_fields(document: Document) -> list[FormField]:
    """A field for each parameter, in the document's order."""
    return [_form_field(parameter) for parameter in document.parameters.values()]


def _form_field(parameter: Parameter) -> FormField:
    kind = base_type(parameter.type)
    choices = tuple(references.render(item) for item in parameter.allowed_values or ())
    if kind == "Boolean":
        choices = ("true", "false")
    names = ("min_chars", "max_chars", "min_items", "max_items", "min_value", "max_value")
    limits = {name: getattr(parameter, name) for name in names}
    return FormField(
        name=parameter.name,
        label=_label(parameter.name),
        type=parameter.type,
        widget=_widget(parameter, kind, bool(choices)),
        required=parameter.required,
        default="" if parameter.required else _form_text(kind, parameter.default),
        choices=choices,
        help=re.sub(r"^\s*\((?:required|optional)\)\s*", "", parameter.description, flags=re.IGNORECASE),
        pattern=parameter.allowed_pattern or "",
        constraints={name: limit for name, limit in limits.items() if limit is not None},
    )


def _widget(parameter: Parameter, kind: str, choices: bool) -> Widget:
    if kind in ("StringMap", "MapList"):
        return "json"
    if kind == "Boolean":
        return "boolean"
    if kind == "StringList":
        return "multiselect" if choices else "lines"
    if choices:
        return "select"
    if kind == "Integer":
        return "integer"
    return "textarea" if parameter.display_type == "textarea" else "text"


def _form_text(kind: str, value: Any) -> str:
    if kind == "StringList" and isinstance(value, list):
        return "\n".join(references.render(item) for item in value)
    if kind in ("StringMap", "MapList") and not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, indent=2)
    return references.render(value)


def _label(name: str) -> str:
    words = re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+", name) or [name]
    words = [word if word.isupper() and len(word) > 1 else word.lower() for word in words]
    return " ".join([words[0] if words[0].isupper() else words[0].capitalize(), *words[1:]])
