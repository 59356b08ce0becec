"""The ARN of what a call acts on, for the services whose parameters tell.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.calls import Call
from sandbox.iam.actions import iam_prefix
from sandbox.iam.policy import Resource, UnknownResource
from sandbox.identity import Principal

_REGIONAL = "arn:{partition}:{prefix}:{region}:{account}:"
_GLOBAL = "arn:{partition}:{prefix}::{account}:"

_TEMPLATES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "iam": (
        _GLOBAL,
        {
            "UserName": "user/{}",
            "RoleName": "role/{}",
            "GroupName": "group/{}",
            "InstanceProfileName": "instance-profile/{}",
            "PolicyName": "policy/{}",
        },
    ),
    "sns": (_REGIONAL, {"TopicArn": "{}", "Name": "{}"}),
    "sqs": (_REGIONAL, {"QueueUrl": "{}", "QueueName": "{}"}),
    "lambda": (_REGIONAL, {"FunctionName": "function:{}", "LayerName": "layer:{}"}),
    "dynamodb": (_REGIONAL, {"TableName": "table/{}"}),
    "logs": (_REGIONAL, {"logGroupName": "log-group:{}:*"}),
    "secretsmanager": (_REGIONAL, {"SecretId": "secret:{}-??????", "Name": "secret:{}-??????"}),
    "cloudformation": (_REGIONAL, {"StackName": "stack/{}/*"}),
    "states": (_REGIONAL, {"stateMachineArn": "{}", "executionArn": "{}", "name": "stateMachine:{}"}),
    "events": (_REGIONAL, {"Rule": "rule/{}", "Name": "rule/{}"}),
    "cloudwatch": (_REGIONAL, {"AlarmName": "alarm:{}"}),
    "rds": (
        _REGIONAL,
        {
            "DBInstanceIdentifier": "db:{}",
            "DBClusterIdentifier": "cluster:{}",
            "DBSnapshotIdentifier": "snapshot:{}",
            "DBParameterGroupName": "pg:{}",
            "DBSubnetGroupName": "subgrp:{}",
        },
    ),
    "kms": (_REGIONAL, {"KeyId": "key/{}"}),
    "ecs": (_REGIONAL, {"cluster": "cluster/{}"}),
    "kinesis": (_REGIONAL, {"StreamName": "stream/{}"}),
}


def resource_of(call: Call, principal: Principal) -> Resource:
    """The resource of `call`: an ARN, `*` for what AWS evaluates without a resource, or UnknownResource."""
    prefix = iam_prefix(call)
    base = arn_base(call, principal)
    template, names = _TEMPLATES.get(prefix, (_REGIONAL, {}))
    for name, form in names.items():
        value = call.params.get(name)
        if isinstance(value, str) and value:
            if value.startswith("arn:"):
                return value
            value = value.rsplit("/", 1)[-1] if name == "QueueUrl" else value
            return template.format(**base) + form.format(value)
    for name, value in call.params.items():
        if name.lower().endswith("arn") and isinstance(value, str) and value.startswith("arn:"):
            return value
    if not call.required and call.operation.startswith(("Describe", "List", "Get")):
        return "*"
    return unknown_resource(call, principal)


def unknown_resource(call: Call, principal: Principal) -> UnknownResource:
    return UnknownResource(
        service=iam_prefix(call),
        partition=principal.partition,
        region=call.region,
        account_id=principal.account_id,
    )


def arn_base(call: Call, principal: Principal) -> dict[str, str]:
    """The parts of an ARN that the call and its principal determine."""
    return {
        "partition": principal.partition,
        "prefix": iam_prefix(call),
        "region": call.region,
        "account": principal.account_id,
    }


def strings(value: Any) -> Iterator[str]:
    """A parameter's string or strings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (item for item in value if isinstance(item, str))
