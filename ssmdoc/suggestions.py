"""Small helps for sentences: the name that was probably meant, and lists in words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


def nearest(word: str, known: Iterable[str]) -> str:
    """The known name that `word` is probably a misspelling of, or an empty string."""
    by_case = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word[:100].lower(), by_case, n=1, cutoff=0.7)
    return by_case[found[0]] if found else ""


def meant(word: str, known: Iterable[str]) -> str:
    """A hint that asks "Did you mean …?" where a known name is near, otherwise an empty string."""
    near = nearest(word, known)
    return f"Did you mean `{near}`?" if near else ""


def listed(words: Sequence[str], link: str = "and") -> str:
    """Words as a list in a sentence: ``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {link} {words[-1]}"
