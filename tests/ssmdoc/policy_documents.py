"""Documents for an organisation's rules to judge."""

import json
from typing import Any

import ssmdoc
from ssmdoc import policy

LAUNCH = {"name": "launch", "action": "aws:runInstances", "inputs": {"ImageId": "ami-1"}}
API = {"name": "call", "action": "aws:executeAwsApi"}
YAML = """schemaVersion: '0.3'
assumeRole: '{{ Role }}'
parameters:
  Role: {type: String}
mainSteps:
  - action: aws:runInstances
    name: launch
    inputs:
      ImageId: ami-1
"""


def document(*steps: dict[str, Any], role: str | None = "{{ Role }}") -> ssmdoc.Parsed:
    data: dict[str, Any] = {"schemaVersion": "0.3", "parameters": {"Role": {"type": "String"}}}
    if role is not None:
        data["assumeRole"] = role
    return ssmdoc.parse(json.dumps({**data, "mainSteps": list(steps)}, indent=1))


def api(service: str, operation: str, **inputs: Any) -> dict[str, Any]:
    return {**API, "inputs": {"Service": service, "Api": operation, **inputs}}


def judged(rules: dict[str, Any], *steps: dict[str, Any], **head: Any) -> list[tuple[str, str]]:
    """The findings in short: severity and message, for steps under a head of parameters and variables."""
    data = {"schemaVersion": "0.3", "assumeRole": "x", **head, "mainSteps": list(steps)}
    found = policy.evaluate(ssmdoc.parse(json.dumps(data, indent=1)), rules)
    return [(finding.severity, finding.message) for finding in found]
