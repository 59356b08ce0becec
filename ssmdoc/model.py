"""An Automation document as frozen objects, built from whatever is well formed in its data.

Building never fails: what has the wrong shape is left out or takes its default, and `ssmdoc.check` says what
is wrong.

https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-schemas-features.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any, Final

from ssmdoc import references
from ssmdoc.findings import Path
from ssmdoc.text import Text


class _Missing(Enum):
    MISSING = "MISSING"

    def __repr__(self) -> str:
        return "ssmdoc.MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = _Missing.MISSING


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter's definition; `default` is MISSING where none is given."""

    name: str
    type: str
    description: str = ""
    default: Any = MISSING
    allowed_values: tuple[Any, ...] | None = None
    allowed_pattern: str | None = None
    min_chars: int | None = None
    max_chars: int | None = None
    min_items: int | None = None
    max_items: int | None = None
    min_value: int | None = None
    max_value: int | None = None
    display_type: str | None = None
    line: int = 1
    column: int = 1

    @property
    def required(self) -> bool:
        """Whether a value must be given at the start: AWS counts a default of null as none."""
        return self.default is MISSING or self.default is None


@dataclass(frozen=True, slots=True)
class Variable:
    """A document variable that `aws:updateVariable` may change."""

    name: str
    type: str
    description: str = ""
    default: Any = MISSING
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class StepOutput:
    """A named part of a step's response; `type` is None where none is declared."""

    name: str
    selector: str
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A step with AWS's defaults applied.

    `on_failure` is ``Abort``, ``Continue`` or ``step:NAME``, `on_cancel` ``Abort`` or ``step:NAME``;
    `timeout_seconds` is in seconds or a reference as written. `steps` are the inner steps of an `aws:loop`.
    `path` is where the step stands in the document's data.
    """

    name: str
    action: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[StepOutput, ...] = ()
    on_failure: str = "Abort"
    on_cancel: str = "Abort"
    next_step: str | None = None
    is_end: bool | None = None
    is_critical: bool = True
    max_attempts: int = 1
    timeout_seconds: int | str | None = None
    description: str = ""
    line: int = 1
    column: int = 1
    steps: tuple[Step, ...] = ()
    path: Path = ()

    def output(self, name: str) -> StepOutput | None:
        """The declared output of that name, or None."""
        return next((output for output in self.outputs if output.name == name), None)

    @property
    def failure_target(self) -> str | None:
        """The step that a failure jumps to, or None."""
        return self.on_failure[5:] if self.on_failure.startswith("step:") else None

    @property
    def cancel_target(self) -> str | None:
        """The step that a cancellation jumps to, or None."""
        return self.on_cancel[5:] if self.on_cancel.startswith("step:") else None


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document. Values are as written (references included); `data` is all of it as plain Python."""

    schema_version: str
    description: str
    assume_role: str | None
    parameters: Mapping[str, Parameter]
    variables: Mapping[str, Variable]
    steps: tuple[Step, ...]
    outputs: tuple[str, ...]
    data: Mapping[str, Any]

    def walk(self) -> Iterator[Step]:
        """Every step in reading order, the inner steps of loops after their loop."""
        pending = list(reversed(self.steps))
        while pending:
            step = pending.pop()
            yield step
            pending.extend(reversed(step.steps))

    def step(self, name: str) -> Step | None:
        """The first step of that name, at any depth, or None."""
        return next((step for step in self.walk() if step.name == name), None)

    @property
    def assume_role_parameter(self) -> str | None:
        """The declared parameter that `assumeRole` consists of, or None."""
        reference = references.whole(self.assume_role)
        if reference is None or reference.kind != "parameter" or reference.name not in self.parameters:
            return None
        return reference.name


def build(text: Text) -> Document | None:
    """The document that a text holds; None when the text is no map."""
    data = text.data
    if not isinstance(data, dict):
        return None
    role = data.get("assumeRole")
    return Document(
        schema_version=_text(data.get("schemaVersion")),
        description=_text(data.get("description")),
        assume_role=role if isinstance(role, str) and role.strip() else None,
        parameters=MappingProxyType(
            {
                name: _parameter(name, definition, _place(text, ("parameters", name)))
                for name, definition in _maps(data.get("parameters"))
            }
        ),
        variables=MappingProxyType(
            {
                name: _variable(name, definition, _place(text, ("variables", name)))
                for name, definition in _maps(data.get("variables"))
            }
        ),
        steps=_steps(text, data.get("mainSteps"), ("mainSteps",)),
        outputs=tuple(item for item in _list(data.get("outputs")) if isinstance(item, str)),
        data=MappingProxyType(data),
    )


