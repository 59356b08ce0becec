"""Rules of an organisation that documents must keep before they are published or run.

A rule set is plain data: ``{"require_assume_role": true, "required_tags": ["Owner"], "forbidden_actions":
["aws:executeScript"], "allowed_actions": []}``. Every rule may be left out; an empty list is no rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ssmdoc import actions, tagging
from ssmdoc.document import Parsed
from ssmdoc.findings import MAX_FINDINGS, Finding, in_order
from ssmdoc.model import Document
from ssmdoc.suggestions import listed, nearest

Evaluate = Callable[[Parsed, Document, Any], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of rule: what its setting must be, what it says in words, and how it judges a document."""

    name: str
    fault: Callable[[Any], str]
    sentence: Callable[[Any], str]
    evaluate: Evaluate


def validate_rules(rules: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with a rule set: a sentence for each faulty rule; empty when it can be used."""
    errors: dict[str, str] = {}
    for name, setting in rules.items():
        rule = _RULES.get(name)
        if rule is None:
            near = nearest(str(name), _RULES)
            errors[str(name)] = f"There is no such rule. {f'Did you mean {near}?' if near else _KNOWN}"
        elif fault := rule.fault(setting):
            errors[name] = fault
    allowed, forbidden = rules.get("allowed_actions"), rules.get("forbidden_actions")
    if not errors and allowed and forbidden:
        both = [name for name in allowed if name in forbidden]
        if both:
            verb = "is" if len(both) == 1 else "are"
            errors["allowed_actions"] = f"{listed(both)} {verb} forbidden as well. Remove one of the two."
    return errors


def explain(rules: Mapping[str, Any]) -> list[str]:
    """The rule set in words, one sentence a rule in force."""
    return [rule.sentence(rules[name]) for name, rule in _RULES.items() if rules.get(name)]


def evaluate(parsed: Parsed, rules: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What breaks the rules, as errors at their place in the text. A text without a document has none.

    Raises ValueError for a rule set that `validate_rules` objects to, so that no rule is passed over in
    silence.
    """
    faults = validate_rules(rules)
    if faults:
        raise ValueError("; ".join(f"{name}: {sentence}" for name, sentence in faults.items()))
    if parsed.document is None:
        return ()
    findings: list[Finding] = []
    for name, rule in _RULES.items():
        if rules.get(name):
            findings.extend(islice(rule.evaluate(parsed, parsed.document, rules[name]), MAX_FINDINGS))
    return in_order(findings)


def _boolean(setting: Any) -> str:
    return "" if isinstance(setting, bool) else "Write true or false."


def _names(setting: Any) -> str:
    if not isinstance(setting, list) or not all(isinstance(item, str) and item.strip() for item in setting):
        return "Write a list of names."
    twice = [item for item in setting if setting.count(item) > 1]
    return f"{twice[0]} stands twice. Remove one." if twice else ""


def _tag_names(setting: Any) -> str:
    fault = _names(setting)
    long = (
        next((item for item in setting if len(item) > 128 or item.lower().startswith("aws:")), "")
        if not fault
        else ""
    )
    return fault or (
        f"{long[:40]} cannot be a tag's key: at most 128 characters, not starting with aws:." if long else ""
    )


def _action_names(setting: Any) -> str:
    fault = _names(setting)
    if fault:
        return fault
    known = (*actions.SPECS, *actions.INTERNAL)
    for name in setting:
        if name not in known:
            near = nearest(name, known)
            return (
                f"{name} is not an action. {f'Did you mean {near}?' if near else 'Actions start with aws:.'}"
            )
    return ""


def _require_role(parsed: Parsed, document: Document, setting: Any) -> Iterator[Finding]:
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


def _forbid(parsed: Parsed, document: Document, setting: Any) -> Iterator[Finding]:
    for step in document.walk():
        if step.action in setting:
            message = f'Step "{step.name}" uses {step.action}, which the policy forbids.'
            hint = "Do it with another action, or ask an administrator to change the policy."
            yield parsed.finding("policy-action", "error", message, (*step.path, "action"), hint=hint)


def _allow(parsed: Parsed, document: Document, setting: Any) -> Iterator[Finding]:
    for step in document.walk():
        if step.action not in setting:
            message = f'Step "{step.name}" uses {step.action}, which the policy does not allow.'
            hint = f"Use {listed(setting, 'or')}."
            yield parsed.finding("policy-action", "error", message, (*step.path, "action"), hint=hint)


def _require_tags(parsed: Parsed, document: Document, setting: Any) -> Iterator[Finding]:
    ways = tagging.Ways(document)
    for step in document.walk():
        created = tagging.creation(step)
        if created is None:
            continue
        wanting = ways.missing(created, setting)
        if not wanting:
            continue
        tags = f"the tag{'s' if len(wanting) > 1 else ''} {listed(wanting)}"
        message = f'Step "{step.name}" creates {created.what} without {tags}, which the policy requires.'
        if created.opaque:
            message = (
                f'Step "{step.name}" creates {created.what} with tags that a reference gives: '
                f"{tags}, which the policy requires, may not be among them."
            )
        given = created.member and created.member in step.inputs
        yield parsed.finding(
            "policy-required-tags",
            "error",
            message,
            (*step.path, "inputs", created.member) if given else (*step.path, "name"),
            hint=_tag_hint(parsed.format, created, wanting),
            at_key=bool(given),
        )


def _tag_hint(format: str, created: tagging.Creation, wanting: list[str]) -> str:
    if format == "JSON":
        tags = "[" + ", ".join(f'{{"Key": "{key}", "Value": "…"}}' for key in wanting) + "]"
        specification = f'"TagSpecifications": [{{"ResourceType": "instance", "Tags": {tags}}}]'
    else:
        tags = "[" + ", ".join(f"{{Key: {key}, Value: …}}" for key in wanting) + "]"
        specification = f"TagSpecifications: [{{ResourceType: instance, Tags: {tags}}}]"
    if created.step.action == "aws:runInstances":
        return f"Add to the step's inputs: {specification}."
    if created.step.action == "aws:createStack":
        name = '"Tags"' if format == "JSON" else "Tags"
        return f"Add to the step's inputs: {name}: {tags}."
    if not created.member:
        image = f"{{{{ {created.step.name}.ImageId }}}}"
        return f"Follow it with an aws:createTags step on {image} with the tags {tags}."
    return f"Give {created.member} in the step's inputs, with the keys {listed(wanting)}."


_RULES = {
    rule.name: rule
    for rule in (
        Rule(
            "require_assume_role",
            _boolean,
            lambda _: "A document must name an assumeRole, so that it acts as a service role.",
            _require_role,
        ),
        Rule(
            "required_tags",
            _tag_names,
            lambda keys: f"Whatever a document creates must be tagged with {listed(keys)}.",
            _require_tags,
        ),
        Rule(
            "forbidden_actions",
            _action_names,
            lambda names: f"A document may not use {listed(names, 'or')}.",
            _forbid,
        ),
        Rule(
            "allowed_actions",
            _action_names,
            lambda names: f"A document may use no other action than {listed(names)}.",
            _allow,
        ),
    )
}
_KNOWN = f"Rules are {listed(list(_RULES))}."
