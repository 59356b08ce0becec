"""Executions that an alarm of CloudWatch stops."""

import uuid
from typing import Any

import pytest

HOLD = {"name": "hold", "action": "aws:pause", "inputs": {}, "onCancel": "step:tidy"}
TIDY = {
    "name": "tidy",
    "action": "aws:executeAwsApi",
    "inputs": {"Service": "sts", "Api": "GetCallerIdentity"},
}


class Alarm:
    def __init__(self, client: Any) -> None:
        self._client, self.name = client, f"alarm-{uuid.uuid4()}"
        client.put_metric_alarm(
            AlarmName=self.name, ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1
        )

    def becomes(self, state: str) -> None:
        self._client.set_alarm_state(AlarmName=self.name, StateValue=state, StateReason="a test")


@pytest.fixture
def alarm(sandbox: Any) -> Alarm:
    return Alarm(sandbox.client("cloudwatch"))


def started(ssm: Any, document: str, alarm: str, **more: Any) -> str:
    configuration = {"Alarms": [{"Name": alarm}], **more}
    answer = ssm.start_automation_execution(DocumentName=document, AlarmConfiguration=configuration)
    return str(answer["AutomationExecutionId"])


def test_an_alarm_that_goes_off_cancels_the_run_with_its_on_cancel_steps(ssm, make_document, finish, alarm):
    execution_id = started(ssm, make_document(HOLD, TIDY), alarm.name)
    running = finish(execution_id, "Waiting")
    assert running["AlarmConfiguration"] == {"Alarms": [{"Name": alarm.name}]}
    alarm.becomes("INSUFFICIENT_DATA")
    assert "TriggeredAlarms" not in finish(execution_id, "Waiting")
    alarm.becomes("ALARM")
    ended = finish(execution_id)
    assert ended["AutomationExecutionStatus"] == "Cancelled"
    assert ended["TriggeredAlarms"] == [{"Name": alarm.name, "State": "ALARM"}]
    assert [step["StepStatus"] for step in ended["StepExecutions"]] == ["Cancelled", "Success"]


def test_a_run_is_cancelled_that_starts_under_an_alarm_or_one_that_is_not_there(
    ssm, make_document, finish, alarm
):
    alarm.becomes("ALARM")
    document = make_document(HOLD, TIDY)
    assert finish(started(ssm, document, alarm.name))["AutomationExecutionStatus"] == "Cancelled"
    ended = finish(started(ssm, document, "no-such-alarm"))
    assert ended["TriggeredAlarms"] == [{"Name": "no-such-alarm", "State": "UNKNOWN"}]
    ignored = started(ssm, document, "no-such-alarm", IgnorePollAlarmFailure=True)
    finish(ignored, "Waiting")
    ssm.stop_automation_execution(AutomationExecutionId=ignored)


def test_an_alarm_that_is_deleted_is_unknown(sandbox, ssm, make_document, finish, alarm):
    execution_id = started(ssm, make_document(HOLD, TIDY), alarm.name)
    finish(execution_id, "Waiting")
    sandbox.client("cloudwatch").delete_alarms(AlarmNames=[alarm.name])
    assert finish(execution_id)["TriggeredAlarms"] == [{"Name": alarm.name, "State": "UNKNOWN"}]
