"""What an action says at the end of its turn: it is done, has steps to repeat, must wait, or failed."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ACTING = "Execute/Cancelling action"
# With this sentence every failure message of Automation ends.
GUIDE = "Please refer to Automation Service Troubleshooting Guide for more diagnosis details."


@dataclass(frozen=True)
class Done:
    """The step succeeded.

    `outputs` are the action's own outputs; `payload` is what the step's output selectors look into (the
    outputs themselves when absent); `next_step` overrides where the flow goes; `variables` are document
    variables with the values that they have from now on.
    """

    outputs: Mapping[str, Any] = field(default_factory=dict)
    payload: Any = None
    response: str | None = None
    response_code: str | None = None
    next_step: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Repeat:
    """The inner steps of the step run, and then the action has its turn again.

    `outputs` are what they can refer to meanwhile.
    """

    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Wait:
    """The step goes on later: at `until`, or only at a signal when it is None.

    `doing` words what is waited for, as AWS puts it in "Step timed out while step is …"; `status` is what
    the step shows meanwhile.
    """

    until: dt.datetime | None
    doing: str = ""
    status: str = "InProgress"
    outputs: Mapping[str, Any] = field(default_factory=dict)


Outcome = Done | Repeat | Wait


class StepFailed(Exception):
    """The step failed; `doing` words at what, as AWS puts it in "Step fails when it is …".

    `stage` and `type` are those of AWS's FailureDetails
    (https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_FailureDetails.html).
    """

    def __init__(
        self,
        reason: str,
        *,
        doing: str = ACTING,
        stage: str = "Invocation",
        type: str = "Action",
        details: Mapping[str, list[str]] | None = None,
        response: str | None = None,
        response_code: str | None = None,
        outputs: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.doing = doing
        self.stage = stage
        self.type = type
        self.details = dict(details or {})
        self.response = response
        self.response_code = response_code
        self.outputs = dict(outputs or {})


class TimedOut(StepFailed):
    """The step was not done before its timeout."""


class InvalidInputs(StepFailed):
    """The step's inputs could not be resolved, or are not what the action takes."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            reason,
            doing="validating and resolving the step inputs",
            stage="InputValidation",
            type="Verification",
        )
