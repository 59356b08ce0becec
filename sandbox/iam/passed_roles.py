"""Roles that a call hands to a service: `iam:PassRole` on each.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
"""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.calls import Call
from sandbox.iam.checks import Check
from sandbox.identity import Principal

_ROLE_PARAMETERS = {
    "lambda": (("Role",), "lambda.amazonaws.com"),
    "cloudformation": (("RoleARN",), "cloudformation.amazonaws.com"),
    "stepfunctions": (("roleArn",), "states.amazonaws.com"),
    "events": (("RoleArn",), "events.amazonaws.com"),
    "ecs": (("taskRoleArn", "executionRoleArn"), "ecs-tasks.amazonaws.com"),
    "ssm": (("ServiceRoleArn",), "ssm.amazonaws.com"),
    "scheduler": (("RoleArn",), "scheduler.amazonaws.com"),
    "firehose": (("RoleARN",), "firehose.amazonaws.com"),
}


def checks(call: Call, principal: Principal) -> Iterator[Check]:
    """A check for each role that `call` passes. EC2's instance profiles are its own matter."""
    names, service = _ROLE_PARAMETERS.get(call.service, ((), ""))
    for name in names:
        role = call.params.get(name)
        if isinstance(role, str) and role:
            arn = role
            if not role.startswith("arn:"):
                arn = f"arn:{principal.partition}:iam::{principal.account_id}:role/{role}"
            yield Check("iam:PassRole", (arn,), {"iam:PassedToService": service})
