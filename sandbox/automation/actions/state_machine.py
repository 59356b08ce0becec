"""aws:executeStateMachine.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-executeStateMachine.html
"""

import json
import time
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from sandbox import settings
from sandbox.automation.actions.registry import Action
from sandbox.automation.actions.services import api_failure
from sandbox.automation.context import StepContext
from sandbox.automation.outcomes import Done, Outcome, StepFailed, Wait

STARTING = "Execute/Starting state machine"
VERIFYING = "verifying that the state machine has completed"
OUTPUTS = ("executionArn", "input", "name", "output", "startDate", "stateMachineArn", "status", "stopDate")
BETWEEN_LOOKS = 0.05


def run(context: StepContext) -> Outcome:
    if "execution_arn" not in context.memo:
        context.memo["execution_arn"] = _start(context)
        return Wait(context.now, VERIFYING)
    found = _call(context, "DescribeExecution", {"executionArn": context.memo["execution_arn"]})
    outputs = {name: found[name] for name in OUTPUTS if found.get(name) is not None}
    if found["status"] == "SUCCEEDED":
        return Done(outputs=outputs)
    if found["status"] == "RUNNING":
        if settings.current().clock is None:
            # State machines run in real time: a clock that leaps would leap over them.
            time.sleep(BETWEEN_LOOKS)
        return context.again(VERIFYING)
    why = ": ".join(str(found[name]) for name in ("error", "cause") if found.get(name))
    raise StepFailed(
        f"The state machine execution {found['executionArn']} ended with the status {found['status']}. {why}",
        doing=VERIFYING,
        stage="PostVerification",
        type="Verification",
        outputs=outputs,
    )


def stop(context: StepContext) -> None:
    """Stop the execution: nobody waits for it any more."""
    if execution := context.memo.get("execution_arn"):
        context.call("stepfunctions", "StopExecution", {"executionArn": execution}, repeatable=True)


def _start(context: StepContext) -> str:
    params: dict[str, Any] = {"stateMachineArn": context.required("stateMachineArn")}
    if context.inputs.get("name"):
        params["name"] = context.inputs["name"]
    given = context.inputs.get("input")
    if given not in (None, ""):
        params["input"] = given if isinstance(given, str) else json.dumps(given)
    return str(_call(context, "StartExecution", params, doing=STARTING)["executionArn"])


def _call(
    context: StepContext, api: str, params: Mapping[str, Any], *, doing: str = VERIFYING
) -> dict[str, Any]:
    try:
        # The same name and input give the same execution.
        return context.call("stepfunctions", api, params, repeatable="name" in params)
    except ClientError as error:
        raise api_failure(error, "stepfunctions", doing=doing) from error


ACTION = Action(
    "aws:executeStateMachine",
    run,
    stop=stop,
    inputs=frozenset({"input", "name", "stateMachineArn"}),
    note="State machines live in real time whatever the clock.",
)
