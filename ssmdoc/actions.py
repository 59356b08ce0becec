"""What actions are: their specification, and what a step does to the account."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ssmdoc.analysis.effects import effect
from ssmdoc.analysis.steps import API_ACTIONS
from ssmdoc.operation_names import operation_name
from ssmdoc.specs import BY_NAME, ActionSpec, Effect, InputSpec

__all__ = [
    "API_ACTIONS",
    "INTERNAL",
    "SPECS",
    "ActionSpec",
    "Effect",
    "InputSpec",
    "effect",
    "operation_name",
]

SPECS: Mapping[str, ActionSpec] = MappingProxyType(BY_NAME)

# Documents that AWS itself owns use these; nobody else may.
INTERNAL = ("aws:putServerUpgradeMetrics", "aws:shareSQLMedia", "aws:installDistributorPackageOnAzure")
