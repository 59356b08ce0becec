"""aws:runCommand, Run Command's API, and the results that an account's root scripts for it."""

import hashlib
import json
import time
import urllib.error
from typing import Any

import botocore.exceptions
import pytest

AMI = "ami-12c6146b"
TRUST_SSM = {
    "Effect": "Allow",
    "Principal": {"Service": "ssm.amazonaws.com"},
    "Action": "sts:AssumeRole",
}
SHELL = "AWS-RunShellScript"


@pytest.fixture(scope="module")
def instances(sandbox: Any) -> list[str]:
    """Two instances that run and have a tag of this module's own, and one that is stopped and has it too."""
    ec2 = sandbox.client("ec2")
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Fleet", "Value": "commands"}]}]
    launched = ec2.run_instances(
        ImageId=AMI, InstanceType="t3.micro", MinCount=3, MaxCount=3, TagSpecifications=tags
    )
    ids = [each["InstanceId"] for each in launched["Instances"]]
    ec2.stop_instances(InstanceIds=ids[2:])
    return ids


def step(**inputs: Any) -> dict[str, Any]:
    return {"name": "command", "action": "aws:runCommand", "inputs": inputs}


def outputs(run: dict[str, Any]) -> dict[str, Any]:
    return dict(run["StepExecutions"][0].get("Outputs", {}))


def echo(marker: str) -> dict[str, list[str]]:
    return {"commands": [f"echo {marker}"]}


def test_a_command_succeeds_with_the_output_that_was_scripted(sandbox, ssm, automate, instances):
    marker = f"m{time.time_ns()}"
    sandbox.command_results("POST", Contains=marker, StandardOutput="hello\n", Times=1)
    inputs = {
        "DocumentName": SHELL,
        "InstanceIds": instances[:1],
        "Parameters": {"commands": f"echo {marker}"},
        "Comment": "a comment",
        "TimeoutSeconds": "60",
        "MaxConcurrency": "1",
        "MaxErrors": "0",
        "OutputS3BucketName": "outputs",
        "OutputS3KeyPrefix": "prefix",
        "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "group", "CloudWatchOutputEnabled": "true"},
    }
    run = automate(step(**inputs))
    assert run["AutomationExecutionStatus"] == "Success", run.get("FailureMessage")
    found = outputs(run)
    assert found["Status"] == ["Success"]
    assert found["ResponseCode"] == ["0"]
    assert found["Output"] == ["hello\n"]
    assert found["InstanceIds"] == instances[:1]
    command = ssm.list_commands(CommandId=found["CommandId"][0])["Commands"][0]
    assert command["Parameters"] == echo(marker)
    assert (command["Comment"], command["TimeoutSeconds"]) == ("a comment", 60)
    assert (command["OutputS3BucketName"], command["OutputS3KeyPrefix"]) == ("outputs", "prefix")
    assert command["CloudWatchOutputConfig"]["CloudWatchOutputEnabled"] is True
    result = ssm.get_command_invocation(CommandId=command["CommandId"], InstanceId=instances[0])
    assert (result["StandardOutputContent"], result["PluginName"]) == ("hello\n", "aws:runShellScript")
    # The result counted once: without one a command succeeds and says nothing.
    assert outputs(automate(step(**inputs)))["Output"] == [""]


def test_a_command_that_fails_is_told_with_its_code_and_both_streams(sandbox, automate, instances):
    marker = f"m{time.time_ns()}"
    sandbox.command_results(
        "POST", Contains=marker, ResponseCode=3, StandardOutput="half", StandardError="no disk"
    )
    run = automate(step(DocumentName=SHELL, InstanceIds=instances[:1], Parameters=echo(marker)))
    text = "half\n----------ERROR-------\nno disk\nfailed to run commands: exit status 3"
    found = outputs(run)
    assert (found["Status"], found["ResponseCode"], found["Output"]) == (["Failed"], ["3"], [text])
    command_id = found["CommandId"][0]
    payload = json.dumps(
        {"Status": "Failed", "ResponseCode": 3, "Output": text, "CommandId": command_id},
        separators=(",", ":"),
    )
    assert run["FailureMessage"] == (
        "Step fails when it is verifying the command has completed. Command "
        f"{command_id} returns unexpected invocation result: \n{{Status=[Failed], ResponseCode=[3], "
        f"Output=[{text}], OutputPayload=[{payload}], CommandId=[{command_id}]}}. Please refer to Automation "
        "Service Troubleshooting Guide for more diagnosis details."
    )


