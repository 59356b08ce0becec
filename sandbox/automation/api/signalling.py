"""SendAutomationSignal and StopAutomationExecution.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendAutomationSignal.html
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StopAutomationExecution.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.automation.actions.approve import may_decide
from sandbox.automation.api.errors import (
    AutomationStepNotFoundException,
    InvalidAutomationSignalException,
    InvalidAutomationStatusUpdateException,
)
from sandbox.automation.clock import Clock
from sandbox.automation.records import Execution, Signal, StepExecution
from sandbox.automation.runner import Runner
from sandbox.automation.store import Store
from sandbox.identity import Principal

ANSWERED_BY = {"Approve": "aws:approve", "Reject": "aws:approve", "Resume": "aws:pause"}


@dataclass(frozen=True)
class Signaller:
    """Delivers signals to waiting steps, and requests to stop to executions."""

    store: Store
    runner: Runner
    clock: Clock

    def send(self, execution: Execution, request: Mapping[str, Any], principal: Principal) -> None:
        """Deliver a signal. Raises when the execution waits for no such signal, or not for this person's."""
        kind = request["SignalType"]
        payload = request.get("Payload") or {}
        with self.store.changing():
            if kind not in ANSWERED_BY:
                raise InvalidAutomationSignalException(_refusal(kind))
            record = _waiting_step(execution, kind)
            if kind == "Resume":
                _check_step_name(execution, record, payload)
            else:
                _check_decision(record, principal)
            comment = "".join(payload.get("Comment") or [])
            now = self.clock.now()
            record.signals.append(Signal(kind, principal.arn, comment, now))
            record.wake_at = now
        self.runner.wake(execution)

    def stop(self, execution: Execution, kind: str) -> None:
        """Ask the execution to end, now (`Cancel`) or after the step that runs (`Complete`)."""
        with self.store.changing():
            if execution.finished:
                raise InvalidAutomationStatusUpdateException(
                    "Current status does not allow requested status change: "
                    f"the automation execution {execution.id} has ended as {execution.status}."
                )
            if execution.stop_requested != "Cancel":
                execution.stop_requested = kind
            if kind == "Cancel":
                execution.status = "Cancelling"
        self.runner.wake(execution)


def _refusal(kind: str) -> str:
    if kind == "Revoke":
        return "The signal Revoke is valid for just-in-time access requests only, and this execution is none."
    return (
        f"The signal {kind} is valid for executions in Interactive mode only, and this one runs in Auto mode."
    )


def _waiting_step(execution: Execution, kind: str) -> StepExecution:
    record = execution.current_step
    if record is None or record.status != "Waiting" or record.action != ANSWERED_BY[kind]:
        raise InvalidAutomationSignalException(
            f"The signal {kind} is not valid for the current Automation execution: "
            f"it does not wait in a step of {ANSWERED_BY[kind]}."
        )
    return record


def _check_step_name(execution: Execution, record: StepExecution, payload: Mapping[str, Any]) -> None:
    names = payload.get("StepName") or []
    if not names:
        raise InvalidAutomationSignalException(
            "The signal Resume needs the payload StepName: name the paused step."
        )
    if execution.step(names[0]) is None:
        raise AutomationStepNotFoundException(
            f"The step {names[0]} does not exist in the Automation execution {execution.id}."
        )
    if names[0] != record.name:
        raise InvalidAutomationSignalException(f"The step {names[0]} is not paused: {record.name} is.")


def _check_decision(record: StepExecution, principal: Principal) -> None:
    approvers = [str(each) for each in _flat(record.inputs.get("Approvers"))]
    if not may_decide(principal, approvers):
        raise InvalidAutomationSignalException(
            f"{principal.arn} is not one of the approvers of step {record.name} "
            "and cannot approve or reject it."
        )
    if any(signal.sender_arn == principal.arn for signal in record.signals):
        raise InvalidAutomationSignalException(f"{principal.arn} has already decided on step {record.name}.")


def _flat(value: Any) -> list[Any]:
    items = value if isinstance(value, list) else [value]
    return [inner for item in items for inner in (item if isinstance(item, list) else [item])]
