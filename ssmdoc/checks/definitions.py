"""Definitions of parameters and variables."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

from ssmdoc import java_regex, parameters, references
from ssmdoc.checks.rule import Context, Fault, Rules
from ssmdoc.findings import Path
from ssmdoc.model import truth, whole_number
from ssmdoc.suggestions import listed, meant

RULES = Rules()

_KEYS = (
    "type", "description", "default", "allowedPattern", "allowedValues", "minChars", "maxChars", "minItems",
    "maxItems", "minValue", "maxValue", "displayType",
)  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9_]+\Z")
_AWS_TYPE = re.compile(
    r"(?:AWS::[A-Za-z0-9]+(?:::[A-Za-z0-9]+)+|List<AWS::[A-Za-z0-9]+(?:::[A-Za-z0-9]+)+>)\Z"
)
_AWS_TYPES = ("AWS::EC2::Instance::Id", "AWS::IAM::Role::Arn", "AWS::S3::Bucket::Name")
_PATTERNS_SECONDS = 0.3
_PAGE = "documents-syntax-data-elements-parameters.html"


def _definitions(context: Context) -> Iterator[tuple[str, Any, Path]]:
    for section in ("parameters", "variables"):
        found = context.data.get(section)
        for name, definition in found.items() if isinstance(found, dict) else ():
            yield name, definition, (section, name)


@RULES.add(
    "definition-shape", "error", "A parameter or variable has a name, a known type and known keys.", _PAGE
)
def _shape(context: Context) -> Iterator[Fault]:
    for name, definition, path in _definitions(context):
        if not _NAME.match(name):
            message = f'"{name[:60]}" cannot be the name of a parameter or variable.'
            yield Fault(path, message, "Use letters, digits and underscores.", at_key=True)
        if not isinstance(definition, dict):
            yield Fault(path, "A definition is a map with at least a type.")
            continue
        for key in definition:
            if key not in _KEYS:
                hint = meant(key, _KEYS) or f"Keys are {listed(_KEYS)}."
                yield Fault((*path, key), f"A definition has no key `{key[:60]}`.", hint, True)
        kind = definition.get("type")
        if not isinstance(kind, str):
            yield Fault((*path, "type") if "type" in definition else path, f'"{name[:60]}" needs a type.')
        elif kind not in parameters.TYPES and (not _AWS_TYPE.match(kind) or _miswritten(kind)):
            near = _miswritten(kind)
            hint = f"Did you mean `{near}`?" if near else ""
            hint = hint or meant(kind, parameters.TYPES) or f"Types are {listed(parameters.TYPES)}."
            yield Fault((*path, "type"), f"`{kind[:60]}` is not the type of a parameter.", hint)


def _miswritten(kind: str) -> str:
    """The type of AWS that a text is but for its letters' case, empty when it is none or right."""
    inner = kind.removeprefix("List<").removesuffix(">")
    right = next((name for name in _AWS_TYPES if name.lower() == inner.lower() and name != inner), "")
    return kind.replace(inner, right) if right else ""


@RULES.add("definition-default", "error", "A default is of its parameter's type.", _PAGE)
def _defaults(context: Context) -> Iterator[Fault]:
    for _, definition, path in _definitions(context):
        if not isinstance(definition, dict) or definition.get("default") is None:
            continue
        kind, default = definition.get("type"), definition["default"]
        if isinstance(kind, str) and not _of_type(parameters.base_type(kind), default):
            yield Fault((*path, "default"), f"The default is not of the type {kind[:60]}.")


def _of_type(kind: str, value: Any) -> bool:
    if kind == "Integer":
        return whole_number(value) is not None
    if kind == "Boolean":
        return truth(value) is not None
    if kind == "StringList":
        return isinstance(value, list) and not any(isinstance(item, (dict, list)) for item in value)
    if kind == "MapList":
        return isinstance(value, list) and all(isinstance(item, (dict, str)) for item in value)
    if kind == "StringMap":
        return isinstance(value, dict)
    return not isinstance(value, (dict, list))


@RULES.add("definition-default-reference", "warning", "A default refers to no other parameter.", _PAGE)
def _cross_references(context: Context) -> Iterator[Fault]:
    for name, parameter in context.document.parameters.items():
        for found in references.find(parameter.default):
            # Within a longer text it is resolved when a step uses the parameter: AWS-UpdateLinuxAmi names its
            # images so.
            if found.whole and found.kind == "parameter" and found.name in context.document.parameters:
                message = f"{found.text} in a default stays as it is: Automation does not resolve it there."
                path = ("parameters", name, "default")
                yield Fault(path, message, "Write the value out.", text=found.text)


@RULES.add("definition-limit", "error", "Limits are numbers, allowedValues a list.", _PAGE)
def _limits(context: Context) -> Iterator[Fault]:
    for _, definition, path in _definitions(context):
        for key, value in definition.items() if isinstance(definition, dict) else ():
            if key[:3] in ("min", "max") and key in _KEYS and whole_number(value) is None:
                yield Fault((*path, key), f"{key} is a whole number.")
            if key == "allowedValues" and (not isinstance(value, list) or not value):
                yield Fault((*path, key), "allowedValues is a list of at least one value.")
            if key == "allowedPattern" and not isinstance(value, str):
                yield Fault((*path, key), "allowedPattern is text.")


@RULES.add("definition-pattern", "warning", "allowedPattern is a Java regular expression.", _PAGE)
def _patterns(context: Context) -> Iterator[Fault]:
    for _, definition, path in _definitions(context):
        pattern = definition.get("allowedPattern") if isinstance(definition, dict) else None
        if isinstance(pattern, str):
            try:
                java_regex.compile(pattern)
            except java_regex.JavaRegexError as error:
                yield Fault((*path, "allowedPattern"), f"The pattern does not compile in Java: {error}.")


@RULES.add("definition-default-refused", "warning", "A default keeps its own parameter's constraints.", _PAGE)
def _refused_defaults(context: Context) -> Iterator[Fault]:
    # A pattern may take long on a text; many of them together must not.
    end = time.monotonic() + _PATTERNS_SECONDS
    for name, parameter in context.document.parameters.items():
        if time.monotonic() > end:
            return
        default = parameter.default
        if parameter.required or default in ("", [], {}) or any(references.find(default)):
            continue
        fault = parameters.default_fault(parameter)
        if fault:
            yield Fault(
                ("parameters", name, "default"), f"The parameter does not take its own default. {fault}"
            )


@RULES.add("definition-name-length", "warning", "A parameter's name has 50 characters at most.", _PAGE)
def _name_lengths(context: Context) -> Iterator[Fault]:
    for name in context.document.parameters:
        if len(name) > parameters.MAX_NAME:
            message = f"The name has {len(name)} characters; a start takes names up to {parameters.MAX_NAME}."
            yield Fault(("parameters", name), message, "Shorten the name.", at_key=True)
