"""The conditions that a call surely meets, from what is written out in it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import botocore

from ssmdoc.analysis.needs import Call
from ssmdoc.analysis.resources import Place, arn, literal

_ATTACHING = re.compile(r"iam:(?:Attach|Detach)(?:Group|Role|User)Policy\Z")
_POLICY_ARN = "arn:${Partition}:iam::${Owner}:policy/${Policy}"
_REGION = re.compile(r"[a-z]{2,3}(?:-[a-z]+)+-\d\Z")
_PRINCIPAL = re.compile(r"[a-z0-9.-]+\.amazonaws\.com\Z")


def conditions(action: str, call: Call, resources: tuple[str, ...], place: Place) -> Mapping[str, Any]:
    """The Condition that a statement for the action can have; empty where nothing is certain."""
    if _ATTACHING.match(action):
        return _of_policy(call.arguments.get("PolicyArn"), place)
    if action == "iam:CreateServiceLinkedRole":
        return _of_service("iam:AWSServiceName", call.arguments.get("AWSServiceName"), place)
    if action == "lambda:AddPermission":
        return _of_service("lambda:Principal", call.arguments.get("Principal"), place)
    # Where an ARN says nothing of the Region, it is worth a condition.
    if resources == ("*",) and _REGION.match(call.region) and call.service.lower() not in global_services():
        return {"StringEquals": {"aws:RequestedRegion": call.region}}
    return {}


def _of_policy(value: Any, place: Place) -> Mapping[str, Any]:
    text = arn(value, _POLICY_ARN, place)
    if text == arn(None, _POLICY_ARN, place):
        return {}
    return {"ArnLike" if "*" in text else "ArnEquals": {"iam:PolicyARN": text}}


def _of_service(key: str, value: Any, place: Place) -> Mapping[str, Any]:
    text = literal(value, place)
    return {"StringEquals": {key: text}} if _PRINCIPAL.match(text) else {}


@lru_cache(maxsize=1)
def global_services() -> frozenset[str]:
    """The services that answer for all Regions from one: that one is not the Region of their clients."""
    path = Path(botocore.__file__).parent / "data" / "endpoints.json"
    return frozenset(
        name
        for partition in json.loads(path.read_text())["partitions"]
        for name, service in partition["services"].items()
        if "partitionEndpoint" in service
    ) | {"s3", "s3control"}
