"""AWS as far as a tracker asks it, without a wire."""

import uuid
from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime

from aws.errors import AwsError
from aws.gateway import PAGE, RemoteExecution, RemoteStep, RemoteSummary
from common.clock import now
from executions.models import Execution

BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def remote_step(name: str = "launch", status: str = "InProgress", **fields) -> RemoteStep:
    values = {
        "step_id": str(uuid.uuid5(uuid.NAMESPACE_DNS, name)),
        "name": name,
        "action": "aws:runInstances",
        "status": status,
        "failure": "",
        "inputs": {"ImageId": "ami-1"},
        "outputs": {},
        "started_at": BEGAN,
        "ended_at": None,
        **fields,
    }
    return RemoteStep(**values)


def remote(status: str = "InProgress", *steps: RemoteStep, **fields) -> RemoteExecution:
    values = {
        "aws_id": "a",
        "status": status,
        "failure": "",
        "outputs": {},
        "current_step": "launch",
        "executed_by": "arn:aws:iam::123456789012:user/automation-portal",
        "started_at": BEGAN,
        "ended_at": None,
        "steps": steps,
        "asked_at": now(),
        **fields,
    }
    return RemoteExecution(**values)


def summary(status: str = "InProgress", **fields) -> RemoteSummary:
    values = {
        "aws_id": "a",
        "status": status,
        "failure": "",
        "current_step": "launch",
        "started_at": BEGAN,
        "ended_at": None,
        "asked_at": now(),
        **fields,
    }
    return RemoteSummary(**values)


def words(run: Execution) -> list[str]:
    return [event.message for event in run.events.all()]


def refusal(code: str, operation: str, message: str = "AWS's own words") -> AwsError:
    return AwsError(
        aws_code=code, message=message, operation=operation, retryable=code == "ThrottlingException"
    )


class Account:
    """An account with automations in some states, which counts its calls and refuses one when it is told."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.calls: Counter[str] = Counter()
        self.looked_at: list[str] = []
        self._refusals: dict[str, str] = {}

    def refuse_next(self, call: str, code: str) -> None:
        self._refusals[call] = code

    def _count(self, call: str) -> None:
        self.calls[call] += 1
        if code := self._refusals.pop(call, ""):
            raise refusal(code, call)

    def execution(self, aws_id: str) -> RemoteExecution:
        self._count("execution")
        self.looked_at.append(aws_id)
        if aws_id not in self.states:
            raise refusal(
                "AutomationExecutionNotFoundException", "GetAutomationExecution", "There is no such execution"
            )
        ended = {"outputs": {"launch.InstanceIds": ["i-1"]}} if self.states[aws_id] == "Success" else {}
        return remote(self.states[aws_id], remote_step(), aws_id=aws_id, current_step="", **ended)

    def listed(
        self, statuses: Collection[str], *, since: datetime | None = None, token: str = ""
    ) -> tuple[list[RemoteSummary], str]:
        self._count("listed")
        known = list(self.states)
        start = known.index(token) + 1 if token else 0
        found = [aws_id for aws_id in known[start:] if self.states[aws_id] in statuses]
        page = found[:PAGE]
        rows = [summary(self.states[aws_id], aws_id=aws_id, current_step="") for aws_id in page]
        return rows, page[-1] if len(found) > PAGE else ""

    def described(self, aws_ids: Collection[str]) -> list[RemoteSummary]:
        assert 1 <= len(aws_ids) <= 10
        self._count("described")
        return [
            summary(self.states[aws_id], aws_id=aws_id, current_step="")
            for aws_id in aws_ids
            if aws_id in self.states
        ]
