"""Rules of an organisation that documents must keep before they are published or run.

A rule set is plain data, for instance ``{"require_assume_role": true, "required_tags": ["Owner"],
"forbidden_apis": ["ec2:Terminate*"], "allowed_instance_types": ["t3.*"]}``. Every rule may be left out; an
empty list, an empty map and false are no rule.

Several rule sets hold together as the union of their demands: a document must keep every rule of every set,
so what one forbids no other can allow, and of two lists of what is allowed only what both allow remains.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from ssmdoc.document import Parsed
from ssmdoc.findings import MAX_FINDINGS, Finding, in_order
from ssmdoc.policy import actions, approval, calls, own_schema, places, roles, scripts, sizes, tags
from ssmdoc.policy.rule import Rule
from ssmdoc.suggestions import listed, nearest

__all__ = ["RULES", "Rule", "evaluate", "explain", "validate_rules"]

RULES: Mapping[str, Rule] = {
    rule.name: rule
    for module in (roles, tags, actions, calls, places, sizes, scripts, approval, own_schema)
    for rule in module.RULES
}
_KNOWN = f"Rules are {listed(list(RULES))}."
_OPPOSED = ("actions", "services", "apis")


def validate_rules(rules: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with a rule set: a sentence for each faulty rule; empty when it can be used."""
    errors: dict[str, str] = {}
    for name, setting in rules.items():
        rule = RULES.get(name)
        if rule is None:
            near = nearest(str(name), RULES)
            errors[str(name)] = f"There is no such rule. {f'Did you mean {near}?' if near else _KNOWN}"
        elif fault := rule.fault(setting):
            errors[name] = fault
    if errors:
        return errors
    for noun in _OPPOSED:
        forbidden = rules.get(f"forbidden_{noun}") or ()
        both = [name for name in rules.get(f"allowed_{noun}") or () if name in forbidden]
        if both:
            verb = "is" if len(both) == 1 else "are"
            errors[f"allowed_{noun}"] = f"{listed(both)} {verb} forbidden as well. Remove one of the two."
    return errors


def explain(*rule_sets: Mapping[str, Any]) -> list[str]:
    """Rule sets in words, one sentence a rule in force; what several demand alike is said once."""
    said = [
        rule.sentence(rules[name]) for name, rule in RULES.items() for rules in rule_sets if rules.get(name)
    ]
    return list(dict.fromkeys(said))


def evaluate(parsed: Parsed, *rule_sets: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What breaks the rules, at its place in the text. A text without a document has none.

    A finding is an error, or a warning where nobody can tell whether a rule that forbids is broken. Raises
    ValueError for a rule set that `validate_rules` objects to, so that no rule is passed over in silence.
    """
    for rules in rule_sets:
        faults = validate_rules(rules)
        if faults:
            raise ValueError("; ".join(f"{name}: {sentence}" for name, sentence in faults.items()))
    if parsed.document is None:
        return ()
    findings: list[Finding] = []
    for rules in rule_sets:
        for name, rule in RULES.items():
            if rules.get(name):
                findings.extend(islice(rule.evaluate(parsed, parsed.document, rules[name]), MAX_FINDINGS))
    return in_order(findings)
