"""SendAutomationSignal and StopAutomationExecution.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendAutomationSignal.html
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StopAutomationExecution.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.automation.actions.approve import may_decide
from sandbox.automation.actions.branch import targets
from sandbox.automation.api.errors import (
    AutomationStepNotFoundException,
    InvalidAutomationSignalException,
    InvalidAutomationStatusUpdateException,
)
from sandbox.automation.clock import Clock
from sandbox.automation.flow import plan_of
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
        with self.store.changing(execution):
            self._deliver(execution, request, principal)
        self.runner.wake(execution)

    def _deliver(self, execution: Execution, request: Mapping[str, Any], principal: Principal) -> None:
        kind = request["SignalType"]
        payload = request.get("Payload") or {}
        if kind in MANUAL and execution.mode == "Interactive":
            MANUAL[kind](execution, payload)
            return
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

    def stop(self, execution: Execution, kind: str) -> None:
        """Ask the execution to end, now (`Cancel`) or after the step that runs (`Complete`)."""
        with self.store.changing(execution):
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


def _start_step(execution: Execution, payload: Mapping[str, Any]) -> None:
    """Let the step that the payload names begin: the next one, or another that the last one may lead to."""
    name = _named(payload, "StartStep", "StepName")
    if plan_of(execution).step(name) is None:
        raise AutomationStepNotFoundException(
            f"The step {name} does not exist in the Automation execution {execution.id}."
        )
    if execution.finished or execution.stop_requested or execution.may_begin or execution.current_step:
        raise InvalidAutomationSignalException(
            "The signal StartStep is not valid for the current Automation execution: "
            f"it is {execution.status} and does not wait for a step to be started."
        )
    startable = _startable(execution)
    if name not in startable:
        raise InvalidAutomationSignalException(
            f"The step {name} cannot be started now: {', '.join(startable) or 'no step'} can."
        )
    execution.upcoming, execution.may_begin = name, True


def _startable(execution: Execution) -> list[str]:
    names = [execution.upcoming] if execution.upcoming else []
    ended = [record for record in execution.steps if record.ended_at and record is not execution.loop]
    if ended and execution.loop is None:
        last = max(ended, key=lambda record: (record.ended_at, record.started_at))
        step = plan_of(execution).step(last.name)
        assert step is not None, "a record exists only for a step of the document"
        after = plan_of(execution).following(step)
        names += [*targets(step.inputs), *([after] if after else [])]
    return list(dict.fromkeys(names))


def _stop_step(execution: Execution, payload: Mapping[str, Any]) -> None:
    """Ask the step that runs to stop; it may be started again."""
    step_id = _named(payload, "StopStep", "StepExecutionId")
    if all(record.id != step_id for record in execution.steps):
        raise AutomationStepNotFoundException(
            f"The step execution {step_id} does not exist in the Automation execution {execution.id}."
        )
    record = execution.current_step
    if record is None or record.id != step_id:
        raise InvalidAutomationSignalException(f"The step execution {step_id} is not running.")
    execution.step_to_stop = step_id


def _named(payload: Mapping[str, Any], kind: str, key: str) -> str:
    values = payload.get(key) or []
    if not values:
        raise InvalidAutomationSignalException(f"The signal {kind} needs the payload {key}.")
    return str(values[0])


MANUAL: Mapping[str, Callable[[Execution, Mapping[str, Any]], None]] = {
    "StartStep": _start_step,
    "StopStep": _stop_step,
}


def _waiting_step(execution: Execution, kind: str) -> StepExecution:
    record = execution.current_step
    if record is None or record.status != "Waiting" or record.action != ANSWERED_BY[kind]:
        raise InvalidAutomationSignalException(
            f"The signal {kind} is not valid for the current Automation execution: "
            f"it does not wait in a step of {ANSWERED_BY[kind]}."
        )
    return record


def _check_step_name(execution: Execution, record: StepExecution, payload: Mapping[str, Any]) -> None:
    name = _named(payload, "Resume", "StepName")
    if plan_of(execution).step(name) is None:
        raise AutomationStepNotFoundException(
            f"The step {name} does not exist in the Automation execution {execution.id}."
        )
    if name != record.name:
        raise InvalidAutomationSignalException(f"The step {name} is not paused: {record.name} is.")


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
