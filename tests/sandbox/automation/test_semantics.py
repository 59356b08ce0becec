"""Properties that all steps share, held against the guide: attempts, throttles, timeouts, outputs, stops."""

import datetime as dt
import json
from typing import Any

import botocore.exceptions
import pytest
from botocore.awsrequest import AWSResponse

from sandbox.automation.engine import Engine


def sleep(name: str, duration: str = "PT1S", **more: Any) -> dict[str, Any]:
    return {"name": name, "action": "aws:sleep", "inputs": {"Duration": duration}, **more}


def look(name: str = "look", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "action": "aws:executeAwsApi",
        "inputs": {"Service": "ec2", "Api": "DescribeVpcs"},
        **more,
    }


def output(selector: str, kind: str | None = None) -> dict[str, Any]:
    return {"Name": "it", "Selector": selector, **({"Type": kind} if kind else {})}


# --- throttles ---


@pytest.fixture
def throttled(trial):
    """A trial whose first `times` calls of an EC2 operation are throttled; the limit is a minute."""

    def begin(times: int, *steps: dict[str, Any], limit: int = 60, operation: str = "DescribeVpcs") -> Any:
        left = [times]
        client = trial._client(None, "ec2")

        def refuse(**_: Any) -> Any:
            trial.calls.append("asked")
            if left[0] == 0:
                return None
            left[0] -= 1
            body = {"Error": {"Code": "RequestLimitExceeded", "Message": "Request limit exceeded."}}
            return AWSResponse("", 503, {}, None), {**body, "ResponseMetadata": {"HTTPStatusCode": 503}}

        client.meta.events.register_first(f"before-call.ec2.{operation}", refuse)
        trial.engine = Engine(
            store=trial.store, clock=trial.clock, client=trial._client, throttling_limit=lambda _: limit
        )
        execution = trial.begin({"mainSteps": list(steps)})
        trial.advance(execution)
        return execution

    return begin


def test_a_throttled_call_is_tried_again_within_the_accounts_limit(trial, throttled):
    run = throttled(4, look())
    assert run.status == "Success", run.failure_message
    assert trial.calls.count("asked") == 5
    assert (run.steps[0].attempt, run.ended_at - run.started_at) == (1, dt.timedelta(seconds=15))


def test_after_the_limit_come_the_attempts_of_the_step(trial, throttled):
    run = throttled(10_000, look(maxAttempts=2))
    assert run.status == "Failed"
    assert run.steps[0].failure.type == "Throttling"
    # 1 + 2 + 4 + 8 + 16 + 30 seconds are a minute, for each of two attempts a second apart.
    assert run.ended_at - run.started_at == dt.timedelta(seconds=123)


def test_without_a_limit_a_throttle_is_a_failure_like_any_other(trial, throttled):
    run = throttled(1, look(), limit=0)
    assert (run.status, trial.calls.count("asked")) == ("Failed", 1)


def test_a_step_that_has_changed_something_goes_on_where_it_was_throttled(trial, throttled):
    step = {"name": "launch", "action": "aws:runInstances", "inputs": {"ImageId": "ami-12c6146b"}}
    run = throttled(3, step, operation="DescribeInstances")
    assert run.status == "Success"
    assert (trial.calls.count("asked"), trial.calls.count("ec2:RunInstances")) == (4, 1)


def test_the_limit_is_a_setting_of_the_account_and_region(sandbox, ssm):
    name = "/ssm/automation/throttling-retry-time-limit"
    found = ssm.get_service_setting(SettingId=name)["ServiceSetting"]
    assert (found["SettingValue"], found["Status"]) == ("0", "Default")
    ssm.update_service_setting(SettingId=found["ARN"], SettingValue="3600")
    changed = ssm.get_service_setting(SettingId=name)["ServiceSetting"]
    assert (changed["SettingValue"], changed["Status"]) == ("3600", "Customized")
    assert changed["LastModifiedUser"].endswith(":root")
    elsewhere = sandbox.client("ssm", region="eu-west-1")
    assert elsewhere.get_service_setting(SettingId=name)["ServiceSetting"]["SettingValue"] == "0"
    assert ssm.reset_service_setting(SettingId=name)["ServiceSetting"]["Status"] == "Default"
    for value in ("3601", "-1", "soon"):
        with pytest.raises(botocore.exceptions.ClientError, match="between 0 and 3600 seconds"):
            ssm.update_service_setting(SettingId=name, SettingValue=value)
    with pytest.raises(botocore.exceptions.ClientError, match="ServiceSettingNotFound"):
        ssm.get_service_setting(SettingId="/ssm/other")


