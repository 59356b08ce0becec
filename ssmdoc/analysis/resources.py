"""The ARNs that a call acts on, as far as its arguments tell.

The patterns are those of the Service Authorization Reference's resource types; what a parameter or the run
decides is a ``*``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from ssmdoc import references
from ssmdoc.analysis import reference
from ssmdoc.analysis.script_values import UNKNOWN

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_ARN = re.compile(r"arn:[^:\s]*:[a-z0-9-]+:[^\s]*\Z")
# Beyond so many kinds of resource an action is one that works on whatever it is given.
_MOST_TYPES = 6

# Which argument names a resource, where it is not called as the pattern's last variable is.
_ARGUMENTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "s3": {"bucket": ("Bucket",), "object": ("Bucket",)},
    "iam": {
        "role": ("RoleName",),
        "user": ("UserName",),
        "group": ("GroupName",),
        "policy": ("PolicyArn",),
        "instance-profile": ("InstanceProfileName",),
    },
    "rds": {
        "db": ("DBInstanceIdentifier",),
        "cluster": ("DBClusterIdentifier",),
        "snapshot": ("DBSnapshotIdentifier", "SourceDBSnapshotIdentifier", "TargetDBSnapshotIdentifier"),
        "cluster-snapshot": (
            "DBClusterSnapshotIdentifier",
            "SourceDBClusterSnapshotIdentifier",
            "TargetDBClusterSnapshotIdentifier",
        ),
        "subgrp": ("DBSubnetGroupName",),
        "pg": ("DBParameterGroupName",),
    },
    "lambda": {"function": ("FunctionName",)},
    "sqs": {"queue": ("QueueUrl", "QueueName")},
    "sns": {"topic": ("TopicArn", "TargetArn", "Name")},
    "dynamodb": {"table": ("TableName", "TargetTableName")},
    "logs": {"log-group": ("logGroupName",)},
    "secretsmanager": {"Secret": ("SecretId", "Name")},
    "kms": {"key": ("KeyId", "TargetKeyId")},
    "cloudformation": {"stack": ("StackName",), "stackset": ("StackSetName",)},
    "autoscaling": {"autoScalingGroup": ("AutoScalingGroupName",)},
    "states": {"statemachine": ("stateMachineArn",), "execution": ("executionArn",)},
    "ssm": {
        "document": ("DocumentName", "Name"),
        "parameter": ("Name", "Names", "Path"),
        "automation-execution": ("AutomationExecutionId",),
        "automation-definition": ("DocumentName",),
        "instance": ("InstanceIds", "InstanceId"),
    },
    "elasticache": {"replicationgroup": ("ReplicationGroupId",), "cluster": ("CacheClusterId",)},
    "redshift": {"cluster": ("ClusterIdentifier",)},
    "elasticfilesystem": {"file-system": ("FileSystemId",)},
    "cloudwatch": {"alarm": ("AlarmNames", "AlarmName")},
    "kinesis": {"stream": ("StreamName", "StreamARN")},
    "ecs": {"cluster": ("cluster",), "service": ("service",), "task": ("task",)},
    "eks": {"cluster": ("name", "clusterName")},
    "backup": {"backupVault": ("BackupVaultName",)},
    "cloudtrail": {"trail": ("Name", "TrailName")},
}
# What the reference does not call required, though no call goes without it.
_ALWAYS = {"ssm:SendCommand": ("instance", "managed-instance")}
# Parts of an ARN that AWS chooses: they follow the name.
_SUFFIXES = {"cloudformation": {"stack": "/*"}, "secretsmanager": {"Secret": "-??????"}}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document runs."""

    partition: str = "aws"
    region: str = "*"
    account: str = "*"


@dataclass(frozen=True, slots=True)
class Found:
    """The ARNs of a call, and the parameters and outputs that decide the parts that are a ``*``."""

    arns: tuple[str, ...]
    deciders: tuple[str, ...] = ()


