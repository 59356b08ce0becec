"""The members of AWS resource groups, which moto does not list: what the tags of a group's query select.

https://docs.aws.amazon.com/ARG/latest/APIReference/API_ListGroupResources.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from moto.resourcegroups import urls
from moto.resourcegroups.exceptions import BadRequestException
from moto.resourcegroups.models import resourcegroups_backends
from moto.resourcegroups.responses import ResourceGroupsResponse
from moto.resourcegroupstaggingapi.models import resourcegroupstaggingapi_backends

ALL_TYPES = "AWS::AllSupported"
INSTANCE = "AWS::EC2::Instance"
# CloudFormation's names of what an ARN calls otherwise, or leaves out.
_TYPES: Mapping[tuple[str, str], str] = {
    ("autoscaling", "autoScalingGroup"): "AWS::AutoScaling::AutoScalingGroup",
    ("cloudwatch", "alarm"): "AWS::CloudWatch::Alarm",
    ("elasticfilesystem", "file-system"): "AWS::EFS::FileSystem",
    ("elasticloadbalancing", "loadbalancer"): "AWS::ElasticLoadBalancingV2::LoadBalancer",
    ("logs", "log-group"): "AWS::Logs::LogGroup",
    ("rds", "cluster"): "AWS::RDS::DBCluster",
    ("rds", "db"): "AWS::RDS::DBInstance",
    ("rds", "snapshot"): "AWS::RDS::DBSnapshot",
    ("s3", ""): "AWS::S3::Bucket",
    ("sns", ""): "AWS::SNS::Topic",
    ("sqs", ""): "AWS::SQS::Queue",
    ("states", "stateMachine"): "AWS::StepFunctions::StateMachine",
}
_SERVICES = {
    "dynamodb": "DynamoDB",
    "elasticache": "ElastiCache",
    "lambda": "Lambda",
    "redshift": "Redshift",
    "secretsmanager": "SecretsManager",
    "workspaces": "WorkSpaces",
}
_ARN = re.compile(r"arn:[\w-]+:(?P<service>[\w-]+):[\w-]*:\d*:(?:(?P<kind>[\w-]+)[:/])?(?P<id>.+)", re.DOTALL)


def type_and_id(arn: str) -> tuple[str, str]:
    """CloudFormation's type of the resource with this ARN, and the id by which its own service knows it."""
    match = _ARN.fullmatch(arn)
    if match is None:
        return "", arn
    service, kind = match["service"], match["kind"] or ""
    if (service, "") in _TYPES:
        return _TYPES[service, ""], arn.split(":", 5)[5]
    known = _TYPES.get((service, kind))
    words = "".join(word[:1].upper() + word[1:] for word in kind.split("-"))
    return known or f"AWS::{_SERVICES.get(service, service.upper())}::{words}", match["id"]


class GroupResponse(ResourceGroupsResponse):
    """moto's operations on groups, with the one that lists a group's members."""

    def list_group_resources(self) -> str:  # type: ignore[override]
        name = str(self._get_param("Group") or self._get_param("GroupName") or "").rpartition(":group/")[2]
        group = self.resourcegroups_backend.get_group(name)
        wanted = [value for each in self._get_param("Filters") or [] for value in each["Values"]]
        identifiers = [
            {"ResourceArn": arn, "ResourceType": kind}
            for arn, kind in _members(group.resource_query, self.current_account, self.region)
            if not wanted or kind in wanted
        ]
        return json.dumps(
            {
                "ResourceIdentifiers": identifiers,
                "Resources": [{"Identifier": each} for each in identifiers],
                "QueryErrors": [],
            }
        )


def instances_of(name: str, account_id: str, region: str) -> frozenset[str]:
    """The EC2 instances in a group; none when there is no such group. Errors: moto's BadRequestException."""
    group = resourcegroups_backends[account_id][region].groups.by_name.get(name)
    if group is None:
        return frozenset()
    members = _members(group.resource_query, account_id, region)
    return frozenset(type_and_id(arn)[1] for arn, kind in members if kind == INSTANCE)


def _members(resource_query: Mapping[str, str], account_id: str, region: str) -> Iterator[tuple[str, str]]:
    if resource_query["Type"] != "TAG_FILTERS_1_0":
        raise BadRequestException(
            "The sandbox lists the members of groups that select by tags, and no other."
        )
    query = json.loads(resource_query["Query"])
    kinds = query["ResourceTypeFilters"]
    backend: Any = resourcegroupstaggingapi_backends[account_id][region]
    for resource in backend._get_resources_generator(tag_filters=query["TagFilters"]):
        kind, _ = type_and_id(resource.arn)
        if ALL_TYPES in kinds or kind in kinds:
            yield resource.arn, kind


def install() -> None:
    """Make moto's server answer with ours."""
    urls.url_paths = dict.fromkeys([*urls.url_paths, "{0}/list-group-resources$"], GroupResponse.dispatch)
