"""A delegation in words: what it lets whom do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accounts.launching import as_text, language
from accounts.models import Delegation


@dataclass(frozen=True)
class Limit:
    """What the operator meets for one parameter: `kind` is free, fixed, allowed, default or role."""

    name: str
    kind: str
    words: str
    values: tuple[str, ...]
    description: str


def run_limits(delegation: Delegation) -> list[str]:
    """Return in words what limits the delegation's runs: approval and number; empty without a limit."""
    found = []
    if delegation.approvals_needed:
        people = (
            "1 other person approves"
            if delegation.approvals_needed == 1
            else f"{delegation.approvals_needed} other people approve"
        )
        found.append(f"started when {people}")
    if delegation.max_concurrent is not None:
        found.append(f"at most {delegation.max_concurrent} at the same time")
    if delegation.max_per_day is not None:
        found.append(f"at most {delegation.max_per_day} started within 24 hours")
    return found


_WORDS = {
    "fixed": "fixed at",
    "allowed": "one of",
    "default": "free; at first",
}


def limits(delegation: Delegation) -> list[Limit]:
    """Return every parameter of the delegation's version, and what the operator may do with it."""
    document = language(delegation.version)
    found = []
    for name, parameter in document.parameters.items():
        if name == document.assume_role_parameter:
            role = delegation.service_role
            values = (role.arn,) if role is not None else ()
            words = "set by this delegation" if values else "left empty: the caller's own identity acts"
            found.append(Limit(name, "role", words, values, parameter.description))
            continue
        kind, shown = _limit(delegation.constraints.get(name, {}))
        words = _WORDS.get(kind, "the operator decides")
        found.append(Limit(name, kind, words, shown, parameter.description))
    return found


def _limit(limit: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    if "allowed" in limit:
        return "allowed", tuple(as_text(value) for value in limit["allowed"])
    for kind in ("fixed", "default"):
        if kind in limit:
            return kind, (as_text(limit[kind]),)
    return "free", ()
