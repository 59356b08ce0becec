"""aws:createTags (https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-createtag.html)."""

from botocore.exceptions import ClientError

from sandbox.automation.actions.registry import Action
from sandbox.automation.context import StepContext, call_failure
from sandbox.automation.outcomes import Done, InvalidInputs, Outcome

DOING = "Execute/Creating Tag(s)"


def run(context: StepContext) -> Outcome:
    kind = str(context.inputs.get("ResourceType") or "EC2")
    ids = context.strings("ResourceIds")
    tags = context.required("Tags")
    try:
        if kind == "EC2":
            context.call("ec2", "CreateTags", {"Resources": ids, "Tags": tags})
        elif len(ids) == 1:
            context.call(
                "ssm", "AddTagsToResource", {"ResourceType": kind, "ResourceId": ids[0], "Tags": tags}
            )
        else:
            raise InvalidInputs(f"ResourceIds must hold a single id when ResourceType is {kind}.")
    except ClientError as error:
        raise call_failure(error, doing=DOING) from error
    return Done()


ACTION = Action("aws:createTags", run, inputs=frozenset({"ResourceIds", "ResourceType", "Tags"}))
