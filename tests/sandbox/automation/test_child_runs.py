"""aws:executeAutomation: a child automation, told of its end, on a sandbox whose time leaps."""

import dataclasses
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.automation.conftest import conforming

TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "ssm.amazonaws.com"},
    "Action": "sts:AssumeRole",
}
SSM = {
    "Effect": "Allow",
    "Action": ["ssm:StartAutomationExecution", "ssm:GetAutomationExecution"],
    "Resource": "*",
}
ROLE = {"parameters": {"Role": {"type": "String", "default": ""}}, "assumeRole": "{{ Role }}"}

# No duration: the step that sleeps for it fails.
SOON = {"Wait": {"type": "String", "default": "soon"}}


def sleep(name: str, duration: str = "PT1H", **more: Any) -> dict[str, Any]:
    return {"name": name, "action": "aws:sleep", "inputs": {"Duration": duration}, **more}


def child(document: str, name: str = "child", more: Any = None, **inputs: Any) -> dict[str, Any]:
    return {
        "name": name,
        "action": "aws:executeAutomation",
        "inputs": {"DocumentName": document, **inputs},
        **(more or {}),
    }


@pytest.fixture
def ssm(timeless: Any) -> Any:
    """Systems Manager of the sandbox whose time leaps, in the place of the usual one's."""
    return conforming(timeless.client("ssm"))


@pytest.fixture
def run(ssm: Any, make_document: Any, finish: Any) -> Callable[..., dict[str, Any]]:
    """Run these steps to their end, whatever it is."""

    def begin(*steps: dict[str, Any], outputs: Any = (), **request: Any) -> dict[str, Any]:
        name = make_document(*steps, outputs=list(outputs))
        started = ssm.start_automation_execution(DocumentName=name, **request)
        found: dict[str, Any] = finish(started["AutomationExecutionId"])
        return found

    return begin


def put(name: str, value: str) -> dict[str, Any]:
    return {
        "name": name,
        "action": "aws:executeAwsApi",
        "inputs": {
            "Service": "ssm",
            "Api": "PutParameter",
            "Name": f"Child-{time.time_ns()}",
            "Type": "String",
            "Value": value,
        },
        "outputs": [{"Name": "version", "Selector": "$.Version", "Type": "Integer"}],
    }


def test_a_child_runs_with_its_parameters_and_its_outputs_come_back(ssm, make_document, run):
    inner = make_document(
        sleep("nap"),
        put("store", "{{ Word }} {{ Words }} {{ Count }}"),
        parameters={
            "Word": {"type": "String"},
            "Words": {"type": "StringList"},
            "Count": {"type": "Integer", "default": 1},
        },
        outputs=["store.version"],
    )
    found = run(
        child(inner, RuntimeParameters={"Word": "hello", "Words": ["a", "b"], "Count": 7}),
        {**put("after", "{{ child.Output }} {{ child.Status }} {{ child.ExecutionId }}")},
        outputs=("child.Output", "child.ExecutionId"),
    )
    assert found["AutomationExecutionStatus"] == "Success", found["FailureMessage"]
    step = found["StepExecutions"][0]
    child_id = step["Outputs"]["ExecutionId"][0]
    assert step["Outputs"] == {"Output": ["1"], "ExecutionId": [child_id], "Status": ["Success"]}
    assert found["Outputs"] == {"child.Output": ["1"], "child.ExecutionId": [child_id]}
    value = json.loads(found["StepExecutions"][1]["Inputs"]["Value"])
    assert value == f'["1"] Success {child_id}'
    started = ssm.get_automation_execution(AutomationExecutionId=child_id)["AutomationExecution"]
    assert started["ParentAutomationExecutionId"] == found["AutomationExecutionId"]
    assert started["Parameters"] == {"Word": ["hello"], "Words": ["a", "b"], "Count": ["7"]}
    listed = ssm.describe_automation_executions(
        Filters=[{"Key": "ParentExecutionId", "Values": [found["AutomationExecutionId"]]}]
    )["AutomationExecutionMetadataList"]
    assert [each["AutomationExecutionId"] for each in listed] == [child_id]
    # An hour of sleep in the child is an hour of the parent's step.
    assert (step["ExecutionEndTime"] - step["ExecutionStartTime"]).total_seconds() == 3600


