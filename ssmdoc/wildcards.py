"""Patterns as IAM and an organisation's rules write them: * stands for any text, ? for any one character.

Nothing here takes longer than the product of the two lengths allows, however many stars there are.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=4096)
def _compiled(pattern: str, any_case: bool) -> re.Pattern[str]:
    first, *others = (
        "".join("." if sign == "?" else re.escape(sign) for sign in piece)
        for piece in re.split(r"\*+", pattern)
    )
    if not others:
        written = first
    else:
        # What stands between two stars may as well be where it is met first: no other place need be tried.
        *between, last = others
        written = first + "".join(f"(?>.*?{piece})" for piece in between if piece) + f".*{last}"
    return re.compile(written, re.DOTALL | (re.IGNORECASE if any_case else 0))


def matches(pattern: str, text: str, *, any_case: bool = False) -> bool:
    """Whether a text is of a pattern; a `*` or `?` of the text's own is a character like others."""
    return _compiled(pattern, any_case).fullmatch(text) is not None


def overlaps(left: str, right: str) -> bool:
    """Whether some text is of both patterns."""
    left, right = re.sub(r"\*+", "*", left), re.sub(r"\*+", "*", right)
    every = (1 << len(right)) - 1
    bits: dict[str, int] = {}
    for index, sign in enumerate(right):
        bits[sign] = bits.get(sign, 0) | 1 << index
    stars, marks = bits.get("*", 0), bits.get("?", 0)
    # A bit for each place in `right` that the signs of `left` so far lead to; a star may stand for nothing.
    reached = 1 | (stars & 1) << 1
    for sign in left:
        if sign == "*":
            reached = (every << 1 | 1) & -(reached & -reached)
            continue
        fitting = every & ~stars if sign == "?" else bits.get(sign, 0) | marks
        reached = (reached & fitting) << 1 | reached & stars
        reached |= (reached & stars) << 1
        if not reached:
            return False
    return bool(reached >> len(right) & 1)
