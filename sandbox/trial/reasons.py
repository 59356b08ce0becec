"""Why a trial did not succeed: whose fault it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sandbox.automation.records import Execution, StepExecution
from sandbox.fixtures import absent, results
from sandbox.fixtures.stage import Heard

Fault = Literal["document", "start", "not emulated", "fixture wanting", "fixture", "person", "sandbox"]
FAULTS: dict[Fault, str] = {
    "document": "the document itself: a script raises, an assertion fails, an input does not fit",
    "start": "it was not accepted: refused by CreateDocument, or no values were found to start it with",
    "not emulated": "the sandbox has no such API, action or document",
    "fixture wanting": "what it asks for does not exist, or never comes to be so, in the trial's world",
    "fixture": "a fixture said so",
    "person": "somebody who was asked said no",
    "sandbox": "a fault of the sandbox's own",
}


@dataclass(frozen=True)
class Reason:
    """Whose fault it was that a trial failed: in short (`group`, the same for many), and in AWS's words."""

    fault: Fault
    group: str
    message: str
    step: str | None = None


def reason(execution: Execution, heard: Sequence[Heard], children: Sequence[Execution] = ()) -> Reason:
    """Why a run that has ended did so badly."""
    record = _culprit(execution)
    if record is None:
        message = execution.failure_message or execution.status
        return Reason("sandbox" if "Internal Server Error" in message else "document", "no step", message)
    child = next((each for each in children if _began(record, each) and each.status != "Success"), None)
    if child is not None:
        inner = reason(child, heard, [])
        return Reason(inner.fault, inner.group, inner.message, record.name)
    message = record.failure.message if record.failure else record.status
    own = [each for each in heard if each.execution_id == execution.id and each.step == record.name]
    fault, group = _judge(record, message, own[-1] if own else None, own)
    return Reason(fault, group, message, record.name)


def _culprit(execution: Execution) -> StepExecution | None:
    failed = [record for record in execution.steps if record.status in ("Failed", "TimedOut")]
    said = execution.failure_message
    named = [record for record in failed if record.failure and record.failure.message == said]
    return next(iter(named or failed), None)


def _began(record: StepExecution, child: Execution) -> bool:
    return any(child.id in str(value) for value in record.outputs.values())


def _judge(
    record: StepExecution, message: str, last: Heard | None, heard: Sequence[Heard]
) -> tuple[Fault, str]:
    action = record.action
    faulty = [each for each in heard if each.fault is not None]
    internal = next((each for each in faulty if each.fault == "internal"), None)
    lacking = next((each for each in faulty if each.fault == "not emulated"), None)
    judged: tuple[Fault, str] | None = None
    if "Internal Server Error" in message or "The sandbox failed: " in message:
        judged = "sandbox", action
    elif internal is not None:
        judged = "sandbox", f"{internal.service} {internal.api}: {internal.message}"[:160]
    elif lacking is not None:
        judged = "not emulated", f"{lacking.service} {lacking.api}"
    elif results.says_lacking(message):
        judged = "not emulated", action
    elif last is not None and last.source == "fixture" and last.fault is not None:
        judged = "fixture", f"{last.service} {last.api}: {last.fault}"
    elif action == "aws:approve" and "rejected" in message:
        judged = "person", action
    return judged or _wanting(record, last, faulty) or ("document", _kind(record, message, faulty))


def _wanting(record: StepExecution, last: Heard | None, faulty: Sequence[Heard]) -> tuple[Fault, str] | None:
    for each in faulty:
        if absent.says_absent(str(each.fault), each.message, 400):
            return "fixture wanting", f"{each.service} {each.api}: {each.fault}"
    if record.status == "TimedOut" and record.action == "aws:waitForAwsResourceProperty":
        called = f"{last.service} {last.api}" if last else record.action
        return "fixture wanting", f"{called} never shows the value"
    return None


def _kind(record: StepExecution, message: str, faulty: Sequence[Heard]) -> str:
    if faulty:
        return f"{record.action}: {faulty[-1].service} {faulty[-1].api} refuses: {faulty[-1].fault}"
    if record.failure is not None and record.failure.stage == "InputValidation":
        return f"{record.action}: an input does not fit"
    if record.status == "TimedOut":
        return f"{record.action}: timed out"
    return {
        "aws:executeScript": "aws:executeScript: the script raises",
        "aws:assertAwsResourceProperty": "aws:assertAwsResourceProperty: the assertion fails",
    }.get(record.action, f"{record.action}: {message[:60]}")
