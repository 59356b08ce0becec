"""How a run moves through a document, on a clock that only moves when the run waits."""

import datetime as dt
from typing import Any

import boto3
import pytest

from sandbox.automation.engine import Engine
from sandbox.automation.values import NO_OUTPUT

GUIDE = "Please refer to Automation Service Troubleshooting Guide for more diagnosis details."


def sleep(name: str, duration: str = "PT1S", **more: Any) -> dict[str, Any]:
    return {"name": name, "action": "aws:sleep", "inputs": {"Duration": duration}, **more}


def failing(name: str, **more: Any) -> dict[str, Any]:
    inputs = {"Service": "ec2", "Api": "DescribeInstances", "InstanceIds": ["i-0123456789abcdef0"]}
    return {"name": name, "action": "aws:executeAwsApi", "inputs": inputs, **more}


def statuses(execution: Any) -> dict[str, str]:
    return {step.name: step.status for step in execution.steps}


def test_it_runs_steps_in_order_and_ends_in_success(trial):
    run = trial.run(sleep("one"), sleep("two"))
    assert run.status == "Success"
    assert statuses(run) == {"one": "Success", "two": "Success"}
    assert run.steps[0].ended_at <= run.steps[1].started_at


def test_it_sleeps_for_an_hour_without_waiting_for_it(trial):
    run = trial.run(sleep("nap", "PT1H"))
    assert run.ended_at - run.started_at == dt.timedelta(hours=1)


def test_it_sleeps_until_a_timestamp_and_not_at_all_when_that_has_passed(trial):
    until = trial.clock.now() + dt.timedelta(minutes=5)
    step = {"name": "nap", "action": "aws:sleep", "inputs": {"Timestamp": until.isoformat()}}
    assert trial.run(step).ended_at == until
    step["inputs"]["Timestamp"] = "2020-01-01T01:00:00Z"
    late = trial.run(step)
    assert late.ended_at == late.started_at


def test_it_refuses_to_sleep_for_longer_than_seven_days(trial):
    run = trial.run(sleep("nap", "P8D"))
    assert run.status == "Failed"
    assert "604799 seconds" in run.failure_message


def test_it_passes_outputs_on_and_shows_those_that_the_document_declares(trial):
    run = trial.run(
        {
            "name": "find",
            "action": "aws:executeAwsApi",
            "inputs": {"Service": "EC2", "Api": "describe_images", "Owners": ["amazon"]},
            "outputs": [
                {"Name": "first", "Selector": "$.Images[0].ImageId", "Type": "String"},
                {"Name": "all", "Selector": "$.Images..ImageId", "Type": "StringList"},
                {"Name": "none", "Selector": "$.Nothing.Here", "Type": "String"},
            ],
        },
        {
            "name": "again",
            "action": "aws:executeAwsApi",
            "inputs": {"Service": "ec2", "Api": "DescribeImages", "ImageIds": ["{{ find.all }}"]},
            "outputs": [{"Name": "id", "Selector": "$.Images[0].ImageId", "Type": "String"}],
        },
        outputs=("find.first", "again.id", "find.none", "find.missing"),
    )
    assert run.status == "Success", run.failure_message
    found = run.steps[0].outputs
    assert found["first"].startswith("ami-")
    assert run.steps[1].inputs["ImageIds"] == found["all"]
    assert run.outputs["find.first"] == found["first"]
    assert run.outputs["find.none"] == ""
    assert run.outputs["find.missing"] == NO_OUTPUT


def test_it_fits_texts_to_what_the_api_wants(trial):
    boto3.client("sqs", region_name="us-east-1").create_queue(QueueName="work")
    run = trial.run(
        {
            "name": "receive",
            "action": "aws:executeAwsApi",
            "inputs": {
                "Service": "sqs",
                "Api": "ReceiveMessage",
                "QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/work",
                "MaxNumberOfMessages": "{{ Most }}",
            },
        },
        Most=["3"],
    )
    assert run.status == "Success", run.failure_message


def test_a_failing_step_ends_the_run_with_the_words_of_aws(trial):
    run = trial.run(failing("look"), sleep("never"))
    assert run.status == "Failed"
    assert statuses(run) == {"look": "Failed", "never": "Pending"}
    assert run.failure_message == run.steps[0].failure.message
    assert run.failure_message.startswith(
        "Step fails when it is Execute/Cancelling action. An error occurred (InvalidInstanceID.NotFound) "
        "when calling the DescribeInstances operation: "
    )
    assert run.failure_message.endswith(f". {GUIDE}")
    assert run.steps[0].failure.stage == "Invocation"


