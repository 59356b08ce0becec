"""Parameters of a document: the form to ask for them, the check of what was given, and the values a run
starts with.

https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-syntax-data-elements-parameters.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ssmdoc import java_regex, references
from ssmdoc.model import MISSING, Document, Parameter, truth, whole_number

Widget = Literal["text", "textarea", "select", "multiselect", "boolean", "integer", "lines", "json"]

TYPES = ("String", "StringList", "Integer", "Boolean", "StringMap", "MapList")

# Limits of StartAutomationExecution: AutomationParameterMap, AutomationParameterKey,
# AutomationParameterValueList and AutomationParameterValue in
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/
MAX_PARAMETERS = 200
MAX_NAME = 50
MAX_VALUES = 50
MAX_VALUE_LENGTH = 512

_AWS_SHAPES = {
    "AWS::IAM::Role::Arn": (
        re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,576}\Z"),
        "Write the role's ARN, like arn:aws:iam::123456789012:role/AutomationServiceRole.",
    ),
    "AWS::EC2::Instance::Id": (
        re.compile(r"m?i-[0-9a-f]{8,17}\Z"),
        "Write an instance id, like i-0123456789abcdef0.",
    ),
    "AWS::S3::Bucket::Name": (
        re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z"),
        "Write a bucket's name: 3 to 63 lower-case letters, digits, dots and dashes.",
    ),
}


class Invalid(ValueError):
    """A value that a parameter does not take; the text is a sentence for the person who gave it."""


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


def base_type(type: str) -> str:
    """The plain type of a parameter: a List of AWS ids is a StringList, any other AWS type a String."""
    if type.startswith("List<"):
        return "StringList"
    return "String" if type.startswith("AWS::") else type


def form_fields(document: Document) -> list[FormField]:
    """A field for each parameter, in the document's order."""
    return [_form_field(parameter) for parameter in document.parameters.values()]


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
                _check(parameter, typed)
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
    return [references.render(item) for item in (value if isinstance(value, list) else [value])]


def convert(parameter: Parameter, given: Any) -> Any:
    """`given` as the parameter's type. Raises Invalid with a sentence."""
    kind = base_type(parameter.type)
    if kind == "StringList":
        return [_as_text(item) for item in _items(given)]
    if kind == "MapList":
        return _maps(given)
    if isinstance(given, (list, tuple)) and len(given) == 1:
        given = given[0]
    if isinstance(given, (list, tuple)):
        raise Invalid(f"Give one value, not {len(given)}.")
    if kind == "Integer":
        number = whole_number(given.strip() if isinstance(given, str) else given)
        if number is None:
            raise Invalid("Write a whole number.")
        return number
    if kind == "Boolean":
        said = truth("true" if given == "on" else given)
        if said is None:
            raise Invalid("Choose true or false.")
        return said
    if kind == "StringMap":
        return _map(given)
    return _as_text(given)


def fault(parameter: Parameter, given: Any) -> str:
    """A sentence for why the parameter does not take a value, empty when it does."""
    try:
        _check(parameter, convert(parameter, given))
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


def _as_text(value: Any) -> str:
    # Browsers send line breaks as CR LF.
    return value.replace("\r\n", "\n") if isinstance(value, str) else references.render(value)


def _items(given: Any) -> list[Any]:
    if isinstance(given, (list, tuple)):
        return list(given)
    if isinstance(given, str):
        if given.lstrip().startswith("["):
            read = _json(given)
            if isinstance(read, list):
                return read
        return [line.strip() for line in given.splitlines() if line.strip()]
    if isinstance(given, dict):
        raise Invalid("Write a list, one item a line.")
    return [given]


def _map(given: Any) -> dict[str, Any]:
    read = _json(given) if isinstance(given, str) else given
    if not isinstance(read, dict):
        raise Invalid('Write a JSON map, like {"Key": "Value"}.')
    return read


