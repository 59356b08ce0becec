"""The rules of which actions a document may use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ssmdoc import actions
from ssmdoc.document import Parsed
from ssmdoc.findings import Finding
from ssmdoc.model import Document
from ssmdoc.policy.rule import Rule, each, is_pattern, matching
from ssmdoc.suggestions import listed, nearest


def _action(name: str) -> str:
    known = (*actions.SPECS, *actions.INTERNAL)
    if name in known or (is_pattern(name) and any(matching([name], item) for item in known)):
        return ""
    if is_pattern(name):
        return f"No action is named like {name[:60]}. Actions start with aws:."
    near = nearest(name, known)
    return f"{name[:60]} is not an action. {f'Did you mean {near}?' if near else 'Actions start with aws:.'}"


def _forbid(parsed: Parsed, document: Document, setting: Any) -> Iterator[Finding]:
    for step in document.walk():
        if matching(setting, step.action):
            message = f'Step "{step.name}" uses {step.action}, which the policy forbids.'
            hint = "Do it with another action, or ask an administrator to change the policy."
            yield parsed.finding("policy-action", "error", message, (*step.path, "action"), hint=hint)


def _allow(parsed: Parsed, document: Document, setting: Any) -> Iterator[Finding]:
    for step in document.walk():
        if not matching(setting, step.action):
            message = f'Step "{step.name}" uses {step.action}, which the policy does not allow.'
            hint = f"Use {listed(setting, 'or')}."
            yield parsed.finding("policy-action", "error", message, (*step.path, "action"), hint=hint)


RULES = (
    Rule(
        "forbidden_actions",
        lambda setting: each(setting, _action),
        lambda names: f"A document may not use {listed(names, 'or')}.",
        _forbid,
    ),
    Rule(
        "allowed_actions",
        lambda setting: each(setting, _action),
        lambda names: f"A document may use no other action than {listed(names)}.",
        _allow,
    ),
)