@pytest.mark.parametrize(
    ("more", "status", "reached"),
    [
        ({"onFailure": "Continue"}, "Success", "next"),
        ({"onFailure": "Continue", "isCritical": True}, "Failed", "next"),
        ({"onFailure": "step:rescue"}, "Failed", "rescue"),
        ({"onFailure": "step:rescue", "isCritical": False}, "Success", "rescue"),
        ({"onFailure": "Abort", "isCritical": False}, "Failed", None),
        ({"onFailure": "Continue", "isEnd": True}, "Success", None),
    ],
)
def test_it_goes_on_after_a_failure_as_the_step_says(trial, more, status, reached):
    run = trial.run(failing("look", **more), sleep("next", isEnd=True), sleep("rescue"))
    assert run.status == status
    assert [step.name for step in run.steps if step.status == "Success"] == ([reached] if reached else [])


def test_it_follows_next_step_and_stops_at_the_end(trial):
    run = trial.run(sleep("one", nextStep="three"), sleep("two"), sleep("three", isEnd=True), sleep("four"))
    assert statuses(run) == {"one": "Success", "two": "Pending", "three": "Success", "four": "Pending"}


def test_it_tries_as_often_as_the_step_says_before_it_fails(trial):
    run = trial.run(failing("look", maxAttempts=3))
    assert trial.calls.count("ec2:DescribeInstances") == 3
    assert run.status == "Failed"
    assert run.ended_at - run.started_at == dt.timedelta(seconds=3)


def test_it_does_not_try_inputs_again_that_can_never_be_right(trial):
    run = trial.run({"name": "nap", "action": "aws:sleep", "maxAttempts": 3, "inputs": {"Duration": "soon"}})
    assert run.steps[0].attempt == 1
    assert run.steps[0].failure.stage == "InputValidation"


def waiting(**more: Any) -> dict[str, Any]:
    return {
        "name": "wait",
        "action": "aws:waitForAwsResourceProperty",
        "inputs": {
            "Service": "ec2",
            "Api": "DescribeVpcs",
            "PropertySelector": "$.Vpcs[0].State",
            "DesiredValues": ["gone"],
        },
        **more,
    }


def test_it_waits_no_longer_than_the_timeout(trial):
    run = trial.run(waiting(timeoutSeconds=60))
    assert run.status == "TimedOut"
    assert run.steps[0].status == "TimedOut"
    assert run.failure_message.startswith("Step timed out while step is ")
    assert run.failure_message.endswith(GUIDE)
    assert run.ended_at - run.started_at == dt.timedelta(seconds=60)


def test_each_attempt_has_the_whole_timeout(trial):
    run = trial.run(waiting(timeoutSeconds=60, maxAttempts=2))
    assert run.ended_at - run.started_at == dt.timedelta(seconds=121)


def test_a_timeout_that_is_not_critical_does_not_decide_the_status(trial):
    run = trial.run(waiting(timeoutSeconds=5, isCritical=False, onFailure="step:after"), sleep("after"))
    assert run.status == "Success"
    assert statuses(run) == {"wait": "TimedOut", "after": "Success"}


def test_it_waits_for_an_hour_when_nothing_else_is_said(trial):
    run = trial.run(waiting())
    assert run.ended_at - run.started_at == dt.timedelta(hours=1)


def test_a_timeout_may_be_a_parameter(trial):
    run = trial.run(waiting(timeoutSeconds="{{ Limit }}"), Limit=["7"])
    assert run.steps[0].timeout_seconds == 7
    for limit in ("soon", "-1", "9" * 30):
        run = trial.run(waiting(timeoutSeconds="{{ Limit }}"), Limit=[limit])
        assert "timeoutSeconds must be" in run.failure_message


def test_an_action_that_is_not_built_fails_the_step_and_is_named(trial):
    run = trial.run({"name": "shell", "action": "aws:runCommand", "inputs": {"DocumentName": "x"}})
    assert run.status == "Failed"
    assert "aws:runCommand" in run.failure_message


def test_a_reference_to_a_step_that_has_not_run_fails_the_step(trial):
    run = trial.run(sleep("nap", "{{ later.Out }}"), sleep("later"))
    assert run.failure_message.startswith(
        "Step fails when it is validating and resolving the step inputs. Failed to resolve input: later.Out."
    )


def test_system_variables_have_values(trial):
    step = {
        "name": "put",
        "action": "aws:executeAwsApi",
        "inputs": {
            "Service": "ssm",
            "Api": "PutParameter",
            "Name": "facts",
            "Type": "String",
            "Value": "{{global:ACCOUNT_ID}} {{ global:REGION }} {{global:DATE}} {{global:DATE_TIME}} "
            "{{global:AWS_PARTITION}} {{automation:EXECUTION_ID}}",
        },
    }
    run = trial.run(step)
    assert run.steps[0].inputs["Value"] == (
        f"123456789012 us-east-1 2026-01-01 2026-01-01_00.00.00 aws {run.id}"
    )


def test_a_step_that_is_entered_again_gets_another_record(trial):
    run = trial.begin(
        {
            "mainSteps": [
                sleep("nap", nextStep="choose"),
                {
                    "name": "choose",
                    "action": "aws:branch",
                    "inputs": {
                        "Choices": [
                            {"NextStep": "nap", "Variable": "{{global:DATE_TIME}}", "EndsWith": "_00.00.01"}
                        ]
                    },
                    "isEnd": True,
                },
            ]
        }
    )
    trial.advance(run)
    assert run.status == "Success"
    assert [step.name for step in run.steps] == ["nap", "choose", "nap", "choose"]
    assert len({step.id for step in run.steps}) == 4


