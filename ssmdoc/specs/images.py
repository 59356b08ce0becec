"""Actions on AMIs, and on tags."""

from __future__ import annotations

from ssmdoc.specs.model import GUIDE, ActionSpec, may, need, returns

SPECS = (
    ActionSpec(
        "aws:copyImage",
        "Copy an image",
        "Copies an AMI from another Region into this one.",
        (
            need("SourceRegion", "String", "The Region of the AMI."),
            need("SourceImageId", "String", "The AMI to copy."),
            need("ImageName", "String", "The name of the copy."),
            may("ImageDescription", "String", "A description of the copy."),
            may("Encrypted", "Boolean", "Encrypts the copy."),
            may("KmsKeyId", "String", "The KMS key to encrypt with."),
            may("ClientToken", "String", "Makes a repeated request count once."),
        ),
        returns(ImageId="String", ImageState="String"),
        "change",
        GUIDE + "copyimage.html",
        iam=("ec2:CopyImage", "ec2:DescribeImages"),
        cancel_target=False,
        examples=(
            {
                "SourceRegion": "eu-west-1",
                "SourceImageId": "{{ ImageId }}",
                "ImageName": "copy-{{ global:DATE }}",
            },
        ),
    ),
    ActionSpec(
        "aws:createImage",
        "Create an image",
        "Makes an AMI of an instance and waits until it is available.",
        (
            need("InstanceId", "String", "The instance."),
            need("ImageName", "String", "The name of the image."),
            may("ImageDescription", "String", "A description of the image."),
            may("NoReboot", "Boolean", "Leaves the instance running; false by default."),
            may("BlockDeviceMappings", "Any", "The block devices."),
        ),
        returns(ImageId="String", ImageState="String"),
        "change",
        GUIDE + "create.html",
        iam=("ec2:CreateImage", "ec2:DescribeImages"),
        cancel_target=False,
        examples=(
            {
                "InstanceId": "{{ InstanceId }}",
                "ImageName": "backup-{{ automation:EXECUTION_ID }}",
                "NoReboot": True,
            },
        ),
    ),
    ActionSpec(
        "aws:createTags",
        "Create tags",
        "Tags EC2 or Systems Manager resources.",
        (
            need("ResourceIds", "StringList", "The resources."),
            need("Tags", "MapList", "Key and Value of each tag."),
            may(
                "ResourceType",
                "String",
                "The kind of resource; EC2 by default.",
                "EC2",
                "ManagedInstance",
                "MaintenanceWindow",
                "Parameter",
            ),
        ),
        returns(),
        "change",
        GUIDE + "createtag.html",
        cancel_target=False,
        examples=(
            {
                "ResourceType": "EC2",
                "ResourceIds": ["{{ launch.InstanceIds }}"],
                "Tags": [{"Key": "Owner", "Value": "{{ Owner }}"}],
            },
        ),
    ),
    ActionSpec(
        "aws:deleteImage",
        "Delete an image",
        "Deletes an AMI and its snapshots.",
        (need("ImageId", "String", "The AMI."),),
        returns(),
        "destroy",
        GUIDE + "delete.html",
        iam=("ec2:DeleteSnapshot", "ec2:DeregisterImage", "ec2:DescribeImages"),
        examples=({"ImageId": "{{ ImageId }}"},),
    ),
)
