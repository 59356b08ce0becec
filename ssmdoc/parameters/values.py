"""Values of parameters: what counts as a value of a type, and the constraints of a definition.

https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-syntax-data-elements-parameters.html
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from ssmdoc import java_regex, references
from ssmdoc.model import Parameter, truth, whole_number

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
        re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,576}\Z", re.ASCII),
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


def base_type(type: str) -> str:
    """The plain type of a parameter: a List of AWS ids is a StringList, any other AWS type a String."""
    if type.startswith("List<"):
        return "StringList"
    return "String" if type.startswith("AWS::") else type


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
        if abs(number) >= 2**63:
            raise Invalid("Write a whole number between -2^63 and 2^63.")
        return number
    if kind == "Boolean":
        said = truth("true" if given == "on" else given)
        if said is None:
            raise Invalid("Choose true or false.")
        return said
    if kind == "StringMap":
        return _map(given)
    return _as_text(given)


def _as_text(value: Any) -> str:
    # Browsers send line breaks as CR LF.
    return value.replace("\r\n", "\n") if isinstance(value, str) else written(value)


def written(value: Any) -> str:
    """A value as one text of the wire. Raises Invalid for one that JSON cannot hold."""
    try:
        return references.render(value)
    except (ValueError, RecursionError) as error:
        raise Invalid("Write a value that JSON can hold: not nested too deep, no endless number.") from error


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
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> NoReturn:
    # Python reads NaN and Infinity, which JSON does not have.
    raise ValueError(constant)


def check(parameter: Parameter, value: Any, *, sent: bool = True) -> None:
    """Raises Invalid when a typed value breaks a constraint of its parameter or a limit of AWS.

    The sizes that a start takes bind only what is `sent` with it: a default stays in the document.
    """
    items = value if isinstance(value, list) else [value]
    texts = [written(item) for item in items]
    if len(parameter.name) > MAX_NAME:
        raise Invalid(f"AWS takes names up to {MAX_NAME} characters at a start. Rename it in the document.")
    _check_size(parameter, value, texts, sent)
    for text in texts:
        found = next((item for item in references.find(text) if item.kind != "other"), None)
        if found is not None:
            raise Invalid(f"A value cannot refer to others: write out what {found.text} stands for.")
    if parameter.allowed_values:
        allowed = [references.render(item) for item in parameter.allowed_values]
        same = {_canonical(text, item) for text, item in zip(allowed, parameter.allowed_values, strict=True)}
        for text, item in zip(texts, items, strict=True):
            if text not in allowed and _canonical(text, item) not in same:
                raise Invalid(f"{_shown(text)} is not allowed. Choose {_one_of(allowed)}.")
    shape = _AWS_SHAPES.get(parameter.type.removeprefix("List<").removesuffix(">"))
    for text in texts:
        if shape and text and not shape[0].match(text):
            raise Invalid(shape[1])
    if parameter.allowed_pattern is not None:
        for item in items:
            _check_pattern(parameter.allowed_pattern, item)


def _canonical(text: str, item: Any) -> str:
    """Maps are the same however their JSON is spaced and ordered."""
    if not isinstance(item, dict) and not text.lstrip().startswith("{"):
        return text
    read = item if isinstance(item, dict) else _json(text)
    return json.dumps(read, sort_keys=True, default=str) if isinstance(read, dict) else text


def _check_size(parameter: Parameter, value: Any, texts: list[str], sent: bool) -> None:
    if isinstance(value, list):
        limit = MAX_VALUES if sent else len(value)
        least, most = parameter.min_items, min(parameter.max_items or limit, limit)
        if least is not None and len(value) < least:
            raise Invalid(f"Give at least {_count(least, 'value')}, not {len(value)}.")
        if len(value) > most:
            raise Invalid(f"Give at most {_count(most, 'value')}, not {len(value)}.")
    if isinstance(value, int) and not isinstance(value, bool):
        if parameter.min_value is not None and value < parameter.min_value:
            raise Invalid(f"Write a number from {parameter.min_value} up.")
        if parameter.max_value is not None and value > parameter.max_value:
            raise Invalid(f"Write a number up to {parameter.max_value}.")
    for text in texts:
        if parameter.min_chars is not None and len(text) < parameter.min_chars:
            raise Invalid(f"Write at least {_count(parameter.min_chars, 'character')}, not {len(text)}.")
        limit = MAX_VALUE_LENGTH if sent else len(text)
        most = parameter.max_chars if parameter.max_chars is not None else limit
        if len(text) > min(most, limit):
            whose = "" if most < limit else " AWS takes no more."
            raise Invalid(f"Write at most {_count(min(most, limit), 'character')}, not {len(text)}.{whose}")


def _check_pattern(pattern: str, item: Any) -> None:
    # A map is matched as JSON, which people write with and without spaces.
    texts = (
        {written(item), json.dumps(item, ensure_ascii=False)} if isinstance(item, dict) else {written(item)}
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
    raise Invalid(f"{_shown(written(item))} does not match the pattern {pattern}.")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _shown(text: str) -> str:
    return f'"{text}"' if len(text) <= 60 else f'"{text[:60]}…"'


def _one_of(allowed: list[str]) -> str:
    if len(allowed) == 1:
        return allowed[0]
    listed = allowed if len(allowed) <= 12 else [*allowed[:11], f"{len(allowed) - 11} others"]
    return f"{', '.join(listed[:-1])} or {listed[-1]}"
