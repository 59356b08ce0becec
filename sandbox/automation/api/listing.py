"""Filters and pages of DescribeAutomationExecutions and DescribeAutomationStepExecutions.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_AutomationExecutionFilter.html
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StepExecutionFilter.html
"""

import base64
import binascii
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sandbox.automation.api.errors import InvalidFilterKey, InvalidFilterValue, InvalidNextToken
from sandbox.automation.api.fleet_shapes import automation_type, group_targets
from sandbox.automation.records import Execution, StepExecution

PAGE = 50
STATUSES = (
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
)

Item = TypeVar("Item", Execution, StepExecution)


@dataclass(frozen=True)
class Filter(Generic[Item]):
    """`read` turns the values of a request into what `passes` compares an item with.

    Values that cannot be ones of the key are refused there, also when there is nothing to compare.
    """

    passes: Callable[[Item, Any], bool]
    read: Callable[[Sequence[str]], Any] = tuple


def _moment(values: Sequence[str]) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(values[0])
    except ValueError as error:
        raise InvalidFilterValue(f"The filter value {values[0]} is not an ISO 8601 date and time.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _one_of(*allowed: str) -> Callable[[Sequence[str]], Sequence[str]]:
    def read(values: Sequence[str]) -> Sequence[str]:
        unknown = [value for value in values if value not in allowed]
        if unknown:
            raise InvalidFilterValue(f"The filter value {unknown[0]} is not valid: use {', '.join(allowed)}.")
        return values

    return read


def _current_action(run: Execution) -> str:
    return run.current_step.action if run.current_step else ""


# A filter that asks for what only change requests or OpsItems have matches none of our runs.
EXECUTION_FILTERS: Mapping[str, Filter[Execution]] = {
    "DocumentNamePrefix": Filter(lambda run, prefixes: run.document_name.startswith(prefixes)),
    "ExecutionStatus": Filter(lambda run, statuses: run.status in statuses, _one_of(*STATUSES)),
    "ExecutionId": Filter(lambda run, ids: run.id in ids),
    "ParentExecutionId": Filter(lambda run, ids: run.parent_id in ids),
    "CurrentAction": Filter(lambda run, actions: _current_action(run) in actions),
    "StartTimeBefore": Filter(lambda run, moment: run.started_at < moment, _moment),
    "StartTimeAfter": Filter(lambda run, moment: run.started_at > moment, _moment),
    "AutomationType": Filter(
        lambda run, types: automation_type(run) in types, _one_of("Local", "CrossAccount")
    ),
    "TagKey": Filter(lambda run, keys: any(key in run.tags for key in keys)),
    "TargetResourceGroup": Filter(lambda run, groups: not group_targets(run).isdisjoint(groups)),
    "AutomationSubtype": Filter(lambda _run, _types: False, _one_of("ChangeRequest", "AccessRequest")),
    "OpsItemId": Filter(lambda _run, _ids: False),
}

STEP_FILTERS: Mapping[str, Filter[StepExecution]] = {
    "StartTimeBefore": Filter(
        lambda step, moment: bool(step.started_at and step.started_at < moment), _moment
    ),
    "StartTimeAfter": Filter(
        lambda step, moment: bool(step.started_at and step.started_at > moment), _moment
    ),
    "StepExecutionStatus": Filter(lambda step, statuses: step.status in statuses, _one_of(*STATUSES)),
    "StepExecutionId": Filter(lambda step, ids: step.id in ids),
    "StepName": Filter(lambda step, names: step.name in names),
    "Action": Filter(lambda step, actions: step.action in actions),
    "ParentStepExecutionId": Filter(lambda step, ids: bool(step.parent and step.parent.record.id in ids)),
    "ParentStepIteration": Filter(
        lambda step, turns: bool(step.parent and str(step.parent.iteration) in turns)
    ),
    "ParentStepIteratorValue": Filter(lambda step, values: bool(step.parent and step.parent.value in values)),
}


def check_filters(filters: Sequence[Mapping[str, Any]], known: Mapping[str, Any]) -> None:
    """Raise InvalidFilterKey for a key that the operation does not have, or that is given twice."""
    seen: set[str] = set()
    for key in (each["Key"] for each in filters if each.get("Key") is not None):
        if key not in known:
            raise InvalidFilterKey(f"The filter key {key} is not valid: use {', '.join(known)}.")
        if key in seen:
            raise InvalidFilterKey(f"The filter key {key} is given more than once.")
        seen.add(key)


def matcher(
    filters: Sequence[Mapping[str, Any]], known: Mapping[str, Filter[Item]]
) -> Callable[[Item], bool]:
    """Says whether an item passes every filter.

    Raises InvalidFilterValue when a value cannot be one of its key's.
    """
    tests = [(known[each["Key"]].passes, known[each["Key"]].read(each["Values"])) for each in filters]
    return lambda item: all(passes(item, wanted) for passes, wanted in tests)


def page(
    items: Sequence[Item], matches: Callable[[Item], bool], token: str | None, size: int | None
) -> tuple[list[Item], str | None]:
    """The matching items after the one that `token` names, and the token of the next page, None at the end.

    The token names an item and not a place, and the item need not match any more: so a page stays right when
    new executions arrive meanwhile, and when those that were listed go on to another status.
    """
    start = 0
    if token:
        last = _read_token(token)
        places = [place for place, item in enumerate(items) if item.id == last]
        if not places:
            raise InvalidNextToken
        start = places[0] + 1
    found = [item for item in items[start:] if matches(item)]
    taken = found[: size or PAGE]
    return taken, write_place(taken[-1].id) if len(found) > len(taken) else None


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
