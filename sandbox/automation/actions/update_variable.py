"""aws:updateVariable.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-update-variable.html
"""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.automation.actions.registry import Action
from sandbox.automation.context import StepContext
from sandbox.automation.outcomes import Done, InvalidInputs, Outcome

LONGEST_TEXT = 512
MOST_TEXTS = 50
MOST_MAPS = 200
LONGEST_KEY = 50
PREFIX = "variable:"


def run(context: StepContext) -> Outcome:
    given = str(context.required("Name"))
    name = given.removeprefix(PREFIX).strip()
    variable = context.document.variables.get(name)
    if not given.startswith(PREFIX) or variable is None:
        raise InvalidInputs(
            f"Name must be {PREFIX} and the name of a variable that the document declares, not {given}."
        )
    if "Value" not in context.inputs:
        raise InvalidInputs(f"The required input Value of step {context.step.name} is missing.")
    value = context.inputs["Value"]
    if not _TYPES.get(variable.type, _anything)(value):
        raise InvalidInputs(
            f"The variable {name} is of type {variable.type}, and data types are not converted: "
            f"the value {str(value)[:100]!r} does not fit."
        )
    _check_size(name, value)
    return Done(variables={name: value})


def _anything(_value: Any) -> bool:
    return True


def _is_map(value: Any) -> bool:
    return isinstance(value, Mapping)


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "String": lambda value: isinstance(value, str),
    "Boolean": lambda value: isinstance(value, bool),
    "Integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "StringList": lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
    "StringMap": _is_map,
    "MapList": lambda value: isinstance(value, list) and all(_is_map(item) for item in value),
}


def _check_size(name: str, value: Any) -> None:
    maps = [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, Mapping)]
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise InvalidInputs(f"The variable {name} takes {LONGEST_TEXT} characters at most.")
    if isinstance(value, list) and len(value) > (MOST_MAPS if maps else MOST_TEXTS):
        raise InvalidInputs(f"The variable {name} takes {MOST_MAPS if maps else MOST_TEXTS} items at most.")
    for key in (key for item in maps for key in item):
        if not 1 <= len(str(key)) <= LONGEST_KEY:
            raise InvalidInputs(f"The variable {name} takes keys of 1 to {LONGEST_KEY} characters.")


ACTION = Action("aws:updateVariable", run, quick=True, inputs=frozenset({"Name", "Value"}))
