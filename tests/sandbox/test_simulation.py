"""IAM tells what a principal's policies say, without anything being done."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import ACCOUNT_ID

TRUST = {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}
PASSED = f"arn:aws:iam::{ACCOUNT_ID}:role/Passed"


def decisions(sandbox, arn, *actions, keys=None, **more):
    answer = sandbox.client("iam", keys).simulate_principal_policy(
        PolicySourceArn=arn, ActionNames=list(actions), **more
    )
    return {row["EvalActionName"]: row["EvalDecision"] for row in answer["EvaluationResults"]}


def passing_to(service):
    return [
        {"ContextKeyName": "iam:PassedToService", "ContextKeyValues": [service], "ContextKeyType": "string"}
    ]


def test_allowed_denied_and_not_mentioned_are_told_apart(sandbox):
    role = sandbox.make_role(
        "simulated",
        TRUST,
        {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "ec2:RunInstances", "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": PASSED,
            "Condition": {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}},
        },
    )
    assert decisions(sandbox, role, "ec2:DescribeInstances", "ec2:RunInstances", "s3:ListAllMyBuckets") == {
        "ec2:DescribeInstances": "allowed",
        "ec2:RunInstances": "explicitDeny",
        "s3:ListAllMyBuckets": "implicitDeny",
    }
    for service, said in (("ssm.amazonaws.com", "allowed"), ("ec2.amazonaws.com", "implicitDeny")):
        found = decisions(
            sandbox, role, "iam:PassRole", ResourceArns=[PASSED], ContextEntries=passing_to(service)
        )
        assert found == {"iam:PassRole": said}


def test_asking_takes_a_permission_and_somebody_to_ask_about(sandbox):
    role = sandbox.make_role("simulated-by-others", TRUST)
    nobody = sandbox.make_user("may-not-simulate")
    with pytest.raises(ClientError, match="iam:SimulatePrincipalPolicy"):
        decisions(sandbox, role, "ec2:RunInstances", keys=nobody)
    allowed = {"Effect": "Allow", "Action": "iam:SimulatePrincipalPolicy", "Resource": role}
    somebody = sandbox.make_user("may-simulate", allowed)
    assert decisions(sandbox, role, "ec2:RunInstances", keys=somebody) == {"ec2:RunInstances": "implicitDeny"}
    with pytest.raises(ClientError, match="NoSuchEntity"):
        decisions(sandbox, f"arn:aws:iam::{ACCOUNT_ID}:role/none-such", "ec2:RunInstances")


def test_a_boundary_takes_away(sandbox):
    iam = sandbox.client("iam")
    boundary = iam.create_policy(
        PolicyName="simulated-boundary",
        PolicyDocument='{"Version": "2012-10-17", "Statement": '
        '[{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}',
    )["Policy"]["Arn"]
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    role = sandbox.make_role("simulated-within-a-boundary", TRUST, everything, PermissionsBoundary=boundary)
    found = decisions(sandbox, role, "s3:ListAllMyBuckets", "ec2:RunInstances")
    assert found == {"s3:ListAllMyBuckets": "allowed", "ec2:RunInstances": "implicitDeny"}
