"""Executions and steps in the shapes of the API's answers.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_AutomationExecution.html
"""

from collections.abc import Mapping
from typing import Any

from sandbox.automation.actions.branch import targets
from sandbox.automation.api import fleet_shapes
from sandbox.automation.fleets import RateControlled
from sandbox.automation.flow import plan_of
from sandbox.automation.records import Execution, StepExecution
from sandbox.automation.values import as_input, as_strings
from ssmdoc import Step

# GetAutomationExecution does not return more steps than this; DescribeAutomationStepExecutions has them all.
MOST_STEPS_IN_ANSWER = 100


def execution_shape(execution: Execution) -> dict[str, Any]:
    """An AutomationExecution, with its steps as far as the answer may hold them."""
    steps = execution.steps
    return {
        **_common(execution),
        **fleet_shapes.counts(execution),
        "StepExecutions": [step_shape(execution, each) for each in steps[:MOST_STEPS_IN_ANSWER]],
        "StepExecutionsTruncated": len(steps) > MOST_STEPS_IN_ANSWER,
        "Parameters": strings_map(execution.parameters),
        **({"Variables": strings_map(execution.variables)} if execution.variables else {}),
    }


def metadata_shape(execution: Execution) -> dict[str, Any]:
    """An AutomationExecutionMetadata, as lists of executions hold it."""
    return {**_common(execution), "LogFile": "", "AutomationType": fleet_shapes.automation_type(execution)}


def _common(execution: Execution) -> dict[str, Any]:
    current = execution.current_step
    return _present(
        {
            "AutomationExecutionId": execution.id,
            "DocumentName": execution.document_name,
            "DocumentVersion": execution.document_version,
            "AutomationExecutionStatus": execution.status,
            "ExecutionStartTime": execution.started_at,
            "ExecutionEndTime": execution.ended_at,
            "ExecutedBy": execution.executed_by,
            "Mode": execution.mode,
            "Outputs": strings_map(execution.outputs),
            "CurrentStepName": current.name if current else None,
            "CurrentAction": current.action if current else None,
            "FailureMessage": execution.failure_message,
            "ParentAutomationExecutionId": execution.parent_id,
            "AlarmConfiguration": execution.alarm_configuration,
            "TriggeredAlarms": execution.triggered_alarms,
            **fleet_shapes.targets(execution),
        }
    )


def step_shape(execution: Execution, record: StepExecution) -> dict[str, Any]:
    """A StepExecution."""
    if isinstance(execution, RateControlled):
        return fleet_shapes.member_shape(execution, record)
    plan = plan_of(execution)
    step = plan.step(record.name)
    assert step is not None, "a record exists only for a step of the document"
    after = plan.following(step)
    failure = record.failure
    return _present(
        {
            "StepName": record.name,
            "Action": record.action,
            "StepExecutionId": record.id,
            "StepStatus": record.status,
            "ExecutionStartTime": record.started_at,
            "ExecutionEndTime": record.ended_at,
            "TimeoutSeconds": record.timeout_seconds,
            "OnFailure": step.on_failure,
            "MaxAttempts": step.max_attempts,
            "IsCritical": step.is_critical,
            "IsEnd": bool(step.is_end),
            "NextStep": record.next_step or step.next_step,
            "ValidNextSteps": _valid_next_steps(step, after),
            "Inputs": {name: as_input(value) for name, value in record.inputs.items()},
            "Outputs": strings_map(record.outputs),
            "Response": record.response,
            "ResponseCode": record.response_code,
            "OverriddenParameters": {},
            "ParentStepDetails": _parent_step(record),
            "FailureMessage": failure.message if failure else None,
            "FailureDetails": fleet_shapes.failure_details(failure),
        }
    )


def _parent_step(record: StepExecution) -> dict[str, Any] | None:
    """A ParentStepDetails for a step in a turn of a loop, None for any other."""
    if record.parent is None:
        return None
    loop = record.parent.record
    return _present(
        {
            "StepExecutionId": loop.id,
            "StepName": loop.name,
            "Action": loop.action,
            "Iteration": record.parent.iteration,
            "IteratorValue": record.parent.value,
        }
    )


def strings_map(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """A map of lists of texts, which is how the API shows parameters and outputs."""
    return {name: as_strings(value) for name, value in values.items()}


def _valid_next_steps(step: Step, after: str | None) -> list[str]:
    names = [*targets(step.inputs), *([after] if after else [])]
    return list(dict.fromkeys(names))


def _present(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
