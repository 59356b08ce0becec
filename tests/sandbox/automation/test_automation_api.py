"""The Automation operations over the wire, every answer checked against botocore's model."""

import datetime as dt
import json
import time
import uuid
from typing import Any

import botocore.exceptions
import pytest

AMI = "ami-12c6146b"
TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "ssm.amazonaws.com"},
    "Action": "sts:AssumeRole",
    "Condition": {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnLike": {"aws:SourceArn": "arn:aws:ssm:*:123456789012:automation-execution/*"},
    },
}
ALLOW_SSM = {"Effect": "Allow", "Action": "ssm:*", "Resource": "*"}
DENY_EC2 = {"Effect": "Deny", "Action": "ec2:*", "Resource": "*"}
ROLE_PARAMETERS = {
    "parameters": {"Role": {"type": "String", "default": ""}},
    "assumeRole": "{{ Role }}",
}
NAP = {"name": "nap", "action": "aws:sleep", "inputs": {"Duration": "PT0S"}}
PAUSE = {"name": "hold", "action": "aws:pause", "inputs": {}}
LAUNCH = {
    "name": "launch",
    "action": "aws:runInstances",
    "inputs": {"ImageId": AMI, "InstanceType": "t3.micro"},
}


@pytest.fixture(scope="module")
def role(sandbox: Any) -> str:
    return str(
        sandbox.make_role(
            "LaunchRole",
            TRUST,
            {
                "Effect": "Allow",
                "Action": ["ec2:RunInstances", "ec2:CreateTags", "ec2:DescribeInstances"],
                "Resource": "*",
            },
        )
    )


@pytest.fixture(scope="module")
def operator(sandbox: Any, role: str) -> dict[str, str]:
    """May start automations and hand over the role, and has an explicit deny on EC2."""
    pass_role = {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": role,
        "Condition": {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}},
    }
    keys: dict[str, str] = sandbox.make_user("wire-operator", ALLOW_SSM, DENY_EC2, pass_role)
    return keys


def refused(call: Any, /, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def started(client: Any, name: str, **parameters: list[str]) -> str:
    answer = client.start_automation_execution(DocumentName=name, Parameters=parameters)
    return str(answer["AutomationExecutionId"])


# --- who acts ---


def test_a_service_role_launches_what_the_operator_may_not(sandbox, make_document, finish, role, operator):
    tag = {
        "name": "tag",
        "action": "aws:createTags",
        "inputs": {
            "ResourceIds": ["{{ launch.InstanceIds }}"],
            "Tags": [{"Key": "Owner", "Value": "operator"}],
        },
    }
    name = make_document(LAUNCH, tag, outputs=["launch.InstanceIds"], **ROLE_PARAMETERS)
    direct = refused(sandbox.client("ec2", operator).run_instances, ImageId=AMI, MinCount=1, MaxCount=1)
    assert direct[0] == "UnauthorizedOperation"
    run = finish(started(sandbox.client("ssm", operator), name, Role=[role]))
    assert run["AutomationExecutionStatus"] == "Success", run.get("FailureMessage")
    assert run["ExecutedBy"] == "arn:aws:iam::123456789012:user/wire-operator"
    assert run["Parameters"] == {"Role": [role]}
    launch, tagged = run["StepExecutions"]
    assert launch["Outputs"] == {
        "InstanceIds": run["Outputs"]["launch.InstanceIds"],
        "InstanceStates": ["running"],
    }
    assert launch["Inputs"] == {"ImageId": f'"{AMI}"', "InstanceType": '"t3.micro"'}
    assert launch["NextStep"] == "tag" and launch["ValidNextSteps"] == ["tag"]
    assert json.loads(tagged["Inputs"]["ResourceIds"]) == run["Outputs"]["launch.InstanceIds"]
    found = sandbox.client("ec2").describe_instances(InstanceIds=run["Outputs"]["launch.InstanceIds"])
    assert found["Reservations"][0]["Instances"][0]["Tags"] == [{"Key": "Owner", "Value": "operator"}]


def test_as_the_caller_it_fails_where_the_caller_may_not_act(sandbox, make_document, finish, operator):
    name = make_document(LAUNCH, **ROLE_PARAMETERS)
    run = finish(started(sandbox.client("ssm", operator), name))
    assert run["AutomationExecutionStatus"] == "Failed"
    message = run["FailureMessage"]
    assert message.startswith("Step fails when it is Execute/Launching Instance(s). ")
    assert (
        "You are not authorized to perform this operation. User: arn:aws:iam::123456789012:user/wire-operator"
        in (message)
    )
    assert "with an explicit deny in an identity-based policy" in message
    assert message.endswith(
        "Please refer to Automation Service Troubleshooting Guide for more diagnosis details."
    )
    assert run["StepExecutions"][0]["FailureDetails"]["FailureType"] == "Permission"


def test_a_role_that_lacks_a_permission_fails_the_step(sandbox, make_document, finish, role):
    terminate = {
        "name": "terminate",
        "action": "aws:changeInstanceState",
        "inputs": {"InstanceIds": ["{{ launch.InstanceIds }}"], "DesiredState": "terminated"},
    }
    name = make_document(LAUNCH, terminate, **ROLE_PARAMETERS)
    run = finish(started(sandbox.client("ssm"), name, Role=[role]))
    assert run["AutomationExecutionStatus"] == "Failed"
    assert f"assumed-role/LaunchRole/Automation-{run['AutomationExecutionId']}" in run["FailureMessage"]
    assert "ec2:TerminateInstances" in run["FailureMessage"]


def test_handing_over_a_role_needs_the_permission_to_pass_it(sandbox, ssm, make_document, role):
    keys = sandbox.make_user("wire-no-pass", ALLOW_SSM)
    name = make_document(NAP, **ROLE_PARAMETERS)
    call = sandbox.client("ssm", keys).start_automation_execution
    code, message = refused(call, DocumentName=name, Parameters={"Role": [role]})
    assert code == "AccessDeniedException"
    assert f"wire-no-pass is not authorized to perform: iam:PassRole on resource: {role}" in message
    again = {"DocumentName": name, "Parameters": {"Role": [role]}, "ClientToken": str(uuid.uuid4())}
    assert ssm.start_automation_execution(**again)
    assert refused(call, **again)[0] == "AccessDeniedException"


def test_a_role_must_trust_systems_manager(sandbox, make_document):
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    other = sandbox.make_role("WireForEc2", trust)
    name = make_document(NAP, **ROLE_PARAMETERS)
    call = sandbox.client("ssm").start_automation_execution
    for arn in (other, "arn:aws:iam::123456789012:role/NoSuchRole"):
        code, message = refused(call, DocumentName=name, Parameters={"Role": [arn]})
        assert code == "InvalidAutomationExecutionParametersException"
        assert message == "The defined assume role is unable to be assumed."


def test_a_role_must_be_an_arn(ssm, make_document):
    name = make_document(NAP, **ROLE_PARAMETERS)
    code, message = refused(
        ssm.start_automation_execution, DocumentName=name, Parameters={"Role": ["AutomationServiceRole"]}
    )
    assert code == "InvalidAutomationExecutionParametersException"
    assert "format of the supplied assume role ARN" in message


# --- starting ---


def test_an_unknown_document_or_version_is_refused(ssm, make_document):
    call = ssm.start_automation_execution
    assert refused(call, DocumentName="Nowhere")[0] == "AutomationDefinitionNotFoundException"
    name = make_document(NAP)
    assert (
        refused(call, DocumentName=name, DocumentVersion="7")[0]
        == "AutomationDefinitionVersionNotFoundException"
    )


def test_a_document_of_another_type_is_no_automation(ssm):
    content = {"schemaVersion": "2.2", "description": "x", "mainSteps": []}
    ssm.create_document(Name="Wire-Command", DocumentType="Command", Content=json.dumps(content))
    code, _ = refused(ssm.start_automation_execution, DocumentName="Wire-Command")
    assert code == "AutomationDefinitionNotFoundException"


def test_parameters_must_be_those_of_the_document(ssm, make_document):
    size = {"type": "String", "allowedValues": ["t3.micro", "t3.small"]}
    name = make_document(NAP, parameters={"Size": size, "Count": {"type": "Integer", "default": 1}})
    call = ssm.start_automation_execution
    for parameters, named in (
        ({}, "Size"),
        ({"Size": ["m5.large"]}, "t3.micro"),
        ({"Size": ["t3.micro"], "Colour": ["green"]}, "Colour"),
        ({"Size": ["t3.micro"], "Count": ["many"]}, "Count"),
    ):
        code, message = refused(call, DocumentName=name, Parameters=parameters)
        assert code == "InvalidAutomationExecutionParametersException"
        assert named in message


def test_a_default_may_come_from_parameter_store(ssm, make_document, finish):
    ssm.put_parameter(Name="/wire/nap", Type="String", Value="PT0.1S")
    step = {**NAP, "inputs": {"Duration": "{{ Nap }}"}}
    name = make_document(step, parameters={"Nap": {"type": "String", "default": "{{ssm:/wire/nap}}"}})
    run = finish(started(ssm, name))
    assert run["StepExecutions"][0]["Inputs"] == {"Duration": '"PT0.1S"'}
    ssm.delete_parameter(Name="/wire/nap")
    code, message = refused(ssm.start_automation_execution, DocumentName=name)
    assert code == "InvalidAutomationExecutionParametersException"
    assert "/wire/nap" in message


def test_system_variables_stand_in_defaults_in_given_values_and_in_the_assume_role(
    sandbox, ssm, make_document, finish
):
    role = sandbox.make_role(f"Named-{time.time_ns()}", TRUST, ALLOW_SSM)
    written = role.replace("123456789012", "{{ global:ACCOUNT_ID }}")
    put = {"Service": "ssm", "Api": "GetParametersByPath", "Path": "/{{ Own }}/{{ Given }}"}
    name = make_document(
        {"name": "look", "action": "aws:executeAwsApi", "inputs": put},
        assumeRole="{{ Role }}",
        parameters={
            "Own": {"type": "String", "default": "x-{{global:REGION}}"},
            "Given": {"type": "String", "allowedPattern": "^[a-z0-9-]+$"},
            "Role": {"type": "AWS::IAM::Role::Arn", "default": written},
        },
    )
    values = {"Given": ["{{automation:EXECUTION_ID}}"]}
    start = ssm.start_automation_execution
    run = finish(start(DocumentName=name, Parameters=values)["AutomationExecutionId"])
    inputs = run["StepExecutions"][0]["Inputs"]
    assert inputs["Path"] == f'"/x-us-east-1/{run["AutomationExecutionId"]}"'
    assert run["Parameters"]["Role"] == [role]
    values["Role"] = [written]
    named = finish(start(DocumentName=name, Parameters=values)["AutomationExecutionId"])
    assert named["AutomationExecutionStatus"] == "Success"
    preview = ssm.start_execution_preview
    assert preview(DocumentName=name, ExecutionInputs={"Automation": {"Parameters": values}})
    values["Given"] = ["{{ look.Path }}"]
    code, _ = refused(start, DocumentName=name, Parameters=values)
    assert code == "InvalidAutomationExecutionParametersException"


def test_the_same_token_and_request_give_the_same_execution(ssm, make_document):
    name, token = make_document(NAP), str(uuid.uuid4())
    call = ssm.start_automation_execution
    first = call(DocumentName=name, ClientToken=token)["AutomationExecutionId"]
    assert call(DocumentName=name, ClientToken=token.upper())["AutomationExecutionId"] == first
    code, _ = refused(call, DocumentName=name, DocumentVersion="1", ClientToken=token)
    assert code == "IdempotentParameterMismatch"
    listed = ssm.describe_automation_executions(Filters=[{"Key": "DocumentNamePrefix", "Values": [name]}])
    assert len(listed["AutomationExecutionMetadataList"]) == 1


@pytest.fixture
def careless(sandbox: Any) -> Any:
    """A client that sends whatever it is given."""
    return sandbox.client("ssm", parameter_validation=False)


def test_a_request_that_breaks_the_model_is_refused_in_the_words_of_aws(careless):
    assert refused(careless.start_automation_execution) == (
        "ValidationException",
        "1 validation error detected: Value null at 'documentName' failed to satisfy constraint: "
        "Member must not be null",
    )
    code, message = refused(
        careless.start_automation_execution, DocumentName="x y", Mode="Fast", ClientToken="short"
    )
    assert code == "ValidationException"
    assert message.startswith("4 validation errors detected: Value 'x y' at 'documentName'")
    assert "Member must satisfy enum value set: [Auto, Interactive]" in message
    assert refused(careless.get_automation_execution, AutomationExecutionId="x")[0] == "ValidationException"
    assert refused(careless.describe_automation_executions, MaxResults=51)[0] == "ValidationException"


# --- reading ---


def test_another_account_or_region_does_not_see_an_execution(sandbox, ssm, make_document):
    execution_id = started(ssm, make_document(NAP))
    elsewhere = sandbox.client("ssm", region="eu-west-1")
    assert elsewhere.describe_automation_executions()["AutomationExecutionMetadataList"] == []
    for call in (elsewhere.get_automation_execution, elsewhere.stop_automation_execution):
        assert refused(call, AutomationExecutionId=execution_id)[0] == "AutomationExecutionNotFoundException"


def test_every_filter_selects(ssm, make_document, finish):
    name = make_document(PAUSE)
    before = dt.datetime.now(dt.UTC)
    ids = []
    for _ in range(2):
        answer = ssm.start_automation_execution(DocumentName=name, Tags=[{"Key": name, "Value": "x"}])
        ids.append(answer["AutomationExecutionId"])
        finish(ids[-1], "Waiting")

    def found(**filters: str) -> list[str]:
        given = [{"Key": key, "Values": [value]} for key, value in filters.items()]
        answer = ssm.describe_automation_executions(Filters=given)
        return [each["AutomationExecutionId"] for each in answer["AutomationExecutionMetadataList"]]

    newest_first = ids[::-1]
    assert found(DocumentNamePrefix=name) == newest_first
    assert found(ExecutionId=ids[0]) == [ids[0]]
    assert found(TagKey=name) == newest_first
    for key, matching, other in (
        ("ExecutionStatus", "Waiting", "Success"),
        ("CurrentAction", "aws:pause", "aws:sleep"),
        ("AutomationType", "Local", "CrossAccount"),
        ("StartTimeAfter", before.isoformat(), "2099-01-01T00:00:00Z"),
        ("StartTimeBefore", "2099-01-01T00:00:00Z", before.isoformat()),
    ):
        assert found(DocumentNamePrefix=name, **{key: matching}) == newest_first, key
        assert found(DocumentNamePrefix=name, **{key: other}) == [], key
    for key, value in (
        ("ParentExecutionId", ids[0]),
        ("TargetResourceGroup", "group"),
        ("AutomationSubtype", "ChangeRequest"),
        ("OpsItemId", "oi-1"),
    ):
        assert found(DocumentNamePrefix=name, **{key: value}) == [], key


def test_filters_that_cannot_be_are_refused(ssm, make_document):
    call = ssm.describe_automation_executions
    assert refused(call, Filters=[{"Key": "Colour", "Values": ["x"]}])[0] == "InvalidFilterKey"
    twice = [{"Key": "ExecutionId", "Values": ["x"]}] * 2
    assert refused(call, Filters=twice)[0] == "InvalidFilterKey"
    # Also when there is nothing that they would have to be compared with.
    nothing = {"Key": "ExecutionId", "Values": [str(uuid.uuid4())]}
    for key in ("ExecutionStatus", "StartTimeBefore", "AutomationType", "AutomationSubtype"):
        answer = refused(call, Filters=[nothing, {"Key": key, "Values": ["x"]}])
        assert answer[0] == "InvalidFilterValue", key
    assert refused(call, NextToken="x")[0] == "InvalidNextToken"


def test_pages_hold_every_execution_once_while_new_ones_arrive(ssm, make_document):
    name = make_document(NAP)
    ids = [started(ssm, name) for _ in range(5)]
    mine = [{"Key": "DocumentNamePrefix", "Values": [name]}]
    seen: list[str] = []
    token: dict[str, str] = {}
    while True:
        answer = ssm.describe_automation_executions(Filters=mine, MaxResults=2, **token)
        seen += [each["AutomationExecutionId"] for each in answer["AutomationExecutionMetadataList"]]
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
        started(ssm, name)
    assert seen == ids[::-1]


def test_a_page_follows_an_execution_that_does_not_match_any_more(ssm, make_document, finish):
    name = make_document(PAUSE)
    ids = [started(ssm, name) for _ in range(3)]
    for execution_id in ids:
        finish(execution_id, "Waiting")
    waiting = [
        {"Key": "DocumentNamePrefix", "Values": [name]},
        {"Key": "ExecutionStatus", "Values": ["Waiting"]},
    ]
    first = ssm.describe_automation_executions(Filters=waiting, MaxResults=1)
    ssm.stop_automation_execution(AutomationExecutionId=ids[2])
    finish(ids[2])
    rest = ssm.describe_automation_executions(Filters=waiting, NextToken=first["NextToken"])
    assert [each["AutomationExecutionId"] for each in rest["AutomationExecutionMetadataList"]] == ids[1::-1]


def test_steps_are_listed_filtered_paged_and_turned_round(ssm, make_document, finish):
    steps = [{**NAP, "name": f"nap{number}"} for number in range(4)]
    execution_id = finish(started(ssm, make_document(*steps, PAUSE)), "Waiting")["AutomationExecutionId"]

    def found(**parameters: Any) -> list[str]:
        answer = ssm.describe_automation_step_executions(AutomationExecutionId=execution_id, **parameters)
        return [each["StepName"] for each in answer["StepExecutions"]]

    everything = ["nap0", "nap1", "nap2", "nap3", "hold"]
    assert found() == everything
    assert found(ReverseOrder=True) == everything[::-1]
    assert found(Filters=[{"Key": "StepName", "Values": ["nap1", "hold"]}]) == ["nap1", "hold"]
    assert found(Filters=[{"Key": "Action", "Values": ["aws:pause"]}]) == ["hold"]
    assert found(Filters=[{"Key": "StepExecutionStatus", "Values": ["Success"]}]) == everything[:-1]
    assert found(Filters=[{"Key": "StartTimeBefore", "Values": ["2020-01-01T00:00:00Z"]}]) == []
    assert found(Filters=[{"Key": "ParentStepIteration", "Values": ["1"]}]) == []
    pages = ssm.get_paginator("describe_automation_step_executions").paginate(
        AutomationExecutionId=execution_id, MaxResults=2
    )
    assert [[each["StepName"] for each in page["StepExecutions"]] for page in pages] == [
        ["nap0", "nap1"],
        ["nap2", "nap3"],
        ["hold"],
    ]
    call = ssm.describe_automation_step_executions
    bad = [{"Key": "Colour", "Values": ["x"]}]
    assert refused(call, AutomationExecutionId=execution_id, Filters=bad)[0] == "InvalidFilterKey"
    assert refused(call, AutomationExecutionId=execution_id, NextToken="x")[0] == "InvalidNextToken"


def test_tags_given_at_the_start_can_be_read_and_changed(sandbox, ssm, make_document):
    tags = [{"Key": "operator", "Value": "olga"}]
    execution_id = ssm.start_automation_execution(DocumentName=make_document(NAP), Tags=tags)[
        "AutomationExecutionId"
    ]
    resource = {"ResourceType": "Automation", "ResourceId": execution_id}
    assert ssm.list_tags_for_resource(**resource)["TagList"] == tags
    ssm.add_tags_to_resource(**resource, Tags=[{"Key": "run", "Value": "1"}])
    ssm.remove_tags_from_resource(**resource, TagKeys=["operator"])
    assert ssm.list_tags_for_resource(**resource)["TagList"] == [{"Key": "run", "Value": "1"}]
    many = [{"Key": str(number), "Value": ""} for number in range(5)]
    assert refused(ssm.add_tags_to_resource, **resource, Tags=many)[0] == "TooManyTagsError"
    reserved = [{"Key": "aws:run", "Value": "1"}]
    assert refused(ssm.add_tags_to_resource, **resource, Tags=reserved)[0] == "ValidationException"
    elsewhere = sandbox.client("ssm", region="eu-west-1").list_tags_for_resource
    assert refused(elsewhere, **resource)[0] == "InvalidResourceId"
    unknown = refused(ssm.list_tags_for_resource, ResourceType="Automation", ResourceId=str(uuid.uuid4()))
    assert unknown[0] == "InvalidResourceId"


# --- stopping and signals ---


def test_stopping_cancels_and_cannot_be_done_twice(ssm, make_document, finish):
    execution_id = started(ssm, make_document(PAUSE, NAP))
    finish(execution_id, "Waiting")
    ssm.stop_automation_execution(AutomationExecutionId=execution_id)
    run = finish(execution_id)
    assert run["AutomationExecutionStatus"] == "Cancelled"
    assert [step["StepStatus"] for step in run["StepExecutions"]] == ["Cancelled", "Pending"]
    code, message = refused(ssm.stop_automation_execution, AutomationExecutionId=execution_id)
    assert code == "InvalidAutomationStatusUpdateException"
    assert "Cancelled" in message


def test_a_paused_execution_resumes_by_the_name_of_its_step(ssm, make_document, finish):
    execution_id = started(ssm, make_document(PAUSE, NAP))
    paused = finish(execution_id, "Waiting")
    assert (paused["CurrentStepName"], paused["CurrentAction"]) == ("hold", "aws:pause")
    signal = {"AutomationExecutionId": execution_id, "SignalType": "Resume"}
    call = ssm.send_automation_signal
    assert refused(call, **signal)[0] == "InvalidAutomationSignalException"
    unknown = refused(call, **signal, Payload={"StepName": ["nobody"]})
    assert unknown[0] == "AutomationStepNotFoundException"
    other = refused(call, **signal, Payload={"StepName": ["nap"]})
    assert other[0] == "InvalidAutomationSignalException"
    call(**signal, Payload={"StepName": ["hold"]})
    assert finish(execution_id)["AutomationExecutionStatus"] == "Success"
    again = refused(call, **signal, Payload={"StepName": ["hold"]})
    assert again[0] == "InvalidAutomationSignalException"


@pytest.mark.parametrize("kind", ["StartStep", "StopStep", "Revoke"])
def test_signals_of_other_kinds_of_executions_are_refused(ssm, make_document, finish, kind):
    execution_id = started(ssm, make_document(PAUSE))
    finish(execution_id, "Waiting")
    code, message = refused(
        ssm.send_automation_signal,
        AutomationExecutionId=execution_id,
        SignalType=kind,
        Payload={"StepName": ["hold"]},
    )
    assert code == "InvalidAutomationSignalException"
    assert kind in message


def test_only_the_approvers_decide_and_each_only_once(sandbox, ssm, make_document, finish):
    ann, ben, eve = (sandbox.make_user(f"wire-{name}", ALLOW_SSM) for name in ("ann", "ben", "eve"))
    approve = {
        "name": "approve",
        "action": "aws:approve",
        "inputs": {
            "Approvers": ["wire-ann", "arn:aws:iam::123456789012:user/wire-ben"],
            "MinRequiredApprovals": 2,
            "Message": "May we?",
        },
    }
    execution_id = started(ssm, make_document(approve))
    waiting = finish(execution_id, "Waiting")
    assert waiting["StepExecutions"][0]["Outputs"]["ApprovalStatus"] == ["Waiting"]

    def decide(keys: Any, kind: str = "Approve") -> None:
        sandbox.client("ssm", keys).send_automation_signal(
            AutomationExecutionId=execution_id, SignalType=kind, Payload={"Comment": ["fine"]}
        )

    assert refused(lambda: decide(eve))[0] == "InvalidAutomationSignalException"
    decide(ann)
    assert "already decided" in refused(lambda: decide(ann))[1]
    decide(ben)
    run = finish(execution_id)
    assert run["AutomationExecutionStatus"] == "Success"
    outputs = run["StepExecutions"][0]["Outputs"]
    assert outputs["ApprovalStatus"] == ["Approved"]
    assert [json.loads(each)["decision"] for each in outputs["ApproverDecisions"]] == ["Approved"] * 2


def test_a_role_session_approves_as_its_role(sandbox, ssm, make_document, finish):
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    arn = sandbox.make_role("WireApprovers", trust, ALLOW_SSM)
    caller = sandbox.make_user("wire-chief", {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn})
    given = sandbox.client("sts", caller).assume_role(RoleArn=arn, RoleSessionName="chief")["Credentials"]
    keys = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
    approve = {"name": "approve", "action": "aws:approve", "inputs": {"Approvers": [arn]}}
    execution_id = started(ssm, make_document(approve, NAP))
    finish(execution_id, "Waiting")
    sandbox.client("ssm", keys).send_automation_signal(
        AutomationExecutionId=execution_id, SignalType="Reject"
    )
    run = finish(execution_id)
    assert run["AutomationExecutionStatus"] == "Failed"
    assert run["StepExecutions"][0]["Outputs"]["ApprovalStatus"] == ["Rejected"]


# --- quota, CLI ---


def test_executions_beyond_the_quota_wait_their_turn(sandbox, make_document, ssm, finish):
    there = sandbox.client("ssm", region="ap-south-1")
    content = json.dumps({"schemaVersion": "0.3", "mainSteps": [PAUSE]})
    there.create_document(Name="Queue", DocumentType="Automation", Content=content)
    ids = [
        there.start_automation_execution(DocumentName="Queue")["AutomationExecutionId"] for _ in range(103)
    ]
    finish(ids[99], "Waiting", client=there)
    time.sleep(0.2)

    def status(execution_id: str) -> str:
        answer = there.get_automation_execution(AutomationExecutionId=execution_id)
        return str(answer["AutomationExecution"]["AutomationExecutionStatus"])

    assert [status(each) for each in ids[100:]] == ["Pending"] * 3
    there.stop_automation_execution(AutomationExecutionId=ids[102])
    finish(ids[102], "Cancelled", client=there)
    there.stop_automation_execution(AutomationExecutionId=ids[0])
    finish(ids[100], "Waiting", client=there)
    assert status(ids[101]) == "Pending"


def test_the_aws_cli_starts_and_reads_an_execution(sandbox, make_document, finish, role, operator):
    name = make_document(LAUNCH, **ROLE_PARAMETERS)
    begun = sandbox.aws(
        operator, "ssm", "start-automation-execution", "--document-name", name, "--parameters", f"Role={role}"
    )
    assert begun.returncode == 0, begun.stderr
    execution_id = json.loads(begun.stdout)["AutomationExecutionId"]
    finish(execution_id)
    read = sandbox.aws(operator, "ssm", "get-automation-execution", "--automation-execution-id", execution_id)
    assert json.loads(read.stdout)["AutomationExecution"]["AutomationExecutionStatus"] == "Success"
