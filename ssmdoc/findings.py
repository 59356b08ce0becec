"""What a check says about a document: one finding, one place in the text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]
# What one rule says of one document at most: enough to work on, and it bounds the time that a hostile text
# takes.
MAX_FINDINGS = 100

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark about a document's text.

    Lines and columns count from 1, columns in characters. `path` names the value in the document
    (``("mainSteps", 0, "inputs", "ImageId")``), `hint` says what to write instead when that is known.
    """

    id: str
    severity: Severity
    message: str
    line: int
    column: int
    end_line: int
    end_column: int
    path: Path = ()
    hint: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON-ready data."""
        return {
            "id": self.id,
            "severity": self.severity,
            "message": self.message,
            "line": self.line,
            "column": self.column,
            "end_line": self.end_line,
            "end_column": self.end_column,
            "path": list(self.path),
            "hint": self.hint,
        }

    @property
    def order(self) -> tuple[int, int, str, str]:
        """Sorts findings as a reader meets them."""
        return (self.line, self.column, self.id, self.message)


def in_order(findings: list[Finding] | tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Each finding once, sorted by position."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda finding: finding.order))
