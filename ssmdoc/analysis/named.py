"""Which arguments of a call name the resources that its action works on.

An argument is called as the variable of the resource's ARN is, or as the resource type with Name, Id or Arn
behind it; the tables hold what is called otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ssmdoc.analysis.reference import ActionType

VARIABLE = re.compile(r"\$\{(\w+)\}")
EVERYWHERE = ("Partition", "Region", "Account")
"""The variables that every ARN has: they name no resource."""

# Parts of an ARN that AWS chooses; the name of the resource stands before them.
_MADE = (
    "Id", "UUID", "VersionId", "LoadBalancerId", "TargetGroupId", "TaskDefinitionRevisionNumber",
    "RecorderId", "ConformancePackId", "StoredQueryId", "FrameworkId", "ReportPlanId", "UniqueAttributesHex",
    "FleetId", "Revision", "Version",
)  # fmt: skip
_BY_NAME: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "application-autoscaling": {"scalabletarget": ()},
    "appsync": {"graphqlapi": ("apiId",)},
    "athena": {"workgroup": ("WorkGroup",)},
    "autoscaling": {"autoscalinggroup": ("AutoScalingGroupName", "AutoScalingGroupNames")},
    "backup": {"backupvault": ("BackupVaultName",)},
    "cloudformation": {"stack": ("StackName",), "stackset": ("StackSetName",)},
    "cloudtrail": {"trail": ("Name", "TrailName")},
    "cloudwatch": {"alarm": ("AlarmNames", "AlarmName")},
    "dynamodb": {"table": ("TableName", "TargetTableName")},
    "ec2": {
        "key-pair": ("KeyName", "KeyNames"),
        "security-group": ("GroupId", "GroupIds", "SecurityGroupId", "SecurityGroupIds"),
    },
    "ecs": {
        "cluster": ("cluster", "clusterName", "clusters"),
        "service": ("service", "services", "serviceName"),
        "task": ("task", "tasks"),
        "task-definition": ("taskDefinition",),
    },
    "eks": {"cluster": ("name", "clusterName")},
    "elasticache": {"replicationgroup": ("ReplicationGroupId",), "cluster": ("CacheClusterId",)},
    "elasticfilesystem": {"file-system": ("FileSystemId", "SourceFileSystemId")},
    "es": {"domain": ("DomainName",)},
    "events": {
        "rule-on-default-event-bus": ("Name", "Rule"),
        "rule-on-custom-event-bus": ("EventBusName",),
    },
    "iam": {
        "role": ("RoleName",),
        "user": ("UserName",),
        "group": ("GroupName",),
        "policy": ("PolicyArn", "PolicyName"),
        "instance-profile": ("InstanceProfileName",),
    },
    "kinesis": {"stream": ("StreamName", "StreamARN")},
    "kms": {"key": ("KeyId", "TargetKeyId"), "alias": ("AliasName",)},
    "lambda": {
        "function": ("FunctionName",),
        "function alias": ("Qualifier",),
        "function version": ("Qualifier",),
    },
    "logs": {"log-group": ("logGroupName", "logGroupIdentifier", "logGroupNames")},
    "rds": {
        "db": (
            "DBInstanceIdentifier",
            "NewDBInstanceIdentifier",
            "SourceDBInstanceIdentifier",
            "TargetDBInstanceIdentifier",
        ),
        "cluster": ("DBClusterIdentifier", "NewDBClusterIdentifier", "SourceDBClusterIdentifier"),
        "snapshot": (
            "DBSnapshotIdentifier",
            "SnapshotIdentifier",
            "SourceDBSnapshotIdentifier",
            "TargetDBSnapshotIdentifier",
        ),
        "cluster-snapshot": (
            "DBClusterSnapshotIdentifier",
            "SnapshotIdentifier",
            "SourceDBClusterSnapshotIdentifier",
            "TargetDBClusterSnapshotIdentifier",
        ),
        "global-cluster": ("GlobalClusterIdentifier",),
        "subgrp": ("DBSubnetGroupName",),
        "pg": ("DBParameterGroupName",),
        "cluster-pg": ("DBClusterParameterGroupName",),
        "og": ("OptionGroupName",),
    },
    "redshift": {"cluster": ("ClusterIdentifier",), "parametergroup": ("ParameterGroupName",)},
    "route53": {"hostedzone": ("HostedZoneId",)},
    "route53-recovery-readiness": {"readinesscheck": ("ReadinessCheckName",)},
    "s3": {"bucket": ("Bucket",), "object": ("Bucket",)},
    "secretsmanager": {"secret": ("SecretId", "Name")},
    "sns": {"topic": ("TopicArn", "TargetArn", "Name")},
    "sqs": {"queue": ("QueueUrl", "QueueName")},
    "ssm": {
        "document": ("DocumentName", "Name", "CalendarNames"),
        "parameter": ("Name", "Names", "Path"),
        "automation-execution": ("AutomationExecutionId",),
        "automation-definition": ("DocumentName",),
        "instance": ("InstanceIds", "InstanceId"),
        "managed-instance": ("InstanceIds", "InstanceId"),
        "opsitem": ("OpsItemId",),
        "maintenancewindow": ("WindowId",),
        "servicesetting": ("SettingId",),
    },
    "states": {"statemachine": ("stateMachineArn",), "execution": ("executionArn",)},
    "sts": {"role": ("RoleArn",)},
}
# Variables beside the one that names the resource.
_BESIDE: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("ecs", "ClusterName"): ("cluster",),
    ("events", "RuleName"): ("Name", "Rule"),
    ("lambda", "FunctionName"): ("FunctionName",),
}
_KINDS = {"name": "name", "names": "name", "id": "id", "ids": "id", "identifier": "id", "arn": "", "arns": ""}


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument that names a resource. `as_name` is false where its value is no word of
    the ARN."""

    name: str
    value: Any
    as_name: bool = True