# --- outputs and references ---


@pytest.mark.parametrize(
    ("selector", "kind", "value"),
    [
        ("$.Vpcs[0].IsDefault", "Boolean", True),
        ("$.Vpcs[0].IsDefault", "String", "true"),
        ("$.Vpcs[0].State", "String", "available"),
        ("Vpcs[0].State", None, "available"),
        ("$..IsDefault", "StringList", ["true"]),
        ("$.Vpcs[?(@.IsDefault == true)].State", "String", "available"),
        ("$.ResponseMetadata['HTTPStatusCode']", "Integer", 200),
        ("$.Vpcs[0].State", "StringList", ["available"]),
    ],
)
def test_an_output_has_the_type_that_it_is_declared_with(trial, selector, kind, value):
    run = trial.run(look(outputs=[output(selector, kind)]))
    assert run.status == "Success", run.failure_message
    assert run.steps[0].outputs["it"] == value
    assert type(run.steps[0].outputs["it"]) is type(value)


@pytest.mark.parametrize("kind", ["Integer", "Boolean", "StringMap", "MapList"])
def test_an_output_of_another_type_fails_the_step_after_the_call(trial, kind):
    run = trial.run(look(outputs=[output("$.Vpcs[0].State", kind)]))
    assert run.status == "Failed"
    assert f"is not of type {kind}" in run.failure_message
    assert (run.steps[0].failure.stage, run.steps[0].failure.type) == ("PostVerification", "Verification")


def test_a_reference_stands_for_a_whole_list_map_number_or_truth(trial):
    kinds = {
        "List": "StringList",
        "Map": "StringMap",
        "Maps": "MapList",
        "Number": "Integer",
        "Flag": "Boolean",
    }
    given = {
        "List": ["a", "b"],
        "Map": ['{"k": "v"}'],
        "Maps": ['{"k": 1}'],
        "Number": ["7"],
        "Flag": ["true"],
    }
    execution = trial.begin(
        {
            "parameters": {name: {"type": kind} for name, kind in kinds.items()},
            "mainSteps": [
                look(
                    inputs={
                        "Service": "ec2",
                        "Api": "DescribeVpcs",
                        **{name: f"{{{{ {name} }}}}" for name in kinds},
                        "Text": "{{ Number }} and {{Flag}} and {{ Map }} and {{ List }}",
                        "Deep": {"in": ["{{ Number }}", "{{ List }}", "x"]},
                    }
                )
            ],
        },
        **given,
    )
    trial.advance(execution)
    inputs = execution.steps[0].inputs
    assert inputs["List"] == ["a", "b"]
    assert inputs["Map"] == {"k": "v"}
    assert inputs["Maps"] == [{"k": 1}]
    assert (inputs["Number"], inputs["Flag"]) == (7, True)
    assert inputs["Text"] == '7 and true and {"k":"v"} and ["a","b"]'
    assert inputs["Deep"] == {"in": [7, "a", "b", "x"]}


def test_get_automation_execution_shows_a_hundred_steps_and_says_that_there_are_more(
    ssm, make_document, finish
):
    nap = {"name": "nap", "action": "aws:sleep", "inputs": {"Duration": "PT0S"}}
    steps = [
        {
            "name": name,
            "action": "aws:loop",
            "inputs": {"Iterators": ["x"] * count, "Steps": [{**nap, "name": own}]},
        }
        for name, own, count in (("one", "first", 100), ("two", "second", 5))
    ]
    started = ssm.start_automation_execution(DocumentName=make_document(*steps))
    found = finish(started["AutomationExecutionId"])
    assert (len(found["StepExecutions"]), found["StepExecutionsTruncated"]) == (100, True)
    pages = ssm.get_paginator("describe_automation_step_executions").paginate(
        AutomationExecutionId=started["AutomationExecutionId"]
    )
    names = [each["StepName"] for page in pages for each in page["StepExecutions"]]
    assert names == ["one", *["first"] * 100, "two", *["second"] * 5]


# --- timeouts and stopping ---


@pytest.mark.parametrize("action", ["aws:approve", "aws:pause"])
def test_people_are_waited_for_thirty_days_at_most(trial, action):
    step = {"name": "wait", "action": action, "inputs": {"Approvers": ["someone"]}}
    run = trial.run({**step, "timeoutSeconds": 2_592_001})
    assert "must be 2592000 at most" in run.failure_message
    fine = trial.begin({"mainSteps": [{**step, "timeoutSeconds": 2_592_000}]})
    trial.advance(fine)
    assert (fine.status, fine.steps[0].deadline) == ("Waiting", trial.clock.now() + dt.timedelta(days=30))


