"""Filters and pages of DescribeAutomationExecutions and DescribeAutomationStepExecutions.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_AutomationExecutionFilter.html
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StepExecutionFilter.html
"""

import base64
import binascii
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from sandbox.automation.api.errors import InvalidFilterKey, InvalidFilterValue, InvalidNextToken
from sandbox.automation.records import Execution, StepExecution

PAGE = 50
STATUSES = frozenset(
    {
        "Pending",
        "InProgress",
        "Waiting",
        "Success",
        "TimedOut",
        "Cancelling",
        "Cancelled",
        "Failed",
        "PendingApproval",
        "Approved",
        "Rejected",
        "Scheduled",
        "RunbookInProgress",
        "PendingChangeCalendarOverride",
        "ChangeCalendarOverrideApproved",
        "ChangeCalendarOverrideRejected",
        "CompletedWithSuccess",
        "CompletedWithFailure",
        "Exited",
    }
)

Item = TypeVar("Item", Execution, StepExecution)
Test = Callable[[Item, Sequence[str]], bool]


def _moment(values: Sequence[str]) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(values[0])
    except ValueError as error:
        raise InvalidFilterValue(f"The filter value {values[0]} is not an ISO 8601 date and time.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _one_of(values: Sequence[str], allowed: frozenset[str]) -> Sequence[str]:
    unknown = [value for value in values if value not in allowed]
    if unknown:
        raise InvalidFilterValue(
            f"The filter value {unknown[0]} is not valid: use {', '.join(sorted(allowed))}."
        )
    return values


def _current_action(run: Execution) -> str:
    return run.current_step.action if run.current_step else ""


# A filter that asks for what only change requests, OpsItems or targets have matches none of our runs.
EXECUTION_FILTERS: Mapping[str, Test[Execution]] = {
    "DocumentNamePrefix": lambda run, values: run.document_name.startswith(tuple(values)),
    "ExecutionStatus": lambda run, values: run.status in _one_of(values, STATUSES),
    "ExecutionId": lambda run, values: run.id in values,
    "ParentExecutionId": lambda run, values: run.parent_id in values,
    "CurrentAction": lambda run, values: _current_action(run) in values,
    "StartTimeBefore": lambda run, values: run.started_at < _moment(values),
    "StartTimeAfter": lambda run, values: run.started_at > _moment(values),
    "AutomationType": lambda run, values: "Local" in _one_of(values, frozenset({"Local", "CrossAccount"})),
    "TagKey": lambda run, values: any(key in run.tags for key in values),
    "TargetResourceGroup": lambda _run, _values: False,
    "AutomationSubtype": lambda _run, values: (
        not _one_of(values, frozenset({"ChangeRequest", "AccessRequest"}))
    ),
    "OpsItemId": lambda _run, _values: False,
}

STEP_FILTERS: Mapping[str, Test[StepExecution]] = {
    "StartTimeBefore": lambda step, values: bool(step.started_at and step.started_at < _moment(values)),
    "StartTimeAfter": lambda step, values: bool(step.started_at and step.started_at > _moment(values)),
    "StepExecutionStatus": lambda step, values: step.status in _one_of(values, STATUSES),
    "StepExecutionId": lambda step, values: step.id in values,
    "StepName": lambda step, values: step.name in values,
    "Action": lambda step, values: step.action in values,
    "ParentStepExecutionId": lambda _step, _values: False,
    "ParentStepIteration": lambda _step, _values: False,
    "ParentStepIteratorValue": lambda _step, _values: False,
}


def check_filters(filters: Sequence[Mapping[str, Any]], known: Mapping[str, Any]) -> None:
    """Raise InvalidFilterKey for a key that the operation does not have, or that is given twice."""
    seen: set[str] = set()
    for each in filters:
        key = each.get("Key")
        if key not in known:
            raise InvalidFilterKey(f"The filter key {key} is not valid: use {', '.join(known)}.")
        if key in seen:
            raise InvalidFilterKey(f"The filter key {key} is given more than once.")
        seen.add(str(key))


def matching(
    items: Sequence[Item], filters: Sequence[Mapping[str, Any]], known: Mapping[str, Test[Item]]
) -> list[Item]:
    """The items that pass every filter. InvalidFilterValue when a value cannot be one of its key's."""
    return [item for item in items if all(known[each["Key"]](item, each["Values"]) for each in filters)]


def page(items: Sequence[Item], token: str | None, size: int | None) -> tuple[list[Item], str | None]:
    """The page after the item that `token` names, and the token of the next page, None at the end.

    The token names an item and not a place, so that a page stays right when new executions arrive meanwhile.
    """
    start = 0
    if token:
        last = _read_token(token)
        places = [place for place, item in enumerate(items) if item.id == last]
        if not places:
            raise InvalidNextToken
        start = places[0] + 1
    taken = list(items[start : start + (size or PAGE)])
    more = start + len(taken) < len(items)
    return taken, write_place(taken[-1].id) if more and taken else None


def write_place(place: int | str) -> str:
    """A token for a place in a list: opaque to whoever gets it."""
    return base64.urlsafe_b64encode(f"after:{place}".encode()).decode()


def _read_token(token: str) -> str:
    try:
        text = base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidNextToken from error
    if not text.startswith("after:"):
        raise InvalidNextToken
    return text.removeprefix("after:")


def read_place(token: str | None) -> int:
    """The number that a token stands for, 0 without one. InvalidNextToken when it stands for none."""
    text = _read_token(token) if token else "0"
    if not text.isdecimal():
        raise InvalidNextToken
    return int(text)