def own(pattern: str) -> list[str]:
    """The variables of an ARN's pattern that tell one resource from another."""
    return [name for name in VARIABLE.findall(pattern) if name not in EVERYWHERE]


def key(prefix: str, type: str, pattern: str) -> str:
    """The variable that an argument fills, or nothing: of several the last that AWS does not choose."""
    if type == "rule-on-custom-event-bus":
        return "EventBusName"
    if prefix == "lambda" and type.startswith("function "):
        return own(pattern)[-1]
    names = own(pattern)
    chosen = [name for name in names if name not in _MADE]
    return (chosen or names or [""])[-1]


def arguments(
    prefix: str, type: ActionType, pattern: str, given: Mapping[str, Any], operation: str
) -> Iterator[Argument]:
    """The arguments that name a resource of the type, a list's items each by itself."""
    lowered = type.name.lower()
    listed = _BY_NAME.get(prefix, {}).get(lowered)
    variable = key(prefix, lowered, pattern)
    for name, value in given.items():
        fit = _fit(name, variable, lowered, type.required, operation)
        if listed is not None:
            # Where the table knows better, only an ARN may be given besides.
            fit = "name" if name in listed else fit if fit == "arn" else ""
        if not fit:
            continue
        as_name = fit == "name" and not name.lower().endswith(("arn", "arns"))
        for item in value if isinstance(value, list) else [value]:
            if item is not None:
                yield Argument(name, item, as_name)


def beside(prefix: str, variable: str, given: Mapping[str, Any]) -> Any:
    """The value of a variable that is not the resource's own name, or None."""
    names = _BESIDE.get((prefix, variable))
    for name, value in given.items():
        if isinstance(value, str) and (
            name in names if names else variable.endswith("Name") and name.lower() == variable.lower()
        ):
            return value
    return None


@lru_cache(maxsize=8192)
def _fit(argument: str, variable: str, type: str, required: bool, operation: str) -> str:
    """How an argument names a resource: by the word in its ARN (`name`), by its ARN or another word (`arn`),
    or not at all."""
    name, wanted = argument.lower(), variable.lower()
    if wanted and name in (wanted, f"{wanted}s"):
        return "name"
    bare = re.sub(r"[^a-z0-9]", "", type.partition("/")[0])
    if name.startswith(bare):
        rest = name[len(bare) :]
    elif required and bare in operation.lower():
        # Like the Id of GetDistribution.
        rest = name
    else:
        return ""
    if rest not in _KINDS:
        return ""
    kind = "name" if wanted.endswith(("name", "namewithpath")) else "id" if wanted.endswith("id") else ""
    return "name" if _KINDS[rest] == kind != "" else "arn"
