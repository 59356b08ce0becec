"""aws:runInstances (https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-runinstance.html)."""

import base64
from typing import Any

from botocore.exceptions import ClientError

from sandbox.automation.actions.ec2 import service_message, states
from sandbox.automation.actions.registry import Action
from sandbox.automation.context import StepContext, call_failure
from sandbox.automation.outcomes import Done, InvalidInputs, Outcome, StepFailed, Wait

LAUNCHING = "Execute/Launching Instance(s)"
VERIFYING = "verifying launched instance(s) are ready to be used"
ON_THE_WAY = frozenset({"pending", "running"})
# The inputs that have the name and the form of RunInstances' own parameters.
SAME = frozenset(
    {
        "AdditionalInfo",
        "BlockDeviceMappings",
        "ClientToken",
        "DisableApiTermination",
        "EbsOptimized",
        "ImageId",
        "InstanceInitiatedShutdownBehavior",
        "InstanceType",
        "KernelId",
        "KeyName",
        "MetadataOptions",
        "NetworkInterfaces",
        "Placement",
        "PrivateIpAddress",
        "RamdiskId",
        "SecurityGroupIds",
        "SecurityGroups",
        "SubnetId",
        "TagSpecifications",
    }
)


def run(context: StepContext) -> Outcome:
    if "instance_ids" not in context.memo:
        context.memo["instance_ids"] = _launch(context)
        return Wait(context.now, VERIFYING)
    instance_ids = context.memo["instance_ids"]
    found = states(context, instance_ids, doing=VERIFYING)
    for instance_id, state in found.items():
        if state not in ON_THE_WAY:
            raise StepFailed(
                f"Instance {instance_id} entered unexpected state: {state}.",
                doing=VERIFYING,
                stage="PostVerification",
                type="Verification",
            )
    if all(found.get(instance_id) == "running" for instance_id in instance_ids):
        return Done(outputs={"InstanceIds": instance_ids, "InstanceStates": list(found.values())})
    return context.again(VERIFYING)


def _launch(context: StepContext) -> list[str]:
    context.required("ImageId")
    params = parameters(context)
    try:
        response = context.call("ec2", "RunInstances", params, repeatable="ClientToken" in params)
    except ClientError as error:
        message = service_message(error)
        raise call_failure(
            error,
            reason="Get Exception from RunInstances API of ec2 Service. "
            f"Exception Message from RunInstances API: [{message}]",
            doing=LAUNCHING,
        ) from error
    return [instance["InstanceId"] for instance in response["Instances"]]


def parameters(context: StepContext) -> dict[str, Any]:
    """RunInstances' parameters from the action's inputs, of which some have names of their own."""
    given = {name: value for name, value in context.inputs.items() if value not in (None, "")}
    params = {name: value for name, value in given.items() if name in SAME}
    params["MinCount"] = given.get("MinInstanceCount", 1)
    params["MaxCount"] = given.get("MaxInstanceCount", params["MinCount"])
    profile = {
        member: given[name]
        for name, member in (("IamInstanceProfileArn", "Arn"), ("IamInstanceProfileName", "Name"))
        if name in given
    }
    if profile:
        params["IamInstanceProfile"] = profile
    if "Monitoring" in given:
        params["Monitoring"] = {"Enabled": context.flag("Monitoring")}
    if "UserData" in given:
        params["UserData"] = _decoded(str(given["UserData"]))
    return params


def _decoded(user_data: str) -> bytes:
    # The action takes base64, and botocore encodes what it is given: the script would arrive encoded twice.
    try:
        return base64.b64decode(user_data, validate=False)
    except ValueError as error:
        raise InvalidInputs("The input UserData must be Base64-encoded.") from error


ACTION = Action(
    "aws:runInstances",
    run,
    timeout_seconds=3600,
    inputs=SAME
    | {
        "IamInstanceProfileArn",
        "IamInstanceProfileName",
        "MaxInstanceCount",
        "MinInstanceCount",
        "Monitoring",
        "UserData",
    },
    differs={
        "AdditionalInfo": "It is passed on, and is reserved in AWS too.",
        "Placement": "Tenancy, GroupName and AvailabilityZone count; the other members do not.",
    },
)
