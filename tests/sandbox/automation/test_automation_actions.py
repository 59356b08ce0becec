"""What each action does to AWS, and how it fails."""

import base64
import datetime as dt
from typing import Any

import boto3
import pytest

from sandbox.automation.actions.branch import holds
from sandbox.automation.outcomes import InvalidInputs

AMI = "ami-12c6146b"
ALICE = "arn:aws:iam::123456789012:user/alice"
BOB = "arn:aws:iam::123456789012:user/bob"


@pytest.fixture
def ec2(trial: Any) -> Any:
    return boto3.client("ec2", region_name="us-east-1")


def step(action: str, name: str = "do", **inputs: Any) -> dict[str, Any]:
    return {"name": name, "action": action, "inputs": inputs}


def launch(**inputs: Any) -> dict[str, Any]:
    return step("aws:runInstances", "launch", ImageId=AMI, InstanceType="t3.micro", **inputs)


def test_run_instances_launches_tags_and_waits_until_they_run(trial, ec2):
    run = trial.run(
        launch(
            MinInstanceCount="2",
            MaxInstanceCount="2",
            Monitoring="true",
            UserData=base64.b64encode(b"#!/bin/sh").decode(),
            TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Owner", "Value": "me"}]}],
        )
    )
    assert run.status == "Success", run.failure_message
    outputs = run.steps[0].outputs
    assert outputs["InstanceStates"] == ["running", "running"]
    found = ec2.describe_instances(InstanceIds=outputs["InstanceIds"])["Reservations"][0]["Instances"]
    assert [each["Tags"] for each in found] == [[{"Key": "Owner", "Value": "me"}]] * 2
    assert {each["InstanceType"] for each in found} == {"t3.micro"}
    text = ec2.describe_instance_attribute(InstanceId=outputs["InstanceIds"][0], Attribute="userData")
    assert base64.b64decode(text["UserData"]["Value"]) == b"#!/bin/sh"


def test_run_instances_quotes_what_ec2_said(trial):
    run = trial.run(launch(SubnetId="subnet-0123456789abcdef0"))
    assert run.failure_message.startswith(
        "Step fails when it is Execute/Launching Instance(s). "
        "Get Exception from RunInstances API of ec2 Service. Exception Message from RunInstances API: ["
    )
    assert "Error Code: InvalidSubnetID.NotFound" in run.failure_message


def test_run_instances_needs_an_image(trial):
    run = trial.run(step("aws:runInstances", InstanceType="t3.micro"))
    assert "The required input ImageId" in run.failure_message
    assert trial.calls == []


def test_run_instances_takes_user_data_in_base64_only(trial):
    run = trial.run(launch(UserData="é"))
    assert "UserData must be Base64-encoded" in run.failure_message


def test_create_tags_tags_what_an_earlier_step_launched(trial, ec2):
    tags = [{"Key": "Owner", "Value": "me"}, {"Key": "CostCentre", "Value": "42"}]
    run = trial.run(
        launch(),
        step("aws:createTags", ResourceType="EC2", ResourceIds=["{{ launch.InstanceIds }}"], Tags=tags),
    )
    assert run.status == "Success", run.failure_message
    ids = run.steps[0].outputs["InstanceIds"]
    found = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": ids}])["Tags"]
    assert {each["Key"]: each["Value"] for each in found} == {"Owner": "me", "CostCentre": "42"}


def test_create_tags_tags_one_parameter_of_systems_manager(trial):
    ssm = boto3.client("ssm", region_name="us-east-1")
    ssm.put_parameter(Name="setting", Type="String", Value="1")
    tags = [{"Key": "Owner", "Value": "me"}]
    run = trial.run(step("aws:createTags", ResourceType="Parameter", ResourceIds=["setting"], Tags=tags))
    assert run.status == "Success", run.failure_message
    assert ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="setting")["TagList"] == tags
    both = trial.run(step("aws:createTags", ResourceType="Parameter", ResourceIds=["a", "b"], Tags=tags))
    assert "single id" in both.failure_message


@pytest.mark.parametrize("state", ["stopped", "running", "terminated"])
def test_change_instance_state_changes_it_and_waits(trial, ec2, state):
    run = trial.run(
        launch(),
        step("aws:changeInstanceState", InstanceIds=["{{ launch.InstanceIds }}"], DesiredState=state),
    )
    assert run.status == "Success", run.failure_message
    assert run.steps[1].outputs["InstanceStates"] == [state]
    found = ec2.describe_instances(InstanceIds=run.steps[0].outputs["InstanceIds"])
    assert found["Reservations"][0]["Instances"][0]["State"]["Name"] == state


