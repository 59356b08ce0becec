"""Comments in a YAML text that take a warning back, each with its reason.

``# ssmdoc: ignore RULE because REASON`` on the line of a finding, or on a line of its own above it. Several
rules are joined by commas. Only warnings can be taken back: what CreateDocument would refuse stays refused,
whatever a comment says. JSON has no comments, and so no suppressions. A comment that says no reason, names no
rule, or takes nothing back is a finding itself, so that none outlives what it was written for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ssmdoc.document import Parsed
from ssmdoc.findings import Finding
from ssmdoc.suggestions import meant

ID = "suppression"
DESCRIPTION = "A comment that takes a warning back names its rule and its reason, and takes one back."

_COMMENT = re.compile(r"#\s*ssmdoc:\s*ignore\b([^\n]*)")
_WORDS = re.compile(r"\s*([\w-]+(?:\s*,\s*[\w-]+)*)?\s*(?:because\s+(\S.*))?\Z")
_FORM = "Write `# ssmdoc: ignore RULE because REASON`."


@dataclass(frozen=True, slots=True)
class Suppression:
    """One comment: the rules that it names, why, its lines from 1, and its place in the text."""

    rules: tuple[str, ...]
    reason: str
    lines: tuple[int, ...]
    span: tuple[int, int]


def find(parsed: Parsed) -> tuple[Suppression, ...]:
    """Every such comment of a YAML text, in reading order."""
    text = parsed.source.text
    if parsed.format != "YAML" or "ssmdoc:" not in text:
        return ()
    return tuple(_read(parsed, match) for match in _COMMENT.finditer(text))


def _read(parsed: Parsed, match: re.Match[str]) -> Suppression:
    line, column = parsed.source.position(match.start())
    lines = parsed.source.text.split("\n")
    covered = [line]
    # Alone on its line it speaks of the next line that is no comment.
    if not lines[line - 1][: column - 1].strip():
        covered += [n for n in range(line + 1, len(lines) + 1) if not lines[n - 1].lstrip().startswith("#")][
            :1
        ]
    words = _WORDS.match(match.group(1).rstrip())
    rules = tuple(part.strip() for part in (words.group(1) or "").split(",")) if words else ()
    reason = (words.group(2) or "").strip() if words else ""
    return Suppression(tuple(filter(None, rules)), reason, tuple(covered), match.span())


def apply(parsed: Parsed, findings: Collection[Finding], known: Collection[str]) -> list[Finding]:
    """The findings that no comment takes back, and what is wrong with the comments.

    Arguments: `known` are the ids of all rules.
    """
    comments = find(parsed)
    if not comments:
        return list(findings)
    kept = []
    used: set[tuple[int, str]] = set()
    for finding in findings:
        taken = [
            (index, finding.id)
            for index, comment in enumerate(comments)
            if comment.reason and finding.id in comment.rules and finding.line in comment.lines
        ]
        used.update(taken)
        if not taken or finding.severity == "error":
            kept.append(finding)
    errors = {(finding.id, finding.line) for finding in findings if finding.severity == "error"}
    for index, comment in enumerate(comments):
        for message, hint in _faults(comment, index, used, errors, known):
            kept.append(parsed.source.finding(ID, "warning", message, comment.span, hint=hint))
    return kept


def _faults(
    comment: Suppression,
    index: int,
    used: Collection[tuple[int, str]],
    errors: Collection[tuple[str, int]],
    known: Collection[str],
) -> Iterator[tuple[str, str]]:
    if not comment.rules:
        yield "The comment names no rule to ignore.", _FORM
        return
    if not comment.reason:
        yield "The comment says no reason, and so takes nothing back.", _FORM
        return
    for rule in comment.rules:
        if rule not in known:
            yield f"There is no rule `{rule[:60]}`.", meant(rule, known)
        elif any((rule, line) in errors for line in comment.lines):
            yield f"{rule} found an error here, which no comment takes back.", "Mend what it found."
        elif (index, rule) not in used:
            yield f"{rule} has nothing to say here.", "Remove the comment."
