"""Calls over which moto stumbles, and what AWS answers."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Sandbox


@pytest.mark.parametrize(
    ("principal", "resource", "allowed"),
    [
        ({"Service": "logging.s3.amazonaws.com"}, "/logs/*", True),
        ({"Service": "logging.s3.amazonaws.com"}, "/other/*", False),
        ({"Service": "ssm.amazonaws.com"}, "/*", False),
        ("*", "/*", True),
    ],
)
def test_access_is_logged_where_the_target_buckets_policy_lets_it(
    sandbox: Sandbox, principal: object, resource: str, *, allowed: bool
) -> None:
    s3 = sandbox.client("s3")
    source, target = (f"{kind}-{uuid.uuid4()}" for kind in ("source", "target"))
    for name in (source, target):
        s3.create_bucket(Bucket=name)
    statement = {
        "Effect": "Allow",
        "Principal": principal,
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{target}{resource}",
    }
    s3.put_bucket_policy(
        Bucket=target, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )
    enabled = {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": "logs/"}}

    try:
        s3.put_bucket_logging(Bucket=source, BucketLoggingStatus=enabled)
    except ClientError as refused:
        assert refused.response["Error"]["Code"] == "InvalidTargetBucketForLogging"

    assert ("LoggingEnabled" in s3.get_bucket_logging(Bucket=source)) is allowed


def test_option_groups_are_listed_without_a_name(sandbox: Sandbox) -> None:
    rds = sandbox.client("rds", region="eu-west-3")
    assert rds.describe_option_groups()["OptionGroupsList"] == []
    rds.create_option_group(
        OptionGroupName="options",
        EngineName="mysql",
        MajorEngineVersion="8.0",
        OptionGroupDescription="of mine",
    )

    listed = rds.describe_option_groups()["OptionGroupsList"]
    with pytest.raises(ClientError) as missing:
        rds.describe_option_groups(OptionGroupName="others")

    assert [each["OptionGroupName"] for each in listed] == ["options"]
    assert missing.value.response["Error"]["Code"] == "OptionGroupNotFoundFault"


@pytest.mark.parametrize("api", ["get_query_execution", "get_query_results", "stop_query_execution"])
def test_a_query_that_does_not_exist_is_refused(sandbox: Sandbox, api: str) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(sandbox.client("athena"), api)(QueryExecutionId=str(uuid.uuid4()))

    assert refused.value.response["Error"]["Code"] == "InvalidRequestException"
