"""The state of automations: plain data that can be pickled, so that a run survives a restart.

Names follow AWS's AutomationExecution and StepExecution structures
(https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_AutomationExecution.html).
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.identity import Principal

FINISHED = frozenset({"Success", "TimedOut", "Cancelled", "Failed"})


@dataclass(frozen=True)
class Signal:
    """What somebody sent with SendAutomationSignal: type, sender and the payload's comment."""

    type: str
    sender_arn: str
    comment: str
    at: dt.datetime


@dataclass(frozen=True)
class Failure:
    """Why a step ended badly, in the three forms AWS reports it."""

    message: str
    stage: str
    type: str
    details: Mapping[str, list[str]] = field(default_factory=dict)
    timed_out: bool = False


@dataclass(eq=False)
class StepExecution:
    """One step of one run. A step that the flow enters again gets another record."""

    name: str
    action: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "Pending"
    started_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    response: str | None = None
    response_code: str | None = None
    failure: Failure | None = None
    next_step: str | None = None
    timeout_seconds: int | None = None
    attempt: int = 1
    # What the action noted about its own progress; it is handed back at the next turn.
    memo: dict[str, Any] = field(default_factory=dict)
    signals: list[Signal] = field(default_factory=list)
    doing: str = ""
    deadline: dt.datetime | None = None
    wake_at: dt.datetime | None = None
    # Set while a call that changes something is under way: afterwards nobody knows whether it took effect.
    calling: str | None = None

    @property
    def finished(self) -> bool:
        return self.status in FINISHED


@dataclass(eq=False)
class Execution:
    """One run of a document."""

    id: str
    account_id: str
    region: str
    partition: str
    document_name: str
    document_version: str
    document_text: str
    document_format: str
    parameters: dict[str, Any]
    executed_by: str
    # Whose credentials the steps use when there is no service role.
    caller: Principal | None
    role_arn: str | None
    started_at: dt.datetime
    steps: list[StepExecution]
    tags: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    status: str = "Pending"
    ended_at: dt.datetime | None = None
    outputs: dict[str, Any] = field(default_factory=dict)
    failure_message: str | None = None
    # The step that runs now (its place in `steps`), or the name of the one to begin.
    current: int | None = None
    upcoming: str | None = None
    # How the run will end, once a critical step has failed or someone has asked it to stop.
    verdict: str = "Success"
    stop_requested: str | None = None
    cancel_deadline: dt.datetime | None = None
    deadline: dt.datetime | None = None
    parent_id: str | None = None

    @property
    def finished(self) -> bool:
        return self.status in FINISHED

    @property
    def arn(self) -> str:
        return f"arn:{self.partition}:ssm:{self.region}:{self.account_id}:automation-execution/{self.id}"

    def step(self, name: str) -> StepExecution | None:
        """The latest record of the step called `name`, or None when the document has no such step."""
        return next((record for record in reversed(self.steps) if record.name == name), None)

    @property
    def current_step(self) -> StepExecution | None:
        return None if self.current is None else self.steps[self.current]
