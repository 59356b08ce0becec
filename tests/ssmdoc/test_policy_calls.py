"""Which calls, Regions and instance types a document may use, wherever it names them."""

import json
from typing import Any

import pytest

import ssmdoc
from ssmdoc import policy
from tests.ssmdoc.policy_documents import LAUNCH, api, document, judged


def test_calls_in_python_scripts_count() -> None:
    def run(script: str) -> dict[str, Any]:
        inputs = {"Runtime": "python3.11", "Handler": "main", "Script": script}
        return {"name": "run", "action": "aws:executeScript", "inputs": inputs}

    ending = run("import boto3\ndef main(e, c):\n  boto3.client('ec2').terminate_instances(InstanceIds=[])\n")
    looking = run("import boto3\ndef main(e, c):\n  return boto3.client('ec2').describe_instances()\n")
    assert [severity for severity, _ in judged({"forbidden_apis": ["ec2:Terminate*"]}, ending)] == ["error"]
    assert judged({"forbidden_apis": ["ec2:Terminate*"]}, looking) == []
    assert judged({"allowed_apis": ["ec2:Describe*"]}, looking) == []
    assert judged({"allowed_apis": ["ec2:Describe*"]}, ending)


@pytest.mark.parametrize(
    ("pattern", "step", "hit"),
    [
        ("ec2:Terminate*", api("ec2", "TerminateInstances"), True),
        ("ec2:Terminate*", api("EC2", "terminate_instances"), True),
        ("ec2:terminateinstances", api("ec2", "TerminateInstances"), True),
        ("ec2:Terminate*", api("ec2", "StopInstances"), False),
        ("*:Delete*", api("s3", "DeleteBucket"), True),
        ("elasticloadbalancing:DeleteLoadBalancer", api("elbv2", "delete_load_balancer"), True),
        ("elbv2:DeleteLoadBalancer", api("elbv2", "DeleteLoadBalancer"), True),
        ("ec2:RunInstances", LAUNCH, True),
        ("cloudformation:DeleteStack", {"name": "s", "action": "aws:deleteStack", "inputs": {}}, True),
        (
            "ec2:TerminateInstances",
            {"name": "s", "action": "aws:changeInstanceState", "inputs": {"DesiredState": "terminated"}},
            True,
        ),
        (
            "ec2:TerminateInstances",
            {"name": "s", "action": "aws:changeInstanceState", "inputs": {"DesiredState": "stopped"}},
            False,
        ),
        (
            "ec2:DescribeVolumes",
            {
                "name": "s",
                "action": "aws:waitForAwsResourceProperty",
                "inputs": {"Service": "ec2", "Api": "DescribeVolumes"},
            },
            True,
        ),
    ],
)
def test_calls_are_forbidden_and_allowed_by_pattern(pattern: str, step: dict[str, Any], hit: bool) -> None:
    assert bool(judged({"forbidden_apis": [pattern]}, step)) is hit
    if step["action"] not in ("aws:runInstances", "aws:deleteStack"):
        assert bool(judged({"allowed_apis": [pattern]}, step)) is not hit


def test_services_are_forbidden_and_allowed_by_name() -> None:
    assert judged({"forbidden_services": ["iam"]}, api("iam", "CreateUser")) == [
        ("error", 'Step "call" calls iam:CreateUser, which the policy forbids.')
    ]
    assert judged({"allowed_services": ["ec2", "ssm"]}, api("ec2", "DescribeVolumes")) == []
    assert len(judged({"allowed_services": ["ec2", "ssm"]}, api("s3", "ListBuckets"))) == 1


def test_a_call_that_a_parameter_names_is_judged_by_all_that_it_can_be() -> None:
    rules = {"forbidden_apis": ["ec2:Terminate*"]}
    step = api("ec2", "{{ Api }}")
    limited = {"Api": {"type": "String", "allowedValues": ["StartInstances", "StopInstances"]}}
    assert judged(rules, step, parameters=limited) == []
    limited["Api"]["allowedValues"] = ["StartInstances", "TerminateInstances"]
    assert judged(rules, step, parameters=limited) == [
        ("error", 'Step "call" calls ec2:TerminateInstances, which the policy forbids.')
    ]
    ((severity, message),) = judged(rules, step, parameters={"Api": {"type": "String"}})
    assert severity == "error"
    assert "comes from the parameter Api" in message