def test_change_instance_state_can_only_check(trial):
    run = trial.run(
        launch(),
        {
            **step(
                "aws:changeInstanceState",
                InstanceIds=["{{ launch.InstanceIds }}"],
                DesiredState="stopped",
                CheckStateOnly=True,
            ),
            "timeoutSeconds": 30,
        },
    )
    assert run.status == "TimedOut"
    assert "ec2:StopInstances" not in trial.calls


def test_change_instance_state_refuses_another_state(trial):
    run = trial.run(step("aws:changeInstanceState", InstanceIds=["i-1"], DesiredState="asleep"))
    assert "DesiredState must be one of running, stopped, terminated" in run.failure_message


def property_of_launched(action: str, *desired: str) -> dict[str, Any]:
    return step(
        action,
        "look",
        Service="ec2",
        Api="DescribeInstances",
        InstanceIds=["{{ launch.InstanceIds }}"],
        PropertySelector="$.Reservations[0].Instances[0].State.Name",
        DesiredValues=list(desired),
    )


def test_assert_passes_when_the_property_has_a_desired_value(trial):
    looks = property_of_launched("aws:assertAwsResourceProperty", "stopped", "running")
    assert trial.run(launch(), looks).status == "Success"


def test_assert_fails_and_says_what_it_found(trial):
    run = trial.run(launch(), property_of_launched("aws:assertAwsResourceProperty", "stopped"))
    assert run.status == "Failed"
    assert 'Property value from the API output: "running" is not in desired values: ["stopped"]' in (
        run.failure_message
    )
    assert run.steps[1].failure.type == "Verification"


def test_a_selector_that_cannot_be_read_is_not_waited_for(trial):
    waits = step(
        "aws:waitForAwsResourceProperty",
        Service="ec2",
        Api="DescribeImages",
        PropertySelector="{{ Selector }}",
        DesiredValues=["x"],
    )
    run = trial.run(waits, Selector=["$[["])
    assert (run.status, "The PropertySelector cannot be used" in run.failure_message) == ("Failed", True)


def test_assert_knows_booleans_by_the_capital_letters_of_the_guide(trial):
    looks = step(
        "aws:assertAwsResourceProperty",
        Service="ec2",
        Api="DescribeVpcs",
        PropertySelector="$.Vpcs[0].IsDefault",
        DesiredValues=["True"],
    )
    assert trial.run(looks).status == "Success"


def test_wait_goes_on_when_the_property_gets_the_value(trial, ec2):
    run = trial.begin(
        {"mainSteps": [launch(), property_of_launched("aws:waitForAwsResourceProperty", "stopped")]}
    )
    trial.advance(run, until=trial.clock.now() + dt.timedelta(seconds=60))
    assert run.current_step.name == "look"
    ec2.stop_instances(InstanceIds=run.steps[0].outputs["InstanceIds"])
    trial.advance(run)
    assert run.status == "Success"


def test_execute_aws_api_names_what_it_does_not_know(trial):
    service = trial.run(step("aws:executeAwsApi", Service="simpledb2", Api="Nothing"))
    assert "simpledb2 is not a known AWS service" in service.failure_message
    api = trial.run(step("aws:executeAwsApi", Service="ec2", Api="MakeCoffee"))
    assert "ec2 has no API operation named MakeCoffee" in api.failure_message


def test_execute_aws_api_reports_parameters_that_the_api_does_not_take(trial):
    run = trial.run(step("aws:executeAwsApi", Service="ec2", Api="DescribeVpcs", Colour="green"))
    assert 'Unknown parameter in input: "Colour"' in run.failure_message


def test_execute_aws_api_fails_when_an_output_is_of_another_type(trial):
    looks = step("aws:executeAwsApi", Service="ec2", Api="DescribeVpcs")
    looks["outputs"] = [{"Name": "id", "Selector": "$.Vpcs[0].VpcId", "Type": "Integer"}]
    run = trial.run(looks)
    assert run.status == "Failed"
    assert run.steps[0].failure.stage == "PostVerification"


