"""Commands and their invocations: plain data that can be pickled, whose statuses follow from the time.

https://docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Of a command document that names no execution timeout, and of a request that names none for delivery.
EXECUTION_SECONDS = 3600
DELIVERY_SECONDS = 3600
ERRORS = frozenset(("Failed", "ExecutionTimedOut"))
NEVER_RAN = -1


@dataclass
class Invocation:
    """A command on one instance. `status` and `details` are what it ends with at `ends_at`."""

    instance_id: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    status: str
    details: str
    response_code: int
    output: str = ""
    error_output: str = ""
    # Whether the instance takes the command at all: until the end it is Pending otherwise.
    delivered: bool = True

    def now(self, moment: dt.datetime) -> tuple[str, str]:
        """Status and StatusDetails at a moment."""
        if moment >= self.ends_at:
            return self.status, self.details
        if moment < self.starts_at or not self.delivered:
            return "Pending", "Pending"
        return "InProgress", "InProgress"

    def ended(self, moment: dt.datetime) -> bool:
        return moment >= self.ends_at

    def cancel(self, moment: dt.datetime) -> None:
        """End it at `moment`, unless it has ended by then."""
        if not self.ended(moment):
            self.ends_at = moment
            self.status = self.details = "Cancelled"
            self.response_code, self.output, self.error_output = NEVER_RAN, "", ""

    def plugin_output(self) -> str:
        """What the instance's agent reports: both streams in one text, cut off as AWS cuts it off."""
        text = self.output
        if self.error_output:
            text = f"{text}\n----------ERROR-------\n{self.error_output}"
        return text if len(text) <= 2500 else text[: 2500 - len(_CUT)] + _CUT


_CUT = "\n---Output truncated---"


@dataclass
class Command:
    """One SendCommand. `request` is its input, in botocore's names; `version` the document's that runs."""

    request: Mapping[str, Any]
    requested_at: dt.datetime
    expires_at: dt.datetime
    version: str
    plugin: str
    most_errors: int
    invocations: list[Invocation] = field(default_factory=list)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def instance_ids(self) -> list[str]:
        return [each.instance_id for each in self.invocations]

    def invocation(self, instance_id: str) -> Invocation | None:
        return next((each for each in self.invocations if each.instance_id == instance_id), None)

    def errors(self, moment: dt.datetime) -> int:
        """How many invocations count against MaxErrors so far."""
        return sum(each.ended(moment) and each.details in ERRORS for each in self.invocations)

    def now(self, moment: dt.datetime) -> tuple[str, str]:
        """Status and StatusDetails of the whole at a moment."""
        if not self.invocations:
            return "Success", "NoInstancesInTag"
        found = [each.now(moment) for each in self.invocations]
        if not all(each.ended(moment) for each in self.invocations):
            pending = all(status == "Pending" for status, _ in found)
            return ("Pending", "Pending") if pending else ("InProgress", "InProgress")
        details = [each for _, each in found]
        if self.errors(moment) > self.most_errors:
            return "Failed", "Failed"
        if all(each == "Success" for each in details):
            return "Success", "Success"
        for whole in ("Cancelled", "AccessDenied", "DeliveryTimedOut"):
            if all(each == whole for each in details):
                return {"AccessDenied": "Failed", "DeliveryTimedOut": "TimedOut"}.get(whole, whole), whole
        return ("Success", "Success") if _forgiven(details) else ("Failed", "Incomplete")


def _forgiven(details: list[str]) -> bool:
    """Whether what is no success counts for nothing beside the invocations that are one."""
    return "Success" in details and set(details) <= {"Success", "AccessDenied", "Undeliverable"}
