"""From a delegation to what an operator may fill in, and from what they filled in to what AWS is sent.

The launch form, the launch itself and the worker all ask here, so that a limit that is not shown is not
merely hidden: it holds.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import ssmdoc
import ssmdoc.parameters
from accounts.models import Delegation
from documents.models import DocumentVersion

KINDS = ("fixed", "allowed", "default")


@dataclass(frozen=True)
class LaunchField:
    """One parameter as the operator meets it.

    Attributes:
        name: the document's parameter.
        label: what stands above the control.
        type: the parameter's type, e.g. "StringList".
        widget: "text", "textarea", "select", "multiselect", "boolean", "integer", "lines" or "json".
        required: a value must be given.
        default: the value that stands in the control at first, as text: lines for lists, JSON for maps.
        choices: the values to choose from; empty when any is accepted.
        help: the parameter's description.
        pattern: what a value must match (a Java regular expression); empty for anything.
        read_only: the delegation has fixed the value; it is shown, not asked for.
    """

    name: str
    label: str
    type: str
    widget: str
    required: bool
    default: str
    choices: tuple[str, ...]
    help: str
    pattern: str
    read_only: bool


@lru_cache(maxsize=64)
def _parsed(text: str, text_format: str) -> ssmdoc.Parsed:
    return ssmdoc.parse(text, format="JSON" if text_format == "JSON" else "YAML")


def parsed(version: DocumentVersion) -> ssmdoc.Parsed:
    """Return the version's text, parsed once a process: a version never changes."""
    return _parsed(version.text, version.format)


def language(version: DocumentVersion) -> ssmdoc.Document:
    """Return the version as a document of the language.

    Raises ValueError for a text that is no map: such a version is never published.
    """
    document = parsed(version).document
    if document is None:
        raise ValueError(f"{version} holds no Automation document")
    return document


def is_list(kind: str) -> bool:
    """Say whether values of the parameter type `kind` are lists, of which each item is judged."""
    return kind in {"StringList", "MapList"} or kind.startswith("List<")


def as_text(value: Any) -> str:
    """Return a parameter's value as a form shows it: lines for a list of texts, JSON for what is nested."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "\n".join(value)
    return json.dumps(value, ensure_ascii=False)


def wire_value(document: ssmdoc.Document, name: str, value: Any) -> tuple[list[str] | None, str | None]:
    """Return one parameter's value as AWS is sent it, or why it cannot be; (None, None) when it is empty."""
    wire, errors = ssmdoc.parameters.validate(document, {name: value})
    return wire.get(name), errors.get(name)


def allowed_wire(document: ssmdoc.Document, name: str, allowed: list[Any]) -> list[list[str]]:
    """Return the allowed values as AWS is sent them; for a list parameter, each allowed item on its own."""
    as_item = is_list(document.parameters[name].type)
    found = []
    for value in allowed:
        wire, _ = wire_value(document, name, [value] if as_item else value)
        if wire is not None:
            found.append(wire)
    return found


def within(document: ssmdoc.Document, name: str, wire: list[str], allowed: list[Any]) -> bool:
    """Say whether a value, as AWS is sent it, keeps to the allowed ones."""
    choices = allowed_wire(document, name, allowed)
    if is_list(document.parameters[name].type):
        return set(wire) <= {item for choice in choices for item in choice}
    return wire in choices


def form_fields(delegation: Delegation) -> list[LaunchField]:
    """Return what the operator fills in, in the document's order, after the delegation's limits.

    The parameter that `assumeRole` refers to is not among them: the delegation alone decides the role.
    """
    document = language(delegation.version)
    return [
        _limited(field, delegation.constraints.get(field.name, {}), document)
        for field in ssmdoc.parameters.form_fields(document)
        if field.name != document.assume_role_parameter
    ]


def _limited(
    field: ssmdoc.parameters.FormField, limit: Mapping[str, Any], document: ssmdoc.Document
) -> LaunchField:
    widget, default = field.widget, field.default or ""
    choices, required = tuple(str(choice) for choice in field.choices or ()), field.required
    if "fixed" in limit:
        default = as_text(limit["fixed"])
    elif "default" in limit:
        default, required = as_text(limit["default"]), False
    elif "allowed" in limit:
        choices = tuple(as_text(value) for value in limit["allowed"])
        widget = "multiselect" if is_list(field.type) else "select"
        if not _default_within(document, field.name, limit["allowed"]):
            default, required = (choices[0] if len(choices) == 1 else ""), True
    return LaunchField(
        name=field.name,
        label=field.label,
        type=field.type,
        widget=widget,
        required=required,
        default=default,
        choices=choices,
        help=field.help or "",
        pattern=field.pattern or "",
        read_only="fixed" in limit,
    )


def _default_within(document: ssmdoc.Document, name: str, allowed: list[Any]) -> bool:
    parameter = document.parameters[name]
    if parameter.required:
        return False
    wire, _ = wire_value(document, name, parameter.default)
    return wire is not None and within(document, name, wire, allowed)


def _blank(value: Any) -> bool:
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def bind_parameters(
    delegation: Delegation, values: Mapping[str, Any]
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Return what StartAutomationExecution is sent, and what is wrong, by parameter.

    Arguments:
        delegation: whose limits apply: fixed values are put in, suggested ones where nothing was given, and
            the role's ARN in the parameter that `assumeRole` refers to (nothing there as the caller).
        values: what the operator gave, by parameter: texts as an HTML form sends them, or typed values.

    The first is fit to be sent only when the second is empty.
    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StartAutomationExecution.html
    """
    document = language(delegation.version)
    role_parameter = document.assume_role_parameter
    given = dict(values)
    refused: dict[str, str] = {}
    if role_parameter is not None:
        if not _blank(given.pop(role_parameter, None)):
            refused[role_parameter] = "The delegation decides which role is used: leave this out."
        if delegation.service_role is not None:
            given[role_parameter] = delegation.service_role.arn
    for name, limit in delegation.constraints.items():
        if "fixed" in limit:
            offered = given.get(name)
            given[name] = limit["fixed"]
            if not _blank(offered):
                wire, _ = wire_value(document, name, offered)
                if wire != wire_value(document, name, limit["fixed"])[0]:
                    refused[name] = f"The delegation fixes this at “{as_text(limit['fixed'])}”."
        elif "default" in limit and _blank(given.get(name)):
            given[name] = limit["default"]
    wire_form, errors = ssmdoc.parameters.validate(document, given)
    for name, limit in delegation.constraints.items():
        if "allowed" in limit and name not in errors:
            sentence = _outside(document, name, wire_form.get(name), limit["allowed"])
            if sentence:
                refused[name] = sentence
    return wire_form, {**errors, **refused}


def _outside(document: ssmdoc.Document, name: str, wire: list[str] | None, allowed: list[Any]) -> str:
    """Return why a value breaks the delegation's list; "" when it keeps to it."""
    if name not in document.parameters:
        return "The document has no such parameter: ask an administrator to mend the delegation."
    words = ", ".join(f"“{as_text(value)}”" for value in allowed)
    if not wire:
        # Nothing given: AWS will use the document's default, which the list must allow as well.
        return "" if _default_within(document, name, allowed) else f"Choose one of {words}."
    if within(document, name, wire, allowed):
        return ""
    return f"“{', '.join(wire)}” is not among what this delegation allows: choose from {words}."
