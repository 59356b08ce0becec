"""aws:createImage, aws:copyImage, aws:deleteImage and the inputs of aws:runInstances over the wire."""

import time
from typing import Any

import botocore.exceptions
import pytest

AMI = "ami-12c6146b"
TRUST_SSM = {
    "Effect": "Allow",
    "Principal": {"Service": "ssm.amazonaws.com"},
    "Action": "sts:AssumeRole",
}


def step(action: str, name: str = "image", **inputs: Any) -> dict[str, Any]:
    return {"name": name, "action": action, "inputs": inputs}


def outputs(run: dict[str, Any], name: str = "image") -> dict[str, Any]:
    return next(each for each in run["StepExecutions"] if each["StepName"] == name).get("Outputs", {})


@pytest.fixture
def ec2(sandbox: Any) -> Any:
    return sandbox.client("ec2")


@pytest.fixture(scope="module")
def instance(sandbox: Any) -> str:
    launched = sandbox.client("ec2").run_instances(
        ImageId=AMI, InstanceType="t3.micro", MinCount=1, MaxCount=1
    )
    return str(launched["Instances"][0]["InstanceId"])


def test_an_image_is_made_copied_encrypted_and_deleted_with_its_snapshots(sandbox, ec2, automate, instance):
    name = f"backup {time.time_ns()}"
    made = automate(
        step(
            "aws:createImage",
            "make",
            InstanceId=instance,
            ImageName=name,
            ImageDescription="d",
            NoReboot=True,
        ),
        step(
            "aws:copyImage",
            "copy",
            SourceRegion="us-east-1",
            SourceImageId="{{ make.ImageId }}",
            ImageName=f"{name} 2",
            Encrypted=True,
            ClientToken=name[-19:],
        ),
    )
    assert made["AutomationExecutionStatus"] == "Success", made.get("FailureMessage")
    first, second = outputs(made, "make"), outputs(made, "copy")
    assert (first["ImageState"], second["ImageState"]) == (["available"], ["available"])
    image = ec2.describe_images(ImageIds=first["ImageId"])["Images"][0]
    assert (image["Name"], image["Description"]) == (name, "d")
    copy = ec2.describe_images(ImageIds=second["ImageId"])["Images"][0]
    snapshot = copy["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    assert ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]["Encrypted"] is True
    again = ec2.copy_image(
        SourceRegion="us-east-1", SourceImageId=first["ImageId"][0], Name=f"{name} 2", ClientToken=name[-19:]
    )
    assert [again["ImageId"]] == second["ImageId"]

    deleted = automate(step("aws:deleteImage", ImageId=second["ImageId"][0]))
    assert deleted["AutomationExecutionStatus"] == "Success", deleted.get("FailureMessage")
    assert ec2.describe_images(ImageIds=second["ImageId"])["Images"] == []
    with pytest.raises(botocore.exceptions.ClientError, match=r"InvalidSnapshot\.NotFound"):
        ec2.describe_snapshots(SnapshotIds=[snapshot])
    gone = automate(step("aws:deleteImage", ImageId=second["ImageId"][0]))
    assert "is no longer available" in gone["FailureMessage"]


def test_what_ec2_refuses_is_quoted(ec2, automate, instance):
    name = f"taken {time.time_ns()}"
    image_id = ec2.create_image(InstanceId=instance, Name=name)["ImageId"]
    taken = automate(step("aws:createImage", InstanceId=instance, ImageName=name))
    assert taken["FailureMessage"].startswith(
        "Step fails when it is Execute/Creating Image. Get Exception from CreateImage API of ec2 Service. "
        f"Exception Message from CreateImage API: [AMI name {name} is already in use by AMI {image_id} ("
    )
    malformed = automate(step("aws:createImage", InstanceId=instance, ImageName="a:b"))
    assert "InvalidAMIName.Malformed" in malformed["FailureMessage"]
    absent = step(
        "aws:copyImage", SourceRegion="us-east-1", SourceImageId="ami-00000000", ImageName=f"{name} 2"
    )
    assert "InvalidAMIID.NotFound" in automate(absent)["FailureMessage"]
    nowhere = step("aws:copyImage", SourceRegion="nowhere", SourceImageId=image_id, ImageName=f"{name} 3")
    assert "The source Region nowhere is not valid" in automate(nowhere)["FailureMessage"]


def test_a_role_that_may_not_delete_snapshots_leaves_them(sandbox, ec2, automate, instance):
    image_id = ec2.create_image(InstanceId=instance, Name=f"kept {time.time_ns()}")["ImageId"]
    mapping = ec2.describe_images(ImageIds=[image_id])["Images"][0]["BlockDeviceMappings"][0]
    role = sandbox.make_role(
        f"Images-{time.time_ns()}",
        TRUST_SSM,
        {"Effect": "Allow", "Action": ["ec2:DescribeImages", "ec2:DeregisterImage"], "Resource": "*"},
    )
    run = automate(step("aws:deleteImage", ImageId=image_id), role=role)
    assert "not authorized to perform: ec2:DeleteSnapshot" in run["FailureMessage"]
    assert run["StepExecutions"][0]["FailureDetails"]["FailureType"] == "Permission"
    assert ec2.describe_snapshots(SnapshotIds=[mapping["Ebs"]["SnapshotId"]])["Snapshots"]


def test_a_launch_takes_each_input_and_a_token_makes_it_count_once(ec2, automate):
    launch = step(
        "aws:runInstances",
        "launch",
        ImageId=AMI,
        InstanceType="t3.micro",
        KernelId="aki-12345678",
        RamdiskId="ari-12345678",
        DisableApiTermination="true",
        EbsOptimized=True,
        InstanceInitiatedShutdownBehavior="terminate",
        MetadataOptions={"HttpTokens": "required"},
        Monitoring=True,
        Placement={"Tenancy": "dedicated"},
        BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 33}}],
        ClientToken=f"token-{time.time_ns()}",
    )
    first, second = automate(launch), automate(launch)
    assert first["AutomationExecutionStatus"] == "Success", first.get("FailureMessage")
    ids = outputs(first, "launch")["InstanceIds"]
    assert outputs(second, "launch")["InstanceIds"] == ids
    found = ec2.describe_instances(InstanceIds=ids)["Reservations"][0]["Instances"][0]
    assert (found["KernelId"], found["RamdiskId"]) == ("aki-12345678", "ari-12345678")
    assert found["Placement"]["Tenancy"] == "dedicated"
    assert found["MetadataOptions"]["HttpTokens"] == "required"
    assert (found["EbsOptimized"], found["Monitoring"]["State"]) == (True, "enabled")
    protected = automate(step("aws:changeInstanceState", InstanceIds=ids, DesiredState="terminated"))
    assert "disableApiTermination" in protected["FailureMessage"]
    launch["inputs"]["EbsOptimized"] = False
    assert "IdempotentParameterMismatch" in automate(launch)["FailureMessage"]
