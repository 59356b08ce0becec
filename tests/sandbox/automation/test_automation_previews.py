"""Execution previews: what a document's steps would do, and to how much."""

import json
import uuid
from typing import Any

import botocore.exceptions
import pytest

STEPS = [
    {"name": "nap", "action": "aws:sleep", "inputs": {"Duration": "PT0S"}},
    {"name": "look", "action": "aws:executeAwsApi", "inputs": {"Service": "ec2", "Api": "DescribeInstances"}},
    {
        "name": "launch",
        "action": "aws:runInstances",
        "inputs": {"ImageId": "{{ Image }}", "InstanceType": "t3.micro"},
    },
    {
        "name": "loop",
        "action": "aws:loop",
        "inputs": {
            "Iterators": ["a"],
            "Steps": [
                {
                    "name": "remove",
                    "action": "aws:executeAwsApi",
                    "inputs": {"Service": "ec2", "Api": "DeleteVolume", "VolumeId": "vol-1"},
                }
            ],
        },
    },
    {"name": "call", "action": "aws:invokeLambdaFunction", "inputs": {"FunctionName": "work"}},
]


def refused(call: Any, /, **parameters: Any) -> str:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


@pytest.fixture
def name(ssm: Any) -> str:
    name = f"Preview-{uuid.uuid4()}"
    content = {"schemaVersion": "0.3", "parameters": {"Image": {"type": "String"}}, "mainSteps": STEPS}
    kind = {"DocumentType": "Automation", "TargetType": "/AWS::EC2::Image"}
    ssm.create_document(Name=name, Content=json.dumps(content), **kind)
    return name


def preview(ssm: Any, name: str, **inputs: Any) -> dict[str, Any]:
    started = ssm.start_execution_preview(DocumentName=name, ExecutionInputs={"Automation": inputs})
    answer = ssm.get_execution_preview(ExecutionPreviewId=started["ExecutionPreviewId"])
    assert answer["Status"] == "Success"
    assert answer["ExecutionPreviewId"] == started["ExecutionPreviewId"]
    found: dict[str, Any] = answer["ExecutionPreview"]["Automation"]
    return found


def test_steps_are_counted_by_what_they_change(ssm, name):
    found = preview(ssm, name, Parameters={"Image": ["ami-1"]})
    assert found["StepPreviews"] == {"NonMutating": 3, "Mutating": 2, "Undetermined": 1}
    assert (found["Regions"], found["TotalAccounts"], found["TargetPreviews"]) == (["us-east-1"], 1, [])


def test_targets_and_places_are_counted(ssm, name):
    target = {"Key": "ParameterValues", "Values": ["ami-1", "ami-2"]}
    found = preview(ssm, name, TargetParameterName="Image", Targets=[target])
    assert found["TargetPreviews"] == [{"Count": 2, "TargetType": "AWS::EC2::Image"}]
    place = {"Accounts": ["111111111111", "222222222222"], "Regions": ["eu-west-1"]}
    found = preview(ssm, name, Parameters={"Image": ["ami-1"]}, TargetLocations=[place])
    assert (found["TotalAccounts"], found["Regions"]) == (2, ["eu-west-1"])


def test_what_could_not_run_has_no_preview(sandbox, ssm, name):
    start = ssm.start_execution_preview
    assert refused(start, DocumentName="Nowhere") == "ValidationException"
    assert refused(start, DocumentName=name) == "ValidationException"
    unknown = {"ExecutionPreviewId": str(uuid.uuid4())}
    assert refused(ssm.get_execution_preview, **unknown) == "ResourceNotFoundException"
    inputs = {"Automation": {"Parameters": {"Image": ["ami-1"]}}}
    made = start(DocumentName=name, ExecutionInputs=inputs)
    elsewhere = sandbox.client("ssm", region="eu-west-1").get_execution_preview
    found = refused(elsewhere, ExecutionPreviewId=made["ExecutionPreviewId"])
    assert found == "ResourceNotFoundException"
