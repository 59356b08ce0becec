"""What is known of one action, from which schema, completion, checks, analysis and documentation are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Effect = Literal["read", "change", "destroy", "flow"]
InputType = Literal[
    "String",
    "StringList",
    "Integer",
    "Boolean",
    "StringMap",
    "MapList",
    "Selector",
    "Steps",
    "Condition",
    "Any",
]

GUIDE = "https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-"


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One input of an action. A reference may stand for a value of any type."""

    name: str
    type: InputType
    required: bool
    description: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """One output that a step has without declaring it; `type` is one of the output types, or Any."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action, as its page in the user guide (`source`) describes it.

    `implied` are outputs that need no declaration. `open_inputs` takes the called operation's own inputs as
    well. `iam` are the IAM actions that the action itself always needs. `timeout_seconds` is how long a step
    runs when it says nothing, None where AWS names no figure. `cancel_target` says whether onCancel may lead
    to such a step. One of the inputs in `either` is needed. `examples` are inputs of a step.
    """

    name: str
    title: str
    summary: str
    inputs: tuple[InputSpec, ...]
    implied: tuple[OutputSpec, ...]
    effect: Effect
    source: str
    open_inputs: bool = False
    iam: tuple[str, ...] = ()
    timeout_seconds: int | None = None
    cancel_target: bool = True
    either: tuple[str, ...] = ()
    examples: tuple[Mapping[str, Any], ...] = ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the implied outputs."""
        return tuple(item.name for item in self.implied)

    def input(self, name: str) -> InputSpec | None:
        """The input of that name, or None."""
        return next((item for item in self.inputs if item.name == name), None)


def need(name: str, type: InputType, description: str, *choices: str) -> InputSpec:
    """An input that must be given."""
    return InputSpec(name, type, True, description, choices)


def may(name: str, type: InputType, description: str, *choices: str) -> InputSpec:
    """An input that may be left out."""
    return InputSpec(name, type, False, description, choices)


def returns(**types: str) -> tuple[OutputSpec, ...]:
    """Implied outputs, each with its type."""
    return tuple(OutputSpec(name, type) for name, type in types.items())
