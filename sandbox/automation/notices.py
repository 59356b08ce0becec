"""The events that tell of an automation's and its steps' changes of status.

https://docs.aws.amazon.com/systems-manager/latest/userguide/monitoring-systems-manager-event-examples.html
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sandbox.automation.records import Execution, StepExecution
from sandbox.events import bus

SOURCE = "aws.ssm"
EXECUTION = "EC2 Automation Execution Status-change Notification"
STEP = "EC2 Automation Step Status-change Notification"


def tell(execution: Execution, now: dt.datetime) -> None:
    """Put an event for each status that the execution and its steps have come to and that was not told."""
    news = [record for record in execution.steps if record.status != record.told]
    if not bus.is_heard(execution.account_id, execution.region):
        # Nobody would learn of them, and this is asked at each step of each run.
        execution.told = execution.status
        for record in news:
            record.told = record.status
        return
    begins = execution.status != execution.told and not execution.finished
    if begins:
        _tell_of_execution(execution, now)
    for record in news:
        record.told = record.status
        _tell_of_step(execution, record, now)
    if execution.status != execution.told and not begins:
        _tell_of_execution(execution, now)
    execution.told = execution.status


def _tell_of_execution(execution: Execution, now: dt.datetime) -> None:
    times = _times(execution.started_at, execution.ended_at, now)
    _put(
        execution, EXECUTION, {"Status": execution.status, **times, "ExecutedBy": execution.executed_by}, now
    )


def _tell_of_step(execution: Execution, record: StepExecution, now: dt.datetime) -> None:
    times = _times(record.started_at or now, record.ended_at, now)
    named = {"StepName": record.name, "Action": record.action}
    _put(execution, STEP, {"Status": record.status, **times, **named}, now)


def _put(execution: Execution, detail_type: str, detail: Mapping[str, Any], now: dt.datetime) -> None:
    name, version = execution.document_name.rpartition("/")[2], execution.document_version
    place = f"arn:{execution.partition}:ssm:{execution.region}:{execution.account_id}"
    bus.put(
        account_id=execution.account_id,
        region=execution.region,
        source=SOURCE,
        detail_type=detail_type,
        resources=[execution.arn, f"{place}:automation-definition/{name}:{version}"],
        detail={
            "ExecutionId": execution.id,
            "Definition": name,
            "DefinitionVersion": float(version) if version.isdecimal() else version,
            **detail,
        },
        at=now,
    )


def _times(started: dt.datetime, ended: dt.datetime | None, now: dt.datetime) -> dict[str, Any]:
    """Start, end and the milliseconds between, in the form that these events have; no end while it runs."""
    took = ((ended or now) - started).total_seconds() * 1000
    return {
        "StartTime": _worded(started),
        **({"EndTime": _worded(ended)} if ended else {}),
        "Time": float(round(took)),
    }


def _worded(moment: dt.datetime) -> str:
    return f"{moment:%b} {moment.day}, {moment.year} {moment.hour % 12 or 12}:{moment:%M:%S %p}"
