"""Status changes on the event bus, and their delivery to the queues of rules."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.conftest import Sandbox

RULE = {"source": ["aws.ssm"]}
SLEEP = {"name": "rest", "action": "aws:sleep", "inputs": {"Duration": "PT0.1S"}}


class Listener:
    """A queue that a rule of the default bus delivers to."""

    def __init__(self, sandbox: Sandbox, region: str) -> None:
        self.name = f"notices-{uuid.uuid4()}"
        self.sqs = sandbox.client("sqs", region=region)
        self.events = sandbox.client("events", region=region)
        self.url = self.sqs.create_queue(QueueName=self.name)["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        self.arn = attributes["Attributes"]["QueueArn"]

    def listen(self, pattern: dict[str, Any]) -> str:
        rule = self.events.put_rule(Name=self.name, EventPattern=json.dumps(pattern))["RuleArn"]
        self.events.put_targets(Rule=self.name, Targets=[{"Id": "queue", "Arn": self.arn}])
        return str(rule)

    def admit(self, rule_arn: str) -> None:
        policy = {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": self.arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
            },
        }
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": json.dumps(policy)})

    def heard(self) -> list[dict[str, Any]]:
        heard = []
        while messages := self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages"):
            heard.extend(json.loads(message["Body"]) for message in messages)
            for message in messages:
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return heard

    def stop(self) -> None:
        self.events.remove_targets(Rule=self.name, Ids=["queue"])
        self.events.delete_rule(Name=self.name)


@pytest.fixture
def listener(sandbox: Sandbox) -> Any:
    made = Listener(sandbox, "us-east-1")
    yield made
    made.stop()


def test_each_change_of_a_status_is_told(
    listener: Listener,
    ssm: Any,
    make_document: Callable[..., str],
    finish: Callable[..., dict[str, Any]],
) -> None:
    name = make_document(SLEEP)
    listener.admit(listener.listen({**RULE, "detail": {"Definition": [name]}}))
    execution_id = ssm.start_automation_execution(DocumentName=name)["AutomationExecutionId"]
    finish(execution_id)

    heard = listener.heard()

    told = [(each["detail"].get("StepName"), each["detail"]["Status"]) for each in heard]
    assert told == [
        (None, "InProgress"),
        ("rest", "InProgress"),
        ("rest", "Success"),
        (None, "Success"),
    ]
    step, run = heard[2], heard[3]
    assert step["detail-type"] == "EC2 Automation Step Status-change Notification"
    assert run["detail-type"] == "EC2 Automation Execution Status-change Notification"
    assert {
        key: step["detail"][key] for key in ("ExecutionId", "Definition", "DefinitionVersion", "Action")
    } == {
        "ExecutionId": execution_id,
        "Definition": name,
        "DefinitionVersion": 1.0,
        "Action": "aws:sleep",
    }
    assert run["resources"] == [
        f"arn:aws:ssm:us-east-1:123456789012:automation-execution/{execution_id}",
        f"arn:aws:ssm:us-east-1:123456789012:automation-definition/{name}:1",
    ]
    assert run["detail"]["ExecutedBy"] == "arn:aws:iam::123456789012:root"
    assert run["detail"]["Time"] >= 100
    assert {"StartTime", "EndTime"} <= set(run["detail"])


def test_a_run_that_fails_or_is_cancelled_is_told_of(
    listener: Listener,
    ssm: Any,
    make_document: Callable[..., str],
    finish: Callable[..., dict[str, Any]],
) -> None:
    failing = make_document(
        {"name": "ask", "action": "aws:executeAwsApi", "inputs": {"Service": "sts", "Api": "AssumeRole"}}
    )
    pausing = make_document({"name": "halt", "action": "aws:pause", "inputs": {}})
    listener.admit(
        listener.listen(
            {**RULE, "detail": {"Definition": [failing, pausing], "Status": [{"anything-but": "InProgress"}]}}
        )
    )
    finish(ssm.start_automation_execution(DocumentName=failing)["AutomationExecutionId"])
    paused = ssm.start_automation_execution(DocumentName=pausing)["AutomationExecutionId"]
    finish(paused, "Waiting")
    ssm.stop_automation_execution(AutomationExecutionId=paused)
    finish(paused)

    told = [(each["detail"].get("StepName"), each["detail"]["Status"]) for each in listener.heard()]

    assert told[:2] == [("ask", "Failed"), (None, "Failed")]
    assert ("halt", "Waiting") in told
    assert told[-2:] == [("halt", "Cancelled"), (None, "Cancelled")]


def test_a_queue_without_a_policy_for_the_rule_gets_nothing(
    listener: Listener,
    ssm: Any,
    make_document: Callable[..., str],
    finish: Callable[..., dict[str, Any]],
) -> None:
    name = make_document(SLEEP)
    rule = listener.listen({**RULE, "detail": {"Definition": [name]}})
    finish(ssm.start_automation_execution(DocumentName=name)["AutomationExecutionId"])
    listener.admit(f"{rule}-of-somebody-else")
    finish(ssm.start_automation_execution(DocumentName=name)["AutomationExecutionId"])
    listener.admit(rule)
    listener.events.disable_rule(Name=listener.name)
    finish(ssm.start_automation_execution(DocumentName=name)["AutomationExecutionId"])

    assert listener.heard() == []