def test_targets_are_the_running_instances_with_the_tags_or_of_the_group(sandbox, ssm, automate, instances):
    run = automate(
        step(
            DocumentName=SHELL,
            Targets=[{"Key": "tag:Fleet", "Values": ["commands"]}],
            Parameters=echo("x"),
            DocumentVersion="$DEFAULT",
        )
    )
    assert run["AutomationExecutionStatus"] == "Success", run.get("FailureMessage")
    assert sorted(outputs(run)["InstanceIds"]) == sorted(instances[:2])
    query = {
        "ResourceTypeFilters": ["AWS::EC2::Instance"],
        "TagFilters": [{"Key": "Fleet", "Values": ["commands"]}],
    }
    sandbox.client("resource-groups").create_group(
        Name="commanded", ResourceQuery={"Type": "TAG_FILTERS_1_0", "Query": json.dumps(query)}
    )
    group = [{"Key": "resource-groups:Name", "Values": ["commanded"]}]
    of_group = automate(step(DocumentName=SHELL, Targets=group, Parameters=echo("x")))
    assert sorted(outputs(of_group)["InstanceIds"]) == sorted(instances[:2])
    nobody = ssm.send_command(
        DocumentName=SHELL, Targets=[{"Key": "tag-key", "Values": ["Nobody"]}], Parameters=echo("x")
    )
    settled = ssm.list_commands(CommandId=nobody["Command"]["CommandId"])["Commands"][0]
    assert (settled["Status"], settled["StatusDetails"]) == ("Success", "NoInstancesInTag")


def test_errors_beyond_the_limit_end_the_command_for_the_instances_that_wait(sandbox, ssm, instances):
    marker = f"m{time.time_ns()}"
    sandbox.command_results("POST", Contains=marker, ResponseCode=1)
    request = {"DocumentName": SHELL, "InstanceIds": instances[:2], "Parameters": echo(marker)}
    stopped = ssm.send_command(**request, MaxConcurrency="1", MaxErrors="0")["Command"]["CommandId"]
    found = ssm.list_command_invocations(CommandId=stopped)["CommandInvocations"]
    assert [each["StatusDetails"] for each in found] == ["Failed", "Terminated"]
    allowed = ssm.send_command(**request, MaxConcurrency="50%", MaxErrors="100%")["Command"]["CommandId"]
    command = ssm.list_commands(CommandId=allowed)["Commands"][0]
    assert (command["StatusDetails"], command["ErrorCount"]) == ("Incomplete", 2)


def endless(sandbox: Any, instance: str) -> dict[str, Any]:
    """A step whose command never ends by itself."""
    marker = f"m{time.time_ns()}"
    sandbox.command_results("POST", Contains=marker, Status="InProgress")
    return step(DocumentName=SHELL, InstanceIds=[instance], Parameters=echo(marker), Comment=marker)


def await_commands(client: Any, sender: dict[str, Any], *statuses: str) -> None:
    """Wait until the step has sent as many commands as there are statuses, and they have these."""
    for _ in range(500):
        commands = client.list_commands()["Commands"]
        comment = sender["inputs"]["Comment"]
        found = [each["Status"] for each in commands if each.get("Comment") == comment]
        if found == list(statuses):
            return
        time.sleep(0.02)
    raise AssertionError(f"the commands never became {statuses}: {found}")


def test_each_attempt_of_a_step_that_times_out_cancels_its_command(timeless, make_document, finish):
    client = timeless.client("ssm")
    launched = timeless.client("ec2").run_instances(
        ImageId=AMI, InstanceType="t3.micro", MinCount=1, MaxCount=1
    )
    waiting = endless(timeless, launched["Instances"][0]["InstanceId"])
    content = {"schemaVersion": "0.3", "mainSteps": [{**waiting, "timeoutSeconds": 60, "maxAttempts": 2}]}
    name = f"Impatient-{time.time_ns()}"
    client.create_document(Name=name, DocumentType="Automation", Content=json.dumps(content))
    run_id = client.start_automation_execution(DocumentName=name)["AutomationExecutionId"]
    run = finish(run_id, client=client)
    assert run["FailureMessage"].startswith(
        "Step timed out while step is verifying the command has completed."
    )
    await_commands(client, waiting, "Cancelled", "Cancelled")


@pytest.mark.parametrize("more", [{}, {"onCancel": "step:after"}])
def test_the_command_of_a_run_that_is_cancelled_is_cancelled(
    sandbox, ssm, make_document, finish, instances, more
):
    waiting = endless(sandbox, instances[0])
    name = make_document(
        {**waiting, **more}, {"name": "after", "action": "aws:sleep", "inputs": {"Duration": "PT0S"}}
    )
    run_id = ssm.start_automation_execution(DocumentName=name)["AutomationExecutionId"]
    await_commands(ssm, waiting, "InProgress")
    ssm.stop_automation_execution(AutomationExecutionId=run_id)
    assert finish(run_id)["AutomationExecutionStatus"] == "Cancelled"
    await_commands(ssm, waiting, "Cancelled")


def test_a_run_ends_although_its_role_may_not_cancel_the_command(
    sandbox, ssm, make_document, finish, instances
):
    may = {"Effect": "Allow", "Action": ["ssm:SendCommand", "ssm:List*"], "Resource": "*"}
    role = sandbox.make_role(f"NoCancel-{time.time_ns()}", TRUST_SSM, may)
    waiting = endless(sandbox, instances[0])
    name = make_document(waiting, assumeRole=role)
    run_id = ssm.start_automation_execution(DocumentName=name)["AutomationExecutionId"]
    await_commands(ssm, waiting, "InProgress")
    ssm.stop_automation_execution(AutomationExecutionId=run_id)
    assert finish(run_id)["AutomationExecutionStatus"] == "Cancelled"
    await_commands(ssm, waiting, "InProgress")


