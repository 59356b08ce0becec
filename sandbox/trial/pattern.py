"""A text that matches an `allowedPattern`."""

from __future__ import annotations

import random
import re
from re import _constants as kinds  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from ssmdoc import java_regex

TRIES = 60
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_PRINTABLE = [chr(code) for code in range(33, 127)]
_WORD = _LETTERS + _LETTERS.upper() + "0123456789_"
# What Java writes in its own way, in the words of Python's parser.
_JAVA = (
    (re.compile(r"\\p\{L\}"), "A-Za-z"),
    (re.compile(r"\\p\{(?:Alpha|IsAlphabetic)\}"), "A-Za-z"),
    (re.compile(r"\\p\{(?:N|Digit)\}"), "0-9"),
    (re.compile(r"\\p\{Alnum\}"), "A-Za-z0-9"),
    (re.compile(r"\\p\{Z\}"), " "),
    (re.compile(r"\\p\{(?:Graph|Print|ASCII)\}"), "A-Za-z0-9"),
    (re.compile(r"(\\[wds])-(?=[^\]])"), r"\1\\-"),
    (re.compile(r"(?<!\\)([?*+}])\+"), r"\1"),
    (re.compile(r"\\z", re.IGNORECASE), "$"),
)


def matching(pattern: str, seed: object = 0, *, least: int = 0, most: int = 512) -> str | None:
    """A text between `least` and `most` characters that matches a Java pattern, the same for the same seed.

    None when none is found.
    """
    python = pattern
    for expression, replacement in _JAVA:
        python = expression.sub(replacement, python)
    try:
        tree = parser.parse(python)
    except (re.error, OverflowError, RecursionError):
        return None
    source = random.Random(f"{seed}{pattern}")  # noqa: S311 - a value for a trial, and it must repeat
    for attempt in range(TRIES):
        maker = _Maker(source, more=attempt % 12)
        made = maker.make(tree)
        if least <= len(made) <= most and fits(pattern, made):
            return made
    return None


class _Maker:
    def __init__(self, source: random.Random, *, more: int) -> None:
        self._source = source
        # How often what may repeat does so: more at each try, for those whose length is held elsewhere.
        self._more = more
        self._groups: dict[int, str] = {}

    def make(self, tree: Any) -> str:
        return "".join(self._part(kind, value) for kind, value in tree)

    def _part(self, kind: Any, value: Any) -> str:
        # Anchors and look-arounds add nothing: whether they hold is seen when the whole is matched.
        made = ""
        if kind is kinds.LITERAL:
            made = chr(value)
        elif kind is kinds.NOT_LITERAL:
            made = self._source.choice([char for char in _LETTERS if char != chr(value)])
        elif kind is kinds.ANY:
            made = self._source.choice(_LETTERS)
        elif kind is kinds.IN:
            made = self._source.choice(_members(value))
        elif kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT, kinds.POSSESSIVE_REPEAT):
            made = self._repeated(*value)
        elif kind is kinds.SUBPATTERN:
            made = self.make(value[-1])
            if value[0] is not None:
                self._groups[value[0]] = made
        elif kind is kinds.BRANCH:
            made = self.make(self._source.choice(value[1]))
        elif kind is kinds.GROUPREF:
            made = self._groups.get(value, "")
        elif kind is kinds.ATOMIC_GROUP:
            made = self.make(value)
        return made

    def _repeated(self, low: Any, high: Any, inner: Any) -> str:
        count = min(int(low) + self._more, int(high))
        return "".join(self.make(inner) for _ in range(count))


def _members(items: Any) -> list[str]:
    chosen: list[str] = []
    denied = False
    for kind, value in items:
        if kind is kinds.NEGATE:
            denied = True
        elif kind is kinds.LITERAL:
            chosen.append(chr(value))
        elif kind is kinds.RANGE:
            low, high = value
            chosen.extend(chr(code) for code in range(low, min(high, low + 200) + 1))
        elif kind is kinds.CATEGORY:
            chosen.extend(_category(value))
    if denied:
        return [char for char in _PRINTABLE if char not in chosen] or ["a"]
    # Letters and digits first of all: whoever reads the value should be able to.
    plain = [char for char in chosen if char.isalnum() and char.isascii()]
    return plain or chosen or ["a"]


def _category(value: Any) -> list[str]:
    return {
        kinds.CATEGORY_DIGIT: list("0123456789"),
        kinds.CATEGORY_WORD: list(_WORD),
        kinds.CATEGORY_SPACE: [" "],
        kinds.CATEGORY_NOT_SPACE: list(_LETTERS),
        kinds.CATEGORY_NOT_DIGIT: list(_LETTERS),
        kinds.CATEGORY_NOT_WORD: ["-"],
    }.get(value, ["a"])


def fits(pattern: str, value: str) -> bool:
    """Whether a value matches a Java pattern; no when the pattern is none."""
    try:
        return java_regex.matches(pattern, value)
    except (java_regex.JavaRegexError, java_regex.SlowPattern):
        return False
