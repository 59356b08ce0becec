"""What the user guide shows on the page of each action.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-actions.html
"""

import json
import re
from typing import Any

import pytest

from tests.sandbox.guide.conftest import ADMINISTRATOR, Guide, Step, call, command, sleep


def step(name: str, action: str, **inputs: Any) -> Step:
    """A step with three attempts, as most of the guide's examples have them."""
    return {
        "name": name,
        "action": f"aws:{action}",
        "maxAttempts": 3,
        "onFailure": "Abort",
        "inputs": inputs,
    }


def test_approve_lets_a_named_user_decide(guide: Guide) -> None:
    keys = guide.sandbox.make_user("Approver-1", ADMINISTRATOR)
    topic = guide.sandbox.client("sns").create_topic(Name="AutomationApprovals")["TopicArn"]
    ask = step(
        "approve",
        "approve",
        NotificationArn=topic,
        Message="{{ message }}",
        MinRequiredApprovals=1,
        Approvers=["arn:aws:iam::123456789012:user/Approver-1"],
    )
    started = guide.start(
        {**ask, "timeoutSeconds": 1000},
        command("tell", guide.instance(), "date", "AWS-RunPowerShellScript"),
        parameters={"message": {"type": "String"}},
        values={"message": ["Shall it run?"]},
    )
    guide.wait(started, "Waiting")

    guide.sandbox.client("ssm", keys).send_automation_signal(
        AutomationExecutionId=started, SignalType="Approve", Payload={"Comment": ["yes"]}
    )
    run = guide.wait(started)

    assert (run.status, run.order) == ("Success", ["approve", "tell"]), run
    assert run.output("approve", "ApprovalStatus") == ["Approved"]
    assert "Approver-1" in run.output("approve", "ApproverDecisions")[0]


def test_approve_counts_users_by_name_and_arn_and_roles(guide: Guide) -> None:
    users = {name: guide.sandbox.make_user(name, ADMINISTRATOR) for name in ("Iam-1", "Iam-2", "Iam-3")}
    trust = {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}
    role = guide.sandbox.make_role("Iam-Role", trust, ADMINISTRATOR)
    started = guide.start(
        step(
            "approve",
            "approve",
            Message="Please approve",
            MinRequiredApprovals=3,
            Approvers=["Iam-1", "Iam-2", "arn:aws:iam::123456789012:user/Iam-3", role],
        )
    )
    guide.wait(started, "Waiting")

    session = guide.sandbox.assume(users["Iam-2"], role, "in-the-role")
    for keys in (users["Iam-1"], users["Iam-3"], session):
        assert guide.wait(started, "Waiting").status == "Waiting"
        guide.sandbox.client("ssm", keys).send_automation_signal(
            AutomationExecutionId=started, SignalType="Approve"
        )

    assert guide.wait(started).status == "Success"


def test_assert_and_wait_look_at_a_property(guide: Guide) -> None:
    instance = guide.instance()
    look = {
        "Service": "ec2",
        "Api": "DescribeInstanceStatus",
        "InstanceIds": [instance],
        "PropertySelector": "$.InstanceStatuses[0].InstanceState.Name",
    }

    good = guide.run(
        step("wait", "waitForAwsResourceProperty", **look, DesiredValues=["running"]),
        step("assert", "assertAwsResourceProperty", **look, DesiredValues=["stopped", "running"]),
    )
    bad = guide.run(step("assert", "assertAwsResourceProperty", **look, DesiredValues=["stopped"]))
    late = guide.run(
        {
            **step("wait", "waitForAwsResourceProperty", **look, DesiredValues=["stopped"]),
            "timeoutSeconds": 60,
            "maxAttempts": 1,
        }
    )

    assert good.status == "Success", good
    assert bad.status == "Failed"
    assert 'Property value from the API output: "running"' in bad.step("assert")["FailureMessage"]
    assert (late.status, late.step("wait")["StepStatus"]) == ("TimedOut", "TimedOut"), late


def test_change_instance_state_only_checks_when_told_so(guide: Guide) -> None:
    instance = guide.instance()
    guide.ec2.stop_instances(InstanceIds=[instance])
    check = step(
        "stopped", "changeInstanceState", InstanceIds=[instance], CheckStateOnly=True, DesiredState="stopped"
    )

    run = guide.run({**check, "timeoutSeconds": 3600})

    assert run.status == "Success", run
    assert run.output("stopped", "InstanceStates") == ["stopped"]