def test_a_child_that_fails_makes_the_step_fail_and_says_why(make_document, run):
    inner = make_document(sleep("nap", "{{ Wait }}"), parameters=SOON)
    found = run(
        child(inner, more={"onFailure": "step:look"}), sleep("never"), put("look", "{{ child.Status }}")
    )
    step = found["StepExecutions"][0]
    assert (found["AutomationExecutionStatus"], step["StepStatus"]) == ("Failed", "Failed")
    assert step["Outputs"]["Status"] == ["Failed"]
    assert step["Outputs"]["ExecutionId"][0] in step["FailureMessage"]
    assert "not an ISO 8601 duration" in step["FailureMessage"]
    assert step["FailureMessage"].count("Troubleshooting Guide") == 1
    assert json.loads(found["StepExecutions"][2]["Inputs"]["Value"]) == "Failed"


def test_a_child_that_cannot_be_started_makes_the_step_fail(make_document, run):
    absent = run(child("NoSuchDocument"))
    assert "NoSuchDocument could not be found" in absent["FailureMessage"]
    inner = make_document(sleep("nap"), parameters={"Word": {"type": "String"}})
    lacking = run(child(inner))
    assert "InvalidAutomationExecutionParameters" in lacking["FailureMessage"]
    version = run(child(inner, DocumentVersion="7", RuntimeParameters={"Word": "x"}))
    assert "version 7 could not be found" in version["FailureMessage"]


def test_the_role_of_the_parent_must_be_allowed_to_start_the_child(timeless, make_document, ssm, finish):
    inner = make_document(sleep("nap"))
    outer = make_document(child(inner), **ROLE)
    unique = uuid.uuid4().hex[:8]
    able = timeless.make_role(f"Able-{unique}", TRUST, SSM)
    unable = timeless.make_role(f"Unable-{unique}", TRUST)
    for role, status in ((able, "Success"), (unable, "Failed")):
        started = ssm.start_automation_execution(DocumentName=outer, Parameters={"Role": [role]})
        found = finish(started["AutomationExecutionId"])
        assert found["AutomationExecutionStatus"] == status
    assert "not authorized to perform: ssm:StartAutomationExecution" in found["FailureMessage"]
    assert found["StepExecutions"][0]["FailureDetails"]["FailureType"] == "Permission"


def test_children_go_five_levels_deep(ssm, make_document, finish):
    name = make_document(sleep("nap"))
    for _ in range(5):
        name = make_document(child(name))
    deep = ssm.start_automation_execution(DocumentName=name)
    assert finish(deep["AutomationExecutionId"])["AutomationExecutionStatus"] == "Success"
    deeper = ssm.start_automation_execution(DocumentName=make_document(child(name)))
    found = finish(deeper["AutomationExecutionId"])
    assert found["AutomationExecutionStatus"] == "Failed"
    assert "5 levels deep at most" in found["FailureMessage"]


def test_cancelling_the_parent_cancels_its_children(ssm, make_document, finish):
    inner = make_document({"name": "hold", "action": "aws:pause", "inputs": {}})
    outer = make_document(child(make_document(child(inner))))
    top = ssm.start_automation_execution(DocumentName=outer)["AutomationExecutionId"]
    ids = [top]
    while len(ids) < 3:
        found = finish(ids[-1], "InProgress", "Waiting")
        ids += found["StepExecutions"][0].get("Outputs", {}).get("ExecutionId", [])
    finish(ids[-1], "Waiting")
    ssm.stop_automation_execution(AutomationExecutionId=top)
    assert [finish(each)["AutomationExecutionStatus"] for each in ids] == ["Cancelled"] * 3


def test_a_step_that_times_out_stops_its_child(ssm, make_document, run):
    inner = make_document(sleep("nap", "PT5H"))
    found = run(child(inner, more={"timeoutSeconds": 600}))
    step = found["StepExecutions"][0]
    assert (found["AutomationExecutionStatus"], step["StepStatus"]) == ("TimedOut", "TimedOut")
    assert (step["ExecutionEndTime"] - step["ExecutionStartTime"]).total_seconds() == 600
    left = ssm.get_automation_execution(AutomationExecutionId=step["Outputs"]["ExecutionId"][0])
    assert left["AutomationExecution"]["AutomationExecutionStatus"] in {"Cancelling", "Cancelled"}


def test_another_attempt_starts_another_child(make_document, run):
    inner = make_document(sleep("nap", "{{ Wait }}"), parameters=SOON)
    found = run(child(inner, more={"maxAttempts": 2}))
    assert found["AutomationExecutionStatus"] == "Failed"
    first = run(child(inner))
    assert first["StepExecutions"][0]["Outputs"] != found["StepExecutions"][0]["Outputs"]


