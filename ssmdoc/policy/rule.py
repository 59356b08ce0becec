"""One kind of rule, and what the settings of several kinds have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ssmdoc import wildcards
from ssmdoc.document import Parsed
from ssmdoc.findings import Finding
from ssmdoc.model import Document

Evaluate = Callable[[Parsed, Document, Any], Iterator[Finding]]

# More than any organisation writes by hand; it bounds what one document's check may cost.
MAX_ITEMS = 200
# What would tear the lines in which findings are told: breaks, control characters, halves of surrogate pairs.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of rule: what its setting must be, what it says in words, and how it judges a document.

    `fault` gives a sentence for a setting that cannot be used and an empty one for any other.
    """

    name: str
    fault: Callable[[Any], str]
    sentence: Callable[[Any], str]
    evaluate: Evaluate


def boolean(setting: Any) -> str:
    """What is wrong with a rule that is switched on and off."""
    return "" if isinstance(setting, bool) else "Write true or false."


def names(setting: Any) -> str:
    """What is wrong with a list of names."""
    if not isinstance(setting, list) or not all(isinstance(item, str) and item.strip() for item in setting):
        return "Write a list of names."
    odd = next((item for item in setting if _UNPRINTABLE.search(item)), "")
    if odd:
        return f"{odd[:60]!a} holds a character that cannot be printed. Remove it."
    if len(setting) > MAX_ITEMS:
        return f"Write {MAX_ITEMS} names at most; a * stands for any letters."
    twice = [item for item in setting if setting.count(item) > 1]
    return f"{twice[0][:60]} stands twice. Remove one." if twice else ""


def each(setting: Any, fault: Callable[[str], str]) -> str:
    """What is wrong with a list of names, or with the first of them that `fault` objects to."""
    return names(setting) or next((said for item in setting if (said := fault(item))), "")


def matches(pattern: str, name: str) -> bool:
    """Whether a name is that of the pattern, in which * stands for any text and ? for any one character."""
    return wildcards.matches(pattern, name, any_case=True)


def matching(patterns: Iterable[str], name: str) -> str:
    """The first of the patterns that a name is of, or an empty string."""
    return next((pattern for pattern in patterns if matches(pattern, name)), "")


def is_pattern(name: str) -> bool:
    """Whether a name stands for several."""
    return "*" in name or "?" in name
