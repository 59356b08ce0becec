"""Executions on targets: which they resolve to, how many run at once, how many may fail, what is reported."""

import datetime as dt
import itertools
import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import botocore.exceptions
import pytest

AMI = "ami-12c6146b"
HOLD = {"name": "hold", "action": "aws:pause", "inputs": {}}
# Pauses where the value says so, fails where it is none of a duration, else ends at once.
MAYBE = [
    {
        "name": "choose",
        "action": "aws:branch",
        "inputs": {
            "Choices": [{"NextStep": "hold", "Variable": "{{ Item }}", "StartsWith": "hold"}],
            "Default": "nap",
        },
    },
    {**HOLD, "isEnd": True},
    {"name": "nap", "action": "aws:sleep", "inputs": {"Duration": "{{ Item }}"}},
]
ITEM = {"parameters": {"Item": {"type": "String"}}}
GOOD = "PT0S"


def refused(call: Any, /, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture
def name(make_document: Callable[..., str]) -> str:
    return make_document(*MAYBE, **ITEM)


@pytest.fixture
def launch(ssm: Any, name: str) -> Callable[..., str]:
    """Start the document on these values of its parameter; returns the parent's id."""

    def start(*values: str, **more: Any) -> str:
        given = {
            "DocumentName": name,
            "TargetParameterName": "Item",
            "Targets": [{"Key": "ParameterValues", "Values": list(values)}],
        }
        return str(ssm.start_automation_execution(**{**given, **more})["AutomationExecutionId"])

    return start


def children(client: Any, parent: str) -> list[dict[str, Any]]:
    """The children of an execution, the oldest first."""
    filters = [{"Key": "ParentExecutionId", "Values": [parent]}]
    pages = client.get_paginator("describe_automation_executions").paginate(Filters=filters)
    return [run for page in pages for run in page["AutomationExecutionMetadataList"]][::-1]


def eventually(client: Any, parent: str, *statuses: str) -> list[dict[str, Any]]:
    """The children once these are their statuses."""
    for _ in range(500):
        found = children(client, parent)
        if [run["AutomationExecutionStatus"] for run in found] == list(statuses):
            return found
        time.sleep(0.01)
    raise AssertionError([run["AutomationExecutionStatus"] for run in found])


def resume(client: Any, run: dict[str, Any]) -> None:
    client.send_automation_signal(
        AutomationExecutionId=run["AutomationExecutionId"],
        SignalType="Resume",
        Payload={"StepName": ["hold"]},
    )


def test_each_value_runs_in_a_child_of_its_own(ssm, name, launch, finish):
    values = ["PT0S", "PT0.01S"]
    parent = finish(launch(*values, MaxConcurrency="100%", MaxErrors="1"))
    assert parent["AutomationExecutionStatus"] == "Success"
    assert parent["ResolvedTargets"] == {"ParameterValues": values, "Truncated": False}
    assert parent["Targets"] == [{"Key": "ParameterValues", "Values": values}]
    assert (parent["TargetParameterName"], parent["MaxConcurrency"], parent["MaxErrors"]) == (
        "Item",
        "100%",
        "1",
    )
    assert parent["Parameters"] == {}
    assert parent["TargetsSummary"] == {
        "TotalCount": 2,
        "StartedCount": 2,
        "CompletedCount": 2,
        "SuccessfulCount": 2,
        "FailedCount": 0,
    }
    steps = parent["StepExecutions"]
    assert [(step["StepName"], step["Action"], step["StepStatus"], step["Inputs"]) for step in steps] == [
        (value, "aws:executeAutomation", "Success", {"Item": value}) for value in values
    ]
    found = children(ssm, parent["AutomationExecutionId"])
    assert [run["Target"] for run in found] == values
    child = ssm.get_automation_execution(AutomationExecutionId=found[1]["AutomationExecutionId"])
    child = child["AutomationExecution"]
    assert child["ParentAutomationExecutionId"] == parent["AutomationExecutionId"]
    assert (child["Parameters"], child["DocumentName"]) == ({"Item": ["PT0.01S"]}, name)
    assert [step["StepName"] for step in child["StepExecutions"]] == ["choose", "hold", "nap"]
    listed = ssm.describe_automation_step_executions(
        AutomationExecutionId=parent["AutomationExecutionId"],
        Filters=[{"Key": "StepName", "Values": ["PT0S"]}],
    )
    assert [step["StepName"] for step in listed["StepExecutions"]] == ["PT0S"]


def test_the_first_runs_alone_and_each_that_ends_lets_two_more_in(ssm, launch, finish):
    parent = launch(*(f"hold{number}" for number in range(6)), MaxConcurrency="3")
    (first,) = eventually(ssm, parent, "Waiting")
    resume(ssm, first)
    _, second, _ = eventually(ssm, parent, "Success", "Waiting", "Waiting")
    resume(ssm, second)
    # Three at most, though two have ended.
    eventually(ssm, parent, "Success", "Success", "Waiting", "Waiting", "Waiting")
    done = 2
    while done < 6:
        for run in children(ssm, parent):
            if run["AutomationExecutionStatus"] == "Waiting":
                resume(ssm, run)
                done += 1
    assert finish(parent)["AutomationExecutionStatus"] == "Success"


def test_percentages_are_of_all_targets(ssm, launch):
    values = [GOOD] * 2 + [f"hold{number}" for number in range(18)]
    values = [f"PT0.0{number}S" if value == GOOD else value for number, value in enumerate(values)]
    parent = launch(*values, MaxConcurrency="10%")
    eventually(ssm, parent, "Success", "Success", "Waiting", "Waiting")
    ssm.stop_automation_execution(AutomationExecutionId=parent)


@pytest.mark.parametrize(("errors", "begun"), [("0", 1), ("1", 2), ("40%", 3), ("100%", 5)])
def test_no_more_begin_after_too_many_have_failed(ssm, launch, finish, errors, begun):
    parent = finish(launch(*(f"bad{number}" for number in range(5)), MaxConcurrency="1", MaxErrors=errors))
    statuses = [step["StepStatus"] for step in parent["StepExecutions"]]
    assert statuses == ["Failed"] * begun + ["Cancelled"] * (5 - begun)
    summary = parent["TargetsSummary"]
    assert (summary["TotalCount"], summary["StartedCount"], summary["FailedCount"]) == (5, begun, begun)
    failed = errors != "100%"
    assert parent["AutomationExecutionStatus"] == ("Failed" if failed else "Success")
    if failed:
        assert f"{begun} of 5 automations failed" in parent["FailureMessage"]
        assert "bad0: Step fails when it is" in parent["FailureMessage"]
    first = parent["StepExecutions"][0]
    assert "ISO 8601" in first["FailureMessage"]
    assert first["FailureDetails"]["FailureStage"] == "Invocation"


def test_stopping_the_parent_stops_its_children_and_begins_no_more(ssm, launch, finish):
    parent = launch("hold1", "hold2")
    eventually(ssm, parent, "Waiting")
    ssm.stop_automation_execution(AutomationExecutionId=parent)
    ended = finish(parent)
    assert ended["AutomationExecutionStatus"] == "Cancelled"
    assert [step["StepStatus"] for step in ended["StepExecutions"]] == ["Cancelled", "Cancelled"]
    assert [run["AutomationExecutionStatus"] for run in children(ssm, parent)] == ["Cancelled"]


def test_completing_the_parent_waits_for_what_runs(ssm, launch, finish):
    parent = launch("hold1", "hold2")
    (first,) = eventually(ssm, parent, "Waiting")
    ssm.stop_automation_execution(AutomationExecutionId=parent, Type="Complete")
    assert finish(parent, "InProgress")["StepExecutions"][1]["StepStatus"] in {"Pending", "Cancelled"}
    resume(ssm, first)
    ended = finish(parent)
    assert [step["StepStatus"] for step in ended["StepExecutions"]] == ["Success", "Cancelled"]


def test_maps_give_several_parameters_for_each_child(ssm, make_document, finish):
    name = make_document(
        {"name": "nap", "action": "aws:sleep", "inputs": {"Duration": "{{ Item }}"}},
        parameters={
            "Item": {"type": "String"},
            "Names": {"type": "StringList"},
            "Same": {"type": "String", "default": "own"},
        },
    )
    maps = [{"Item": ["PT0S"], "Names": ["a", "b"]}, {"Item": ["PT0.01S"], "Names": ["c"]}]
    answer = ssm.start_automation_execution(
        DocumentName=name, TargetMaps=maps, Parameters={"Same": ["given"]}, MaxConcurrency="2"
    )
    parent = finish(answer["AutomationExecutionId"])
    assert (parent["AutomationExecutionStatus"], parent["TargetMaps"]) == ("Success", maps)
    found = [
        ssm.get_automation_execution(AutomationExecutionId=run["AutomationExecutionId"])[
            "AutomationExecution"
        ]
        for run in children(ssm, parent["AutomationExecutionId"])
    ]
    assert [run["Parameters"] for run in found] == [{**each, "Same": ["given"]} for each in maps]
    assert [json.loads(run["Target"]) for run in found] == maps
    call = ssm.start_automation_execution
    for bad in ([{"Item": ["PT0S"]}], [{"Item": ["PT0S"], "Names": ["a"], "Colour": ["red"]}]):
        assert refused(call, DocumentName=name, TargetMaps=bad)[0] == (
            "InvalidAutomationExecutionParametersException"
        )


def test_what_contradicts_itself_or_the_document_is_refused(ssm, name, make_document, sandbox):
    call = sandbox.client("ssm", parameter_validation=False).start_automation_execution
    target = {"Key": "ParameterValues", "Values": ["a"]}
    on_target = {"DocumentName": name, "Targets": [target], "TargetParameterName": "Item"}
    invalid = "InvalidAutomationExecutionParametersException"
    for change, code, named in (
        ({"TargetParameterName": None}, invalid, "TargetParameterName"),
        ({"Targets": None}, invalid, "Targets"),
        ({"TargetParameterName": "item"}, invalid, "item"),
        ({"TargetMaps": [{"Item": ["b"]}]}, invalid, "together"),
        ({"Targets": [target, target]}, "ValidationException", "targets"),
        ({"Targets": [{"Key": "ParameterValues", "Values": ["x"] * 51}]}, "ValidationException", "values"),
        ({"Targets": [{"Key": "Colour", "Values": ["red"]}]}, "InvalidTarget", "Colour"),
        ({"Targets": [{"Key": "ParameterValues", "Values": []}]}, "InvalidTarget", "no values"),
        ({"Targets": [{"Key": "ResourceGroup", "Values": ["nowhere"]}]}, "InvalidTarget", "NotFound"),
        ({"MaxConcurrency": "0"}, "ValidationException", "maxConcurrency"),
        ({"MaxErrors": "101%"}, "ValidationException", "maxErrors"),
        ({"Mode": "Interactive"}, "ValidationException", "Interactive"),
        ({"TargetLocationsURL": "https://b.s3.amazonaws.com/x"}, invalid, "no such object"),
    ):
        request = {key: value for key, value in {**on_target, **change}.items() if value is not None}
        found = refused(call, **request)
        assert (found[0], named in found[1]) == (code, True), (change, found)
    role = {"parameters": {"Role": {"type": "String", "default": ""}}, "assumeRole": "{{ Role }}"}
    with_role = make_document(
        *MAYBE[-1:], parameters={**ITEM["parameters"], **role["parameters"]}, assumeRole="{{ Role }}"
    )
    found = refused(call, DocumentName=with_role, Targets=[target], TargetParameterName="Role")
    assert found[0] == invalid and "assume role" in found[1]


# --- which resources a target stands for ---


@pytest.fixture(scope="module")
def fleet(sandbox: Any) -> dict[str, str]:
    """Two instances and a volume in a Region of their own: Group=web on all, Stage=test on the first."""
    ec2 = sandbox.client("ec2", region="eu-west-2")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    made = ec2.run_instances(ImageId=image, InstanceType="t3.micro", MinCount=3, MaxCount=3)["Instances"]
    first, second, gone = (each["InstanceId"] for each in made)
    volume = ec2.create_volume(AvailabilityZone="eu-west-2a", Size=1)["VolumeId"]
    ec2.create_tags(Resources=[first, second, volume], Tags=[{"Key": "Group", "Value": "web"}])
    ec2.create_tags(Resources=[first], Tags=[{"Key": "Stage", "Value": "test"}])
    ec2.terminate_instances(InstanceIds=[gone])
    groups = sandbox.client("resource-groups", region="eu-west-2")
    query = {
        "ResourceTypeFilters": ["AWS::EC2::Instance"],
        "TagFilters": [{"Key": "Group", "Values": ["web"]}],
    }
    groups.create_group(
        Name="web-instances", ResourceQuery={"Type": "TAG_FILTERS_1_0", "Query": json.dumps(query)}
    )
    return {"first": first, "second": second, "volume": volume}


@pytest.fixture
def resolved(sandbox: Any, finish: Callable[..., dict[str, Any]]) -> Callable[..., set[str]]:
    there = sandbox.client("ssm", region="eu-west-2")
    numbers: Iterator[int] = itertools.count()

    def resolve(key: str, *values: str, target_type: str = "") -> set[str]:
        document = f"Resolve-{uuid.uuid4()}-{next(numbers)}"
        nap = {"name": "nap", "action": "aws:sleep", "inputs": {"Duration": "PT0S"}}
        content = json.dumps({"schemaVersion": "0.3", **ITEM, "mainSteps": [nap]})
        kind = {"TargetType": target_type} if target_type else {}
        there.create_document(Name=document, DocumentType="Automation", Content=content, **kind)
        started = there.start_automation_execution(
            DocumentName=document, TargetParameterName="Item", Targets=[{"Key": key, "Values": list(values)}]
        )
        parent = finish(started["AutomationExecutionId"], client=there)
        assert parent["AutomationExecutionStatus"] == "Success", parent
        return set(parent["ResolvedTargets"]["ParameterValues"])

    return resolve


def test_tags_stand_for_the_resources_of_the_documents_type(fleet, resolved):
    instances = {fleet["first"], fleet["second"]}
    assert resolved("tag:Group", "web") == {*instances, fleet["volume"]}
    assert resolved("tag:Group", "web", target_type="/AWS::EC2::Instance") == instances
    assert resolved("tag:Group", "web", target_type="/AWS::EC2::Volume") == {fleet["volume"]}
    assert resolved("tag:Stage", "test", "live") == {fleet["first"]}


def test_groups_and_all_instances_stand_for_what_is_in_them(fleet, resolved):
    instances = {fleet["first"], fleet["second"]}
    assert resolved("ResourceGroup", "web-instances") == instances
    assert resolved("AWS::EC2::Instance", "*") == resolved("InstanceIds", "*") == instances


def test_an_execution_without_any_target_fails_and_says_so(ssm, name, finish):
    started = ssm.start_automation_execution(
        DocumentName=name, TargetParameterName="Item", Targets=[{"Key": "tag:None", "Values": ["such"]}]
    )
    parent = finish(started["AutomationExecutionId"])
    assert (parent["AutomationExecutionStatus"], parent["FailureMessage"]) == (
        "Failed",
        "No resources match the targets.",
    )


def test_only_what_the_caller_may_see_is_found(sandbox, name):
    allowed = {"Effect": "Allow", "Action": "ssm:*", "Resource": "*"}
    keys = sandbox.make_user("blind-to-tags", allowed)
    code, message = refused(
        sandbox.client("ssm", keys).start_automation_execution,
        DocumentName=name,
        TargetParameterName="Item",
        Targets=[{"Key": "tag:Group", "Values": ["web"]}],
    )
    assert code == "InvalidTarget"
    assert "not authorized to perform: tag:GetResources" in message


def test_executions_are_found_by_the_group_they_run_on(sandbox, fleet, resolved):
    there = sandbox.client("ssm", region="eu-west-2")
    resolved("ResourceGroup", "web-instances")
    for group, some in (("web-instances", True), ("other", False)):
        filters = [{"Key": "TargetResourceGroup", "Values": [group]}]
        found = there.describe_automation_executions(Filters=filters)["AutomationExecutionMetadataList"]
        assert bool(found) == some


def test_children_are_told_apart_though_their_maps_are_the_same(ssm, make_document, finish):
    nap = {"name": "nap", "action": "aws:sleep", "inputs": {"Duration": "{{ Item }}"}}
    same = [{"Item": ["PT0S"]}, {"Item": ["PT0S"]}]
    answer = ssm.start_automation_execution(DocumentName=make_document(nap, **ITEM), TargetMaps=same)
    parent = finish(answer["AutomationExecutionId"])
    assert parent["TargetsSummary"]["SuccessfulCount"] == 2
    assert len(children(ssm, parent["AutomationExecutionId"])) == 2


def test_a_step_runs_a_document_on_targets(ssm, name, make_document, finish):
    values = ["PT0S", "PT0.01S", "PT0.02S"]
    step = {
        "name": "everywhere",
        "action": "aws:executeAutomation",
        "inputs": {
            "DocumentName": name,
            "TargetParameterName": "Item",
            "Targets": [{"Key": "ParameterValues", "Values": values}],
            "MaxConcurrency": "100%",
        },
    }
    started = ssm.start_automation_execution(DocumentName=make_document(step))
    run = finish(started["AutomationExecutionId"])
    assert run["AutomationExecutionStatus"] == "Success", run
    (middle,) = children(ssm, started["AutomationExecutionId"])
    assert middle["ResolvedTargets"]["ParameterValues"] == values
    assert {each["Target"] for each in children(ssm, middle["AutomationExecutionId"])} == set(values)


def test_hours_on_targets_pass_at_once_on_a_virtual_clock(timeless, finish):
    client = timeless.client("ssm")
    nap = {"name": "nap", "action": "aws:sleep", "inputs": {"Duration": "{{ Item }}"}}
    content = json.dumps({"schemaVersion": "0.3", **ITEM, "mainSteps": [nap]})
    client.create_document(Name="Hours", DocumentType="Automation", Content=content)
    started = client.start_automation_execution(
        DocumentName="Hours",
        TargetParameterName="Item",
        Targets=[{"Key": "ParameterValues", "Values": ["PT1H", "PT2H", "PT3H"]}],
        MaxConcurrency="2",
    )
    parent = finish(started["AutomationExecutionId"], client=client)
    # One hour alone, then the two others side by side.
    assert parent["ExecutionEndTime"] - parent["ExecutionStartTime"] == dt.timedelta(hours=4)


def test_quotas_can_be_set_lower_and_executions_on_targets_have_their_own(launch_sandbox, finish):
    limits = "running=1,pending=1,rate-control-running=1,rate-control-pending=1"
    client = launch_sandbox(SANDBOX_LIMITS=limits).client("ssm")
    content = json.dumps({"schemaVersion": "0.3", **ITEM, "mainSteps": [HOLD]})
    client.create_document(Name="Held", DocumentType="Automation", Content=content)
    call = client.start_automation_execution
    simple = {"DocumentName": "Held", "Parameters": {"Item": ["a"]}}
    on_target = {
        "DocumentName": "Held",
        "TargetParameterName": "Item",
        "Targets": [{"Key": "ParameterValues", "Values": ["a"]}],
    }
    ids = {}
    for kind, request in (("simple", simple), ("on target", on_target)):
        ids[kind] = [call(**request)["AutomationExecutionId"] for _ in range(2)]
        code, message = refused(call, **request)
        assert code == "AutomationExecutionLimitExceededException"
        assert "exceeded the allowable limit" in message
        assert finish(ids[kind][1], "Pending", client=client)
    first, second = ids["simple"]
    finish(first, "Waiting", client=client)
    client.stop_automation_execution(AutomationExecutionId=first)
    finish(second, "Waiting", client=client)
    first, second = ids["on target"]
    eventually(client, first, "Waiting")
    resume(client, children(client, first)[0])
    eventually(client, second, "Waiting")
