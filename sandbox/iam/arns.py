"""Patterns of policies: wildcards, policy variables, ARNs compared segment by segment."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

ContextValues = Mapping[str, Sequence[str]]
"""Context keys in lower case with their values."""

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_LITERAL_CHARACTERS = {"*", "?", "$"}


class UnresolvedVariable(Exception):
    """A policy variable has neither a value in the request nor a default."""


@lru_cache(maxsize=8192)
def _compiled(parts: tuple[tuple[str, bool], ...], ignore_case: bool) -> re.Pattern[str]:
    pattern = ""
    for text, literal in parts:
        if literal:
            pattern += re.escape(text)
        else:
            pattern += "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in text)
    return re.compile(pattern, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def substitute(pattern: str, context: ContextValues) -> tuple[tuple[str, bool], ...]:
    """Split `pattern` into (text, is literal) parts, policy variables replaced by their literal values.

    `${aws:username}`, `${aws:username, 'default'}` and the escapes `${*}`, `${?}`, `${$}`.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
    Errors: UnresolvedVariable.
    """
    parts: list[tuple[str, bool]] = []
    end = 0
    for match in _VARIABLE.finditer(pattern):
        parts.append((pattern[end : match.start()], False))
        end = match.end()
        name, _, default = (piece.strip() for piece in match.group(1).partition(","))
        if name in _LITERAL_CHARACTERS:
            parts.append((name, True))
            continue
        values = context.get(name.lower(), ())
        if len(values) == 1:
            parts.append((values[0], True))
        elif default:
            parts.append((default.strip("'"), True))
        else:
            raise UnresolvedVariable(name)
    parts.append((pattern[end:], False))
    return tuple(part for part in parts if part[0])


def like(pattern: str, value: str, context: ContextValues, *, ignore_case: bool = False) -> bool:
    """Whether `value` matches `pattern` with `*` and `?`. Errors: UnresolvedVariable."""
    return _compiled(substitute(pattern, context), ignore_case).fullmatch(value) is not None


def literally(pattern: str, context: ContextValues) -> str:
    """`pattern` with its variables replaced and no wildcards. Errors: UnresolvedVariable."""
    return "".join(text for text, _ in substitute(pattern, context))


def _segments(arn: str) -> list[str]:
    # A colon inside ${…} belongs to the variable's name and separates nothing.
    segments: list[str] = [""]
    depth = 0
    for i, c in enumerate(arn):
        if arn.startswith("${", i):
            depth += 1
        elif c == "}" and depth:
            depth -= 1
        if c == ":" and not depth and len(segments) < 6:
            segments.append("")
        else:
            segments[-1] += c
    return segments


def arn_like(pattern: str, arn: str, context: ContextValues) -> bool:
    """Whether `arn` matches the ARN `pattern`, each of the six segments by itself.

    A pattern with fewer segments is completed with `*`, as AWS does for the Resource element.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    Errors: UnresolvedVariable.
    """
    if pattern == "*":
        return True
    wanted = _segments(pattern)
    if wanted[0] != "arn":
        return False
    wanted += ["*"] * (6 - len(wanted))
    found = arn.split(":", 5)
    if len(found) != 6:
        return False
    return all(like(w, f, context) for w, f in zip(wanted, found, strict=True))
