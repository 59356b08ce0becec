"""Secrets written into a document, where everybody who may read it finds them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from ssmdoc.checks.rule import Context, Fault, Rules
from ssmdoc.findings import Path
from ssmdoc.nodes import Node

RULES = Rules()

_PAGE = "automation-variables.html"
_KEY_ID = re.compile(r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])")
_PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----")
_TOKEN = re.compile(
    r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{36}|xox[abprs]-[A-Za-z0-9-]{20,}|glpat-[\w-]{20})"
)
_SECRET_KEY = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_SECRET_NAME = re.compile(
    r"password|passwd|secret|(?:api|access|private)[_-]?key|(?:auth|bearer|api)[_-]?token", re.I
)
# What such a name ends in where the value is not the secret itself but tells where it is kept, or about it.
_NOT_A_SECRET = re.compile(
    r"(?:arn|id|ids|name|names|path|parameter|key_?id|length|policy|type|version|enabled|manager|days|age|reset|file)s?\Z"
    r"|^(?:use|is|has|allow|require|rotate|enable|disable|expire|min|max|kms|manage)",
    re.I,
)
# `password = "…"` and `'password': '…'` in a script, `password: …` in a command.
_ASSIGNED = re.compile(r"""([A-Za-z_][\w.-]{2,40})["']?\s*(?:=|:|=>)\s*["']([^"'\s{}$<>()]{8,200})["']""")
_PLACEHOLDER = re.compile(
    r"example|changeme|your|xxx|\*\*\*|placeholder|dummy|test|sample|todo|n/a|none|null|true|false", re.I
)
# The name that a secret is kept under: API_CLIENT_SECRET.
_CONSTANT = re.compile(r"[A-Z]+(?:_[A-Z]+)+\Z")
_MIN_ENTROPY = 2.5


@RULES.add("text-secret", "warning", "A document holds no secrets.", _PAGE)
def _secrets(context: Context) -> Iterator[Fault]:
    if context.parsed.root is None:
        return
    for path, text, node in _texts(context.parsed.root):
        found = _secret(path, text)
        if found is not None:
            what, part = found
            message = f"{what} stands in the text, where everybody who may read the document finds it."
            hint = (
                "Keep it in Secrets Manager or a SecureString parameter, and let the step read it from there."
            )
            yield Fault(
                path,
                message,
                hint,
                text=part if part in context.parsed.source.text[node.start : node.end] else "",
            )


def _texts(root: Node) -> Iterator[tuple[Path, str, Node]]:
    pending: list[tuple[Path, Node]] = [((), root)]
    while pending:
        path, node = pending.pop()
        if node.kind == "map":
            pending += [((*path, name), value) for name, (_, value) in node.entries.items()]
        elif node.kind == "list":
            pending += [((*path, index), item) for index, item in enumerate(node.items)]
        elif isinstance(node.value, str):
            yield path, node.value, node


def _secret(path: Path, text: str) -> tuple[str, str] | None:
    """What kind of secret a text holds, and the part of it that is the secret; None when it holds none."""
    for pattern, what in (
        (_KEY_ID, "The id of an AWS access key"),
        (_PRIVATE_KEY, "A private key"),
        (_TOKEN, "An access token"),
    ):
        match = pattern.search(text)
        if match and not match.group().endswith("EXAMPLE"):
            return what, match.group()
    # The name of a parameter says what its default is.
    owner = (
        path[-2] if path and path[-1] in ("default", "Value") and len(path) > 1 else path[-1] if path else ""
    )
    is_input = path[-1:] == ("default",) or "inputs" in path
    if is_input and isinstance(owner, str) and _named(owner) and "\n" not in text and _random(text):
        return f"The value of `{owner[:60]}`", text
    for match in _ASSIGNED.finditer(text) if "inputs" in path else ():
        if _named(match.group(1)) and _random(match.group(2)):
            return f"The value of `{match.group(1)}`", match.group(2)
    match = _SECRET_KEY.search(text) if "inputs" in path or path[-1:] == ("default",) else None
    if (
        match
        and _entropy(match.group()) > 4.5
        and re.search(r"\d", match.group())
        and re.search("[a-z]", match.group())
        and re.search("[A-Z]", match.group())
    ):
        return "What looks like an AWS secret access key", match.group()
    return None


def _named(name: str) -> bool:
    return bool(_SECRET_NAME.search(name)) and not _NOT_A_SECRET.search(name)


def _random(text: str) -> bool:
    """Whether a text can be a secret: not a reference, a word of the language or a placeholder."""
    if (
        not 8 <= len(text) <= 200
        or "{{" in text
        or " " in text
        or text.startswith(("arn:", "/", "$", "http", "aws/"))
        or _CONSTANT.match(text)
    ):
        return False
    return (
        not _PLACEHOLDER.search(text)
        and bool(re.search(r"[^A-Za-z]", text))
        and _entropy(text) > _MIN_ENTROPY
    )


def _entropy(text: str) -> float:
    """Bits a character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())