REGIONS = {"allowed_regions": ["eu-*"]}


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"Region": "eu-west-1"}, ""),
        ({"Region": "us-east-1"}, "us-east-1"),
        ({"Deep": [{"DestinationRegion": "us-east-1"}]}, "us-east-1"),
        ({"AvailabilityZone": "us-east-1a"}, "us-east-1"),
        ({"TopicArn": "arn:aws:sns:ap-south-1:123456789012:t"}, "ap-south-1"),
        ({"Region": "{{ global:REGION }}"}, ""),
        ({"Region": "{{ Free }}"}, "the parameter Free"),
        ({"Region": "{{ Good }}"}, ""),
        ({"Region": "{{ Choice }}"}, "us-west-2"),
        ({"Region": "{{ Spelt }}"}, ""),
        ({"Region": "{{ other.Region }}"}, "the output other.Region"),
        ({"Region": "{{ variable:Where }}"}, "sa-east-1"),
        ({"Description": "not us-east-1"}, ""),
        ({"TargetLocations": "{{ Free }}"}, "the parameter Free"),
        ({"Name": "my-app-1"}, ""),
    ],
)
def test_regions_are_looked_for_wherever_they_are_named(inputs: dict[str, Any], says: str) -> None:
    found = judged(
        REGIONS,
        api("ec2", "CopyImage", **inputs),
        parameters={
            "Free": {"type": "String", "default": "eu-west-1"},
            "Good": {"type": "String", "allowedValues": ["eu-west-1", "eu-central-1"]},
            "Choice": {"type": "String", "allowedValues": ["eu-west-1"], "default": "us-west-2"},
            "Spelt": {"type": "String", "allowedPattern": "^(eu-west-1|eu-west-2)$"},
        },
        variables={"Where": {"type": "String", "default": "sa-east-1"}},
    )
    assert len(found) == bool(says)
    assert says in (found[0][1] if found else "")


def test_regions_in_scripts_count_where_they_are_chosen() -> None:
    script = "TABLE = {'us-east-1': 5}\nclient = boto3.client('ec2', region_name='us-west-2')\n"
    step = {"name": "s", "action": "aws:executeScript", "inputs": {"Runtime": "python3.11", "Script": script}}
    ((_, message),) = judged(REGIONS, step)
    assert "us-west-2" in message


SIZES = {"allowed_instance_types": ["t3.*", "m5.large"]}


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"InstanceType": "t3.micro"}, ""),
        ({"InstanceType": "m5.large"}, ""),
        ({"InstanceType": "m5.xlarge"}, "m5.xlarge"),
        ({}, "m1.small, because it names no type"),
        ({"InstanceType": "{{ Type }}"}, "m5.24xlarge by the parameter Type"),
        ({"InstanceType": "{{ Free }}"}, "the parameter Free, which may be"),
        ({"InstanceType": "{{ Spelt }}"}, ""),
        ({"InstanceType": "t3.{{ Free }}"}, "the text t3."),
    ],
)
def test_instance_types_are_limited(inputs: dict[str, Any], says: str) -> None:
    found = judged(
        SIZES,
        {**LAUNCH, "inputs": {"ImageId": "ami-1", **inputs}},
        parameters={
            "Type": {"type": "String", "allowedValues": ["t3.micro", "m5.24xlarge"], "default": "t3.micro"},
            "Free": {"type": "String"},
            "Spelt": {"type": "String", "allowedPattern": "t3\\.micro|t3\\.small"},
        },
    )
    assert len(found) == bool(says)
    assert says in (found[0][1] if found else "")


def test_instance_types_of_stacks_and_templates_are_seen() -> None:
    stack = {"StackName": "s", "Parameters": [{"ParameterKey": "InstanceType", "ParameterValue": "c5.large"}]}
    assert len(judged(SIZES, {"name": "s", "action": "aws:createStack", "inputs": stack})) == 1
    body = {"StackName": "s", "TemplateBody": "Resources:\n  A:\n    InstanceType: c5.large\n"}
    assert len(judged(SIZES, {"name": "s", "action": "aws:createStack", "inputs": body})) == 1
    ((_, message),) = judged(SIZES, api("ec2", "RunInstances", LaunchTemplate={"LaunchTemplateId": "lt-1"}))
    assert "launch template" in message


def test_a_finding_about_a_parameter_stands_at_its_value() -> None:
    parsed = document({**LAUNCH, "inputs": {"ImageId": "ami-1", "InstanceType": "{{ Type }}"}})
    data = dict(parsed.data)  # type: ignore[arg-type]
    data["parameters"] = {"Type": {"type": "String", "allowedValues": ["t3.micro", "p5.48xlarge"]}}
    parsed = ssmdoc.parse(json.dumps(data, indent=1))
    (found,) = policy.evaluate(parsed, SIZES)
    assert found.path == ("parameters", "Type", "allowedValues", 1)
    line, column = ssmdoc.position(parsed, found.path)
    assert (found.line, found.column) == (line, column + 1), "inside the quotes"