def test_a_run_that_never_ends_is_ended(trial):
    run = trial.run(sleep("one", "PT0S", nextStep="two"), sleep("two", "PT0S", nextStep="one"))
    assert run.status == "Failed"
    assert "looping" in run.failure_message


def test_a_run_in_the_callers_context_ends_after_twelve_hours(trial):
    run = trial.begin({"mainSteps": [sleep("night", "PT20H")]})
    run.deadline = trial.clock.now() + dt.timedelta(hours=12)
    trial.advance(run)
    assert (run.status, run.steps[0].status) == ("TimedOut", "TimedOut")
    assert run.ended_at - run.started_at == dt.timedelta(hours=12)
    assert "12 hours" in run.failure_message


def test_cancelling_ends_the_step_and_the_run(trial):
    run = trial.begin({"mainSteps": [sleep("long", "PT1H"), sleep("never")]})
    trial.advance(run, until=trial.clock.now() + dt.timedelta(minutes=1))
    run.stop_requested = "Cancel"
    trial.advance(run)
    assert run.status == "Cancelled"
    assert statuses(run) == {"long": "Cancelled", "never": "Pending"}


def test_cancelling_goes_on_with_the_steps_that_clean_up(trial):
    run = trial.begin(
        {"mainSteps": [sleep("long", "PT1H", onCancel="step:tidy"), sleep("skip"), sleep("tidy")]}
    )
    trial.advance(run, until=trial.clock.now() + dt.timedelta(minutes=1))
    run.stop_requested = "Cancel"
    trial.advance(run)
    assert run.status == "Cancelled"
    assert statuses(run) == {"long": "Cancelled", "skip": "Pending", "tidy": "Success"}


def test_cleaning_up_may_take_two_minutes(trial):
    run = trial.begin({"mainSteps": [sleep("long", "PT1H", onCancel="step:tidy"), sleep("tidy", "PT1H")]})
    trial.advance(run, until=trial.clock.now() + dt.timedelta(minutes=1))
    run.stop_requested = "Cancel"
    asked = trial.clock.now()
    trial.advance(run)
    assert statuses(run) == {"long": "Cancelled", "tidy": "Cancelled"}
    assert run.ended_at - asked == dt.timedelta(minutes=2)


def test_completing_lets_the_current_step_end_and_begins_no_other(trial):
    run = trial.begin({"mainSteps": [sleep("long", "PT1H"), sleep("never")]})
    trial.advance(run, until=trial.clock.now() + dt.timedelta(minutes=1))
    run.stop_requested = "Complete"
    trial.advance(run)
    assert run.status == "Success"
    assert statuses(run) == {"long": "Success", "never": "Pending"}


def test_a_saved_run_goes_on_where_it_was(trial):
    run = trial.begin({"mainSteps": [sleep("nap", "PT1H"), sleep("two")]})
    trial.advance(run, until=trial.clock.now() + dt.timedelta(minutes=30))
    store = trial.restart()
    engine = Engine(store=store, clock=trial.clock, client=trial._client)
    loaded = store.get(run.id)
    assert loaded is not None and loaded is not run
    engine.recover(loaded)
    while (due := engine.advance(loaded)) is not None:
        trial.clock.move_to(due)
    assert loaded.status == "Success"
    assert loaded.steps[0].ended_at - loaded.steps[0].started_at == dt.timedelta(hours=1)


def test_a_call_that_was_under_way_when_it_was_saved_has_failed_and_says_so(trial):
    step = {
        "name": "launch",
        "action": "aws:runInstances",
        "maxAttempts": 3,
        "inputs": {"ImageId": "ami-12c6146b"},
    }
    run = trial.begin({"mainSteps": [step]})
    saved = []
    kept = {}

    def save():
        kept.update(trial.store.changes())
        if run.steps[0].calling:
            saved.append(dict(kept))

    trial.store.on_change = save
    trial.advance(run)
    assert run.status == "Success"
    store = trial.restart()
    store.load(saved[0])
    engine = Engine(store=store, clock=trial.clock, client=trial._client)
    loaded = store.get(run.id)
    assert loaded is not None and not loaded.finished
    engine.recover(loaded)
    engine.advance(loaded)
    assert loaded.status == "Failed"
    assert "while this step was calling ec2 RunInstances" in loaded.failure_message
    assert trial.calls.count("ec2:RunInstances") == 1


def test_a_halted_engine_begins_nothing_and_forgets_what_was_under_way(trial):
    run = trial.begin({"mainSteps": [failing("look"), sleep("two")]})
    trial.engine.halt()
    assert trial.engine.advance(run) is None
    assert trial.calls == []
    assert run.status == "Pending"
