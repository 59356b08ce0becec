"""Interactive mode: the run waits between steps until somebody starts the next one.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-working-executing-manually.html
"""

from collections.abc import Callable
from typing import Any

import botocore.exceptions
import pytest

NAP = {"action": "aws:sleep", "inputs": {"Duration": "PT0S"}}
FAILING = {
    "action": "aws:executeAwsApi",
    "inputs": {"Service": "ec2", "Api": "DescribeInstances", "InstanceIds": ["i-0123456789abcdef0"]},
}
HOLD = {"name": "hold", "action": "aws:pause", "inputs": {}}


class Manual:
    """An execution in Interactive mode, and what a person does with it."""

    def __init__(self, ssm: Any, finish: Any, execution_id: str) -> None:
        self.ssm, self.finish, self.id = ssm, finish, execution_id

    def signal(self, kind: str, **payload: str) -> None:
        self.ssm.send_automation_signal(
            AutomationExecutionId=self.id,
            SignalType=kind,
            Payload={name: [value] for name, value in payload.items()},
        )

    def refused(self, kind: str, **payload: str) -> str:
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            self.signal(kind, **payload)
        return str(caught.value.response["Error"]["Code"])

    def wait(self, *statuses: str) -> dict[str, Any]:
        found: dict[str, Any] = self.finish(self.id, *statuses)
        return found

    def statuses(self) -> dict[str, str]:
        return {each["StepName"]: each["StepStatus"] for each in self.wait("Waiting")["StepExecutions"]}

    def after(self, name: str, status: str) -> None:
        """Wait until the step has the status and the run waits."""
        while self.statuses().get(name) != status:
            pass


@pytest.fixture
def begin(ssm: Any, make_document: Any, finish: Any) -> Callable[..., Manual]:
    def start(*steps: dict[str, Any]) -> Manual:
        started = ssm.start_automation_execution(DocumentName=make_document(*steps), Mode="Interactive")
        return Manual(ssm, finish, started["AutomationExecutionId"])

    return start


def test_it_waits_before_between_and_after_the_steps_until_it_is_completed(begin, ssm):
    run = begin({"name": "one", **NAP}, {"name": "two", **NAP})
    found = run.wait("Waiting")
    assert (found["Mode"], found["AutomationExecutionStatus"]) == ("Interactive", "Waiting")
    assert {each["StepStatus"] for each in found["StepExecutions"]} == {"Pending"}
    run.signal("StartStep", StepName="one")
    run.after("one", "Success")
    assert run.statuses()["two"] == "Pending"
    run.signal("StartStep", StepName="two")
    run.after("two", "Success")
    ssm.stop_automation_execution(AutomationExecutionId=run.id, Type="Complete")
    assert run.wait()["AutomationExecutionStatus"] == "Success"


def test_only_a_step_that_comes_next_can_be_started(begin):
    run = begin({"name": "one", **NAP}, {"name": "two", **NAP})
    run.wait("Waiting")
    assert run.refused("StartStep", StepName="two") == "InvalidAutomationSignalException"
    assert run.refused("StartStep", StepName="other") == "AutomationStepNotFoundException"
    assert run.refused("StartStep") == "InvalidAutomationSignalException"
    assert run.refused("Resume", StepName="one") == "InvalidAutomationSignalException"


def test_after_a_branch_each_way_can_be_taken(begin):
    choice = {"NextStep": "two", "Variable": "x", "StringEquals": "x"}
    run = begin(
        {"name": "which", "action": "aws:branch", "inputs": {"Choices": [choice], "Default": "three"}},
        {"name": "two", **NAP},
        {"name": "three", **NAP},
    )
    run.wait("Waiting")
    run.signal("StartStep", StepName="which")
    run.after("which", "Success")
    run.signal("StartStep", StepName="three")
    run.after("three", "Success")
    assert run.statuses()["two"] == "Pending"


def test_a_step_can_be_stopped_and_started_again(begin):
    run = begin(
        {"name": "long", "action": "aws:sleep", "inputs": {"Duration": "PT1H"}}, {"name": "two", **NAP}
    )
    run.wait("Waiting")
    assert run.refused("StopStep", StepExecutionId="nothing") == "AutomationStepNotFoundException"
    run.signal("StartStep", StepName="long")
    step = run.wait("InProgress")["StepExecutions"][0]
    assert run.refused("StartStep", StepName="two") == "InvalidAutomationSignalException"
    run.signal("StopStep", StepExecutionId=step["StepExecutionId"])
    run.after("long", "Cancelled")
    assert (
        run.refused("StopStep", StepExecutionId=step["StepExecutionId"]) == "InvalidAutomationSignalException"
    )
    run.signal("StartStep", StepName="long")
    steps = run.wait("InProgress")["StepExecutions"]
    assert [each["StepName"] for each in steps if each["StepStatus"] == "InProgress"] == ["long"]


def test_a_paused_step_is_resumed_and_then_the_run_waits(begin):
    run = begin(HOLD, {"name": "two", **NAP})
    run.wait("Waiting")
    run.signal("StartStep", StepName="hold")
    run.after("hold", "Waiting")
    run.signal("Resume", StepName="hold")
    run.after("hold", "Success")
    assert run.statuses()["two"] == "Pending"


def test_a_failure_that_aborts_ends_the_run_and_cancelling_does(begin, ssm):
    run = begin({"name": "bad", **FAILING}, {"name": "two", **NAP})
    run.wait("Waiting")
    run.signal("StartStep", StepName="bad")
    assert run.wait()["AutomationExecutionStatus"] == "Failed"
    other = begin({"name": "one", **NAP})
    other.wait("Waiting")
    ssm.stop_automation_execution(AutomationExecutionId=other.id, Type="Cancel")
    assert other.wait()["AutomationExecutionStatus"] == "Cancelled"


def test_signals_for_steps_are_for_this_mode_only(ssm, make_document, finish):
    started = ssm.start_automation_execution(DocumentName=make_document(HOLD))
    run = Manual(ssm, finish, started["AutomationExecutionId"])
    run.wait("Waiting")
    assert run.refused("StartStep", StepName="hold") == "InvalidAutomationSignalException"
    run.signal("Resume", StepName="hold")
