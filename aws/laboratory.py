"""The identities that a demonstration's AWS account holds, made through IAM's own API.

Written as the README tells an administrator to make them in a real account: the portal's own identity may
open one role; that role may handle documents and automations and pass one service role; Automation alone may
assume the service role.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from aws.errors import translated

REGION = "us-east-1"
PORTAL_USER = "automation-portal"
PORTAL_ROLE = "AutomationPortal"
SERVICE_ROLE = "AutomationServiceRole"
DENIED_USER = "operator-without-ec2"


@dataclass(frozen=True)
class Key:
    """A long-term access key of an IAM user."""

    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True)
class Laboratory:
    """What a demonstration's account was given."""

    account_id: str
    portal_role_arn: str
    service_role_arn: str
    image_id: str


def _statement(actions: list[str], resource: str | list[str], **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


def _policy(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def portal_role_policy(account: str, region: str = REGION) -> str:
    """Return the policy of the role that the portal works as, in account `account` and Region `region`."""
    documents = [
        f"arn:aws:ssm:{region}:{account}:document/*",
        f"arn:aws:ssm:{region}:{account}:automation-definition/*",
    ]
    return _policy(
        _statement(
            [
                "ssm:CreateDocument",
                "ssm:UpdateDocument",
                "ssm:UpdateDocumentDefaultVersion",
                "ssm:DescribeDocument",
                "ssm:GetDocument",
                "ssm:ListDocumentVersions",
            ],
            documents,
        ),
        _statement(
            ["ssm:StartAutomationExecution", "ssm:AddTagsToResource"],
            [*documents, f"arn:aws:ssm:{region}:{account}:automation-execution/*"],
        ),
        _statement(
            [
                "ssm:GetAutomationExecution",
                "ssm:DescribeAutomationStepExecutions",
                "ssm:StopAutomationExecution",
                "ssm:SendAutomationSignal",
            ],
            f"arn:aws:ssm:{region}:{account}:automation-execution/*",
        ),
        _statement(["ssm:DescribeAutomationExecutions"], "*"),
        _statement(
            ["iam:PassRole"],
            f"arn:aws:iam::{account}:role/{SERVICE_ROLE}",
            Condition={"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}},
        ),
    )


def opening_policy(account: str) -> str:
    """Return the policy of the identity that the portal's processes have: it may open the portal's role."""
    return _policy(
        _statement(
            ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
            f"arn:aws:iam::{account}:role/{PORTAL_ROLE}",
        )
    )


def portal_role_trust(principal: str, external_id: str) -> str:
    """Return the trust policy of the portal's role: `principal`, an ARN, opens it by naming `external_id`."""
    return _policy(
        {
            "Effect": "Allow",
            "Principal": {"AWS": principal},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
        },
        {
            "Effect": "Allow",
            "Principal": {"AWS": principal},
            "Action": ["sts:TagSession", "sts:SetSourceIdentity"],
        },
    )


def service_role_trust(account: str, region: str = REGION) -> str:
    """Return the trust policy that lets Automation, in this account and Region alone, assume a role.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/cross-service-confused-deputy-prevention.html
    """
    return _policy(
        {
            "Effect": "Allow",
            "Principal": {"Service": "ssm.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": account},
                "ArnLike": {"aws:SourceArn": f"arn:aws:ssm:{region}:{account}:automation-execution/*"},
            },
        }
    )


def _service_role_policy() -> str:
    return _policy(
        _statement(
            [
                "ec2:RunInstances",
                "ec2:CreateTags",
                "ec2:StartInstances",
                "ec2:StopInstances",
                "ec2:DescribeInstances",
                "ec2:DescribeInstanceStatus",
                "ec2:DescribeImages",
            ],
            "*",
        )
    )


def _denied_user_policy(account: str) -> str:
    return _policy(
        _statement(
            [
                "ssm:StartAutomationExecution",
                "ssm:AddTagsToResource",
                "ssm:GetAutomationExecution",
                "ssm:DescribeAutomationStepExecutions",
                "ssm:StopAutomationExecution",
                "ssm:DescribeDocument",
            ],
            f"arn:aws:ssm:*:{account}:*",
        ),
        _statement(["ssm:DescribeAutomationExecutions"], "*"),
        {"Effect": "Deny", "Action": "ec2:*", "Resource": "*"},
    )


class LaboratoryAccount:
    """A demonstration's account, handled with its root key: to set it up and to look at it."""

    def __init__(self, *, endpoint_url: str, root: Key) -> None:
        self._endpoint_url = endpoint_url
        self._root = root

    def client(self, service: str, key: Key | None = None) -> Any:
        """Return a boto3 client with `key`, or with the root key."""
        key = key or self._root
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self._endpoint_url,
            region_name=REGION,
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret_access_key,
        )

    def provision(self, *, external_id: str) -> Laboratory:
        """Make what is missing; what is there stays.

        Arguments:
            external_id: what the portal must name to open its role.

        Raises AwsError when the account does not answer.
        """
        try:
            return self._provision(external_id)
        except (ClientError, BotoCoreError) as error:
            raise translated(error, "provisioning the demonstration's account") from error

    def _provision(self, external_id: str) -> Laboratory:
        iam = self.client("iam")
        account = self.client("sts").get_caller_identity()["Account"]
        for user in (PORTAL_USER, DENIED_USER):
            _unless_there(iam.create_user, UserName=user)
        portal_role = f"arn:aws:iam::{account}:role/{PORTAL_ROLE}"
        iam.put_user_policy(
            UserName=PORTAL_USER,
            PolicyName="open-the-portal-role",
            PolicyDocument=opening_policy(account),
        )
        iam.put_user_policy(
            UserName=DENIED_USER,
            PolicyName="run-automations-and-no-ec2",
            PolicyDocument=_denied_user_policy(account),
        )
        _unless_there(
            iam.create_role,
            RoleName=PORTAL_ROLE,
            AssumeRolePolicyDocument=portal_role_trust(
                f"arn:aws:iam::{account}:user/{PORTAL_USER}", external_id
            ),
        )
        iam.put_role_policy(
            RoleName=PORTAL_ROLE, PolicyName="automation", PolicyDocument=portal_role_policy(account)
        )
        _unless_there(
            iam.create_role, RoleName=SERVICE_ROLE, AssumeRolePolicyDocument=service_role_trust(account)
        )
        iam.put_role_policy(
            RoleName=SERVICE_ROLE, PolicyName="run-and-tag-instances", PolicyDocument=_service_role_policy()
        )
        return Laboratory(
            account_id=account,
            portal_role_arn=portal_role,
            service_role_arn=f"arn:aws:iam::{account}:role/{SERVICE_ROLE}",
            image_id=self.image_id(),
        )

    def new_key(self, user_name: str, *, keep: str = "") -> Key:
        """Return a new access key of the IAM user, in place of those it had but `keep`."""
        iam = self.client("iam")
        for row in iam.list_access_keys(UserName=user_name)["AccessKeyMetadata"]:
            if row["AccessKeyId"] != keep:
                iam.delete_access_key(UserName=user_name, AccessKeyId=row["AccessKeyId"])
        made = iam.create_access_key(UserName=user_name)["AccessKey"]
        return Key(made["AccessKeyId"], made["SecretAccessKey"])

    def drop_key(self, user_name: str, key: Key) -> None:
        """Delete an access key of the IAM user."""
        self.client("iam").delete_access_key(UserName=user_name, AccessKeyId=key.access_key_id)

    def image_id(self) -> str:
        """Return an AMI that instances can be launched from."""
        images = self.client("ec2").describe_images(Owners=["amazon"])["Images"]
        return min(str(image["ImageId"]) for image in images)

    def has_key(self, user_name: str, access_key_id: str) -> bool:
        """Say whether the IAM user has this access key."""
        rows = self.client("iam").list_access_keys(UserName=user_name)["AccessKeyMetadata"]
        return any(row["AccessKeyId"] == access_key_id for row in rows)

    def launch_directly(self, key: Key, image_id: str) -> list[str]:
        """Call RunInstances with `key`, as a person at a terminal would; return the instances' ids.

        Raises AwsError, in AWS's own words, when IAM refuses.
        """
        try:
            answer = self.client("ec2", key).run_instances(
                ImageId=image_id, MinCount=1, MaxCount=1, InstanceType="t3.micro"
            )
        except (ClientError, BotoCoreError) as error:
            raise translated(error, "RunInstances") from error
        return [row["InstanceId"] for row in answer["Instances"]]

    def instances(self) -> dict[str, dict[str, Any]]:
        """Return every instance of the account by id: `type`, `state` and `tags`."""
        found: dict[str, dict[str, Any]] = {}
        for page in self.client("ec2").get_paginator("describe_instances").paginate():
            for reservation in page["Reservations"]:
                for row in reservation["Instances"]:
                    found[row["InstanceId"]] = {
                        "type": row["InstanceType"],
                        "state": row["State"]["Name"],
                        "tags": {tag["Key"]: tag["Value"] for tag in row.get("Tags", [])},
                    }
        return found

    def user_policy(self, user_name: str) -> dict[str, Any]:
        """Return the one inline policy of an IAM user."""
        iam = self.client("iam")
        (name,) = iam.list_user_policies(UserName=user_name)["PolicyNames"]
        found: dict[str, Any] = iam.get_user_policy(UserName=user_name, PolicyName=name)["PolicyDocument"]
        return found

    def role(self, role_name: str) -> tuple[dict[str, Any], list[str]]:
        """Return a role's trust policy and the actions that its inline policies allow."""
        iam = self.client("iam")
        trust: dict[str, Any] = iam.get_role(RoleName=role_name)["Role"]["AssumeRolePolicyDocument"]
        actions: list[str] = []
        for name in iam.list_role_policies(RoleName=role_name)["PolicyNames"]:
            policy = iam.get_role_policy(RoleName=role_name, PolicyName=name)["PolicyDocument"]
            actions += [action for statement in policy["Statement"] for action in statement["Action"]]
        return trust, actions


def _unless_there(create: Any, **request: Any) -> None:
    try:
        create(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] != "EntityAlreadyExists":
            raise
