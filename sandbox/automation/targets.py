"""Which resources a target stands for, as whoever the automation acts for may see them.

https://docs.aws.amazon.com/systems-manager/latest/userguide/running-automations-map-targets.html
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import botocore.exceptions

from sandbox.errors import AwsError
from sandbox.services.resource_groups import type_and_id

INSTANCE_TYPE = "AWS::EC2::Instance"
GONE = frozenset({"shutting-down", "terminated"})
PAGE = 100


class Unresolvable(Exception):
    """The target names nothing that there is, or that may be seen; the text is the sentence that says why."""


def resolve(client: Callable[[str], Any], target: Mapping[str, Any], target_type: str | None) -> list[str]:
    """The values that the target parameter takes, one a child, in the order in which AWS lists the resources.

    `client` gives a client of a service that acts as the automation; `target_type` is the document's
    (`/AWS::EC2::Volume`): resources of other types are left out. Errors: Unresolvable.
    """
    key, values = str(target.get("Key") or ""), list(target.get("Values") or [])
    if not values:
        raise Unresolvable(f"The target {key} has no values.")
    try:
        return list(dict.fromkeys(_found(client, key, values, (target_type or "").lstrip("/"))))
    except (botocore.exceptions.ClientError, AwsError) as error:
        raise Unresolvable(f"The target {key} could not be resolved: {error}") from error


def _found(client: Callable[[str], Any], key: str, values: list[str], target_type: str) -> Iterator[str]:
    if key == "ParameterValues":
        yield from values
    elif key.startswith("tag:"):
        filters = [{"Key": key.removeprefix("tag:"), "Values": values}]
        yield from _of_type(_tagged(client("resourcegroupstaggingapi"), filters), target_type)
    elif key == "ResourceGroup":
        if len(values) > 1:
            raise Unresolvable("Only one resource group or tag can be specified at a time.")
        pages = client("resource-groups").get_paginator("list_group_resources").paginate(Group=values[0])
        arns = (each["ResourceArn"] for page in pages for each in page["ResourceIdentifiers"])
        yield from _of_type(arns, target_type)
    elif key in {INSTANCE_TYPE, "InstanceIds"} and values == ["*"]:
        yield from _instances(client("ec2"))
    else:
        raise Unresolvable(
            f"The target {key} with the values {', '.join(values)} is not one that Automation takes: use "
            "tag:KEY, ParameterValues, ResourceGroup, or AWS::EC2::Instance with the value *."
        )


def _tagged(client: Any, filters: list[dict[str, Any]]) -> Iterator[str]:
    token = ""
    while True:
        answer = client.get_resources(TagFilters=filters, ResourcesPerPage=PAGE, PaginationToken=token)
        yield from (each["ResourceARN"] for each in answer["ResourceTagMappingList"])
        token = answer.get("PaginationToken") or ""
        if not token:
            return


def _of_type(arns: Iterator[str], target_type: str) -> Iterator[str]:
    for arn in arns:
        kind, resource_id = type_and_id(arn)
        if not target_type or kind.casefold() == target_type.casefold():
            yield resource_id


def _instances(client: Any) -> Iterator[str]:
    for page in client.get_paginator("describe_instances").paginate():
        for reservation in page["Reservations"]:
            for instance in reservation["Instances"]:
                if instance["State"]["Name"] not in GONE:
                    yield instance["InstanceId"]
