"""Automations started over the wire, in numbers, and looked at afterwards."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.servers import Server

CLIENTS = 4
POLL_SECONDS = 0.05
LONGEST_SECONDS = 600
UNFINISHED = ["Pending", "InProgress", "Waiting", "Cancelling"]


class Stuck(Exception):
    """Runs had not ended in time; the text says how many."""


class Runs:
    """Starts the runs of one server and waits for them."""

    def __init__(self, server: Server) -> None:
        self._ssm = server.client("ssm", connections=2 * CLIENTS)

    def register(self, name: str, text: str) -> None:
        """Creates the document `name`."""
        self._ssm.create_document(Name=name, Content=text, DocumentType="Automation", DocumentFormat="JSON")

    def start(
        self, document: str, parameters: Sequence[Mapping[str, str]], clients: int = CLIENTS
    ) -> list[str]:
        """Starts the document once for each of `parameters`, `clients` at a time; returns the ids."""

        def begin(values: Mapping[str, str]) -> str:
            given = {name: [value] for name, value in values.items()}
            started = self._ssm.start_automation_execution(DocumentName=document, Parameters=given)
            return str(started["AutomationExecutionId"])

        with ThreadPoolExecutor(clients) as pool:
            return list(pool.map(begin, parameters))

    def await_all(self) -> None:
        """Returns when no run is left that has not ended. Errors: Stuck after ten minutes."""
        deadline = time.monotonic() + LONGEST_SECONDS
        while left := self.count(*UNFINISHED):
            if time.monotonic() > deadline:
                raise Stuck(f"{left} runs or more had not ended after {LONGEST_SECONDS} seconds.")
            time.sleep(POLL_SECONDS)

    def count(self, *statuses: str) -> int:
        """How many runs have one of these statuses, of the fifty that are told first."""
        page = self._ssm.describe_automation_executions(
            Filters=[{"Key": "ExecutionStatus", "Values": list(statuses)}]
        )
        return len(page["AutomationExecutionMetadataList"])

    def listed(self, document: str, **filters: str) -> list[dict[str, Any]]:
        """What is told of the runs of a document, and that fit the filters, the newest first."""
        pages = self._ssm.get_paginator("describe_automation_executions").paginate(
            Filters=[
                {"Key": name, "Values": [value]}
                for name, value in {"DocumentNamePrefix": document, **filters}.items()
            ]
        )
        return [each for page in pages for each in page["AutomationExecutionMetadataList"]]

    def steps(self, execution_id: str) -> list[dict[str, Any]]:
        """The steps of a run, in order."""
        told = self._ssm.get_automation_execution(AutomationExecutionId=execution_id)
        return list(told["AutomationExecution"]["StepExecutions"])


def moment(when: dt.datetime) -> str:
    """A moment as a Timestamp of aws:sleep."""
    return when.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