@pytest.mark.parametrize(
    ("condition", "truth"),
    [
        ({"Variable": "Linux", "StringEquals": "Linux"}, True),
        ({"Variable": "Linux", "StringEquals": "linux"}, False),
        ({"Variable": "Linux", "EqualsIgnoreCase": "linux"}, True),
        ({"Variable": "Linux", "StartsWith": "Lin"}, True),
        ({"Variable": "Linux", "EndsWith": "ux"}, True),
        ({"Variable": "Linux", "Contains": "inu"}, True),
        ({"Variable": ["a", "b"], "Contains": "b"}, True),
        ({"Variable": "3", "NumericEquals": 3}, True),
        ({"Variable": 3, "NumericGreater": 2}, True),
        ({"Variable": 3, "NumericLesser": "2"}, False),
        ({"Variable": 3, "NumericGreaterOrEquals": 3}, True),
        ({"Variable": 3, "NumericLesserOrEquals": 2.5}, False),
        ({"Variable": "True", "BooleanEquals": True}, True),
        ({"Variable": False, "BooleanEquals": "true"}, False),
        ({"Not": {"Variable": "a", "StringEquals": "b"}}, True),
        ({"And": [{"Variable": 1, "NumericEquals": 1}, {"Variable": "a", "StringEquals": "b"}]}, False),
        ({"Or": [{"Variable": 1, "NumericEquals": 1}, {"Variable": "a", "StringEquals": "b"}]}, True),
    ],
)
def test_branch_compares_as_the_guide_says(condition, truth):
    assert holds(condition) is truth


def test_branch_refuses_a_choice_without_an_operation():
    with pytest.raises(InvalidInputs):
        holds({"Variable": "a"})
    with pytest.raises(InvalidInputs):
        holds({"Variable": "many", "NumericGreater": 1})


def branch(**inputs: Any) -> list[dict[str, Any]]:
    naps = [
        step("aws:sleep", name, Duration="PT1S") | {"isEnd": True} for name in ("windows", "linux", "other")
    ]
    return [step("aws:branch", "choose", **inputs), *naps]


@pytest.mark.parametrize(
    ("system", "default", "reached"),
    [
        ("Windows", None, "windows"),
        ("Linux", "other", "linux"),
        ("BeOS", "other", "other"),
        ("BeOS", None, "windows"),
    ],
)
def test_branch_goes_where_the_first_true_choice_leads(trial, system, default, reached):
    choices = [
        {"NextStep": "windows", "Variable": "{{ OS }}", "StringEquals": "Windows"},
        {"NextStep": "linux", "Variable": "{{ OS }}", "StringEquals": "Linux"},
    ]
    inputs = {"Choices": choices} | ({"Default": default} if default else {})
    run = trial.run(*branch(**inputs), OS=[system])
    assert [each.name for each in run.steps if each.status == "Success"] == ["choose", reached]
    assert run.steps[0].outputs == {"NextStep": reached}


def test_pause_waits_for_a_resume_signal(trial):
    run = trial.run(step("aws:pause"), step("aws:sleep", "after", Duration="PT1S"))
    assert (run.status, run.steps[0].status) == ("Waiting", "Waiting")
    trial.signal(run, "Resume", ALICE)
    assert run.status == "Success"


def approval(**inputs: Any) -> dict[str, Any]:
    return step("aws:approve", Approvers=[ALICE, BOB], **inputs)


def test_approve_waits_until_enough_have_approved(trial):
    run = trial.run(approval(MinRequiredApprovals="2"))
    assert (run.status, run.steps[0].outputs["ApprovalStatus"]) == ("Waiting", "Waiting")
    trial.signal(run, "Approve", ALICE, "looks good")
    assert run.status == "Waiting"
    trial.signal(run, "Approve", BOB)
    assert run.status == "Success"
    outputs = run.steps[0].outputs
    assert outputs["ApprovalStatus"] == "Approved"
    assert [each["approver"] for each in outputs["ApproverDecisions"]] == [ALICE, BOB]
    assert outputs["ApproverDecisions"][0]["comment"] == "looks good"


def test_one_rejection_ends_it(trial):
    run = trial.run(approval())
    trial.signal(run, "Reject", BOB, "not now")
    assert run.status == "Failed"
    assert f"Approval is rejected by {BOB}. Comment: not now" in run.failure_message
    assert run.steps[0].outputs["ApprovalStatus"] == "Rejected"


def test_approve_times_out_after_seven_days(trial):
    run = trial.run(approval())
    trial.clock.move_to(trial.clock.now() + dt.timedelta(days=7))
    trial.advance(run)
    assert (run.status, run.steps[0].status) == ("TimedOut", "TimedOut")


def test_approve_refuses_more_approvals_than_approvers(trial):
    run = trial.run(approval(MinRequiredApprovals=3))
    assert (
        "MinRequiredApprovals must lie between 1 and the number of approvers (2), not 3"
        in run.failure_message
    )


def test_approve_tells_the_topic_once(trial):
    topic = boto3.client("sns", region_name="us-east-1").create_topic(Name="Automation-Approvals")["TopicArn"]
    run = trial.run(approval(NotificationArn=topic, Message="May we?"))
    trial.signal(run, "Approve", ALICE)
    assert run.status == "Success"
    assert trial.calls == ["sns:Publish"]
