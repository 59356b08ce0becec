"""The record of calls: who, what, how it ended, and that no secret stands in it."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Sandbox

ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def looked_up(sandbox: Sandbox, key: str, value: str, **more: Any) -> list[dict[str, Any]]:
    found = sandbox.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": key, "AttributeValue": value}], **more
    )
    return [json.loads(event["CloudTrailEvent"]) for event in found["Events"]]


def test_a_session_is_recorded_with_the_person_behind_it(sandbox: Sandbox) -> None:
    name = f"operator-{uuid.uuid4()}"
    keys = sandbox.make_user(name, ALLOW_ALL)
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": "123456789012"},
        "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
    }
    role = sandbox.make_role(f"role-{name}"[:60], trust, ALLOW_ALL)
    session = sandbox.assume(keys, role, "ada-17", SourceIdentity="ada")

    sandbox.client("ec2", session).create_security_group(GroupName=name, Description="trial")
    (event,) = looked_up(sandbox, "AccessKeyId", session["aws_access_key_id"])

    who = event["userIdentity"]
    assert (who["type"], who["arn"].rpartition("/")[2]) == ("AssumedRole", "ada-17")
    assert who["sessionContext"]["sessionIssuer"]["arn"] == role
    assert who["sessionContext"]["sourceIdentity"] == "ada"
    assert (event["eventSource"], event["eventName"]) == ("ec2.amazonaws.com", "CreateSecurityGroup")
    assert event["requestParameters"]["groupName"] == name
    assert event["responseElements"]["groupId"].startswith("sg-")
    assert event["readOnly"] is False
    assert "errorCode" not in event


def test_refusals_are_recorded_by_their_code(sandbox: Sandbox) -> None:
    name = f"refused-{uuid.uuid4()}"
    keys = sandbox.make_user(name)
    with pytest.raises(ClientError):
        sandbox.client("ec2", keys).describe_instances()
    with pytest.raises(ClientError):
        sandbox.client("ec2").terminate_instances(InstanceIds=["i-0123456789abcdef0"])

    (denied,) = looked_up(sandbox, "Username", name)
    sandbox_events = sandbox.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "Username", "AttributeValue": "root"}], MaxResults=50
    )["Events"]
    missing = json.loads(
        next(each for each in sandbox_events if each["EventName"] == "TerminateInstances")["CloudTrailEvent"]
    )

    assert (denied["errorCode"], denied["readOnly"]) == ("UnauthorizedOperation", True)
    assert "is not authorized to perform: ec2:DescribeInstances" in denied["errorMessage"]
    assert missing["errorCode"] == "InvalidInstanceID.NotFound"
    assert missing["responseElements"] is None


def test_no_secret_stands_in_the_trail(launch_sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    path = tmp_path / "trail.jsonl"
    running = launch_sandbox("--trail", str(path))
    keys = running.make_user("keeper", ALLOW_ALL)
    running.client("ssm").put_parameter(Name="/deep", Value="hush-parameter", Type="SecureString")
    running.client("secretsmanager").create_secret(Name="deep", SecretString="hush-secret")
    running.client("rds").create_db_instance(
        DBInstanceIdentifier="deep",
        DBInstanceClass="db.t3.micro",
        Engine="mysql",
        MasterUsername="root",
        MasterUserPassword="hush-password",
    )
    running.client("iam").create_login_profile(UserName="keeper", Password="hush-Password1!")

    text = path.read_text()

    names = [json.loads(line)["eventName"] for line in text.splitlines()]
    assert names[-4:] == ["PutParameter", "CreateSecret", "CreateDBInstance", "CreateLoginProfile"]
    assert "hush" not in text
    assert keys["aws_secret_access_key"] not in text
    assert running.root["aws_secret_access_key"] not in text
    assert path.stat().st_mode & 0o077 == 0


def test_a_trail_is_read_again_at_the_next_start(
    launch_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    path = tmp_path / "trail.jsonl"
    first = launch_sandbox("--trail", str(path))
    first.client("sqs").create_queue(QueueName="of-before")
    first.process.kill()
    first.process.wait()
    with path.open("a") as file:
        file.write('{"eventName": "cut of')

    (event,) = looked_up(launch_sandbox("--trail", str(path)), "EventName", "CreateQueue")

    assert event["requestParameters"] == {"queueName": "of-before"}


def test_events_are_looked_up_in_pages(sandbox: Sandbox) -> None:
    name = f"pages-{uuid.uuid4()}"
    keys = sandbox.make_user(name, ALLOW_ALL)
    for _ in range(3):
        sandbox.client("sts", keys).get_caller_identity()
    sandbox.client("s3", keys).list_buckets()
    cloudtrail = sandbox.client("cloudtrail")
    wanted = {"LookupAttributes": [{"AttributeKey": "Username", "AttributeValue": name}], "MaxResults": 3}

    first = cloudtrail.lookup_events(**wanted)
    sandbox.client("sts", keys).get_caller_identity()
    second = cloudtrail.lookup_events(**wanted, NextToken=first["NextToken"])

    assert [event["EventName"] for event in first["Events"]] == ["ListBuckets"] + ["GetCallerIdentity"] * 2
    assert [event["EventName"] for event in second["Events"]] == ["GetCallerIdentity"]
    assert "NextToken" not in second
    assert first["Events"][0]["Username"] == name


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (
            {"LookupAttributes": [{"AttributeKey": "ResourceType", "AttributeValue": "x"}]},
            "InvalidLookupAttributesException",
        ),
        ({"NextToken": "rubbish"}, "InvalidNextTokenException"),
        ({"StartTime": 2_000_000_000, "EndTime": 1_000_000_000}, "InvalidTimeRangeException"),
    ],
)
def test_what_cannot_be_looked_up_is_refused_by_name(
    sandbox: Sandbox, request_: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as refused:
        sandbox.client("cloudtrail").lookup_events(**request_)

    assert refused.value.response["Error"]["Code"] == code
