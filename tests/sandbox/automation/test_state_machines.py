"""aws:executeStateMachine, and state machines whose tasks act as their role."""

import json
import time
from typing import Any

import pytest

TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "states.amazonaws.com"},
    "Action": "sts:AssumeRole",
}
TRUST_SSM = {**TRUST, "Principal": {"Service": "ssm.amazonaws.com"}}


@pytest.fixture(scope="module")
def queue(sandbox: Any) -> str:
    return str(sandbox.client("sqs").create_queue(QueueName=f"states-{time.time_ns()}")["QueueUrl"])


@pytest.fixture(scope="module")
def machine(sandbox: Any, queue: str) -> Any:
    """Make a state machine of these states, which may do what `statement` allows; returns its ARN."""

    def make(states: dict[str, Any], *statements: dict[str, Any]) -> str:
        role = sandbox.make_role(f"States-{time.time_ns()}", TRUST, *statements)
        definition = {"StartAt": next(iter(states)), "States": states}
        return str(
            sandbox.client("stepfunctions").create_state_machine(
                name=f"machine-{time.time_ns()}", definition=json.dumps(definition), roleArn=role
            )["stateMachineArn"]
        )

    return make


def step(**inputs: Any) -> dict[str, Any]:
    return {"name": "machine", "action": "aws:executeStateMachine", "inputs": inputs}


def outputs(run: dict[str, Any]) -> dict[str, Any]:
    return {name: value[0] for name, value in run["StepExecutions"][0].get("Outputs", {}).items()}


def test_a_state_machine_runs_to_its_end_and_its_output_is_the_steps(automate, machine):
    arn = machine(
        {
            "Choose": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.n", "NumericGreaterThan": 1, "Next": "Big"}],
                "Default": "Small",
            },
            "Big": {"Type": "Pass", "Result": {"size": "big"}, "End": True},
            "Small": {"Type": "Fail", "Error": "TooSmall", "Cause": "it is small"},
        }
    )
    name = f"run-{time.time_ns()}"
    run = automate(step(stateMachineArn=arn, input='{"n": 2}', name=name))
    assert run["AutomationExecutionStatus"] == "Success", run.get("FailureMessage")
    found = outputs(run)
    assert json.loads(found["output"]) == {"size": "big"}
    assert json.loads(found["input"]) == {"n": 2}
    assert (found["status"], found["name"], found["stateMachineArn"]) == ("SUCCEEDED", name, arn)
    assert found["executionArn"].endswith(name)
    assert found["startDate"] <= found["stopDate"]
    failed = automate(step(stateMachineArn=arn, input={"n": 1}))
    assert "ended with the status FAILED. TooSmall: it is small" in failed["FailureMessage"]
    assert outputs(failed)["status"] == "FAILED"


def send(queue: str) -> dict[str, Any]:
    return {
        "Send": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage",
            "Parameters": {"QueueUrl": queue, "MessageBody": "hello"},
            "End": True,
        }
    }


def test_tasks_act_as_the_machines_role(sandbox, automate, machine, queue):
    may_not = automate(step(stateMachineArn=machine(send(queue))))
    assert "not authorized to perform: sqs:SendMessage" in may_not["FailureMessage"]
    allow = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    may = automate(step(stateMachineArn=machine(send(queue), allow)))
    assert may["AutomationExecutionStatus"] == "Success", may.get("FailureMessage")
    received = sandbox.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert [each["Body"] for each in received] == ["hello"]


def test_starting_needs_the_right_and_the_machine(sandbox, automate, machine):
    arn = machine({"Only": {"Type": "Succeed"}})
    role = sandbox.make_role(
        f"NoStates-{time.time_ns()}",
        TRUST_SSM,
        {"Effect": "Allow", "Action": "states:DescribeExecution", "Resource": "*"},
    )
    run = automate(step(stateMachineArn=arn), role=role)
    assert "not authorized to perform: states:StartExecution" in run["FailureMessage"]
    assert "StateMachineDoesNotExist" in automate(step(stateMachineArn=f"{arn}x"))["FailureMessage"]


def test_a_step_that_times_out_stops_the_execution_of_its_machine(sandbox, automate, machine):
    arn = machine({"Wait": {"Type": "Wait", "Seconds": 600, "End": True}})
    run = automate({**step(stateMachineArn=arn), "timeoutSeconds": 1})
    assert run["AutomationExecutionStatus"] == "TimedOut"
    assert "verifying that the state machine has completed" in run["FailureMessage"]
    states = sandbox.client("stepfunctions")
    for _ in range(500):
        execution = states.list_executions(stateMachineArn=arn)["executions"][0]
        if execution["status"] != "RUNNING":
            break
        time.sleep(0.02)
    assert execution["status"] == "ABORTED"