def test_images_are_made_copied_and_deleted(guide: Guide) -> None:
    instance = guide.instance()

    run = guide.run(
        step(
            "make",
            "createImage",
            InstanceId=instance,
            ImageName="Made on {{global:DATE_TIME}}",
            NoReboot=True,
            ImageDescription="a new one",
        ),
        step(
            "copy",
            "copyImage",
            SourceImageId="{{ make.ImageId }}",
            SourceRegion="us-east-1",
            ImageName="Encrypted copy",
            ImageDescription="Copied on {{global:DATE}}",
            Encrypted=True,
        ),
        {**step("delete", "deleteImage", ImageId="{{ make.ImageId }}"), "timeoutSeconds": 180},
    )

    assert run.status == "Success", run
    assert run.output("make", "ImageState") == run.output("copy", "ImageState") == ["available"]
    named = json.loads(run.step("make")["Inputs"]["ImageName"])
    assert re.fullmatch(r"Made on \d{4}-\d\d-\d\d_\d\d\.\d\d\.\d\d", named)
    left = {image["ImageId"] for image in guide.ec2.describe_images(Owners=["self"])["Images"]}
    assert left == set(run.output("copy", "ImageId"))


def test_a_stack_is_made_and_deleted(guide: Guide) -> None:
    template = {
        "Parameters": {"Holder": {"Type": "String"}, "Name": {"Type": "String"}},
        "Resources": {
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "Name"}}},
        },
    }
    s3 = guide.sandbox.client("s3")
    s3.create_bucket(Bucket="guide-templates")
    s3.put_object(Bucket="guide-templates", Key="stack", Body=json.dumps(template).encode())

    run = guide.run(
        {
            **step(
                "make",
                "createStack",
                Capabilities=["CAPABILITY_IAM"],
                StackName="guide",
                TemplateURL="http://s3.amazonaws.com/guide-templates/stack",
                TimeoutInMinutes=5,
                Parameters=[
                    {"ParameterKey": "Holder", "ParameterValue": "{{ Holder }}"},
                    {"ParameterKey": "Name", "ParameterValue": "made-{{automation:EXECUTION_ID}}"},
                ],
            ),
            "maxAttempts": 1,
        },
        call("look", "sqs", "ListQueues", ("Urls", "$.QueueUrls", "StringList"), QueueNamePrefix="made-"),
        {**step("delete", "deleteStack", StackName="guide"), "maxAttempts": 1},
        parameters={"Holder": {"type": "String", "default": "nobody"}},
    )

    assert run.status == "Success", run
    assert run.output("make", "StackStatus") == ["CREATE_COMPLETE"]
    assert run.output("look", "Urls")[0].endswith(f"made-{run.id}")
    assert "QueueUrls" not in guide.sandbox.client("sqs").list_queues(QueueNamePrefix="made-")


def test_tags_are_put_on_several_resources(guide: Guide) -> None:
    instance = guide.instance()
    volume = guide.ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    tags = [{"Key": "production", "Value": ""}, {"Key": "department", "Value": "devops"}]

    run = guide.run(step("tag", "createTags", ResourceType="EC2", ResourceIds=[volume, instance], Tags=tags))

    assert run.status == "Success", run
    for resource in (instance, volume):
        filters = [{"Name": "resource-id", "Values": [resource]}]
        found = guide.ec2.describe_tags(Filters=filters)["Tags"]
        assert {(tag["Key"], tag["Value"]) for tag in found} == {("production", ""), ("department", "devops")}


