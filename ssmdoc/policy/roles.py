"""The rule that a document acts as a service role."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ssmdoc.document import Parsed
from ssmdoc.findings import Finding
from ssmdoc.model import Document
from ssmdoc.policy.rule import Rule, boolean


def _require(parsed: Parsed, document: Document, setting: Any) -> Iterator[Finding]:
    if document.assume_role is not None:
        return
    line = "assumeRole: '{{ AutomationAssumeRole }}'"
    if parsed.format == "JSON":
        line = '"assumeRole": "{{ AutomationAssumeRole }}"'
    yield parsed.finding(
        "policy-assume-role",
        "error",
        "The document names no assumeRole, which the policy requires.",
        ("assumeRole",) if "assumeRole" in document.data else (),
        hint=f"Add {line}, and a parameter AutomationAssumeRole of the type AWS::IAM::Role::Arn.",
    )


RULES = (
    Rule(
        "require_assume_role",
        boolean,
        lambda _: "A document must name an assumeRole, so that it acts as a service role.",
        _require,
    ),
)
