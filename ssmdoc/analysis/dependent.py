"""What a call needs besides its own action: roles that it passes, tags that it sets, keys that it uses.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ssmdoc.analysis import names, queries, reference
from ssmdoc.analysis.needs import Call, Need
from ssmdoc.analysis.resources import Place, arn, arns, every

_ROLE_ARN = "arn:${Partition}:iam::${Account}:role/${Role}"
_ROLE = re.compile(r"roles?(?:arns?)?\Z", re.IGNORECASE)
# Arguments that hand a role over without being called so, and operations that take one by an argument.
_ROLES = ("DeliverLogsPermissionArn", "ServiceLinkedRoleARN", "AutomationAssumeRole")
_PROFILES = ("IamInstanceProfile", "IamInstanceProfileArn", "IamInstanceProfileName")
# Calls that name a role without handing it to a service.
_NO_PASSING = ("iam", "sts", "lakeformation", "sso-admin")
_PASSED_TO = {
    "apigateway": "apigateway",
    "application-autoscaling": "application-autoscaling",
    "autoscaling": "autoscaling",
    "backup": "backup",
    "cloudformation": "cloudformation",
    "cloudtrail": "cloudtrail",
    "codebuild": "codebuild",
    "config": "config",
    "dms": "dms",
    "ecs": "ecs-tasks",
    "eks": "eks",
    "emr": "elasticmapreduce",
    "events": "events",
    "firehose": "firehose",
    "fis": "fis",
    "glue": "glue",
    "lambda": "lambda",
    "pipes": "pipes",
    "s3": "s3",
    "sagemaker": "sagemaker",
    "scheduler": "scheduler",
    "ssm": "ssm",
    "stepfunctions": "states",
}

# The action that sets tags while something is made, where it is a permission of its own.
_TAGGING = {
    "backup": "backup:TagResource",
    "cloudtrail": "cloudtrail:AddTags",
    "cloudwatch": "cloudwatch:TagResource",
    "dynamodb": "dynamodb:TagResource",
    "docdb": "rds:AddTagsToResource",
    "ecr": "ecr:TagResource",
    "ecs": "ecs:TagResource",
    "efs": "elasticfilesystem:TagResource",
    "eks": "eks:TagResource",
    "elasticache": "elasticache:AddTagsToResource",
    "elbv2": "elasticloadbalancing:AddTags",
    "events": "events:TagResource",
    "fis": "fis:TagResource",
    "kms": "kms:TagResource",
    "lambda": "lambda:TagResource",
    "logs": "logs:TagResource",
    "neptune": "rds:AddTagsToResource",
    "rds": "rds:AddTagsToResource",
    "redshift": "redshift:CreateTags",
    "secretsmanager": "secretsmanager:TagResource",
    "sns": "sns:TagResource",
    "sqs": "sqs:TagQueue",
    "ssm": "ssm:AddTagsToResource",
    "stepfunctions": "states:TagResource",
}
_IAM_TAGGING = {
    "CreateRole": "iam:TagRole",
    "CreateUser": "iam:TagUser",
    "CreatePolicy": "iam:TagPolicy",
    "CreateInstanceProfile": "iam:TagInstanceProfile",
}
_KEY_ARGUMENTS = ("KmsKeyId", "KMSKeyId", "kmsKeyId", "SSEKMSKeyId", "KmsKeyArn", "KmsMasterKeyId")


def dependent(call: Call, place: Place, own_role: bool = False) -> Iterator[Need]:
    """What a call needs besides the actions that allow it. `own_role` says that whoever starts the document
    gives its role by a parameter."""
    if call.service.lower() == "athena":
        yield from queries.needed(call, place)
    main = [reference.action(name) for name in names.iam_actions(call.service, call.operation)]
    if all(action is not None and action.level in ("Read", "List") for action in main):
        yield from _reading(call, place)
        return
    yield from _passed(call, place, own_role)
    yield from _tagged(call, place)
    yield from _encrypted(call, place)
    yield from _made_besides(call, place)


def entries(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key of an argument, at any depth, with what stands under it."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield str(name), inner
            yield from entries(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from entries(inner)


def _passed(call: Call, place: Place, own_role: bool) -> Iterator[Need]:
    service = call.service.lower()
    if service == "iam" and call.operation == "AddRoleToInstanceProfile":
        role = call.arguments.get("RoleName")
        yield _pass_role(_named_role(role, place), "ec2", call, "the role that it puts into the profile")
        return
    if service in _NO_PASSING:
        return
    if service == "ec2" and call.operation in (
        "RunInstances",
        "AssociateIamInstanceProfile",
        "ReplaceIamInstanceProfileAssociation",
    ):
        if any(key in _PROFILES and value for key, value in entries(call.arguments)):
            yield _pass_role(_named_role("*", place), "ec2", call, "the role of the instance profile")
        return
    child = (service, call.operation) == ("ssm", "StartAutomationExecution")
    if child and not isinstance(call.arguments.get("Parameters", {}), Mapping):
        # A script hands on the parameters of an execution to start its own document again: the role is one.
        again = own_role and not isinstance(call.arguments.get("DocumentName"), str)
        yield replace(_pass_role(_named_role("*", place), "ssm", call, "the child's role"), certain=again)
    if (service, call.operation) == ("ecs", "RunTask"):
        what = "the roles of the task definition, where it has any,"
        yield replace(_pass_role(_named_role("*", place), "ecs-tasks", call, what), certain=False)
    for key, value in entries(call.arguments):
        # A child automation's other parameters are its own matter.
        if child and "assumerole" not in key.lower():
            continue
        if not (_ROLE.search(key) or key in _ROLES) or value in (None, "", []) or isinstance(value, Mapping):
            continue
        for item in value if isinstance(value, list) else [value]:
            target = _PASSED_TO.get(service, "")
            if call.operation == "CreateFlowLogs":
                target = "vpc-flow-logs"
            yield _pass_role(_named_role(item, place), target, call, f"the role in {key}")


def _named_role(value: Any, place: Place) -> tuple[str, ...]:
    if isinstance(value, str) and not any(sign in value for sign in "{:*"):
        root = f"arn:{place.partition}:iam::{place.account}:role/"
        # The name alone does not tell the path that stands before it.
        return (f"{root}{value}",) if "/" in value else (f"{root}{value}", f"{root}*/{value}")
    return (arn(value, _ROLE_ARN, place),)


def _pass_role(roles: tuple[str, ...], service: str, call: Call, what: str) -> Need:
    conditions: dict[str, Any] = (
        {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}} if service else {}
    )
    return Need("iam:PassRole", roles, conditions, f"{call.source} passes {what} to the service.")


def _tagged(call: Call, place: Place) -> Iterator[Need]:
    service, arguments = call.service.lower(), call.arguments
    why = f"{call.source} sets tags on what it makes."
    if service == "ec2":
        if arguments.get("TagSpecifications"):
            condition = {"StringEquals": {"ec2:CreateAction": call.operation}}
            yield Need("ec2:CreateTags", _tagged_kinds(arguments["TagSpecifications"], place), condition, why)
        return
    tags = next((arguments[key] for key in ("Tags", "tags", "TagList") if arguments.get(key)), None)
    if tags is None or re.match(
        r"(?:Tag|Untag|AddTags|RemoveTags|CreateTags|DeleteTags|Set)", call.operation
    ):
        return
    action = _IAM_TAGGING.get(call.operation, "") if service == "iam" else _TAGGING.get(service, "")
    if action:
        yield Need(action, arns(action, arguments, place, call.operation, call.open).arns, {}, why)


def _tagged_kinds(specifications: Any, place: Place) -> tuple[str, ...]:
    """The kinds of resource of EC2 that are tagged while they are made."""
    kinds = [
        item.get("ResourceType") if isinstance(item, Mapping) else None
        for item in (specifications if isinstance(specifications, list) else [None])
    ]
    known = [reference.arn_patterns("ec2", kind) if isinstance(kind, str) else () for kind in kinds]
    if not all(known):
        return arns("ec2:CreateTags", {}, place).arns
    return tuple(dict.fromkeys(every(pattern, place) for patterns in known for pattern in patterns))


def _encrypted(call: Call, place: Place) -> Iterator[Need]:
    if call.service.lower() == "kms":
        return
    keys = [value for key, value in entries(call.arguments) if key in _KEY_ARGUMENTS and value]
    if keys:
        why = f"{call.source} names a KMS key; a key that AWS does not manage asks for this."
        for action in ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"):
            found = arns(action, {"KeyId": keys}, place).arns
            yield Need(action, found, {}, why, certain=False)


def _made_besides(call: Call, place: Place) -> Iterator[Need]:
    """What an operation does under an action of its own besides the one that it is named after."""
    service, arguments = call.service.lower(), call.arguments
    if service == "efs" and call.operation == "CreateReplicationConfiguration":
        if not any(key == "FileSystemId" and value for key, value in entries(arguments.get("Destinations"))):
            # A replica is made in the Region that it is wanted in.
            made = f"arn:{place.partition}:elasticfilesystem:*:{place.account}:file-system/*"
            why = f"{call.source} makes the replica."
            yield Need("elasticfilesystem:CreateFileSystem", (made,), {}, why)
    elif service in ("rds", "docdb", "neptune") and arguments.get("CopyTags") in (True, "true"):
        kind = "cluster-snapshot" if "Cluster" in call.operation else "snapshot"
        copied = f"arn:{place.partition}:rds:*:*:{kind}:*"
        yield Need("rds:ListTagsForResource", (copied,), {}, f"{call.source} copies the tags along.")


def _reading(call: Call, place: Place) -> Iterator[Need]:
    secret = call.service.lower() == "ssm" and call.arguments.get("WithDecryption") in (True, "true")
    if secret or (call.service.lower(), call.operation) == ("secretsmanager", "GetSecretValue"):
        why = f"{call.source} reads a secret value; one under a key of your own asks for this."
        yield Need("kms:Decrypt", arns("kms:Decrypt", {}, place).arns, {}, why, certain=False)