def test_instances_are_launched_with_profile_and_tags(guide: Guide) -> None:
    iam = guide.sandbox.client("iam")
    iam.create_instance_profile(InstanceProfileName="Profile")
    wanted = {"LaunchedBy": "SSMAutomation", "Category": "Fleet"}

    run = guide.run(
        {
            **step(
                "launch",
                "runInstances",
                ImageId="{{ Image }}",
                InstanceType="t2.micro",
                MinInstanceCount=1,
                MaxInstanceCount=2,
                IamInstanceProfileName="Profile",
                TagSpecifications=[
                    {
                        "ResourceType": "instance",
                        "Tags": [{"Key": key, "Value": value} for key, value in wanted.items()],
                    }
                ],
            ),
            "timeoutSeconds": 1200,
        },
        step(
            "end", "changeInstanceState", InstanceIds=["{{ launch.InstanceIds }}"], DesiredState="terminated"
        ),
        parameters={"Image": {"type": "String", "default": "ami-00000000"}},
        values={"Image": [guide.image]},
    )

    assert run.status == "Success", run
    assert len(run.output("launch", "InstanceIds")) == 2
    assert run.output("launch", "InstanceStates") == ["running", "running"]
    assert run.output("end", "InstanceStates") == ["terminated", "terminated"]


def test_another_automation_is_run_and_its_output_used(guide: Guide) -> None:
    launch = guide.document(
        step("launch", "runInstances", ImageId=guide.image), outputs=["launch.InstanceIds"]
    )
    snapshot = guide.document(
        call(
            "snap",
            "ec2",
            "CreateSnapshot",
            ("Id", "$.SnapshotId", "String"),
            VolumeId="{{ VolumeId }}",
            Description="{{ Description }}",
        ),
        parameters={"VolumeId": {"type": "String"}, "Description": {"type": "String"}},
        outputs=["snap.Id"],
    )

    run = guide.run(
        step("launch", "executeAutomation", DocumentName=launch),
        call(
            "volume",
            "ec2",
            "DescribeVolumes",
            ("Id", "$.Volumes[0].VolumeId", "String"),
            Filters=[{"Name": "attachment.instance-id", "Values": ["{{ launch.Output }}"]}],
        ),
        {
            **step(
                "snapshot",
                "executeAutomation",
                DocumentName=snapshot,
                RuntimeParameters={
                    "VolumeId": ["{{ volume.Id }}"],
                    "Description": ["Root of {{ launch.Output }}"],
                },
            ),
            "timeoutSeconds": 3600,
        },
    )

    assert run.status == "Success", run
    assert run.output("snapshot", "Status") == ["Success"]
    (made,) = guide.ec2.describe_snapshots(SnapshotIds=run.output("snapshot", "Output"))["Snapshots"]
    assert made["VolumeId"] == run.output("volume", "Id")[0]
    assert run.output("launch", "Output")[0] in made["Description"]


TAGGING = """
def tag(events, context):
    import boto3
    boto3.client("ec2").create_tags(
        Resources=[events["instance"]], Tags=[{"Key": "Env", "Value": "Example"}]
    )
"""


def test_a_script_tags_an_instance(guide: Guide) -> None:
    instance = guide.instance()
    script = {"Runtime": "python3.8", "Handler": "tag", "Script": TAGGING}

    run = guide.run(
        step("tag", "executeScript", **script, InputPayload={"instance": "{{ Instance }}"}),
        parameters={"Instance": {"type": "String"}},
        values={"Instance": [instance]},
    )

    assert run.status == "Success", run
    tags = guide.ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [instance]}])["Tags"]
    assert [(tag["Key"], tag["Value"]) for tag in tags] == [("Env", "Example")]


def test_a_function_is_invoked_with_a_payload(guide: Guide) -> None:
    guide.make_function("Hello", "def handler(event, context):\n    return {'greeting': 'hello'}\n")
    guide.make_function(
        "Root-Volume", "def handler(event, context):\n    return event['Instance'] + '-root'\n"
    )

    plain = guide.run({**step("hello", "invokeLambdaFunction", FunctionName="Hello"), "timeoutSeconds": 120})
    given = guide.run(
        step(
            "find",
            "invokeLambdaFunction",
            FunctionName="Root-{{ Kind }}",
            Payload='{"Instance": "{{ Instance }}", "Run": "{{automation:EXECUTION_ID}}"}',
        ),
        parameters={
            "Instance": {"type": "String", "default": "i-1"},
            "Kind": {"type": "String", "default": "Volume"},
        },
    )

    assert plain.status == "Success", plain
    assert json.loads(plain.output("hello", "Payload")[0]) == {"greeting": "hello"}
    assert plain.output("hello", "StatusCode") == ["200"]
    assert given.output("find", "Payload") == ['"i-1-root"'], given


