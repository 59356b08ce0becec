"""aws:executeAutomation.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-executeAutomation.html
"""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from sandbox.automation.actions.registry import Action
from sandbox.automation.context import StepContext, call_failure
from sandbox.automation.outcomes import GUIDE, Done, InvalidInputs, Outcome, StepFailed, Wait
from sandbox.automation.records import FINISHED
from sandbox.automation.values import as_strings

WAITING = "Poll action status for completion"
# https://docs.aws.amazon.com/general/latest/gr/ssm.html
MOST_LEVELS = 5
SUCCESSES = frozenset({"Success", "CompletedWithSuccess"})
ENDED = FINISHED | {"CompletedWithSuccess", "CompletedWithFailure", "Exited"}
# Inputs that StartAutomationExecution takes by the same name.
SAME = (
    "DocumentVersion",
    "MaxConcurrency",
    "MaxErrors",
    "Tags",
    "TargetLocations",
    "TargetMaps",
    "TargetParameterName",
    "Targets",
)


def run(context: StepContext) -> Outcome:
    memo = context.memo
    if "token" not in memo:
        if context.level >= MOST_LEVELS:
            raise StepFailed(f"Automations can start each other {MOST_LEVELS} levels deep at most.")
        # Noted before it is used: after a restart the same child is found, and not another one started.
        memo["token"] = str(uuid.uuid5(uuid.UUID(context.step_execution_id), str(context.attempt)))
        return Wait(context.now, WAITING)
    if "child" not in memo:
        memo["child"] = _start(context, memo["token"])
    return _look(context, memo["child"])


def _start(context: StepContext, token: str) -> str:
    request: dict[str, Any] = {"DocumentName": context.required("DocumentName"), "ClientToken": token}
    request |= {name: context.inputs[name] for name in SAME if context.inputs.get(name) not in (None, "", [])}
    if parameters := _parameters(context):
        request["Parameters"] = parameters
    context.expect_child(token)
    try:
        answer = context.call("ssm", "StartAutomationExecution", request, repeatable=True)
    except ClientError as error:
        raise call_failure(error) from error
    return str(answer["AutomationExecutionId"])


def _parameters(context: StepContext) -> dict[str, list[str]]:
    given = context.inputs.get("RuntimeParameters") or {}
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            given = None
    if not isinstance(given, Mapping):
        raise InvalidInputs("The input RuntimeParameters must be a map of parameters and their values.")
    return {str(name): as_strings(value) for name, value in given.items() if value is not None}


def _look(context: StepContext, child: str) -> Outcome:
    """Whether the child has ended. Nothing has to be asked again before somebody tells that it has."""
    try:
        found = context.call("ssm", "GetAutomationExecution", {"AutomationExecutionId": child})
    except ClientError as error:
        raise call_failure(error, doing=WAITING) from error
    execution = found["AutomationExecution"]
    status = execution["AutomationExecutionStatus"]
    if status not in ENDED:
        return Wait(None, WAITING, outputs={"ExecutionId": child, "Status": status})
    named = execution.get("Outputs") or {}
    outputs = {
        "Output": [text for values in named.values() for text in values],
        "ExecutionId": child,
        "Status": status,
    }
    if status in SUCCESSES:
        return Done(outputs=outputs, payload={**outputs, "Outputs": named})
    reason = str(execution.get("FailureMessage") or "").removesuffix(GUIDE)
    raise StepFailed(
        f"The automation execution {child} ended as {status}. {reason}",
        doing=WAITING,
        stage="Verification",
        type="Action",
        details={"ExecutionId": [child], "Status": [status]},
        outputs=outputs,
    )


ACTION = Action("aws:executeAutomation", run, inputs=frozenset(SAME) | {"DocumentName", "RuntimeParameters"})
