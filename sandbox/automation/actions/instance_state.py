"""aws:changeInstanceState.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-changestate.html
"""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from sandbox.automation.actions.ec2 import service_message, states
from sandbox.automation.actions.registry import Action
from sandbox.automation.context import StepContext, call_failure
from sandbox.automation.outcomes import Done, InvalidInputs, Outcome, StepFailed, Wait

CHANGING = "Execute/Changing Instance(s) State"
VERIFYING = "verifying that instance(s) have reached the desired state"
APIS = {"running": "StartInstances", "stopped": "StopInstances", "terminated": "TerminateInstances"}


def run(context: StepContext) -> Outcome:
    instance_ids = context.strings("InstanceIds")
    desired = str(context.required("DesiredState"))
    if desired not in APIS:
        raise InvalidInputs(f"DesiredState must be one of {', '.join(APIS)}, not {desired}.")
    if not context.memo.get("asked") and not context.flag("CheckStateOnly"):
        _ask(context, instance_ids, desired)
        context.memo["asked"] = True
        return Wait(context.now, VERIFYING)
    found = states(context, instance_ids, doing=VERIFYING)
    _check_states(context, found, desired)
    if all(found.get(each) == desired for each in instance_ids) and _ready(context, instance_ids, desired):
        outputs = {"InstanceIds": instance_ids, "InstanceStates": [found[each] for each in instance_ids]}
        return Done(outputs=outputs)
    return context.again(VERIFYING)


def _ask(context: StepContext, instance_ids: list[str], desired: str) -> None:
    params: dict[str, Any] = {"InstanceIds": instance_ids}
    if desired == "stopped":
        params["Force"] = context.flag("Force")
    if desired == "running" and context.inputs.get("AdditionalInfo"):
        params["AdditionalInfo"] = context.inputs["AdditionalInfo"]
    api = APIS[desired]
    try:
        context.call("ec2", api, params)
    except ClientError as error:
        raise call_failure(
            error,
            reason=f"Get Exception from {api} API of ec2 Service. "
            f"Exception Message from {api} API: [{service_message(error)}]",
            doing=CHANGING,
        ) from error


def _check_states(context: StepContext, found: Mapping[str, str], desired: str) -> None:
    """When asked to, give up as soon as an instance has stopped that was not meant to."""
    if not context.flag("FailOnUnexpectedStopped") or desired == "stopped":
        return
    for instance_id, state in found.items():
        if state == "stopped":
            raise StepFailed(
                f"Instance {instance_id} entered unexpected state: {state}.",
                doing=VERIFYING,
                stage="PostVerification",
                type="Verification",
            )


def _ready(context: StepContext, instance_ids: list[str], desired: str) -> bool:
    """`running` means that the instance and system status checks have passed too."""
    if desired != "running":
        return True
    try:
        response = context.call("ec2", "DescribeInstanceStatus", {"InstanceIds": instance_ids})
    except ClientError as error:
        raise call_failure(error, reason=service_message(error), doing=VERIFYING) from error
    passed = {
        status["InstanceId"]
        for status in response["InstanceStatuses"]
        if status["InstanceStatus"]["Status"] == "ok" and status["SystemStatus"]["Status"] == "ok"
    }
    return set(instance_ids) <= passed


ACTION = Action(
    "aws:changeInstanceState",
    run,
    timeout_seconds=3600,
    inputs=frozenset(
        {
            "AdditionalInfo",
            "CheckStateOnly",
            "DesiredState",
            "FailOnUnexpectedStopped",
            "Force",
            "InstanceIds",
        }
    ),
)
