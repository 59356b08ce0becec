"""The shape of a document: its keys, its definitions, the keys of its steps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ssmdoc import actions, references
from ssmdoc.checks.rule import Context, Fault, Rules
from ssmdoc.model import truth, whole_number
from ssmdoc.selectors import OUTPUT_TYPES, SelectorError
from ssmdoc.selectors import compile as compile_selector
from ssmdoc.suggestions import listed, meant

RULES = Rules()

_DOCUMENT_KEYS = (
    "schemaVersion", "description", "assumeRole", "parameters", "variables", "mainSteps", "outputs", "files",
    "emergencyChange", "autoApprovable", "templateInformation", "executableRunBooks",
)  # fmt: skip
_STEP_KEYS = (
    "name", "action", "inputs", "description", "onFailure", "onCancel", "outputs", "timeoutSeconds",
    "nextStep", "isEnd", "maxAttempts", "isCritical",
)  # fmt: skip
_STEP_NAME = re.compile(r"[A-Za-z0-9_]{3,128}\Z")
_SYNTAX = "documents-schemas-features.html"
_ACTIONS = "automation-actions.html"


@RULES.add("document-key", "error", "A document has only keys that Automation knows.", _SYNTAX)
def _document_keys(context: Context) -> Iterator[Fault]:
    for key in context.data:
        if key not in _DOCUMENT_KEYS:
            message = f"A document has no key `{key[:60]}`."
            yield Fault(
                (key,), message, meant(key, _DOCUMENT_KEYS) or f"Keys are {listed(_DOCUMENT_KEYS[:7])}.", True
            )


@RULES.add("document-schema-version", "error", "schemaVersion is the text 0.3.", _SYNTAX)
def _schema_version(context: Context) -> Iterator[Fault]:
    quote = '"schemaVersion": "0.3"' if context.parsed.format == "JSON" else "schemaVersion: '0.3'"
    if "schemaVersion" not in context.data:
        yield Fault((), "The document lacks schemaVersion.", f"Add {quote}.")
    elif context.data["schemaVersion"] != "0.3":
        message = "schemaVersion of an Automation document is the text 0.3."
        yield Fault(("schemaVersion",), message, f"Write {quote}.")


@RULES.add("document-steps", "error", "mainSteps is a list of steps.", _SYNTAX)
def _main_steps(context: Context) -> Iterator[Fault]:
    if "mainSteps" not in context.data:
        yield Fault((), "The document lacks mainSteps.", "Add a step with name, action and inputs.")
    elif not isinstance(context.data["mainSteps"], list):
        yield Fault(
            ("mainSteps",), "mainSteps is a list of steps.", "Add a step with name, action and inputs."
        )


@RULES.add("document-empty", "error", "A document has at least one step.", _SYNTAX)
def _no_steps(context: Context) -> Iterator[Fault]:
    if context.data.get("mainSteps") == []:
        yield Fault(("mainSteps",), "The document has no steps.", "Add a step with name, action and inputs.")


@RULES.add("document-value", "error", "Each key of a document holds a value of its type.", _SYNTAX)
def _document_values(context: Context) -> Iterator[Fault]:
    kinds: dict[str, tuple[type, str]] = {
        "description": (str, "text"),
        "assumeRole": (str, "text: an ARN or a reference to a parameter"),
        "parameters": (dict, "a map of definitions"),
        "variables": (dict, "a map of definitions"),
        "outputs": (list, "a list of texts like step.Output"),
        "files": (dict, "a map of attachments"),
    }
    for key, (kind, said) in kinds.items():
        value = context.data.get(key)
        if value is not None and not isinstance(value, kind):
            yield Fault((key,), f"{key} is {said}.")
    outputs = context.data.get("outputs")
    for index, item in enumerate(outputs if isinstance(outputs, list) else []):
        if not isinstance(item, str):
            yield Fault(("outputs", index), "An output of the document is a text like step.Output.")


@RULES.add("step-shape", "error", "A step has a name, an action and inputs.", _ACTIONS)
def _step_shape(context: Context) -> Iterator[Fault]:
    steps = context.data.get("mainSteps")
    for index, item in enumerate(steps if isinstance(steps, list) else []):
        if not isinstance(item, dict):
            yield Fault(("mainSteps", index), "A step is a map with the keys name, action and inputs.")
    for step in context.steps:
        for key in ("name", "action"):
            value = step.data.get(key)
            if not isinstance(value, str) or not value:
                path = (*step.path, key) if key in step.data else step.path
                lacks = f"{step.called} lacks {'its' if step.name else 'a'} {key}."
                yield Fault(path, f"The {key} of a step is text." if key in step.data else lacks)
        spec = actions.SPECS.get(step.action)
        if "inputs" not in step.data:
            if spec is None or any(item.required for item in spec.inputs):
                yield Fault(step.path, f"{step.called} lacks its inputs.")
        elif not isinstance(step.data["inputs"], dict):
            yield Fault((*step.path, "inputs"), "The inputs of a step are a map.")


@RULES.add("step-key", "error", "A step has only keys that Automation knows.", _ACTIONS)
def _step_keys(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        for key in step.data:
            if key in _STEP_KEYS:
                continue
            spec = actions.SPECS.get(step.action)
            if "{{" in key:
                hint = "A reference cannot stand for a key."
            elif spec and spec.input(key):
                hint = f"`{key}` is an input: move it under inputs."
            else:
                hint = meant(key, _STEP_KEYS) or f"Keys are {listed(_STEP_KEYS)}."
            yield Fault((*step.path, key), f"{step.called} has an unknown key `{key[:60]}`.", hint, True)


@RULES.add("step-name", "error", "A step's name is 3 to 128 letters, digits and underscores.", _ACTIONS)
def _step_names(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        if step.name and not _STEP_NAME.match(step.name):
            message = f'"{step.name[:60]}" cannot be a step\'s name.'
            yield Fault((*step.path, "name"), message, "Use 3 to 128 letters, digits and underscores.")


@RULES.add("step-duplicate", "error", "No two steps have the same name.", _ACTIONS)
def _step_duplicates(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        first = context.named.get(step.name)
        if first and first.path != step.path:
            line = (
                context.parsed.source.position(context.parsed.root.at((*first.path, "name")).start)[0]
                if context.parsed.root
                else 1
            )
            message = f'The name "{step.name}" is taken: a step on line {line} has it.'
            yield Fault((*step.path, "name"), message, "Give each step a name of its own.")


@RULES.add("step-value", "error", "Each key of a step holds a value of its type.", _ACTIONS)
def _step_values(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        for key in ("timeoutSeconds", "maxAttempts"):
            value = step.data.get(key)
            number = whole_number(value)
            if value is not None and references.whole(value) is None and (number is None or number < 1):
                yield Fault((*step.path, key), f"{key} is a whole number from 1 up, or a reference.")
        for key in ("isEnd", "isCritical"):
            value = step.data.get(key)
            if value is not None and references.whole(value) is None and truth(value) is None:
                yield Fault((*step.path, key), f"{key} is true or false.")
        for key in ("nextStep", "onFailure", "onCancel", "description"):
            value = step.data.get(key)
            if value is not None and not isinstance(value, str):
                yield Fault((*step.path, key), f"{key} is text.")


@RULES.add(
    "output-shape",
    "error",
    "An output has a Name, a Selector and a known Type.",
    "automation-action-outputs-inputs.html",
)
def _outputs(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        outputs = step.data.get("outputs")
        path = (*step.path, "outputs")
        if outputs is not None and not isinstance(outputs, list):
            yield Fault(path, f"The outputs of {step.within} are a list.")
            continue
        seen: set[str] = set()
        for index, output in enumerate(outputs or []):
            yield from _output(output, (*path, index), seen)


def _output(output: Any, path: tuple[str | int, ...], seen: set[str]) -> Iterator[Fault]:
    if not isinstance(output, dict):
        yield Fault(path, "An output is a map with the keys Name, Selector and Type.")
        return
    for key in output:
        if key not in ("Name", "Selector", "Type"):
            yield Fault(
                (*path, key),
                f"An output has no key `{key[:60]}`.",
                meant(key, ("Name", "Selector", "Type")),
                True,
            )
    for key in ("Name", "Selector"):
        if not isinstance(output.get(key), str) or not output[key].strip():
            yield Fault((*path, key) if key in output else path, f"An output needs a {key}.")
    name, kind, selector = output.get("Name"), output.get("Type"), output.get("Selector")
    if isinstance(name, str):
        if name in seen:
            yield Fault((*path, "Name"), f'The step has two outputs named "{name[:60]}".')
        seen.add(name)
    if kind is not None and kind not in OUTPUT_TYPES:
        hint = meant(str(kind), OUTPUT_TYPES) or f"Types are {listed(OUTPUT_TYPES)}."
        yield Fault((*path, "Type"), f"`{str(kind)[:60]}` is not the type of an output.", hint)
    if isinstance(selector, str) and selector.strip() and "{{" not in selector:
        try:
            compile_selector(selector)
        except SelectorError as error:
            yield Fault((*path, "Selector"), str(error))