def arns(action: str, arguments: Mapping[str, Any], place: Place) -> Found:
    """The resources of an action with these arguments; ``*`` where nothing narrower is known."""
    known = reference.action(action)
    if known is None or not known.resources or len(known.resources) > _MOST_TYPES:
        return Found(("*",))
    patterns = reference.arn_patterns(known.prefix)
    named: list[str] = []
    rest: list[str] = []
    deciders: dict[str, None] = {}
    for type in known.resources:
        pattern = patterns.get(type.name)
        if pattern is None:
            return Found(("*",))
        values = list(_arguments(known.prefix, type.name, pattern, arguments))
        for value in values:
            deciders.update(dict.fromkeys(_deciders(value)))
            filled = _filled(known.prefix, type.name, pattern, value, place)
            if (known.prefix, type.name) == ("s3", "object"):
                filled = (
                    f"{_filled('s3', 'bucket', patterns['bucket'], value, place)}/{_key(arguments, place)}"
                )
            named.append(filled)
        if not values and (type.required or type.name in _ALWAYS.get(action, ())):
            rest.append(_wild(pattern, place))
    if not named:
        return Found(("*",))
    found = tuple(dict.fromkeys([*named, *rest]))
    return Found(("*",) if "*" in found else found, tuple(deciders))


def literal(value: Any, place: Place) -> str:
    """A value as a policy takes it: what the run decides is a ``*``."""
    if not isinstance(value, str):
        return "*"

    def put(match: re.Match[str]) -> str:
        found = references.parse(match.group(1))
        system = {"REGION": place.region, "ACCOUNT_ID": place.account, "AWS_PARTITION": place.partition}
        return system.get(found.name, "*") if found.kind == "global" else "*"

    return re.sub(r"\*+", "*", references.PATTERN.sub(put, value)) or "*"


def arn(value: Any, pattern: str, place: Place) -> str:
    """An ARN that an argument gives, or what stands for any of the pattern (``${Region}`` and the like)."""
    text = literal(value, place)
    return text if _ARN.match(text) else _wild(pattern, place)


def _arguments(prefix: str, type: str, pattern: str, arguments: Mapping[str, Any]) -> Iterator[Any]:
    names = _ARGUMENTS.get(prefix, {}).get(type)
    for name, value in arguments.items():
        if not (name in names if names else _names(name, pattern)):
            continue
        if isinstance(value, list):
            yield from value
        elif value is not None:
            yield value


@lru_cache(maxsize=4096)
def _names(argument: str, pattern: str) -> bool:
    """Whether an argument is called as the pattern's last variable is."""
    variables = _VARIABLE.findall(pattern)
    if not variables or variables[-1] in ("Account", "Region", "Partition"):
        return False
    wanted, name = variables[-1].lower(), argument.lower()
    return name in (wanted, f"{wanted}s")


def _deciders(value: Any) -> list[str]:
    if value is UNKNOWN:
        return []
    return [item.expression for item in references.find(value)]


def _filled(prefix: str, type: str, pattern: str, value: Any, place: Place) -> str:
    text = literal(value, place)
    if _ARN.match(text):
        return text
    if prefix == "sqs":
        text = text.rpartition("/")[2] or "*"
    if prefix == "ssm" and text.startswith(("AWS-", "Amazon")):
        # AWS's own documents belong to no account.
        place = replace(place, account="*")
    text += _SUFFIXES.get(prefix, {}).get(type, "") if not text.endswith("*") else ""
    text = text.removeprefix("/") if prefix == "ssm" else text
    # The name takes the place of the first variable after those of every ARN.
    filled, done = "", False
    for index, part in enumerate(_VARIABLE.split(pattern)):
        if index % 2 == 0:
            filled += part
        elif part in ("Partition", "Region", "Account"):
            filled += {"Partition": place.partition, "Region": place.region, "Account": place.account}[part]
        elif not done:
            filled, done = filled + text, True
            if prefix in ("cloudformation", "secretsmanager"):
                break
        else:
            filled += "*"
    return re.sub(r"\*+", "*", filled)


def _key(arguments: Mapping[str, Any], place: Place) -> str:
    return literal(arguments.get("Key", UNKNOWN), place)


def _wild(pattern: str, place: Place) -> str:
    """Every resource of a pattern."""
    fixed = {"Partition": place.partition, "Region": place.region, "Account": place.account}
    return re.sub(r"\*+", "*", _VARIABLE.sub(lambda found: fixed.get(found.group(1), "*"), pattern))
