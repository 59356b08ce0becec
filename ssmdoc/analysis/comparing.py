"""What a policy lacks for a document, and what it grants beyond, as IAM evaluates it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ssmdoc.analysis import reference
from ssmdoc.analysis.needs import Need
from ssmdoc.wildcards import matches, overlaps


@dataclass(frozen=True, slots=True)
class Difference:
    """One action, or a pattern of them as the policy writes it, with the resource and a sentence of why."""

    action: str
    resource: str
    why: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """`missing` is needed and refused, `limited` granted under a condition or for some resources only,
    `excess` granted and not needed."""

    missing: tuple[Difference, ...]
    limited: tuple[Difference, ...]
    excess: tuple[Difference, ...]


def compare(needs: Sequence[Need], policy: Mapping[str, Any]) -> Comparison:
    """The differences between needs and an identity-based policy; what is malformed in it grants nothing."""
    statements = list(_statements(policy))
    missing: dict[tuple[str, str], Difference] = {}
    limited: dict[tuple[str, str], Difference] = {}
    for need in needs:
        for resource in need.resources:
            kind, reason = _verdict(need, resource, statements)
            found = Difference(need.action, resource, f"{reason} {need.why}".strip())
            if kind == "missing":
                missing.setdefault((need.action, resource), found)
            elif kind == "limited":
                limited.setdefault((need.action, resource), found)
    excess = dict.fromkeys(item for statement in statements for item in _excess(statement, needs))
    return Comparison(tuple(missing.values()), tuple(limited.values()), tuple(excess))


def _verdict(need: Need, resource: str, statements: list[Mapping[str, Any]]) -> tuple[str, str]:
    grants: list[tuple[str, str]] = []
    for statement in statements:
        if not _acts(statement, need.action):
            continue
        covers, touches = _reaches(statement, resource)
        named = _named(statement)
        condition = bool(statement.get("Condition"))
        if statement.get("Effect") == "Deny" and touches:
            if covers and not condition:
                return "missing", f"{named} denies it."
            why = "under a condition" if condition else "for some of these resources"
            grants.append(("limited", f"{named} denies it {why}."))
        elif statement.get("Effect") == "Allow" and touches:
            if not covers:
                grants.append(("part", f"{named} grants it for some of these resources only."))
            elif condition and not _same_condition(statement, need):
                grants.append(("under", f"{named} grants it under a condition."))
            else:
                grants.append(("granted", ""))
    kinds = dict(reversed(grants))
    if not kinds.keys() & {"granted", "under", "part"}:
        elsewhere = any(_acts(item, need.action) for item in statements if item.get("Effect") == "Allow")
        return (
            "missing",
            "The policy grants it for other resources only." if elsewhere else "Nothing grants it.",
        )
    if "limited" in kinds:
        return "limited", kinds["limited"]
    if "granted" in kinds:
        return "granted", ""
    return "limited", kinds.get("under") or kinds["part"]


def _same_condition(statement: Mapping[str, Any], need: Need) -> bool:
    return bool(need.conditions) and statement.get("Condition") == need.conditions


def _statements(policy: Any) -> Iterator[Mapping[str, Any]]:
    given = policy.get("Statement") if isinstance(policy, Mapping) else None
    for item in given if isinstance(given, list) else [given]:
        if isinstance(item, Mapping):
            yield item


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [item for item in values if isinstance(item, str)]


def _named(statement: Mapping[str, Any]) -> str:
    sid = statement.get("Sid")
    return f'The statement "{sid}"' if isinstance(sid, str) and sid else "A statement"


def _acts(statement: Mapping[str, Any], action: str) -> bool:
    if "NotAction" in statement:
        return not any(matches(item, action, any_case=True) for item in _texts(statement["NotAction"]))
    return any(matches(item, action, any_case=True) for item in _texts(statement.get("Action")))


def _reaches(statement: Mapping[str, Any], resource: str) -> tuple[bool, bool]:
    """(whether the statement is about all of the resources, whether about any)."""
    if "NotResource" in statement:
        excluded = _texts(statement["NotResource"])
        inside = any(matches(item, resource) for item in excluded)
        touches = any(overlaps(item, resource) for item in excluded)
        return not touches, not inside
    patterns = _texts(statement.get("Resource"))
    covers = any(matches(item, resource) for item in patterns)
    return covers, covers or any(overlaps(item, resource) for item in patterns)


def _excess(statement: Mapping[str, Any], needs: Sequence[Need]) -> Iterator[Difference]:
    if statement.get("Effect") != "Allow":
        return
    shown = ", ".join(_texts(statement.get("Resource"))) or "NotResource"
    needed = sorted({need.action for need in needs})
    if "NotAction" in statement:
        yield Difference("NotAction", shown, f"{_named(statement)} grants every action but those it lists.")
        return
    for pattern in _texts(statement.get("Action")):
        used = [action for action in needed if matches(pattern, action, any_case=True)]
        if "*" not in pattern and "?" not in pattern:
            if not used:
                yield Difference(pattern, shown, f"{_named(statement)} grants it; no step needs it.")
            else:
                yield from _too_wide(statement, pattern, needs)
            continue
        prefix = pattern.partition(":")[0]
        if "*" in prefix or "?" in prefix:
            yield Difference(pattern, shown, f"{pattern} allows every service; {_needed(used)}")
            continue
        allowed = [
            item.full_name
            for item in reference.actions(prefix)
            if matches(pattern, item.full_name, any_case=True)
        ]
        if len(allowed) > len(used):
            yield Difference(pattern, shown, f"{pattern} allows {len(allowed)} actions; {_needed(used)}")


def _needed(used: list[str]) -> str:
    if not used:
        return "the document needs none of them."
    shown = ", ".join(used[:12]) + (f" and {len(used) - 12} more" if len(used) > 12 else "")
    return f"the document needs {len(used)}: {shown}."


def _too_wide(statement: Mapping[str, Any], action: str, needs: Sequence[Need]) -> Iterator[Difference]:
    """An action that is needed for fewer resources than it is granted for."""
    wanted = sorted(
        {item for need in needs if need.action.lower() == action.lower() for item in need.resources}
    )
    if "*" in _texts(statement.get("Resource")) and "*" not in wanted:
        why = f"{_named(statement)} grants it for every resource; it is needed for {', '.join(wanted)[:300]}."
        yield Difference(action, "*", why)
