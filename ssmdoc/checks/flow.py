"""Where steps lead: jumps, ends, cancellation, steps that never run, conditions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ssmdoc import actions, operators, references
from ssmdoc.checks.rule import Context, Fault, RawStep, Rules
from ssmdoc.findings import Path
from ssmdoc.model import truth, whole_number
from ssmdoc.suggestions import listed, meant

RULES = Rules()

_ACTIONS = "automation-actions.html"
_BRANCH = "automation-branch-condition.html"
_CONDITION_KEYS = ("NextStep", "Variable", "And", "Or", "Not", *operators.ALL)
_NUMBER = re.compile(r"\s*-?\d+(?:\.\d+)?\s*\Z")


def jumps(context: Context) -> Iterator[tuple[RawStep, str, Path]]:
    """Every jump: the step that makes it, the step it leads to, and where it is written."""
    for step in context.steps:
        for key in ("onFailure", "onCancel"):
            value = step.data.get(key)
            if isinstance(value, str) and value.startswith("step:"):
                yield step, value[5:].strip(), (*step.path, key)
        if isinstance(step.data.get("nextStep"), str):
            yield step, step.data["nextStep"], (*step.path, "nextStep")
        if step.action == "aws:branch":
            choices = step.inputs.get("Choices")
            for index, choice in enumerate(choices if isinstance(choices, list) else []):
                if isinstance(choice, dict) and isinstance(choice.get("NextStep"), str):
                    yield step, choice["NextStep"], (*step.path, "inputs", "Choices", index, "NextStep")
            if isinstance(step.inputs.get("Default"), str):
                yield step, step.inputs["Default"], (*step.path, "inputs", "Default")


@RULES.add("step-jump", "error", "A jump leads to a step that exists.", _ACTIONS)
def _jump_targets(context: Context) -> Iterator[Fault]:
    for _, name, path in jumps(context):
        if name not in context.named and "{{" not in name:
            hint = meant(name, context.named) or "Name a step of this document."
            yield Fault(path, f'There is no step "{name[:60]}" to go to.', hint)


@RULES.add("step-on-failure", "error", "onFailure and onCancel say Abort, Continue or step:NAME.", _ACTIONS)
def _on_failure(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        for key, words in (("onFailure", ("Abort", "Continue")), ("onCancel", ("Abort",))):
            value = step.data.get(key)
            if not isinstance(value, str) or value in words or value.startswith("step:") or "{{" in value:
                continue
            near = f"step:{value}" if value in context.named else ""
            hint = f"Write `{near}`." if near else meant(value, words)
            yield Fault((*step.path, key), f"{key} is {listed([*words, 'step:NAME'], 'or')}.", hint)


@RULES.add(
    "step-on-cancel-target",
    "warning",
    "onCancel leads to an action that may run after a cancellation.",
    _ACTIONS,
)
def _on_cancel(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        value = step.data.get("onCancel")
        target = (
            context.named.get(value[5:].strip())
            if isinstance(value, str) and value.startswith("step:")
            else None
        )
        spec = actions.SPECS.get(target.action) if target else None
        if target and spec and not spec.cancel_target:
            message = f"onCancel cannot lead to {target.action}."
            yield Fault(
                (*step.path, "onCancel"),
                message,
                "Lead it to a step that cleans up and ends within two minutes.",
            )


@RULES.add("step-unreachable", "warning", "Every step can be reached.", _ACTIONS)
def _unreachable(context: Context) -> Iterator[Fault]:
    reachable = context.graph.reachable()
    for name, step in context.named.items():
        if name not in reachable and step.action:
            hint = "Lead a step to it by nextStep, a branch or onFailure, or remove it."
            yield Fault((*step.path, "name"), f'No way leads to step "{name[:60]}".', hint)


@RULES.add("step-end-and-next", "warning", "A step that ends the run names no next step.", _ACTIONS)
def _end_and_next(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        if truth(step.data.get("isEnd")) and step.data.get("nextStep"):
            yield Fault((*step.path, "nextStep"), f"{step.called} has both isEnd and nextStep.", "Keep one.")


@RULES.add(
    "branch-condition",
    "error",
    "A condition compares a Variable by one operator, or joins conditions.",
    _BRANCH,
)
def _conditions(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        if step.action == "aws:branch":
            choices = step.inputs.get("Choices")
            path = (*step.path, "inputs", "Choices")
            if isinstance(choices, list) and not choices:
                yield Fault(path, "Choices is a list of at least one condition.")
            for index, choice in enumerate(choices if isinstance(choices, list) else []):
                if isinstance(choice, dict) and not isinstance(choice.get("NextStep"), str):
                    yield Fault((*path, index), "A choice needs a NextStep.")
                yield from _condition(choice, (*path, index), 0)
        if step.action == "aws:loop" and isinstance(step.inputs.get("LoopCondition"), dict):
            yield from _condition(step.inputs["LoopCondition"], (*step.path, "inputs", "LoopCondition"), 0)


def _condition(value: Any, path: Path, depth: int) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield Fault(path, "A condition is a map with a Variable and an operator.")
        return
    for key in value:
        if key not in _CONDITION_KEYS:
            hint = meant(key, _CONDITION_KEYS) or f"Operators are {listed(list(operators.ALL))}."
            yield Fault((*path, key), f"`{key[:60]}` is no part of a condition.", hint, True)
    for word in ("And", "Or"):
        if word in value:
            parts = value[word]
            if not isinstance(parts, list) or len(parts) < 2:
                # AWS: "Expect at lease two expressions for operator: Or", and it refuses the document.
                yield Fault((*path, word), f"{word} joins a list of two conditions or more.")
            if not isinstance(parts, list):
                continue
            for index, part in enumerate(parts):
                yield from _condition(part, (*path, word, index), depth + 1)
    if "Not" in value:
        yield from _condition(value["Not"], (*path, "Not"), depth + 1)
    yield from _comparison(value, path)


def _comparison(value: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    """What is wrong with a condition's own Variable and operator."""
    used = [operator for operator in operators.ALL if operator in value]
    if len(used) > 1:
        yield Fault(
            path, f"A comparison has one operator, and this has {listed(used)}.", "Join two by And or Or."
        )
    if used and "Variable" not in value:
        yield Fault(path, "A comparison needs the Variable to compare.")
    if "Variable" in value and not used:
        hint = f"Operators are {listed(list(operators.ALL))}."
        yield Fault((*path, "Variable"), "The Variable is compared with nothing.", hint)
    if not used and not any(word in value for word in ("And", "Or", "Not", "Variable")):
        yield Fault(path, "A condition needs a Variable and an operator.")
    for operator in used:
        yield from _constant(operator, value[operator], (*path, operator))


def _constant(operator: str, value: Any, path: Path) -> Iterator[Fault]:
    if references.find(value):
        return
    if operator in operators.NUMERIC:
        text_number = isinstance(value, str) and _NUMBER.match(value)
        if not text_number and not isinstance(value, float) and whole_number(value) is None:
            yield Fault(path, f"{operator} compares with a number.")
    elif operator == "BooleanEquals":
        if truth(value) is None:
            yield Fault(path, "BooleanEquals compares with true or false.")
    elif isinstance(value, (dict, list)) or value is None:
        yield Fault(path, f"{operator} compares with text.")
