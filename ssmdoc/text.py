"""From a document's text to its values, their places and what is wrong with the text itself."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from ssmdoc import json_text, yaml_text
from ssmdoc.findings import Finding
from ssmdoc.nodes import Node, Source, plain

Format = Literal["JSON", "YAML"]

# "Document size 64 KB": https://docs.aws.amazon.com/general/latest/gr/ssm.html
MAX_BYTES = 64 * 1024
# Texts beyond this are not read at all, so that no text takes longer than a moment.
MAX_READ_BYTES = 512 * 1024
_SMALLER = "Move scripts into attachments, or split the document and join the parts by aws:executeAutomation."
# What YAML and JSON do not allow as it stands: control characters and halves of surrogate pairs.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Text:
    """What was read. Tree and data are None when the text is no JSON or YAML."""

    source: Source
    format: Format
    root: Node | None
    data: Any
    findings: tuple[Finding, ...]


def read(text: str, format: Format | None = None) -> Text:
    """Reads JSON or YAML; without `format`, a text that starts with `{` is JSON. Never raises."""
    findings: list[Finding] = []
    bom = text.startswith("\ufeff")
    source = Source(text[1:] if bom else text)
    if bom:
        message = "The text starts with a byte order mark, which AWS may not accept."
        findings.append(
            source.finding("text-bom", "warning", message, (0, 0), hint="Save the file as UTF-8 without BOM.")
        )
    chosen: Format = format or ("JSON" if source.text.lstrip()[:1] == "{" else "YAML")
    size = len(source.text.encode("utf-8", "surrogatepass"))
    refusal = _unreadable(source, size)
    if refusal is None:
        reader = (json_text if chosen == "JSON" else yaml_text).Reader(source)
        try:
            root = reader.read()
        except json_text.Malformed as error:
            refusal = error.finding
        findings.extend(reader.findings)
    if refusal is not None:
        return Text(source, chosen, None, None, (*findings, refusal))
    data = plain(root)
    findings.extend(_oversize(source, size, data))
    return Text(source, chosen, root, data, tuple(findings))


def _unreadable(source: Source, size: int) -> Finding | None:
    if size > MAX_READ_BYTES:
        message = f"The text is {size // 1024} KB; AWS takes documents up to 64 KB."
        return source.finding("text-size", "error", message, (0, 0), hint=_SMALLER)
    bad = _FORBIDDEN.search(source.text)
    if bad:
        message = (
            f"The text holds the character U+{ord(bad.group()):04X}, which neither JSON nor YAML allows."
        )
        return source.finding("text-character", "error", message, bad.span(), hint="Remove the character.")
    return None


def _oversize(source: Source, size: int, data: Any) -> list[Finding]:
    if size <= MAX_BYTES:
        return []
    compact = len(
        json.dumps(data, separators=(",", ":"), ensure_ascii=False, default=str).encode("utf-8", "replace")
    )
    start = source.line_starts[-1]
    if compact <= MAX_BYTES:
        message = f"The text is {size} bytes; AWS takes documents up to {MAX_BYTES}."
        hint = f"Written as JSON without spaces it is {compact} bytes, which AWS takes."
        return [source.finding("text-size", "warning", message, (start, len(source.text)), hint=hint)]
    message = (
        f"The text is {size} bytes ({compact} as JSON without spaces); AWS takes documents up to {MAX_BYTES}."
    )
    hint = (
        "Move scripts into attachments, or split the document and call the parts with aws:executeAutomation."
    )
    return [source.finding("text-size", "error", message, (start, len(source.text)), hint=_SMALLER)]
