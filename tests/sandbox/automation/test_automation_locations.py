"""Executions in several accounts and Regions, each entered through its execution role."""

import json
import re
from collections.abc import Callable
from typing import Any

import botocore.exceptions
import pytest

HERE = "123456789012"
REGIONS = ["us-east-1", "eu-north-1"]
EXECUTION_ROLE = "AWS-SystemsManager-AutomationExecutionRole"
WHO = {
    "name": "who",
    "action": "aws:executeAwsApi",
    "inputs": {"Service": "sts", "Api": "GetCallerIdentity"},
    "outputs": [{"Name": "Arn", "Selector": "$.Arn", "Type": "String"}],
}
NAP = {"name": "nap", "action": "aws:sleep", "inputs": {"Duration": "{{ Item }}"}}
DOCUMENT = {
    "schemaVersion": "0.3",
    "assumeRole": "{{ Role }}",
    "parameters": {"Role": {"type": "String", "default": ""}, "Item": {"type": "String", "default": "PT0S"}},
    "mainSteps": [NAP, WHO],
    "outputs": ["who.Arn"],
}


def statement(action: Any, resource: Any = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def make_execution_role(iam: Any, account_id: str, name: str = EXECUTION_ROLE) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": HERE, "Service": "ssm.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    own = f"arn:aws:iam::{account_id}:role/{name}"
    rights = [statement(["ssm:*", "tag:GetResources"]), statement("iam:PassRole", own)]
    for call, document in (
        (iam.create_role, {"AssumeRolePolicyDocument": policy(trust)}),
        (iam.put_role_policy, {"PolicyName": "own", "PolicyDocument": policy(*rights)}),
    ):
        call(RoleName=name, **document)


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture(scope="module")
def central(sandbox: Any, other_account: Any) -> str:
    """The administration role of the first account; each account has an execution role, and the document."""
    trust = {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}
    rights = [
        statement("sts:AssumeRole", f"arn:aws:iam::*:role/{EXECUTION_ROLE}"),
        statement(["organizations:ListAccountsForParent", "organizations:ListOrganizationalUnitsForParent"]),
    ]
    make_execution_role(sandbox.client("iam"), HERE)
    make_execution_role(sandbox.client("iam", other_account.keys), other_account.id)
    for region in REGIONS:
        ssm = sandbox.client("ssm", region=region)
        ssm.create_document(Name="Everywhere", DocumentType="Automation", Content=json.dumps(DOCUMENT))
        ssm.modify_document_permission(
            Name="Everywhere", PermissionType="Share", AccountIdsToAdd=[other_account.id]
        )
    return str(sandbox.make_role("AWS-SystemsManager-AutomationAdministrationRole", trust, *rights))


@pytest.fixture
def launch(ssm: Any, central: str, finish: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Run the document in these places as the administration role; returns the parent, ended."""

    def run(*locations: dict[str, Any], **more: Any) -> dict[str, Any]:
        given = {"DocumentName": "Everywhere", "Parameters": {"Role": [central]}, **more}
        started = ssm.start_automation_execution(TargetLocations=list(locations), **given)
        return finish(started["AutomationExecutionId"])

    return run


def test_it_runs_in_every_account_and_region_as_the_execution_role_there(
    sandbox, ssm, other_account, launch, central
):
    place = {
        "Accounts": [HERE, other_account.id],
        "Regions": REGIONS,
        "TargetLocationMaxConcurrency": "100%",
    }
    parent = launch(place)
    assert parent["AutomationExecutionStatus"] == "Success", parent
    assert parent["TargetLocations"] == [place]
    assert parent["Parameters"] == {"Role": [central], "Item": ["PT0S"]}
    assert parent["ProgressCounters"] == {
        "TotalSteps": 4,
        "SuccessSteps": 4,
        "FailedSteps": 0,
        "CancelledSteps": 0,
        "TimedOutSteps": 0,
    }
    steps = parent["StepExecutions"]
    places = [(step["TargetLocation"]["Accounts"], step["TargetLocation"]["Regions"]) for step in steps]
    assert places == [([account], [region]) for account in (HERE, other_account.id) for region in REGIONS]
    for account, keys, step in zip(
        (HERE, HERE, other_account.id, other_account.id),
        (None, None, *[other_account.keys] * 2),
        steps,
        strict=True,
    ):
        client = sandbox.client("ssm", keys, region=step["TargetLocation"]["Regions"][0])
        child = client.get_automation_execution(AutomationExecutionId=step["Outputs"]["ExecutionId"][0])
        child = child["AutomationExecution"]
        assert child["ParentAutomationExecutionId"] == parent["AutomationExecutionId"]
        session = f"Automation-{parent['AutomationExecutionId']}"
        assert child["ExecutedBy"] == f"arn:aws:sts::{account}:assumed-role/{EXECUTION_ROLE}/{session}"
        role = f"arn:aws:iam::{account}:role/{EXECUTION_ROLE}"
        assert child["Parameters"] == {"Role": [role], "Item": ["PT0S"]}
        session = f"Automation-{child['AutomationExecutionId']}"
        assert child["Outputs"]["who.Arn"] == [
            f"arn:aws:sts::{account}:assumed-role/{EXECUTION_ROLE}/{session}"
        ]
    crossing = [{"Key": "AutomationType", "Values": ["CrossAccount"]}]
    listed = ssm.describe_automation_executions(Filters=crossing)["AutomationExecutionMetadataList"]
    assert parent["AutomationExecutionId"] in {each["AutomationExecutionId"] for each in listed}
    assert {each["AutomationType"] for each in listed} == {"CrossAccount"}


def test_where_it_may_not_enter_the_place_fails_and_the_rest_is_left_out(sandbox, other_account, launch):
    make_execution_role(sandbox.client("iam", other_account.keys), other_account.id, "OtherRole")
    place = {"Accounts": [other_account.id, HERE], "Regions": REGIONS[:1], "ExecutionRoleName": "OtherRole"}
    parent = launch(place)
    assert parent["AutomationExecutionStatus"] == "Failed"
    first, second = parent["StepExecutions"]
    assert "is not authorized to perform: sts:AssumeRole" in first["FailureMessage"]
    assert (first["StepStatus"], second["StepStatus"]) == ("Failed", "Cancelled")
    assert parent["ProgressCounters"]["FailedSteps"] == parent["ProgressCounters"]["CancelledSteps"] == 1


def test_targets_are_those_of_each_place(sandbox, other_account, launch):
    there = sandbox.client("ec2", other_account.keys)
    volumes = [there.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"] for _ in range(2)]
    there.create_tags(Resources=volumes, Tags=[{"Key": "Located", "Value": "yes"}])
    place = {"Accounts": [other_account.id], "Regions": REGIONS[:1], "TargetsMaxErrors": "100%"}
    parent = launch(
        place,
        TargetParameterName="Item",
        Targets=[{"Key": "tag:Located", "Values": ["yes"]}],
        MaxConcurrency="5",
    )
    (step,) = parent["StepExecutions"]
    assert step["Targets"] == [{"Key": "tag:Located", "Values": ["yes"]}]
    client = sandbox.client("ssm", other_account.keys)
    child = client.get_automation_execution(AutomationExecutionId=step["Outputs"]["ExecutionId"][0])
    child = child["AutomationExecution"]
    assert set(child["ResolvedTargets"]["ParameterValues"]) == set(volumes)
    assert (child["MaxConcurrency"], child["MaxErrors"]) == ("5", "100%")
    # The volumes are no durations: each fails, as many as may.
    assert child["TargetsSummary"]["FailedCount"] == 2
    assert parent["AutomationExecutionStatus"] == "Success"


def test_the_alarm_of_a_place_is_one_that_is_there(launch, other_account, central):
    alarm = {"Alarms": [{"Name": "not-there"}]}
    parent = launch(
        {
            "Accounts": [other_account.id],
            "Regions": REGIONS[:1],
            "TargetLocationAlarmConfiguration": alarm,
        },
        Parameters={"Item": ["PT1H"], "Role": [central]},
    )
    assert [step["StepStatus"] for step in parent["StepExecutions"]] == ["Cancelled"]
    assert parent["AutomationExecutionStatus"] == "Failed"


def test_organizational_units_stand_for_their_accounts(sandbox, other_account, launch):
    organizations = sandbox.client("organizations")
    root = organizations.list_roots()["Roots"][0]["Id"]
    unit = organizations.create_organizational_unit(ParentId=root, Name="work")["OrganizationalUnit"]["Id"]
    inner = organizations.create_organizational_unit(ParentId=unit, Name="inner")["OrganizationalUnit"]["Id"]
    organizations.move_account(AccountId=other_account.id, SourceParentId=root, DestinationParentId=inner)

    def entered(**more: Any) -> list[str]:
        parent = launch({"Accounts": [unit], "Regions": REGIONS[:1], **more})
        return [step["TargetLocation"]["Accounts"][0] for step in parent["StepExecutions"]]

    assert entered() == []
    assert entered(IncludeChildOrganizationUnits=True) == [other_account.id]
    assert entered(IncludeChildOrganizationUnits=True, ExcludeAccounts=[other_account.id]) == []
    organizations.move_account(AccountId=other_account.id, SourceParentId=inner, DestinationParentId=root)


def test_places_that_cannot_be_are_refused(ssm, central):
    for location, named in (
        ({"Accounts": [HERE]}, "Regions"),
        ({"Accounts": ["me"], "Regions": REGIONS}, "me"),
        ({"Accounts": [HERE], "Regions": ["moon-1"]}, "moon-1"),
    ):
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            ssm.start_automation_execution(DocumentName="Everywhere", TargetLocations=[location])
        error = caught.value.response["Error"]
        assert (error["Code"], named in error["Message"]) == (
            "InvalidAutomationExecutionParametersException",
            True,
        )


def test_the_locations_may_lie_in_a_file(sandbox, ssm, central, finish):
    s3 = sandbox.client("s3")
    bucket = "target-locations"
    s3.create_bucket(Bucket=bucket)
    place = {"Accounts": [HERE], "Regions": REGIONS}

    def at(key: str, text: str) -> str:
        s3.put_object(Bucket=bucket, Key=key, Body=text.encode())
        return f"https://{bucket}.s3.us-east-1.amazonaws.com/{key}"

    def start(url: str, client: Any = ssm, **more: Any) -> str:
        given = {"DocumentName": "Everywhere", "Parameters": {"Role": [central]}, **more}
        started = client.start_automation_execution(TargetLocationsURL=url, **given)
        return str(started["AutomationExecutionId"])

    whole = at("list.json", json.dumps([place]))
    ended = finish(start(whole))
    assert ended["AutomationExecutionStatus"] == "Success"
    assert [step["StepName"] for step in ended["StepExecutions"]] == [f"{HERE}_{each}" for each in REGIONS]
    assert (ended["TargetLocations"], ended["TargetLocationsURL"]) == ([place], whole)
    started = start(at("object.json", json.dumps({"TargetLocations": [place]})))
    assert finish(started)["AutomationExecutionStatus"] == "Success"

    for url, more, named in (
        (at("broken.json", "[{"), {}, "is not JSON"),
        (at("text.json", '"everywhere"'), {}, "must hold a list"),
        (at("typed.json", '[{"Accounts": 7, "Regions": ["us-east-1"]}]'), {}, "wrong type"),
        (at("empty.json", '[{"Accounts": [], "Regions": ["us-east-1"]}]'), {}, "accounts"),
        (f"{whole}.gone", {}, "no such object"),
        (whole, {"TargetLocations": [place]}, "cannot be given together"),
    ):
        with pytest.raises(botocore.exceptions.ClientError, match=re.escape(named)):
            start(url, **more)

    keys = sandbox.make_user("reads-no-file", statement(["ssm:*", "iam:PassRole"]))
    with pytest.raises(botocore.exceptions.ClientError, match="may not be read"):
        start(whole, sandbox.client("ssm", keys))
