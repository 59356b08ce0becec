"""aws:runCommand.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-runcommand.html
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from sandbox.automation.actions.registry import Action
from sandbox.automation.actions.services import api_failure
from sandbox.automation.context import StepContext
from sandbox.automation.outcomes import Done, InvalidInputs, Outcome, StepFailed, Wait

SENDING = "Execute/Sending command"
VERIFYING = "verifying the command has completed"
UNFINISHED = frozenset({"Pending", "InProgress", "Cancelling"})
# These have the names and the forms of SendCommand's own parameters.
INPUTS = (
    "CloudWatchOutputConfig",
    "Comment",
    "DocumentHash",
    "DocumentHashType",
    "DocumentName",
    "DocumentVersion",
    "InstanceIds",
    "MaxConcurrency",
    "MaxErrors",
    "NotificationConfig",
    "OutputS3BucketName",
    "OutputS3KeyPrefix",
    "OutputS3Region",
    "Parameters",
    "ServiceRoleArn",
    "Targets",
    "TimeoutSeconds",
)


def run(context: StepContext) -> Outcome:
    if "command_id" not in context.memo:
        context.memo["command_id"] = _send(context)
        return Wait(context.now, VERIFYING)
    command_id = context.memo["command_id"]
    command = _call(context, "ListCommands", {"CommandId": command_id})["Commands"][0]
    if command["Status"] in UNFINISHED:
        return context.again(VERIFYING)
    outputs = _outputs(command, _invocations(context, command_id))
    if command["Status"] == "Success":
        return Done(outputs=outputs, response_code=str(outputs["ResponseCode"]))
    told = {
        name: outputs[name] for name in ("Status", "ResponseCode", "Output", "OutputPayload", "CommandId")
    }
    raise StepFailed(
        f"Command {command_id} returns unexpected invocation result: \n"
        f"{{{', '.join(f'{name}=[{value}]' for name, value in told.items())}}}",
        doing=VERIFYING,
        stage="PostVerification",
        type="Verification",
        outputs=outputs,
        response_code=str(outputs["ResponseCode"]),
    )


def stop(context: StepContext) -> None:
    """Cancel the command: nobody waits for it any more."""
    if command_id := context.memo.get("command_id"):
        context.call("ssm", "CancelCommand", {"CommandId": command_id}, repeatable=True)


def _send(context: StepContext) -> str:
    context.required("DocumentName")
    given = {name: context.inputs[name] for name in INPUTS if context.inputs.get(name) not in (None, "", [])}
    if not ({"InstanceIds", "Targets"} & set(given)):
        raise InvalidInputs("aws:runCommand needs one of the inputs InstanceIds and Targets.")
    return str(_call(context, "SendCommand", given, doing=SENDING)["Command"]["CommandId"])


def _invocations(context: StepContext, command_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        page = _call(context, "ListCommandInvocations", {"CommandId": command_id, "Details": True, **token})
        found += page["CommandInvocations"]
        if not page.get("NextToken"):
            return found
        token = {"NextToken": page["NextToken"]}


def _outputs(command: Mapping[str, Any], invocations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The outputs of the command on all instances; the code is the first that is not zero."""
    plugins = [plugin for each in invocations for plugin in each.get("CommandPlugins", [])]
    codes = [plugin["ResponseCode"] for plugin in plugins]
    outputs: dict[str, Any] = {
        "Status": command["Status"],
        "ResponseCode": next((code for code in codes if code), 0),
        "Output": "\n".join(plugin.get("Output", "") for plugin in plugins),
        "CommandId": command["CommandId"],
    }
    return {
        **outputs,
        "OutputPayload": json.dumps(outputs, separators=(",", ":")),
        "InstanceIds": [each["InstanceId"] for each in invocations],
    }


def _call(
    context: StepContext, api: str, params: Mapping[str, Any], *, doing: str = VERIFYING
) -> dict[str, Any]:
    try:
        return context.call("ssm", api, params)
    except ClientError as error:
        raise api_failure(error, "ssm", doing=doing) from error


_UNWRITTEN = "It is taken and told, and nothing is written there."
_UNSENT = "It is taken and told, and no notification is sent."
ACTION = Action(
    "aws:runCommand",
    run,
    stop=stop,
    inputs=frozenset(INPUTS),
    differs={
        "CloudWatchOutputConfig": _UNWRITTEN,
        "NotificationConfig": _UNSENT,
        "OutputS3BucketName": _UNWRITTEN,
        "OutputS3KeyPrefix": _UNWRITTEN,
        "OutputS3Region": _UNWRITTEN,
        "ServiceRoleArn": _UNSENT,
        "Targets": "Resource groups are those that select by tags.",
    },
    note="Nothing runs on an instance: a command gives what was scripted for it, else it succeeds without "
    "output.",
)