WAITS = {
    "sleep": sleep("one", "PT1H"),
    "pause": {"name": "one", "action": "aws:pause", "inputs": {}},
    "approve": {"name": "one", "action": "aws:approve", "inputs": {"Approvers": ["someone"]}},
    "poll": {
        "name": "one",
        "action": "aws:waitForAwsResourceProperty",
        "inputs": {
            "Service": "ec2",
            "Api": "DescribeVpcs",
            "PropertySelector": "$.Vpcs[0].State",
            "DesiredValues": ["gone"],
        },
    },
}


@pytest.mark.parametrize("kind", WAITS)
def test_cancelling_ends_every_kind_of_step_at_once_and_cleans_up(trial, kind):
    run = trial.begin({"mainSteps": [{**WAITS[kind], "onCancel": "step:tidy"}, sleep("skip"), look("tidy")]})
    trial.advance(run, until=trial.clock.now() + dt.timedelta(seconds=30))
    asked = trial.clock.now()
    run.stop_requested = "Cancel"
    trial.advance(run)
    assert [step.status for step in run.steps] == ["Cancelled", "Pending", "Success"]
    assert (run.status, run.ended_at, run.steps[0].ended_at) == ("Cancelled", asked, asked)


@pytest.mark.parametrize(
    ("kind", "status"), [("sleep", "Success"), ("pause", "Cancelled"), ("approve", "Cancelled")]
)
def test_completing_waits_for_the_step_but_not_for_people(trial, kind, status):
    run = trial.begin({"mainSteps": [WAITS[kind], sleep("never")]})
    trial.advance(run, until=trial.clock.now())
    run.stop_requested = "Complete"
    trial.advance(run)
    assert run.status == "Success"
    assert [step.status for step in run.steps] == [status, "Pending"]


def test_a_cancelled_cleaning_up_that_fails_ends_the_run_as_cancelled(trial):
    run = trial.begin(
        {"mainSteps": [sleep("one", "PT1H", onCancel="step:tidy"), sleep("tidy", "P9D"), sleep("more")]}
    )
    trial.advance(run, until=trial.clock.now())
    run.stop_requested = "Cancel"
    trial.advance(run)
    assert [step.status for step in run.steps] == ["Cancelled", "Failed", "Pending"]
    assert run.status == "Cancelled"


def test_attempts_are_a_second_then_two_then_four_apart(trial):
    run = trial.run(look(outputs=[output("$.Vpcs[0].State", "Integer")], maxAttempts=4))
    assert trial.calls.count("ec2:DescribeVpcs") == 4
    assert run.ended_at - run.started_at == dt.timedelta(seconds=7)


def test_what_a_failed_step_answered_is_kept(trial):
    run = trial.run(look(inputs={"Service": "ec2", "Api": "DescribeVpcs", "VpcIds": ["vpc-00000000"]}))
    assert (run.steps[0].response_code, "vpc-00000000" in run.steps[0].response) == ("400", True)
    assert json.dumps(run.steps[0].failure.details) == json.dumps(
        {"ErrorCode": ["InvalidVpcID.NotFound"], "Operation": ["DescribeVpcs"]}
    )


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ({"NotificationArn": "arn:aws:sns:us-east-1:123456789012:Alerts"}, "must begin with Automation"),
        (
            {"NotificationArn": "arn:aws:sns:us-east-1:123456789012:Automation", "Message": "x" * 4_097},
            "4096 characters at most",
        ),
    ],
)
def test_approvers_are_told_by_topics_and_messages_that_the_guide_allows(trial, inputs, why):
    run = trial.run({"name": "ask", "action": "aws:approve", "inputs": {"Approvers": ["someone"], **inputs}})
    assert why in run.failure_message
    assert trial.calls == []


def test_braces_that_name_nothing_are_text_where_another_language_is_written(trial):
    user_data = "#!/bin/sh\nawk '{{ print }}' {{ Path }} {{ never.ran }}"
    run = trial.run(
        {
            "name": "launch",
            "action": "aws:runInstances",
            "inputs": {"ImageId": "ami-12c6146b", "UserData": user_data},
        },
        Path=["/etc/hosts"],
    )
    assert run.steps[0].inputs["UserData"] == user_data.replace("{{ Path }}", "/etc/hosts")
    elsewhere = trial.run(look(inputs={"Service": "ec2", "Api": "DescribeVpcs", "Name": "{{ print }}"}))
    assert "Failed to resolve input: print" in elsewhere.failure_message
