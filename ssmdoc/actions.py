"""What actions are: their specification, and what a step does to the account."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from ssmdoc.model import Step
from ssmdoc.specs import BY_NAME, ActionSpec, Effect, InputSpec

__all__ = ["API_ACTIONS", "INTERNAL", "SPECS", "ActionSpec", "Effect", "InputSpec", "effect"]

SPECS: Mapping[str, ActionSpec] = MappingProxyType(BY_NAME)

# Actions that call an operation of a service by name.
API_ACTIONS = ("aws:executeAwsApi", "aws:waitForAwsResourceProperty", "aws:assertAwsResourceProperty")

# Documents that AWS itself owns use these; nobody else may.
INTERNAL = ("aws:putServerUpgradeMetrics", "aws:shareSQLMedia", "aws:installDistributorPackageOnAzure")

_READS = re.compile(
    r"(?:Describe|Get|List|Search|Lookup|Head|BatchGet|Query|Scan|Select|Check|Validate|Simulate)"
)
_DESTROYS = re.compile(
    r"(?:Batch)?(?:Delete|Terminate|Remove|Destroy|Purge|Deregister|Release|Revoke|Cancel)"
)


def effect(step: Step) -> Effect:
    """Whether a step reads, changes, destroys or only steers the run; an unknown action changes."""
    if step.action == "aws:executeAwsApi":
        name = operation_name(step.inputs.get("Api"))
        return "read" if _READS.match(name) else "destroy" if _DESTROYS.match(name) else "change"
    if step.action == "aws:changeInstanceState":
        if step.inputs.get("CheckStateOnly") in (True, "true"):
            return "read"
        return "destroy" if step.inputs.get("DesiredState") == "terminated" else "change"
    spec = SPECS.get(step.action)
    return spec.effect if spec else "change"


def operation_name(api: object) -> str:
    """An `Api` as its operation's name: ``describe_instances`` is DescribeInstances."""
    if not isinstance(api, str):
        return ""
    return "".join(part[:1].upper() + part[1:] for part in api.split("_"))
