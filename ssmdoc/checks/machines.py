"""Names of images, instances and instance types, where they are written out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ssmdoc.checks.rule import Context, Fault, Rules

RULES = Rules()

_ACTIONS = "automation-actions.html"
_IMAGE = re.compile(r"(?:ami-[0-9a-f]{8,17}|resolve:ssm:\S+)\Z")
_TYPE = re.compile(r"[a-z][a-z0-9-]*\.(?:nano|micro|small|medium|large|\d*xlarge|metal(?:-\d+xl)?)\Z")
_INSTANCE = re.compile(r"m?i-[0-9a-f]{8,17}\Z")
_ON_INSTANCES = ("aws:changeInstanceState", "aws:runCommand")


@RULES.add("input-image", "warning", "An image is named by its id.", _ACTIONS)
def _images(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        for key in ("ImageId", "SourceImageId"):
            value = step.inputs.get(key)
            known = step.action in ("aws:runInstances", "aws:copyImage", "aws:deleteImage")
            if known and isinstance(value, str) and "{{" not in value and not _IMAGE.match(value.strip()):
                message = f"`{value[:60]}` is not the id of an image."
                yield Fault((*step.path, "inputs", key), message, "Write it like ami-0123456789abcdef0.")


@RULES.add("input-instance-type", "warning", "An instance type is a family and a size.", _ACTIONS)
def _instance_types(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        value = step.inputs.get("InstanceType")
        known = step.action == "aws:runInstances" and isinstance(value, str) and "{{" not in value
        if known and not _TYPE.match(str(value).strip()):
            message = f"`{str(value)[:60]}` is not the name of an instance type."
            yield Fault((*step.path, "inputs", "InstanceType"), message, "Write it like t3.micro.")


@RULES.add("input-instance", "warning", "An instance is named by its id.", _ACTIONS)
def _instances(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        given = step.inputs.get("InstanceIds")
        if step.action not in _ON_INSTANCES or not isinstance(given, list):
            continue
        for index, value in enumerate(given):
            if isinstance(value, str) and "{{" not in value and not _INSTANCE.match(value.strip()):
                message = f"`{value[:60]}` is not the id of an instance."
                hint = "Write it like i-0123456789abcdef0, or choose instances by Targets."
                yield Fault((*step.path, "inputs", "InstanceIds", index), message, hint)
