"""aws:createStack.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-createstack.html
"""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from sandbox.automation.actions.registry import Action
from sandbox.automation.actions.services import api_failure
from sandbox.automation.context import StepContext
from sandbox.automation.outcomes import Done, InvalidInputs, Outcome, StepFailed, Wait

SERVICE = "cloudformation"
CREATING = "Execute/Creating Stack"
VERIFYING = "verifying that the stack has been created"
ON_THE_WAY = frozenset({"CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"})
INPUTS = (
    "Capabilities",
    "ClientRequestToken",
    "DisableRollback",
    "NotificationARNs",
    "OnFailure",
    "Parameters",
    "ResourceTypes",
    "RoleARN",
    "StackName",
    "StackPolicyBody",
    "StackPolicyURL",
    "Tags",
    "TemplateBody",
    "TemplateURL",
    "TimeoutInMinutes",
)
# Documents may write these as a map.
TEXTS = frozenset({"StackPolicyBody", "TemplateBody"})


def run(context: StepContext) -> Outcome:
    if "stack_id" not in context.memo:
        context.memo["stack_id"] = _create(context)
        return Wait(context.now, VERIFYING)
    stack = describe(context, context.memo["stack_id"], doing=VERIFYING)
    status, reason = stack["StackStatus"], stack.get("StackStatusReason") or ""
    outputs = {"StackId": stack["StackId"], "StackStatus": status, "StackStatusReason": reason}
    if status == "CREATE_COMPLETE":
        return Done(outputs=outputs)
    if status in ON_THE_WAY:
        return context.again(VERIFYING)
    raise unexpected(stack, doing=VERIFYING, outputs=outputs)


def unexpected(
    stack: Mapping[str, Any], *, doing: str, outputs: Mapping[str, Any] | None = None
) -> StepFailed:
    """The failure of a step whose stack is in a state from which it will not get where it should."""
    reason = stack.get("StackStatusReason") or ""
    return StepFailed(
        f"Stack {stack['StackId']} entered unexpected state: {stack['StackStatus']}. {reason}".strip(),
        doing=doing,
        stage="PostVerification",
        type="Verification",
        outputs=outputs,
    )


def describe(context: StepContext, stack: str, *, doing: str) -> dict[str, Any]:
    """The stack as DescribeStacks gives it. StepFailed when CloudFormation refuses to tell."""
    try:
        response = context.call(SERVICE, "DescribeStacks", {"StackName": stack})
    except ClientError as error:
        raise api_failure(error, SERVICE, doing=doing) from error
    return dict(response["Stacks"][0])


def _create(context: StepContext) -> str:
    context.required("StackName")
    given = {name: context.inputs[name] for name in INPUTS if context.inputs.get(name) not in (None, "", [])}
    for name in TEXTS & set(given):
        if not isinstance(given[name], str):
            given[name] = json.dumps(given[name])
    if ("TemplateBody" in given) == ("TemplateURL" in given):
        raise InvalidInputs("aws:createStack needs one of the inputs TemplateBody and TemplateURL.")
    if "DisableRollback" in given and "OnFailure" in given:
        raise InvalidInputs("aws:createStack takes DisableRollback or OnFailure, not both.")
    try:
        response = context.call(SERVICE, "CreateStack", given, repeatable="ClientRequestToken" in given)
    except ClientError as error:
        raise api_failure(error, SERVICE, doing=CREATING) from error
    return str(response["StackId"])


ACTION = Action(
    "aws:createStack",
    run,
    inputs=frozenset(INPUTS),
    differs={
        "StackPolicyBody": "The policy is kept and not enforced.",
        "StackPolicyURL": "The policy is kept and not enforced.",
        "TimeoutInMinutes": "Resources are made at once, so the time never passes.",
    },
    note="What CloudFormation does for a stack is not judged by IAM; custom resources, and types that moto "
    "does not know, fail the stack.",
)
