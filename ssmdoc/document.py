"""Parsing: from a document's text to its model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ssmdoc import model
from ssmdoc.findings import Finding, Path, Severity, in_order
from ssmdoc.model import Document
from ssmdoc.nodes import Node, Source
from ssmdoc.text import Format
from ssmdoc.text import read as read_text


@dataclass(frozen=True, slots=True)
class Parsed:
    """A text that was read. `document` and `data` are None when it holds no document at all.

    `findings` are those about the text itself and what kept it from being read; `ssmdoc.check` adds all
    others.
    """

    document: Document | None
    findings: tuple[Finding, ...]
    format: Format
    data: Any | None
    root: Node | None
    source: Source = field(repr=False, compare=False)

    def finding(
        self,
        id: str,
        severity: Severity,
        message: str,
        path: Path,
        *,
        hint: str = "",
        at_key: bool = False,
        text: str = "",
    ) -> Finding:
        """A finding about the value at `path`, its key, or the `text` inside that value."""
        start = end = 0
        if self.root is not None:
            node = self.root.key_at(path) if at_key else self.root.at(path)
            start, end = node.start, node.end if path else node.start + 1
            within = self.source.text.find(text, start, end) if text else -1
            if within >= 0:
                start, end = within, within + len(text)
        return self.source.finding(id, severity, message, (start, end), path=path, hint=hint)


def parse(text: str, *, format: Format | None = None) -> Parsed:
    """Reads a document; without `format`, a text that starts with ``{`` is JSON. Never raises."""
    read = read_text(text, format)
    findings = list(read.findings)
    document = model.build(read)
    if document is None and read.root is not None:
        message = "A document is a map with the keys schemaVersion and mainSteps."
        findings.append(read.source.finding("document-shape", "error", message, read.root.span))
    return Parsed(document, in_order(findings), read.format, read.data, read.root, read.source)


def position(parsed: Parsed, path: Path) -> tuple[int, int]:
    """(line, column), from 1, of the value at `path`, or of the deepest value on the way there."""
    return parsed.source.position(parsed.root.at(path).start) if parsed.root else (1, 1)
