"""What actions are given: required inputs, known names, types, and what belongs together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ssmdoc import actions, durations, references, timing
from ssmdoc.actions import InputSpec
from ssmdoc.checks.rule import Context, Fault, RawStep, Rules
from ssmdoc.model import truth, whole_number
from ssmdoc.selectors import SelectorError
from ssmdoc.selectors import compile as compile_selector
from ssmdoc.suggestions import listed, meant

RULES = Rules()

_ACTIONS = "automation-actions.html"
_RUNTIMES = (
    "python3.6", "python3.7", "python3.8", "python3.9", "python3.10", "python3.11",
    "PowerShell Core 6.0", "PowerShell 7.0", "PowerShell 7.4",
)  # fmt: skip
_RUNTIME = re.compile(r"python3\.\d+|PowerShell (?:Core )?\d+\.\d+")


@RULES.add("input-missing", "error", "A step has the inputs that its action requires.", _ACTIONS)
def _missing(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        spec = actions.SPECS.get(step.action)
        if spec is None or not isinstance(step.data.get("inputs"), dict):
            continue
        at = (*step.path, "inputs")
        for item in spec.inputs:
            if item.required and step.inputs.get(item.name) is None:
                near = next(
                    (key for key in step.inputs if key.lower() == item.name.lower() and key != item.name), ""
                )
                hint = f"`{near}` is spelt {item.name}." if near else f"{item.name}: {item.description}"
                yield Fault(at, f"{step.called} lacks the input {item.name}.", hint, at_key=True)
        either = spec.either if spec else ()
        if either and all(step.inputs.get(name) is None for name in either):
            yield Fault(at, f"{step.called} needs {listed(either, 'or')}.", at_key=True)


@RULES.add("input-unknown", "warning", "A step has no inputs that its action does not know.", _ACTIONS)
def _unknown(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        spec = actions.SPECS.get(step.action)
        if spec is None or spec.open_inputs:
            continue
        known = [item.name for item in spec.inputs]
        for key in step.inputs:
            if key not in known:
                hint = meant(key, known) or f"Inputs are {listed(known)}."
                yield Fault(
                    (*step.path, "inputs", key), f"{step.action} has no input `{key[:60]}`.", hint, True
                )


@RULES.add("input-type", "error", "An input is of its type.", _ACTIONS)
def _types(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        spec = actions.SPECS.get(step.action)
        for item in spec.inputs if spec else ():
            value = step.inputs.get(item.name)
            if value is None or references.whole(value) is not None:
                continue
            wrong = _wrong(item, value)
            if wrong:
                yield Fault((*step.path, "inputs", item.name), f"{item.name} is {wrong}.", item.description)


def _wrong(item: InputSpec, value: Any) -> str:
    """What a value should have been, or an empty string when it is right."""
    if item.choices and isinstance(value, str) and "{{" not in value and value not in item.choices:
        return listed(item.choices, "or")
    right, said = {
        "Integer": (whole_number(value) is not None, "a whole number"),
        "Boolean": (truth(value) is not None, "true or false"),
        "StringList": (isinstance(value, list), "a list"),
        "MapList": (isinstance(value, list), "a list of maps"),
        "Steps": (isinstance(value, list), "a list of steps"),
        "StringMap": (isinstance(value, dict), "a map"),
        "Condition": (isinstance(value, dict), "a map"),
        "String": (not isinstance(value, (dict, list)), "text"),
        "Selector": (not isinstance(value, (dict, list)), "text"),
        "Any": (True, ""),
    }[item.type]
    return "" if right else said


@RULES.add(
    "input-selector", "error", "PropertySelector is JSONPath.", "automation-action-outputs-inputs.html"
)
def _selectors(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        selector = step.inputs.get("PropertySelector")
        if step.action in actions.API_ACTIONS and isinstance(selector, str) and "{{" not in selector:
            try:
                compile_selector(selector)
            except SelectorError as error:
                yield Fault((*step.path, "inputs", "PropertySelector"), str(error))


@RULES.add("input-duration", "error", "Duration is an ISO 8601 duration.", "automation-action-sleep.html")
def _durations(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        duration = step.inputs.get("Duration")
        given = isinstance(duration, (str, int, float)) and "{{" not in str(duration)
        if step.action == "aws:sleep" and given:
            try:
                durations.seconds(str(duration))
            except ValueError as error:
                yield Fault((*step.path, "inputs", "Duration"), str(error))


@RULES.add("input-sleep", "warning", "A sleep takes less than 7 days.", "automation-action-sleep.html")
def _long_sleeps(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        duration = step.inputs.get("Duration")
        if step.action != "aws:sleep" or not isinstance(duration, str):
            continue
        try:
            seconds = durations.seconds(duration)
        except ValueError:
            continue
        if seconds > timing.MAX_SLEEP:
            message = f"{duration[:60]} is longer than a sleep can be: {timing.MAX_SLEEP} seconds."
            hint = "Sleep less, or more than once."
            yield Fault((*step.path, "inputs", "Duration"), message, hint)


@RULES.add("input-timestamp", "warning", "Timestamp is an ISO 8601 time.", "automation-action-sleep.html")
def _timestamps(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        moment = step.inputs.get("Timestamp")
        if step.action != "aws:sleep" or not isinstance(moment, str) or "{{" in moment:
            continue
        try:
            datetime.fromisoformat(moment.strip())
        except ValueError:
            message = f"`{moment[:60]}` is no time."
            yield Fault((*step.path, "inputs", "Timestamp"), message, "Write it like 2030-01-01T01:00:00Z.")


@RULES.add(
    "input-runtime", "error", "Runtime is one that executeScript has.", "automation-action-executeScript.html"
)
def _runtimes(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        runtime = step.inputs.get("Runtime")
        if step.action != "aws:executeScript" or not isinstance(runtime, str) or "{{" in runtime:
            continue
        path = (*step.path, "inputs", "Runtime")
        if not _RUNTIME.fullmatch(runtime.strip()):
            hint = meant(runtime, _RUNTIMES) or f"Runtimes are {listed(_RUNTIMES)}."
            yield Fault(path, f"There is no runtime `{runtime[:60]}`.", hint)
        elif runtime.startswith("python") and not step.inputs.get("Handler"):
            message = f"{step.called} lacks the input Handler, the function to call."
            yield Fault(
                (*step.path, "inputs"), message, "Handler: the name of a function of the script.", True
            )


@RULES.add(
    "input-variable",
    "error",
    "updateVariable names a variable of the document.",
    "automation-action-update-variable.html",
)
def _variables(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        name = step.inputs.get("Name")
        if step.action != "aws:updateVariable" or not isinstance(name, str):
            continue
        bare = _variable(name)
        if bare not in context.document.variables:
            hint = meant(bare, context.document.variables) or "Declare it under variables."
            yield Fault((*step.path, "inputs", "Name"), f"There is no variable `{bare[:60]}`.", hint)


def _variable(name: str) -> str:
    found = references.whole(name)
    inner = found.expression if found else name
    return inner.strip().removeprefix("variable:").split(".")[0]


@RULES.add("input-targets", "warning", "runCommand says where to run.", "automation-action-runcommand.html")
def _targets(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        if step.action == "aws:runCommand" and not _says_where(step):
            message = f"{step.called} says neither InstanceIds nor Targets."
            yield Fault((*step.path, "inputs"), message, at_key=True)


def _says_where(step: RawStep) -> bool:
    return bool(step.inputs.get("InstanceIds") or step.inputs.get("Targets"))
