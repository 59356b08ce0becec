"""aws:branch (https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-branch-condition.html)."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.automation.actions.registry import Action
from sandbox.automation.context import StepContext
from sandbox.automation.outcomes import Done, InvalidInputs, Outcome


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise InvalidInputs(f"A numeric operation of aws:branch needs numbers, not {value!r}.")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InvalidInputs(f"A numeric operation of aws:branch needs numbers, not {value!r}.") from None


OPERATIONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "StringEquals": lambda found, wanted: _text(found) == _text(wanted),
    "EqualsIgnoreCase": lambda found, wanted: _text(found).lower() == _text(wanted).lower(),
    "StartsWith": lambda found, wanted: _text(found).startswith(_text(wanted)),
    "EndsWith": lambda found, wanted: _text(found).endswith(_text(wanted)),
    "Contains": lambda found, wanted: _text(wanted) in (found if isinstance(found, list) else _text(found)),
    "NumericEquals": lambda found, wanted: _number(found) == _number(wanted),
    "NumericGreater": lambda found, wanted: _number(found) > _number(wanted),
    "NumericLesser": lambda found, wanted: _number(found) < _number(wanted),
    "NumericGreaterOrEquals": lambda found, wanted: _number(found) >= _number(wanted),
    "NumericLesserOrEquals": lambda found, wanted: _number(found) <= _number(wanted),
    "BooleanEquals": lambda found, wanted: _text(found).lower() == _text(wanted).lower(),
}


def run(context: StepContext) -> Outcome:
    for choice in context.required("Choices"):
        if holds(choice):
            return _to(choice.get("NextStep"))
    if default := context.inputs.get("Default"):
        return _to(default)
    return _to(context.following_step)


def _to(name: str | None) -> Done:
    return Done(outputs={"NextStep": name} if name else {}, next_step=name)


def holds(condition: Mapping[str, Any]) -> bool:
    """Whether a choice, or a part of one, is true. InvalidInputs when it names no operation."""
    if "And" in condition:
        return all(holds(part) for part in condition["And"])
    if "Or" in condition:
        return any(holds(part) for part in condition["Or"])
    if "Not" in condition:
        return not holds(condition["Not"])
    named = [name for name in OPERATIONS if name in condition]
    if "Variable" not in condition or len(named) != 1:
        raise InvalidInputs("Each choice of aws:branch needs a Variable and exactly one operation.")
    return OPERATIONS[named[0]](condition["Variable"], condition[named[0]])


def targets(inputs: Mapping[str, Any]) -> list[str]:
    """The steps that the inputs, as the document writes them, may lead to."""
    choices = inputs.get("Choices")
    names = [choice.get("NextStep") for choice in choices if isinstance(choice, dict)] if choices else []
    return [name for name in (*names, inputs.get("Default")) if isinstance(name, str)]


ACTION = Action("aws:branch", run, quick=True, inputs=frozenset({"Choices", "Default"}))
