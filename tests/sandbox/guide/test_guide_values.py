"""What the user guide shows of outputs, JSONPath, variables and the example of the actions' overview.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-outputs-inputs.html
https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-variables.html
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.guide.conftest import Guide, Step, call, command, sleep


def look(action: str, name: str, selector: str, wanted: str, timeout: int, **inputs: Any) -> Step:
    """A step that waits for, or asserts, a property of EC2's."""
    return {
        "name": name,
        "action": f"aws:{action}AwsResourceProperty",
        "timeoutSeconds": timeout,
        "inputs": {"Service": "ec2", **inputs, "PropertySelector": selector, "DesiredValues": [wanted]},
    }


def test_an_image_is_found_launched_and_waited_for(guide: Guide) -> None:
    name = guide.ec2.describe_images(ImageIds=[guide.image])["Images"][0]["Name"]
    state = {
        "selector": "$.InstanceStatuses[0].InstanceState.Name",
        "wanted": "running",
        "timeout": 60,
        "Api": "DescribeInstanceStatus",
        "InstanceIds": ["{{ launch.Id }}"],
    }

    run = guide.run(
        call(
            "find",
            "ec2",
            "DescribeImages",
            ("ImageId", "$.Images[0].ImageId", "String"),
            Filters=[{"Name": "name", "Values": ["{{ Name }}"]}],
        ),
        call(
            "launch",
            "ec2",
            "RunInstances",
            ("Id", "$.Instances[0].InstanceId", "String"),
            ImageId="{{ find.ImageId }}",
            MaxCount=1,
            MinCount=1,
        ),
        look("waitFor", "wait", **state),
        look("assert", "confirm", **state),
        parameters={"Name": {"type": "String"}},
        outputs=["launch.Id"],
        values={"Name": [f"{name[:-3]}*"]},
    )

    assert run.status == "Success", run
    assert run.execution["Outputs"]["launch.Id"] == run.output("launch", "Id")
    assert run.output("find", "ImageId") == [guide.image]


RESPONSE = {
    "Reservations": [
        {
            "Instances": [
                {
                    "ImageId": "ami-12345678",
                    "Disks": [
                        {"Ebs": {"Deleted": True, "VolumeId": f"vol-{number}"}, "DeviceName": "/dev/xvda"}
                    ],
                    "State": {"Code": code, "Name": name},
                }
            ]
        }
        for number, code, name in ((1, 16, "running"), (2, 80, "stopped"))
    ]
}


def test_selectors_give_each_type(guide: Guide) -> None:
    selectors = {
        "Text": ("$.Payload.Reservations[0].Instances[0].ImageId", "String"),
        "Flag": ("$.Payload.Reservations[0].Instances[0].Disks[0].Ebs.Deleted", "Boolean"),
        "Number": ("$.Payload.Reservations[0].Instances[0].State.Code", "Integer"),
        "Volumes": ("$.Payload.Reservations..Disks..VolumeId", "StringList"),
        "Disk": ("$.Payload.Reservations[0].Instances[0].Disks[0]", "StringMap"),
        "States": ("$.Payload.Reservations..Instances..State", "MapList"),
    }
    give = {
        "name": "give",
        "action": "aws:executeScript",
        "inputs": {
            "Runtime": "python3.11",
            "Handler": "give",
            "Script": f"def give(events, context):\n    return {RESPONSE!r}\n",
        },
        "outputs": [
            {"Name": name, "Selector": selector, "Type": kind} for name, (selector, kind) in selectors.items()
        ],
    }

    run = guide.run(give)

    assert run.status == "Success", run
    shown = {name: [_value(each) for each in run.output("give", name)] for name in selectors}
    disk = RESPONSE["Reservations"][0]["Instances"][0]["Disks"][0]
    assert shown == {
        "Text": ["ami-12345678"],
        "Flag": [True],
        "Number": [16],
        "Volumes": ["vol-1", "vol-2"],
        "Disk": [disk],
        "States": [{"Code": 16, "Name": "running"}, {"Code": 80, "Name": "stopped"}],
    }


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def test_parameters_of_parameter_store_and_system_variables_are_put_in(guide: Guide) -> None:
    guide.ssm.put_parameter(Name="/guide/image", Value=guide.image, Type="String")

    run = guide.run(
        call(
            "launch",
            "ec2",
            "RunInstances",
            ("Id", "$.Instances[0].InstanceId", "String"),
            ImageId="{{ Latest }}",
            MinCount=1,
            MaxCount=1,
        ),
        command(
            "say",
            "{{ launch.Id }}",
            "echo {Now it is {{global:DATE_TIME}}} {{automation:EXECUTION_ID}} {{global:REGION}} {{ Text }}",
        ),
        parameters={
            "Latest": {"type": "String", "default": "{{ssm:/guide/image}}"},
            "Text": {"type": "String", "default": "x"},
        },
    )

    assert run.status == "Success", run
    assert run.execution["Parameters"]["Latest"] == [guide.image]
    (sent,) = json.loads(run.step("say")["Inputs"]["Parameters"])["commands"]
    assert sent.startswith("echo {Now it is 20")
    assert sent.endswith(f"}} {run.id} us-east-1 x")


UNSUPPORTED: list[dict[str, Any]] = [
    {"assumeRole": "{{ssm:role}}", "mainSteps": [sleep("rest")]},
    {"mainSteps": [call("launch", "ec2", "RunInstances", ImageId="{{ssm:/image}}", MinCount=1, MaxCount=1)]},
    {"mainSteps": [{**sleep("rest"), "{{attempts}}": 1}], "parameters": {"attempts": {"type": "String"}}},
    {
        "mainSteps": [sleep("rest", "{{ {{first}} }}")],
        "parameters": {
            "first": {"type": "String", "default": "second"},
            "second": {"type": "String", "default": "PT1S"},
        },
    },
]


