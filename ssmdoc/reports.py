"""What is said of a document's file: findings, and on demand the IAM actions it needs and its graph."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ssmdoc import analysis, graph, policy
from ssmdoc.checks import check
from ssmdoc.document import parse
from ssmdoc.files import File
from ssmdoc.findings import Finding, in_order

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Report:
    """The judgement of one file. `iam` and `graph` are None when not asked for or without a document."""

    path: str
    findings: tuple[Finding, ...]
    iam: Mapping[str, Any] | None = None
    graph: Mapping[str, Any] | None = None

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(finding.severity == "error" for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON-ready data: ``path``, ``findings``, and ``iam`` and ``graph`` if asked for."""
        found: dict[str, Any] = {
            "path": self.path,
            "findings": [
                {
                    "id": finding.id,
                    "severity": finding.severity,
                    "line": finding.line,
                    "column": finding.column,
                    "message": finding.message,
                    "hint": finding.hint,
                }
                for finding in self.findings
            ],
        }
        if self.iam is not None:
            found["iam"] = self.iam
        if self.graph is not None:
            found["graph"] = self.graph
        return found

    def lines(self) -> Iterator[str]:
        """The report as lines: ``path:line:column: severity id message``, then what else was asked for."""
        return map(one_line, self._lines())

    def _lines(self) -> Iterator[str]:
        for finding in self.findings:
            said = " ".join(f"{finding.message} {finding.hint}".split())
            yield f"{self.path}:{finding.line}:{finding.column}: {finding.severity} {finding.id} {said}"
        needs = self.iam or {}
        for action in needs.get("actions", ()):
            yield f"{self.path}: iam {action}"
        for kind in ("possible", "unknown"):
            for said in needs.get(kind, ()):
                yield f"{self.path}: iam {kind} {said}"
        for edge in (self.graph or {}).get("edges", ()):
            label = f" ({edge['label']})" if edge["label"] else ""
            yield f"{self.path}: graph {edge['source']} -> {edge['target']} {edge['kind']}{label}"


def one_line(text: str) -> str:
    """A text as one line of a terminal: names and values of a document may hold breaks and commands to it."""
    return _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def judge(
    file: File, rule_sets: Sequence[Mapping[str, Any]] = (), *, iam: bool = False, steps: bool = False
) -> Report:
    """Judges a file by the language's rules and by an organisation's (see `ssmdoc.policy`).

    With `iam` the report tells the IAM actions that the document needs, with `steps` its graph. A file whose
    bytes are at fault is judged for nothing else.
    """
    if file.finding is not None:
        return Report(file.path, (file.finding,))
    findings = list(check(file.text))
    needs = drawn = None
    if rule_sets or iam or steps:
        parsed = parse(file.text)
        findings += policy.evaluate(parsed, *rule_sets)
        if iam and parsed.document is not None:
            needs = analysis.analyse(parsed.document).as_dict()
        if steps and parsed.document is not None:
            drawn = graph.build(parsed.document).as_dict()
    return Report(file.path, in_order(findings), needs, drawn)
