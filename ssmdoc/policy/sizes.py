"""The rule of which EC2 instance types a document may use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ssmdoc.actions import operation_name
from ssmdoc.document import Parsed
from ssmdoc.findings import Finding
from ssmdoc.model import Document, Step
from ssmdoc.policy.outside import outside
from ssmdoc.policy.rule import Rule, each, is_pattern, matching
from ssmdoc.policy.values import TEXTS, Possible, entries, possible
from ssmdoc.suggestions import listed

_TYPE = re.compile(r"[a-z][a-z0-9-]*\.[a-z0-9-]+\Z")
_KEY = re.compile(r"\w*instance_?types?\Z", re.IGNORECASE)
_IN_TEXT = re.compile(r"instance_?type['\"]?\s*[:=]+\s*['\"]?([a-z][a-z0-9-]*\.[a-z0-9-]+)", re.IGNORECASE)
# What EC2 launches when no type is given:
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
_DEFAULT = "m1.small"


def _type(name: str) -> str:
    if _TYPE.match(name) or (is_pattern(name) and re.fullmatch(r"[a-z0-9.*?-]+", name)):
        return ""
    return f"{name[:40]} is not an instance type. Write it like t3.micro; t3.* stands for the whole family."


def _allow(parsed: Parsed, document: Document, setting: Any) -> Iterator[Finding]:
    for step in document.walk():
        named = False
        for entry in entries(step):
            if entry.key in TEXTS:
                for text in dict.fromkeys(_IN_TEXT.findall(str(entry.value))):
                    if not matching(setting, text):
                        yield _finding(parsed, step, Possible(text, entry.path), setting)
            elif _KEY.match(entry.key) and not isinstance(entry.value, list):
                named = True
                for found in possible(document, entry.value, entry.path):
                    if not found.text or not matching(setting, found.text):
                        yield _finding(parsed, step, found, setting)
        if not named:
            yield from _left_out(parsed, step, setting)


def _left_out(parsed: Parsed, step: Step, setting: list[str]) -> Iterator[Finding]:
    """A launch that says no type."""
    called = (
        step.action == "aws:executeAwsApi"
        and str(step.inputs.get("Service")).lower() == "ec2"
        and operation_name(step.inputs.get("Api")) == "RunInstances"
    )
    if not called and step.action != "aws:runInstances":
        return
    template = "LaunchTemplate" in step.inputs
    if not template and matching(setting, _DEFAULT):
        return
    what = "the type that its launch template names" if template else f"{_DEFAULT}, because it names no type"
    yield parsed.finding(
        "policy-instance-type",
        "error",
        f'Step "{step.name}" launches {what}, which the policy does not allow.',
        (*step.path, "name"),
        hint=f"Give InstanceType in the step's inputs: {listed(setting, 'or')}.",
    )


def _finding(parsed: Parsed, step: Step, found: Possible, setting: list[str]) -> Finding:
    return outside(parsed, step, found, setting, id="policy-instance-type", verb="uses", noun="instance type")


RULES = (
    Rule(
        "allowed_instance_types",
        lambda setting: each(setting, _type),
        lambda names: (
            f"A document may use no other instance type than {listed(names)}; what comes from a parameter "
            "must be limited to them."
        ),
        _allow,
    ),
)