def test_a_child_begins_although_its_parent_fills_the_quota_and_both_go_on_after_a_restart(
    tmp_path, launch_sandbox, finish
):
    options = ("--clock", "virtual", "--state", str(tmp_path), "--limits", "running=1")
    first = launch_sandbox(*options)
    client = first.client("ssm")
    for name, step in (
        ("Inner", {"name": "hold", "action": "aws:pause", "inputs": {}}),
        ("Outer", child("Inner")),
    ):
        client.create_document(
            Name=name,
            DocumentType="Automation",
            DocumentFormat="JSON",
            Content=json.dumps({"schemaVersion": "0.3", "mainSteps": [step]}),
        )
    outer = client.start_automation_execution(DocumentName="Outer")["AutomationExecutionId"]
    ids: list[str] = []
    while not ids:
        ids = finish(outer, "InProgress", client=client)["StepExecutions"][0]["Outputs"].get(
            "ExecutionId", []
        )
    finish(ids[0], "Waiting", client=client)
    first.process.terminate()
    first.process.wait(timeout=20)
    client = launch_sandbox(*options).client("ssm")
    client.send_automation_signal(
        AutomationExecutionId=ids[0], SignalType="Resume", Payload={"StepName": ["hold"]}
    )
    found = finish(outer, client=client)
    assert found["AutomationExecutionStatus"] == "Success"
    assert found["StepExecutions"][0]["Outputs"]["ExecutionId"] == ids


def test_a_child_may_run_on_many_targets(ssm, make_document, run):
    inner = make_document(sleep("nap"), parameters={"Item": {"type": "String"}})
    found = run(
        child(
            inner,
            TargetParameterName="Item",
            Targets=[{"Key": "ParameterValues", "Values": ["a", "b", "c"]}],
            MaxConcurrency=1,
            MaxErrors="0",
            Tags=[{"Key": "Team", "Value": "{{ automation:EXECUTION_ID }}"}],
        )
    )
    assert found["AutomationExecutionStatus"] == "Success", found.get("FailureMessage")
    child_id = found["StepExecutions"][0]["Outputs"]["ExecutionId"][0]
    many = ssm.get_automation_execution(AutomationExecutionId=child_id)["AutomationExecution"]
    assert many["ParentAutomationExecutionId"] == found["AutomationExecutionId"]
    assert (many["MaxConcurrency"], many["MaxErrors"]) == ("1", "0")
    assert {each["StepStatus"] for each in many["StepExecutions"]} == {"Success"}
    tags = ssm.list_tags_for_resource(ResourceType="Automation", ResourceId=child_id)["TagList"]
    assert tags == [{"Key": "Team", "Value": found["AutomationExecutionId"]}]
    # One after the other, an hour each.
    step = found["StepExecutions"][0]
    assert (step["ExecutionEndTime"] - step["ExecutionStartTime"]).total_seconds() == 3 * 3600


def test_a_child_of_a_child_runs_as_the_caller_who_started_the_first(timeless, make_document, finish):
    unique = uuid.uuid4().hex[:8]
    middle = make_document(child(make_document(put("store", "x"), outputs=["store.version"])))
    allowed = {"Effect": "Allow", "Action": "ssm:*", "Resource": "*"}
    keys = timeless.make_user(f"Caller-{unique}", allowed)
    client = timeless.client("ssm", keys)
    started = client.start_automation_execution(DocumentName=make_document(child(middle)))
    found = finish(started["AutomationExecutionId"], client=client)
    assert found["AutomationExecutionStatus"] == "Success", found.get("FailureMessage")
    denied = {"Effect": "Deny", "Action": "ssm:PutParameter", "Resource": "*"}
    keys = timeless.make_user(f"Denied-{unique}", allowed, denied)
    client = timeless.client("ssm", keys)
    started = client.start_automation_execution(DocumentName=make_document(child(middle)))
    found = finish(started["AutomationExecutionId"], client=client)
    assert found["AutomationExecutionStatus"] == "Failed"
    assert "explicit deny" in found["FailureMessage"]


def test_an_execution_elsewhere_with_a_child_s_token_is_not_the_child(trial):
    parent = trial.begin(
        {"mainSteps": [{"name": "nap", "action": "aws:sleep", "inputs": {"Duration": "PT1S"}}]}
    )
    token = str(uuid.uuid4())
    trial.store.expect_child(token, parent.id, ("222222222222", "us-east-1"))
    begun = {}
    for account_id, region in (
        ("333333333333", "us-east-1"),
        ("222222222222", "eu-north-1"),
        ("222222222222", "us-east-1"),
    ):
        begun[account_id, region] = dataclasses.replace(
            parent,
            id=str(uuid.uuid4()),
            account_id=account_id,
            region=region,
            parent_id=trial.store.parent_of(token),
        )
        assert trial.store.add(begun[account_id, region], token=token) is None
    child = begun["222222222222", "us-east-1"]
    assert [each.parent_id for each in begun.values()] == [None, None, parent.id]
    assert trial.store.children(parent.id) == [child]
