"""aws:createImage, aws:copyImage and aws:deleteImage.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-create.html
https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-copyimage.html
https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-delete.html
"""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from sandbox.automation.actions.registry import Action
from sandbox.automation.actions.services import api_failure
from sandbox.automation.context import StepContext
from sandbox.automation.outcomes import Done, Outcome, StepFailed, Wait

CREATING = "Execute/Creating Image"
COPYING = "Execute/Copying Image"
DELETING = "Execute/Deleting Image"
VERIFYING = "verifying that the image is available"
# The actions name an image as documents do, EC2 as its API does.
SHARED_NAMES = {"ImageName": "Name", "ImageDescription": "Description"}
CREATE_INPUTS = {**SHARED_NAMES, **{name: name for name in ("InstanceId", "NoReboot", "BlockDeviceMappings")}}
COPY_INPUTS = {
    **SHARED_NAMES,
    **{name: name for name in ("SourceImageId", "SourceRegion", "Encrypted", "KmsKeyId", "ClientToken")},
}


def run_create(context: StepContext) -> Outcome:
    return _make(context, "CreateImage", CREATE_INPUTS, ("InstanceId", "ImageName"), CREATING)


def run_copy(context: StepContext) -> Outcome:
    required = ("SourceRegion", "SourceImageId", "ImageName")
    return _make(context, "CopyImage", COPY_INPUTS, required, COPYING)


def run_delete(context: StepContext) -> Outcome:
    image_id = str(context.required("ImageId"))
    if "snapshots" not in context.memo:
        image = _describe(context, image_id, doing=DELETING)
        _change(context, "DeregisterImage", {"ImageId": image_id})
        context.memo["snapshots"] = [
            mapping["Ebs"]["SnapshotId"]
            for mapping in image.get("BlockDeviceMappings", [])
            if mapping.get("Ebs", {}).get("SnapshotId")
        ]
        return Wait(context.now, DELETING)
    if context.memo["snapshots"]:
        _change(context, "DeleteSnapshot", {"SnapshotId": context.memo["snapshots"][0]})
        context.memo["snapshots"] = context.memo["snapshots"][1:]
        return Wait(context.now, DELETING)
    return Done()


def _make(
    context: StepContext, api: str, inputs: Mapping[str, str], required: tuple[str, ...], doing: str
) -> Outcome:
    if "image_id" not in context.memo:
        for name in required:
            context.required(name)
        params = {
            member: context.inputs[name]
            for name, member in inputs.items()
            if context.inputs.get(name) not in (None, "", [])
        }
        context.memo["image_id"] = str(_change(context, api, params, doing=doing)["ImageId"])
        return Wait(context.now, VERIFYING)
    image = _describe(context, context.memo["image_id"], doing=VERIFYING)
    outputs = {"ImageId": image["ImageId"], "ImageState": image["State"]}
    if image["State"] == "available":
        return Done(outputs=outputs)
    if image["State"] in {"pending", "transient"}:
        return context.again(VERIFYING)
    reason = image.get("StateReason", {}).get("Message", "")
    raise StepFailed(
        f"Image {image['ImageId']} entered unexpected state: {image['State']}. {reason}".strip(),
        doing=VERIFYING,
        stage="PostVerification",
        type="Verification",
        outputs=outputs,
    )


def _change(
    context: StepContext, api: str, params: Mapping[str, Any], *, doing: str = DELETING
) -> dict[str, Any]:
    try:
        return context.call("ec2", api, params, repeatable="ClientToken" in params)
    except ClientError as error:
        raise api_failure(error, "ec2", doing=doing) from error


def _describe(context: StepContext, image_id: str, *, doing: str) -> dict[str, Any]:
    try:
        images = context.call("ec2", "DescribeImages", {"ImageIds": [image_id]})["Images"]
    except ClientError as error:
        raise api_failure(error, "ec2", doing=doing) from error
    if not images:
        raise StepFailed(f"The image id '[{image_id}]' is no longer available.", doing=doing)
    return dict(images[0])


CREATE = Action(
    "aws:createImage",
    run_create,
    inputs=frozenset(CREATE_INPUTS),
    differs={
        "BlockDeviceMappings": "It is passed on, and EC2 here makes one root snapshot all the same.",
    },
)
COPY = Action("aws:copyImage", run_copy, inputs=frozenset(COPY_INPUTS))
DELETE = Action("aws:deleteImage", run_delete, inputs=frozenset({"ImageId"}))
