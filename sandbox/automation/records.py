"""The state of automations: plain data that can be pickled, so that a run survives a restart.

Names follow AWS's AutomationExecution and StepExecution structures
(https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_AutomationExecution.html).
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.automation.ids import ids
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


@dataclass(frozen=True, eq=False)
class ParentStep:
    """The turn of a loop in which a step ran: the loop's record, which turn it was, and its item's text."""

    record: "StepExecution"
    iteration: int
    value: str | None


@dataclass(eq=False)
class StepExecution:
    """One step of one run. A step that the flow enters again gets another record.

    Its id is given when an execution takes it in.
    """

    name: str
    action: str
    id: str = ""
    parent: ParentStep | None = None
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
    # When AWS first throttled the call that is tried again now.
    throttled_at: dt.datetime | None = None
    # The status that was told of last.
    told: str = "Pending"

    @property
    def finished(self) -> bool:
        return self.status in FINISHED


@dataclass(eq=False)
class Execution:
    """One run of a document.

    `steps` are in the order in which AWS lists them: the steps of a loop's turns stand behind their loop.
    """

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
    # The step that runs now, or the name of the one to begin; and the loop whose turn that is part of.
    current_step: StepExecution | None = None
    upcoming: str | None = None
    loop: StepExecution | None = None
    # How the run will end, once a critical step has failed or someone has asked it to stop.
    verdict: str = "Success"
    stop_requested: str | None = None
    cancel_deadline: dt.datetime | None = None
    deadline: dt.datetime | None = None
    parent_id: str | None = None
    mode: str = "Auto"
    # What signals ask of a run in Interactive mode: that the upcoming step begins, that this one stops.
    may_begin: bool = False
    step_to_stop: str | None = None
    # The status that was told of last.
    told: str = "Pending"
    # The request's AlarmConfiguration, and those of its alarms that have stopped the run.
    alarm_configuration: dict[str, Any] | None = None
    triggered_alarms: list[dict[str, str]] | None = None
    # The files attached to the document, by name.
    attachments: Mapping[str, bytes] | None = None
    _latest: dict[str, StepExecution] = field(init=False, repr=False, default_factory=dict)
    # Where the records of the loop that runs end; nothing is put before them while it runs.
    _loop_end: int = field(init=False, repr=False, default=0)

    def __post_init__(self) -> None:
        for number, record in enumerate(self.steps):
            self._know(record, number)

    def add(self, record: StepExecution) -> None:
        """Take in the record of a step that begins: last, or last of those in the turns of its loop."""
        if record.parent is None:
            self.steps.append(record)
        else:
            self.steps.insert(self._loop_end, record)
            self._loop_end += 1
        self._know(record, len(self.steps) - 1)

    def enter(self, loop: StepExecution) -> None:
        """Let the steps that begin next be those of `loop`'s next turn."""
        if self.loop is not loop:
            self.loop = loop
            self._loop_end = self.steps.index(loop) + 1
            while self._loop_end < len(self.steps) and self.steps[self._loop_end].parent is not None:
                self._loop_end += 1

    def _know(self, record: StepExecution, number: int) -> None:
        record.id = record.id or ids.step_id(self.id, number)
        self._latest[record.name] = record

    @property
    def finished(self) -> bool:
        return self.status in FINISHED

    @property
    def waits_for_somebody(self) -> bool:
        """Whether nothing happens to the run before somebody acts, or it gives up waiting for that."""
        return self.current_step is None or self.current_step.wake_at is None

    @property
    def arn(self) -> str:
        return f"arn:{self.partition}:ssm:{self.region}:{self.account_id}:automation-execution/{self.id}"

    def step(self, name: str) -> StepExecution | None:
        """The latest record of the step called `name`, or None when none of that name has begun or will."""
        return self._latest.get(name)