def _place(text: Text, path: Path) -> tuple[int, int]:
    return text.source.position(text.root.key_at(path).start) if text.root else (1, 1)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _maps(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        for name, definition in value.items():
            if isinstance(definition, dict):
                yield name, definition


_WHOLE_NUMBER = re.compile(r"\s*-?[0-9]{1,20}\s*")


def whole_number(value: Any) -> int | None:
    """An integer, also one written as text ("600"); None for anything else."""
    if isinstance(value, str):
        return int(value) if _WHOLE_NUMBER.fullmatch(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def truth(value: Any) -> bool | None:
    """A boolean, also one written as text ("true"); None for anything else."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def _parameter(name: str, definition: dict[str, Any], place: tuple[int, int]) -> Parameter:
    allowed = definition.get("allowedValues")
    pattern = definition.get("allowedPattern")
    display = definition.get("displayType")
    return Parameter(
        name=name,
        type=_text(definition.get("type")),
        description=_text(definition.get("description")),
        default=definition.get("default", MISSING),
        allowed_values=tuple(allowed) if isinstance(allowed, list) else None,
        allowed_pattern=pattern if isinstance(pattern, str) else None,
        min_chars=whole_number(definition.get("minChars")),
        max_chars=whole_number(definition.get("maxChars")),
        min_items=whole_number(definition.get("minItems")),
        max_items=whole_number(definition.get("maxItems")),
        min_value=whole_number(definition.get("minValue")),
        max_value=whole_number(definition.get("maxValue")),
        display_type=display if isinstance(display, str) else None,
        line=place[0],
        column=place[1],
    )


def _variable(name: str, definition: dict[str, Any], place: tuple[int, int]) -> Variable:
    return Variable(
        name=name,
        type=_text(definition.get("type")),
        description=_text(definition.get("description")),
        default=definition.get("default", MISSING),
        line=place[0],
        column=place[1],
    )


def _steps(text: Text, value: Any, path: Path) -> tuple[Step, ...]:
    return tuple(
        _step(text, item, (*path, index))
        for index, item in enumerate(_list(value))
        if isinstance(item, dict)
        and isinstance(item.get("name"), str)
        and isinstance(item.get("action"), str)
    )


def _step(text: Text, item: dict[str, Any], path: Path) -> Step:
    inputs = item.get("inputs")
    inputs = inputs if isinstance(inputs, dict) else {}
    on_failure = _text(item.get("onFailure")) or "Abort"
    critical = truth(item.get("isCritical"))
    timeout = item.get("timeoutSeconds")
    seconds = whole_number(timeout)
    next_step = item.get("nextStep")
    line, column = text.source.position(text.root.at(path).start) if text.root else (1, 1)
    return Step(
        name=item["name"],
        action=item["action"],
        inputs=MappingProxyType(inputs),
        outputs=tuple(
            StepOutput(output["Name"], output["Selector"], _text(output.get("Type")) or None)
            for output in _list(item.get("outputs"))
            if isinstance(output, dict)
            and isinstance(output.get("Name"), str)
            and isinstance(output.get("Selector"), str)
        ),
        on_failure=on_failure,
        on_cancel=_text(item.get("onCancel")) or "Abort",
        next_step=next_step if isinstance(next_step, str) and next_step else None,
        is_end=truth(item.get("isEnd")),
        # https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-actions.html: a step that
        # may fail without ending the run does not decide the run's status unless it says so.
        is_critical=on_failure != "Continue" if critical is None else critical,
        max_attempts=max(1, whole_number(item.get("maxAttempts")) or 1),
        timeout_seconds=seconds if seconds is not None else timeout if isinstance(timeout, str) else None,
        description=_text(item.get("description")),
        line=line,
        column=column,
        steps=_steps(text, inputs.get("Steps"), (*path, "inputs", "Steps"))
        if item["action"] == "aws:loop"
        else (),
        path=path,
    )
