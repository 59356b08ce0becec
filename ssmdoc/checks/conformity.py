"""The schema of the whole language: what no rule of its own speaks of."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ssmdoc import schema
from ssmdoc.checks.rule import Context, Fault, Rules
from ssmdoc.findings import Finding, Path

RULES = Rules()


@RULES.add(
    "schema", "error", "A document keeps the schema of the language.", "documents-schemas-features.html"
)
def _schema(context: Context) -> Iterator[Fault]:
    for found in schema.faults(dict(context.data)):
        yield Fault(found.path, found.message)


def only_new(findings: Collection[Finding]) -> list[Finding]:
    """The findings without those of the schema at places where a rule says more exactly what is wrong."""
    exact = [item for item in findings if item.severity == "error" or item.id == "action-internal"]
    known = [item.path for item in exact if item.id != "schema"]
    return [
        item for item in findings if item.id != "schema" or not any(_meet(item.path, path) for path in known)
    ]


def _meet(one: Path, other: Path) -> bool:
    """Whether one of two places holds the other."""
    shared = min(len(one), len(other))
    return one[:shared] == other[:shared]
