"""aws:deleteStack.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-deletestack.html
"""

from typing import Any

from botocore.exceptions import ClientError

from sandbox.automation.actions.create_stack import SERVICE, describe, unexpected
from sandbox.automation.actions.registry import Action
from sandbox.automation.actions.services import api_failure
from sandbox.automation.context import StepContext
from sandbox.automation.outcomes import Done, Outcome, Wait

DELETING = "Execute/Deleting Stack"
VERIFYING = "verifying that the stack has been deleted"
RETAINED = "RetainResources"


def run(context: StepContext) -> Outcome:
    if "stack_id" not in context.memo:
        stack_id = _find(context)
        if stack_id is None:
            return Done()
        _delete(context, stack_id)
        context.memo["stack_id"] = stack_id
        return Wait(context.now, VERIFYING)
    stack = describe(context, context.memo["stack_id"], doing=VERIFYING)
    status = stack["StackStatus"]
    if status == "DELETE_COMPLETE":
        return Done()
    if status == "DELETE_IN_PROGRESS":
        return context.again(VERIFYING)
    raise unexpected(stack, doing=VERIFYING)


def _find(context: StepContext) -> str | None:
    """The stack's id, by which it can be asked for even when it is gone; None when there is no such stack."""
    name = str(context.required("StackName"))
    try:
        response = context.call(SERVICE, "DescribeStacks", {"StackName": name})
    except ClientError as error:
        body = error.response.get("Error", {})
        if body.get("Code") == "ValidationError" and "does not exist" in body.get("Message", ""):
            return None
        raise api_failure(error, SERVICE, doing=DELETING) from error
    return str(response["Stacks"][0]["StackId"])


def _delete(context: StepContext, stack_id: str) -> None:
    params: dict[str, Any] = {"StackName": stack_id}
    for name in ("ClientRequestToken", "RoleARN"):
        if context.inputs.get(name):
            params[name] = context.inputs[name]
    # The guide calls the input RetainResources.member.N; N is a number, or left as it stands there.
    retained: list[str] = []
    for name in context.inputs:
        if name == RETAINED or name.startswith(f"{RETAINED}.member."):
            retained.extend(context.strings(name))
    if retained:
        params[RETAINED] = retained
    try:
        # By its id a stack is deleted once, however often that is asked for.
        context.call(SERVICE, "DeleteStack", params, repeatable=True)
    except ClientError as error:
        raise api_failure(error, SERVICE, doing=DELETING) from error


ACTION = Action(
    "aws:deleteStack",
    run,
    inputs=frozenset({"ClientRequestToken", "RoleARN", "StackName", RETAINED, f"{RETAINED}.member.N"}),
)
