"""What belongs to one account is not another's, by whatever name it is called."""

import time
from typing import Any

import botocore.exceptions
import pytest

from tests.sandbox.conftest import policy_text

HERE = "123456789012"


@pytest.fixture(scope="module")
def bucket(sandbox: Any) -> str:
    """A bucket of the first account with an object `key`."""
    name = f"first-{time.time_ns()}"
    sandbox.client("s3").create_bucket(Bucket=name)
    sandbox.client("s3").put_object(Bucket=name, Key="key", Body=b"text")
    return name


def test_a_bucket_is_closed_to_other_accounts(sandbox, other_account, bucket):
    foreign = sandbox.client("s3", other_account.keys)
    for attempt in (
        lambda: foreign.get_object(Bucket=bucket, Key="key"),
        lambda: foreign.put_object(Bucket=bucket, Key="other", Body=b""),
        lambda: foreign.list_objects_v2(Bucket=bucket),
        lambda: foreign.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/key"),
        lambda: foreign.delete_bucket(Bucket=bucket),
    ):
        with pytest.raises(botocore.exceptions.ClientError, match="no resource-based policy allows"):
            attempt()


def test_a_bucket_s_policy_opens_it_as_far_as_it_says(sandbox, other_account, bucket):
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{other_account.id}:root"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/k*",
    }
    sandbox.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy_text(statement))
    foreign = sandbox.client("s3", other_account.keys)
    assert foreign.get_object(Bucket=bucket, Key="key")["Body"].read() == b"text"
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        foreign.get_object(Bucket=bucket, Key="other")
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        foreign.put_object(Bucket=bucket, Key="key", Body=b"")


def test_no_other_service_reads_a_bucket_of_another_account(sandbox, other_account, bucket):
    foreign = sandbox.client("lambda", other_account.keys)
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = sandbox.client("iam", other_account.keys).create_role(
        RoleName=f"Function-{time.time_ns()}", AssumeRolePolicyDocument=policy_text(trust)
    )["Role"]["Arn"]
    with pytest.raises(botocore.exceptions.ClientError):
        foreign.create_function(
            FunctionName="taken",
            Runtime="python3.12",
            Role=role,
            Handler="code.main",
            Code={"S3Bucket": bucket, "S3Key": "key"},
        )


def test_a_topic_is_closed_to_other_accounts(sandbox, other_account):
    topic = sandbox.client("sns").create_topic(Name=f"first-{time.time_ns()}")["TopicArn"]
    foreign = sandbox.client("sns", other_account.keys)
    with pytest.raises(botocore.exceptions.ClientError, match="no resource-based policy allows"):
        foreign.publish(TopicArn=topic, Message="text")
    with pytest.raises(botocore.exceptions.ClientError, match="no resource-based policy allows"):
        foreign.get_topic_attributes(TopicArn=topic)


def test_a_secret_that_is_denied_is_not_had_by_an_arn_of_another_account(sandbox):
    name = f"denied-{time.time_ns()}"
    secret = sandbox.client("secretsmanager").create_secret(Name=name, SecretString="text")["ARN"]
    keys = sandbox.make_user(
        f"denied-{time.time_ns()}",
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "*", "Resource": f"arn:aws:secretsmanager:*:{HERE}:secret:{name}*"},
    )
    client = sandbox.client("secretsmanager", keys)
    for named in (name, secret, secret.replace(HERE, "999999999999")):
        with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
            client.get_secret_value(SecretId=named)


@pytest.mark.parametrize("selector", ["", ":1", ":newest"])
def test_a_parameter_that_is_denied_is_not_had_by_a_version_of_it(sandbox, selector):
    name = f"/denied/{time.time_ns()}"
    ssm = sandbox.client("ssm")
    ssm.put_parameter(Name=name, Value="text", Type="String")
    ssm.label_parameter_version(Name=name, Labels=["newest"])
    keys = sandbox.make_user(
        f"denied-{time.time_ns()}",
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "*", "Resource": f"arn:aws:ssm:*:*:parameter{name}"},
    )
    assert ssm.get_parameter(Name=f"{name}{selector}")["Parameter"]["Value"] == "text"
    with pytest.raises(botocore.exceptions.ClientError, match="explicit deny"):
        sandbox.client("ssm", keys).get_parameter(Name=f"{name}{selector}")
