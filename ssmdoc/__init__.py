"""The Automation document language of AWS Systems Manager (schemaVersion 0.3): parse, check, analyse."""

from __future__ import annotations

from ssmdoc import (
    actions,
    analysis,
    diff,
    durations,
    graph,
    parameters,
    policy,
    references,
    selectors,
    timing,
)
from ssmdoc.checks import check
from ssmdoc.document import Parsed, parse, position
from ssmdoc.findings import Finding
from ssmdoc.model import MISSING, Document, Parameter, Step, StepOutput, Variable
from ssmdoc.references import Reference, UnresolvedReference
from ssmdoc.selectors import SelectorError, SelectorMissing

__all__ = [
    "MISSING",
    "Document",
    "Finding",
    "Parameter",
    "Parsed",
    "Reference",
    "SelectorError",
    "SelectorMissing",
    "Step",
    "StepOutput",
    "UnresolvedReference",
    "Variable",
    "actions",
    "analysis",
    "check",
    "diff",
    "durations",
    "graph",
    "parameters",
    "parse",
    "policy",
    "position",
    "references",
    "selectors",
    "timing",
]
