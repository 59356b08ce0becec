"""What actions wait for outlives a restart: a command, the results scripted for it, and state machines."""

import json
import time
from typing import Any

from tests.sandbox.automation.test_run_command import SHELL, echo, outputs, step
from tests.sandbox.automation.test_state_machines import TRUST
from tests.sandbox.conftest import is_written

AMI = "ami-12c6146b"


def start_command(sandbox: Any) -> str:
    """Start an automation whose command takes three seconds; returns its id."""
    launched = sandbox.client("ec2").run_instances(
        ImageId=AMI, InstanceType="t3.micro", MinCount=1, MaxCount=1
    )
    instance_id = launched["Instances"][0]["InstanceId"]
    sandbox.command_results("POST", Contains="slow", Seconds=3, StandardOutput="done")
    steps = [step(DocumentName=SHELL, InstanceIds=[instance_id], Parameters=echo("slow"))]
    client = sandbox.client("ssm")
    client.create_document(
        Name="Slow",
        DocumentType="Automation",
        DocumentFormat="JSON",
        Content=json.dumps({"schemaVersion": "0.3", "mainSteps": steps}),
    )
    return str(client.start_automation_execution(DocumentName="Slow")["AutomationExecutionId"])


def start_machines(sandbox: Any) -> list[str]:
    """Start a state machine that ends at once, and one that waits for ten minutes; returns their ARNs."""
    client = sandbox.client("stepfunctions")
    states = {"Wait": {"Type": "Wait", "SecondsPath": "$.seconds", "End": True}}
    arn = client.create_state_machine(
        name="kept",
        definition=json.dumps({"StartAt": "Wait", "States": states}),
        roleArn=sandbox.make_role("States", TRUST),
    )["stateMachineArn"]
    return [
        client.start_execution(stateMachineArn=arn, input=json.dumps({"seconds": seconds}))["executionArn"]
        for seconds in (0, 600)
    ]


def test_a_command_goes_on_and_a_state_machine_that_ran_has_failed(launch_sandbox, finish, tmp_path):
    first = launch_sandbox("--state", str(tmp_path))
    ended, waits = start_machines(first)
    machines = first.client("stepfunctions")
    run = start_command(first)
    for _ in range(500):
        # The step has noted which command it waits for.
        noted = is_written("command_id", tmp_path)
        if noted and machines.describe_execution(executionArn=ended)["status"] == "SUCCEEDED":
            break
        time.sleep(0.02)
    first.process.terminate()
    assert first.process.wait(timeout=20) == 0

    again = launch_sandbox("--state", str(tmp_path))
    machines, client = again.client("stepfunctions"), again.client("ssm")
    assert machines.describe_execution(executionArn=ended)["status"] == "SUCCEEDED"
    broken = machines.describe_execution(executionArn=waits)
    assert (broken["status"], broken["error"]) == ("FAILED", "States.Runtime")
    found = finish(run, client=client)
    assert outputs(found)["Output"] == ["done"], found.get("FailureMessage")
    assert len(client.list_commands()["Commands"]) == 1
    assert again.command_results("DELETE")["CommandResults"] == []
