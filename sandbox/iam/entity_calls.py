"""What IAM's own calls act on.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
"""

from __future__ import annotations

from typing import Any

from sandbox.calls import Call
from sandbox.iam.actions import iam_action
from sandbox.iam.checks import Check
from sandbox.iam.policy import Resource
from sandbox.iam.resources import resource_of
from sandbox.identity import Principal

_OF_ONESELF = frozenset(
    (
        "ChangePassword",
        "CreateAccessKey",
        "DeleteAccessKey",
        "GetUser",
        "ListAccessKeys",
        "ListMFADevices",
        "UpdateAccessKey",
    )
)
"""Operations that mean the calling user when they name none."""


def checks(call: Call, principal: Principal) -> list[Check]:
    """The checks of an IAM call, with the policy or boundary that it attaches as condition keys."""
    context: dict[str, str | list[str]] = {}
    if call.params.get("PolicyArn"):
        context["iam:PolicyARN"] = call.params["PolicyArn"]
    if call.params.get("PermissionsBoundary"):
        context["iam:PermissionsBoundary"] = call.params["PermissionsBoundary"]
    tags = call.params.get("Tags") or []
    if tags:
        context["aws:TagKeys"] = [tag.get("Key", "") for tag in tags]
        context.update({f"aws:RequestTag/{tag.get('Key', '')}": tag.get("Value", "") for tag in tags})
    found = [Check(iam_action(call), (_resource(call, principal),), context)]
    if call.operation == "AddRoleToInstanceProfile":
        role = _named(principal, "roles", call.params.get("RoleName"))
        if role is not None:
            found.append(Check("iam:PassRole", (role,), {"iam:PassedToService": "ec2.amazonaws.com"}))
    return found


def _resource(call: Call, principal: Principal) -> Resource:
    # Names say nothing of paths: an entity that exists has its own ARN.
    for kind, parameter in (
        ("users", "UserName"),
        ("roles", "RoleName"),
        ("groups", "GroupName"),
        ("instance_profiles", "InstanceProfileName"),
    ):
        # Where a user joins a group, or a role a profile, the container is what is acted on.
        if parameter == "UserName" and "GroupName" in call.params:
            continue
        if parameter == "RoleName" and "InstanceProfileName" in call.params:
            continue
        name = call.params.get(parameter)
        if name:
            path = call.params.get("Path") or "/"
            form = f"{kind[:-1].replace('_', '-')}{path}{name}"
            unmade = f"arn:{principal.partition}:iam::{principal.account_id}:{form}"
            return _named(principal, kind, name) or unmade
    if call.operation in _OF_ONESELF and principal.kind == "user":
        return principal.arn
    return resource_of(call, principal)


def _named(principal: Principal, kind: str, name: str | None) -> str | None:
    from moto.iam.models import iam_backends

    entities: dict[str, Any] = getattr(iam_backends[principal.account_id][principal.partition], kind)
    return next((str(entity.arn) for entity in list(entities.values()) if entity.name == name), None)
