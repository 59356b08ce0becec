"""What the API's answers say of targets and places: of executions on them, their members and children.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_AutomationExecution.html
"""

from collections import Counter
from typing import Any

from sandbox.automation.fleets import Fleet, OnTarget, RateControlled
from sandbox.automation.records import Execution, Failure, StepExecution
from sandbox.automation.values import as_strings

MOST_RESOLVED = 50
ECHOED = (
    "TargetParameterName",
    "Targets",
    "TargetMaps",
    "MaxConcurrency",
    "MaxErrors",
    "TargetLocationsURL",
)
UNSUCCESSFUL = ("Failed", "TimedOut", "Cancelled")


def automation_type(execution: Execution) -> str:
    """Whether an execution runs in places that it names, or where it was started."""
    crosses = isinstance(execution, RateControlled) and execution.fleet.crosses_accounts
    return "CrossAccount" if crosses else "Local"


def group_targets(execution: Execution) -> frozenset[str]:
    """The resource groups that an execution runs on."""
    if not isinstance(execution, RateControlled):
        return frozenset()
    given = execution.fleet.given.get("Targets") or []
    return frozenset(name for each in given if each["Key"] == "ResourceGroup" for name in each["Values"])


def targets(execution: Execution) -> dict[str, Any]:
    """The members of AutomationExecution and its metadata that tell of targets."""
    if isinstance(execution, OnTarget):
        return {**_none(), "Target": execution.target}
    if not isinstance(execution, RateControlled):
        return _none()
    fleet = execution.fleet
    resolved = [] if fleet.crosses_accounts else [member.target for member in fleet.members]
    return {
        **_none(),
        **{name: fleet.given[name] for name in ECHOED if fleet.given.get(name)},
        "ResolvedTargets": {
            "ParameterValues": resolved[:MOST_RESOLVED],
            "Truncated": len(resolved) > MOST_RESOLVED,
        },
    }


def counts(execution: Execution) -> dict[str, Any]:
    """The members of AutomationExecution alone: places, and how far the children have come."""
    if not isinstance(execution, RateControlled):
        return {}
    fleet = execution.fleet
    ended = Counter(member.step.status for member in fleet.members)
    if not fleet.crosses_accounts:
        return {"TargetsSummary": _summary(fleet, ended)}
    return {
        "TargetLocations": fleet.given["TargetLocations"],
        "ProgressCounters": {
            "TotalSteps": sum(ended.values()),
            "SuccessSteps": ended["Success"],
            "FailedSteps": ended["Failed"],
            "CancelledSteps": ended["Cancelled"],
            "TimedOutSteps": ended["TimedOut"],
        },
    }


def member_shape(execution: RateControlled, record: StepExecution) -> dict[str, Any]:
    """The StepExecution of one target or place."""
    member = next(each for each in execution.fleet.members if each.step is record)
    failure = record.failure
    shape = {
        "StepName": record.name,
        "Action": record.action,
        "StepExecutionId": record.id,
        "StepStatus": record.status,
        "ExecutionStartTime": record.started_at,
        "ExecutionEndTime": record.ended_at,
        "Inputs": dict(record.inputs),
        "Outputs": {name: as_strings(value) for name, value in record.outputs.items()},
        "FailureMessage": failure.message if failure else None,
        "FailureDetails": failure_details(failure),
    }
    if member.place:
        own = {"Accounts": [member.place.account_id], "Regions": [member.place.region]}
        shape["TargetLocation"] = {**member.place.location, **own}
        shape["Targets"] = member.place.location.get("Targets") or execution.fleet.given.get("Targets")
    return {name: value for name, value in shape.items() if value is not None}


def failure_details(failure: Failure | None) -> dict[str, Any] | None:
    """A FailureDetails, None of what has not failed."""
    if failure is None:
        return None
    return {
        "FailureStage": failure.stage,
        "FailureType": failure.type,
        "Details": dict(failure.details),
    }


def _none() -> dict[str, Any]:
    return {"Targets": [], "ResolvedTargets": {"ParameterValues": [], "Truncated": False}}


def _summary(fleet: Fleet, ended: Counter[str]) -> dict[str, int]:
    begun = [member for member in fleet.members if member.step.started_at]
    failed = sum(member.step.status in UNSUCCESSFUL for member in begun)
    return {
        "TotalCount": sum(ended.values()),
        "StartedCount": len(begun),
        "CompletedCount": ended["Success"] + failed,
        "SuccessfulCount": ended["Success"],
        "FailedCount": failed,
    }