def _maps(given: Any) -> list[dict[str, Any]]:
    read = _json(given) if isinstance(given, str) else given
    items = [read] if isinstance(read, dict) else read
    if isinstance(items, (list, tuple)):
        items = [_json(item) if isinstance(item, str) else item for item in items]
        if len(items) == 1 and isinstance(items[0], list):
            items = items[0]
        if all(isinstance(item, dict) for item in items):
            return items
    raise Invalid('Write a JSON list of maps, like [{"Key": "Name", "Value": "web"}].')


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _check(parameter: Parameter, value: Any) -> None:
    """Raises Invalid when a typed value breaks a constraint of its parameter or a limit of AWS."""
    items = value if isinstance(value, list) else [value]
    written = [references.render(item) for item in items]
    if len(parameter.name) > MAX_NAME:
        raise Invalid(f"AWS takes names up to {MAX_NAME} characters at a start. Rename it in the document.")
    _check_size(parameter, value, written)
    for text in written:
        found = next((item for item in references.find(text) if item.kind != "other"), None)
        if found is not None:
            raise Invalid(f"A value cannot refer to others: write out what {found.text} stands for.")
    if parameter.allowed_values is not None:
        allowed = [references.render(item) for item in parameter.allowed_values]
        for text in written:
            if text not in allowed:
                raise Invalid(f"{_shown(text)} is not allowed. Choose {_one_of(allowed)}.")
    shape = _AWS_SHAPES.get(parameter.type.removeprefix("List<").removesuffix(">"))
    for text in written:
        if shape and text and not shape[0].match(text):
            raise Invalid(shape[1])
    if parameter.allowed_pattern is not None:
        for item in items:
            _check_pattern(parameter.allowed_pattern, item)


def _check_size(parameter: Parameter, value: Any, written: list[str]) -> None:
    if isinstance(value, list):
        least, most = parameter.min_items, min(parameter.max_items or MAX_VALUES, MAX_VALUES)
        if least is not None and len(value) < least:
            raise Invalid(f"Give at least {_count(least, 'value')}, not {len(value)}.")
        if len(value) > most:
            raise Invalid(f"Give at most {_count(most, 'value')}, not {len(value)}.")
    if isinstance(value, int) and not isinstance(value, bool):
        if parameter.min_value is not None and value < parameter.min_value:
            raise Invalid(f"Write a number from {parameter.min_value} up.")
        if parameter.max_value is not None and value > parameter.max_value:
            raise Invalid(f"Write a number up to {parameter.max_value}.")
    for text in written:
        if parameter.min_chars is not None and len(text) < parameter.min_chars:
            raise Invalid(f"Write at least {_count(parameter.min_chars, 'character')}, not {len(text)}.")
        most = parameter.max_chars if parameter.max_chars is not None else MAX_VALUE_LENGTH
        if len(text) > min(most, MAX_VALUE_LENGTH):
            whose = "" if most < MAX_VALUE_LENGTH else " AWS takes no more."
            raise Invalid(
                f"Write at most {_count(min(most, MAX_VALUE_LENGTH), 'character')}, not {len(text)}.{whose}"
            )


def _check_pattern(pattern: str, item: Any) -> None:
    # A map is matched as JSON, which people write with and without spaces.
    texts = (
        {references.render(item), json.dumps(item, ensure_ascii=False)}
        if isinstance(item, dict)
        else {references.render(item)}
    )
    try:
        if any(java_regex.matches(pattern, text) for text in texts):
            return
    except java_regex.JavaRegexError as error:
        raise Invalid(
            f"The document's allowedPattern does not compile: {error}. Its author has to correct it."
        ) from error
    except java_regex.SlowPattern as error:
        raise Invalid(
            "The document's allowedPattern takes too long on this value. Try a shorter one."
        ) from error
    raise Invalid(f"{_shown(references.render(item))} does not match the pattern {pattern}.")


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


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _shown(text: str) -> str:
    return f'"{text}"' if len(text) <= 60 else f'"{text[:60]}…"'


def _one_of(allowed: list[str]) -> str:
    if len(allowed) == 1:
        return allowed[0]
    listed = allowed if len(allowed) <= 12 else [*allowed[:11], f"{len(allowed) - 11} others"]
    return f"{', '.join(listed[:-1])} or {listed[-1]}"