def test_a_state_machine_is_executed(guide: Guide) -> None:
    definition = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}
    states = guide.sandbox.client("stepfunctions")
    machine = states.create_state_machine(
        name="Machine", definition=json.dumps(definition), roleArn=guide.role
    )["stateMachineArn"]

    run = guide.run(
        {
            "name": "execute",
            "action": "aws:executeStateMachine",
            "inputs": {"stateMachineArn": machine, "input": '{"parameters": "values"}', "name": "named"},
        }
    )

    assert run.status == "Success", run
    (executed,) = states.list_executions(stateMachineArn=machine)["executions"]
    assert (executed["name"], executed["status"]) == ("named", "SUCCEEDED")
    assert run.output("execute", "executionArn") == [executed["executionArn"]]


def test_a_pause_lasts_until_somebody_resumes(guide: Guide) -> None:
    started = guide.start(step("halt", "pause"), sleep("after"))
    guide.wait(started, "Waiting")

    guide.ssm.send_automation_signal(
        AutomationExecutionId=started, SignalType="Resume", Payload={"StepName": ["halt"]}
    )

    assert guide.wait(started).status == "Success"


def test_commands_run_on_instances_and_on_tagged_ones(guide: Guide) -> None:
    tags = [{"Key": "Stage", "Value": "Gamma"}, {"Key": "Suite", "Value": "any"}]
    specified = [{"ResourceType": "instance", "Tags": tags}]
    instance = guide.instance(TagSpecifications=specified)
    guide.sandbox.command_results("POST", Contains="PartOfDomain", StandardOutput="True\n")
    asking = {
        "DocumentName": "AWS-RunPowerShellScript",
        "Parameters": {"commands": ["(Get-WmiObject -Class Win32_ComputerSystem).PartOfDomain"]},
    }

    run = guide.run(
        step("byId", "runCommand", **asking, InstanceIds=["{{ Ids }}"]),
        step(
            "byTag",
            "runCommand",
            **asking,
            Targets=[
                {"Key": "tag:Stage", "Values": ["Gamma", "Beta"]},
                {"Key": "tag-key", "Values": ["Suite"]},
            ],
        ),
        step(
            "logged",
            "runCommand",
            **asking,
            InstanceIds=["{{ Ids }}"],
            CloudWatchOutputConfig={"CloudWatchLogGroupName": "group", "CloudWatchOutputEnabled": True},
        ),
        parameters={"Ids": {"type": "StringList"}},
        values={"Ids": [instance]},
    )

    assert run.status == "Success", run
    for name in run.order:
        assert (run.output(name, "Status"), run.output(name, "ResponseCode")) == (["Success"], ["0"])
        assert "True" in run.output(name, "Output")[0]
    commands = guide.ssm.list_commands(InstanceId=instance)["Commands"]
    assert len(commands) == 3


def test_sleep_takes_a_duration_or_a_moment(guide: Guide) -> None:
    run = guide.run(
        sleep("some", "PT10M"),
        {"name": "past", "action": "aws:sleep", "inputs": {"Timestamp": "2020-01-01T01:00:00Z"}},
    )

    assert run.status == "Success", run
    took = [(each["ExecutionEndTime"] - each["ExecutionStartTime"]).total_seconds() for each in run.steps]
    assert took[0] == pytest.approx(600, abs=5)
    assert took[1] < 5


POLLING = """
import boto3

def poll(events, context):
    sqs = boto3.client("sqs")
    found = [sqs.receive_message(QueueUrl=events["queue"], WaitTimeSeconds=20) for _ in range(30)]
    return sum(len(each.get("Messages", [])) for each in found)
"""


def test_a_script_waits_for_no_message_in_real_time(guide: Guide) -> None:
    # For real these polls would take ten minutes, and nobody waits that long here.
    queue = guide.sandbox.client("sqs").create_queue(QueueName="never-written")["QueueUrl"]
    script = {"Runtime": "python3.11", "Handler": "poll", "Script": POLLING}

    run = guide.run(step("poll", "executeScript", **script, InputPayload={"queue": queue}))

    assert run.status == "Success", run
    assert json.loads(run.output("poll", "OutputPayload")[0])["Payload"] == 0
