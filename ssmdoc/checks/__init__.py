"""The rules of the language, and the one function that judges a document by all of them."""

from __future__ import annotations

from ssmdoc import suppressions
from ssmdoc.checks import (
    call_references,
    calls,
    conformity,
    definitions,
    flow,
    inputs,
    known_actions,
    limits,
    loops,
    machines,
    near_references,
    order,
    resolving,
    script_payloads,
    scripts,
    secrets,
    structure,
    types,
    values,
)
from ssmdoc.checks.rule import Context, Rule
from ssmdoc.document import parse
from ssmdoc.findings import Finding, in_order
from ssmdoc.text import Format

RULES: tuple[Rule, ...] = tuple(
    rule
    for module in (
        structure,
        definitions,
        flow,
        order,
        loops,
        resolving,
        near_references,
        known_actions,
        inputs,
        types,
        values,
        machines,
        calls,
        call_references,
        scripts,
        script_payloads,
        limits,
        secrets,
        conformity,
    )
    for rule in module.RULES.all
)
_IDS = frozenset(rule.id for rule in RULES)


def check(text: str, *, format: Format | None = None) -> tuple[Finding, ...]:
    """Everything that is to say about a document's text, sorted by position. Never raises."""
    parsed = parse(text, format=format)
    if parsed.document is None:
        return parsed.findings
    context = Context(parsed, parsed.document)
    found = [*parsed.findings, *(finding for rule in RULES for finding in rule.evaluate(context))]
    found = conformity.only_new(found)
    known = _IDS | {finding.id for finding in found}
    return in_order(suppressions.apply(parsed, found, known))