def test_instances_that_do_not_run_are_not_managed(automate, instances):
    for instance_id in ("i-00000000000000000", instances[2]):
        run = automate(step(DocumentName=SHELL, InstanceIds=[instance_id], Parameters=echo("x")))
        assert run["FailureMessage"].startswith(
            "Step fails when it is Execute/Sending command. Get Exception from SendCommand API of ssm "
            f"Service. Exception Message from SendCommand API: [Instances [[{instance_id}]] not in a valid "
            "state for account 123456789012 (Service: AWSSimpleSystemsManagement; Status Code: 400; "
            "Error Code: InvalidInstanceId;"
        )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"DocumentName": "AWS-NoSuchDocument"}, "InvalidDocument"),
        ({"DocumentVersion": "7"}, "InvalidDocumentVersion"),
        ({"DocumentHash": "0" * 64, "DocumentHashType": "Sha256"}, "InvalidDocument"),
        ({"Parameters": {}}, "InvalidParameters"),
        ({"Parameters": {"Word": ["x"], "Other": ["y"]}}, "InvalidParameters"),
        ({"MaxErrors": "many"}, "ValidationException"),
        ({"InstanceIds": None}, "InvalidInstanceId"),
    ],
)
def test_a_command_is_refused_as_aws_refuses_it(ssm, instances, own_document, change, code):
    request = {"DocumentName": own_document, "InstanceIds": instances[:1], "Parameters": {"Word": ["x"]}}
    request = {name: value for name, value in {**request, **change}.items() if value is not None}
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        ssm.send_command(**request)
    assert caught.value.response["Error"]["Code"] == code


CONTENT = json.dumps(
    {
        "schemaVersion": "2.2",
        "parameters": {"Word": {"type": "String"}},
        "mainSteps": [
            {"name": "say", "action": "aws:runShellScript", "inputs": {"runCommand": ["echo {{ Word }}"]}}
        ],
    }
)


@pytest.fixture(scope="module")
def own_document(sandbox: Any) -> str:
    name = f"Say-{time.time_ns()}"
    sandbox.client("ssm").create_document(
        Name=name, DocumentType="Command", DocumentFormat="JSON", Content=CONTENT
    )
    return name


def test_a_document_of_ones_own_runs_when_its_hash_is_right(automate, instances, own_document):
    run = automate(
        step(
            DocumentName=own_document,
            InstanceIds=instances[:1],
            Parameters={"Word": "x"},
            DocumentHash=hashlib.sha256(CONTENT.encode()).hexdigest(),
            DocumentHashType="Sha256",
        )
    )
    assert run["AutomationExecutionStatus"] == "Success", run.get("FailureMessage")


def test_an_instance_that_the_role_may_not_command_is_denied_although_its_tag_is_meant(
    sandbox, automate, instances
):
    base = "arn:aws:ec2:us-east-1:123456789012:instance"
    role = sandbox.make_role(
        f"Commands-{time.time_ns()}",
        TRUST_SSM,
        {
            "Effect": "Allow",
            "Action": ["ssm:SendCommand"],
            "Resource": [f"arn:aws:ssm:*::document/{SHELL}", f"{base}/{instances[0]}"],
        },
        {"Effect": "Allow", "Action": ["ssm:ListCommands", "ssm:ListCommandInvocations"], "Resource": "*"},
    )
    by_id = step(DocumentName=SHELL, InstanceIds=instances[1:2], Parameters=echo("x"))
    assert "not authorized to perform: ssm:SendCommand" in automate(by_id, role=role)["FailureMessage"]
    by_tag = step(
        DocumentName=SHELL,
        Targets=[{"Key": "InstanceIds", "Values": instances[1:2]}],
        Parameters=echo("x"),
    )
    assert outputs(automate(by_tag, role=role))["Status"] == ["Failed"]
    allowed = step(DocumentName=SHELL, InstanceIds=instances[:1], Parameters=echo("x"))
    assert automate(allowed, role=role)["AutomationExecutionStatus"] == "Success"


def test_only_root_scripts_results_and_wrong_ones_are_refused_with_a_reason(sandbox):
    keys = sandbox.make_user(
        f"scripter-{time.time_ns()}", {"Effect": "Allow", "Action": "*", "Resource": "*"}
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        sandbox.command_results("POST", keys, StandardOutput="x")
    assert caught.value.code == 403
    for body, word in (
        ({"Output": "x"}, "no Output"),
        ({"Status": "Odd"}, "Status"),
        ({"Times": 0}, "Times"),
    ):
        with pytest.raises(urllib.error.HTTPError) as caught:
            sandbox.command_results("POST", **body)
        assert word in json.load(caught.value)["message"]
    sandbox.command_results("POST", DocumentName="AWS-Other", StandardOutput="x", Seconds=1.5)
    assert {
        "DocumentName": "AWS-Other",
        "Status": "Success",
        "ResponseCode": 0,
        "StandardOutput": "x",
        "StandardError": "",
        "Seconds": 1.5,
    } in sandbox.command_results("GET")["CommandResults"]