@pytest.mark.parametrize("document", UNSUPPORTED)
def test_what_the_guide_calls_unsupported_is_refused(guide: Guide, document: dict[str, Any]) -> None:
    content = json.dumps({"schemaVersion": "0.3", **document})

    with pytest.raises(ClientError) as refused:
        guide.ssm.create_document(Name="Unsupported", Content=content, DocumentType="Automation")

    assert refused.value.response["Error"]["Code"] == "InvalidDocumentContent"


def test_a_list_is_no_image(guide: Guide) -> None:
    run = guide.run(
        call("find", "ec2", "DescribeImages", ("Ids", "$.Images..ImageId", "StringList"), Owners=["amazon"]),
        {
            "name": "copy",
            "action": "aws:copyImage",
            "inputs": {
                "SourceImageId": "{{ find.Ids }}",
                "SourceRegion": "us-east-1",
                "ImageName": "several",
            },
        },
    )

    assert (run.status, run.order) == ("Failed", ["find", "copy"]), run


LATEST = """
import boto3

def latest(events, context):
    filters = [{"Name": "volume-id", "Values": [events["volume"]]}]
    found = boto3.client("ec2").describe_snapshots(Filters=filters)["Snapshots"]
    if not found:
        return {"none": "NoSnapshotFound"}
    return {"latest": max(found, key=lambda each: each["StartTime"])["SnapshotId"]}
"""


def restoring() -> list[Step]:
    """The steps that restore an instance's root volume from its latest snapshot, if it has one."""
    instance = "{{ Instance }}"
    where = "$.Reservations[0].Instances[0]"
    volume = "$.Volumes[0]"
    latest = {
        "name": "getLatest",
        "action": "aws:executeScript",
        "timeoutSeconds": 45,
        "inputs": {
            "Runtime": "python3.6",
            "Handler": "latest",
            "InputPayload": {"volume": "{{ getVolume.Id }}"},
            "Script": LATEST,
        },
        "outputs": [
            {"Name": "Latest", "Selector": "$.Payload.latest", "Type": "String"},
            {"Name": "None", "Selector": "$.Payload.none", "Type": "String"},
        ],
    }
    found = {
        "name": "decide",
        "action": "aws:branch",
        "onCancel": "step:start",
        "isEnd": True,
        "inputs": {
            "Choices": [
                {
                    "NextStep": "makeVolume",
                    "Not": {"Variable": "{{ getLatest.None }}", "StringEquals": "NoSnapshotFound"},
                }
            ]
        },
    }
    made = {"Api": "DescribeVolumes", "VolumeIds": ["{{ makeVolume.Id }}"]}
    old = {"Api": "DescribeVolumes", "VolumeIds": ["{{ getVolume.Id }}"]}
    return [
        call(
            "getInstance",
            "ec2",
            "DescribeInstances",
            ("Zone", f"{where}.Placement.AvailabilityZone", "String"),
            ("Device", f"{where}.RootDeviceName", "String"),
            InstanceIds=[instance],
        ),
        call(
            "getVolume",
            "ec2",
            "DescribeVolumes",
            ("Id", f"{volume}.VolumeId", "String"),
            Filters=[
                {"Name": "attachment.device", "Values": ["{{ getInstance.Device }}"]},
                {"Name": "attachment.instance-id", "Values": [instance]},
            ],
        ),
        latest,
        found,
        call(
            "makeVolume",
            "ec2",
            "CreateVolume",
            ("Id", "$.VolumeId", "String"),
            AvailabilityZone="{{ getInstance.Zone }}",
            SnapshotId="{{ getLatest.Latest }}",
        ),
        call("stop", "ec2", "StopInstances", InstanceIds=[instance]),
        look("waitFor", "available", f"{volume}.State", "available", 120, **made),
        look(
            "waitFor",
            "stopped",
            f"{where}.State.Name",
            "stopped",
            120,
            Api="DescribeInstances",
            InstanceIds=[instance],
        ),
        {**call("detach", "ec2", "DetachVolume", VolumeId="{{ getVolume.Id }}"), "isCritical": True},
        look("waitFor", "detached", f"{volume}.State", "available", 30, **old),
        call(
            "attach",
            "ec2",
            "AttachVolume",
            Device="{{ getInstance.Device }}",
            InstanceId=instance,
            VolumeId="{{ makeVolume.Id }}",
        ),
        look("waitFor", "attached", f"{volume}.Attachments[0].State", "attached", 30, **made),
        call("start", "ec2", "StartInstances", InstanceIds=[instance]),
    ]


def test_a_root_volume_is_restored_from_its_latest_snapshot(guide: Guide) -> None:
    instance = guide.instance()
    filters = [{"Name": "attachment.instance-id", "Values": [instance]}]
    volume = guide.ec2.describe_volumes(Filters=filters)["Volumes"][0]["VolumeId"]
    parameters = {"Instance": {"type": "String"}}
    values = {"Instance": [instance]}

    without = guide.run(*restoring(), parameters=parameters, values=values)
    guide.ec2.create_snapshot(VolumeId=volume)
    restored = guide.run(*restoring(), parameters=parameters, values=values)

    assert (without.status, without.order[-1]) == ("Success", "decide"), without
    assert (restored.status, restored.order[-1]) == ("Success", "start"), restored
    (attached,) = guide.ec2.describe_volumes(Filters=filters)["Volumes"]
    assert attached["VolumeId"] == restored.output("makeVolume", "Id")[0] != volume
