"""What is wrong with a document's text: the language's rules, and the organisation's policies."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import ssmdoc
from common.errors import Invalid
from documents import starters
from documents.models import DocumentVersion, Policy
from ssmdoc import Finding, Parsed
from ssmdoc.text import Format


@dataclass(frozen=True)
class Examination:
    """A text as it was judged.

    Attributes:
        parsed: the text, read.
        findings: what the language and the enabled policies object to, in the text's order. A policy's
            finding names the policy.
        broken: names of the policies that the text breaks.
    """

    parsed: Parsed
    findings: tuple[Finding, ...]
    broken: tuple[str, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that keep the text from being published and run."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    @property
    def graph(self) -> dict[str, Any] | None:
        """The steps as a graph for the page; None when the text cannot be read as a document."""
        if self.parsed.document is None:
            return None
        return ssmdoc.graph.build(self.parsed.document).as_dict()

    @property
    def analysis(self) -> ssmdoc.analysis.Analysis | None:
        """The permissions that the document needs; None when the text cannot be read as a document."""
        return ssmdoc.analysis.analyse(self.parsed.document) if self.parsed.document else None


def load() -> None:
    """Load what a check needs (for most documents, EC2's model), for processes that are forked then."""
    usual = starters.ALL["launch"]
    examine(usual.text, usual.format, ())


def enabled_policies() -> list[Policy]:
    """Return the policies in force."""
    return list(Policy.objects.filter(enabled=True))


def examine(text: str, format: str, policies: Iterable[Policy] | None = None) -> Examination:
    """Judge `text` by the language's rules and by `policies`.

    Arguments:
        format: "YAML" or "JSON".
        policies: by default the enabled ones.
    """
    given = cast(Format, format)
    parsed = ssmdoc.parse(text, format=given)
    findings = list(ssmdoc.check(text, format=given))
    broken = []
    for policy in enabled_policies() if policies is None else policies:
        objections = policy_findings(parsed, policy.rules, policy.name)
        if any(finding.severity == "error" for finding in objections):
            broken.append(policy.name)
        findings += objections
    return Examination(parsed, tuple(sorted(findings, key=lambda finding: finding.order)), tuple(broken))


def policy_findings(parsed: Parsed, rules: Mapping[str, Any], name: str) -> tuple[Finding, ...]:
    """Return what the policy `name`, with `rules`, objects to: findings whose message names the policy."""
    return tuple(
        replace(finding, message=f"Policy “{name}”: {finding.message}")
        for finding in ssmdoc.policy.evaluate(parsed, rules)
    )


def check_text(text: str, format: str) -> tuple[Finding, ...]:
    """Return what the language and the enabled policies object to in `text`, in the text's order."""
    return examine(text, format).findings


def require_fit(version: DocumentVersion) -> None:
    """Let `version` pass, or raise Invalid whose data carries the findings that forbid publishing it."""
    errors = examine(version.text, version.format).errors
    if not errors:
        return
    first = errors[0]
    others = f" There are {len(errors) - 1} more." if len(errors) > 1 else ""
    raise Invalid(
        f"{version} cannot be published. Line {first.line}, column {first.column}: {first.message}{others} "
        "Correct the text and save it as a new version.",
        code="document-refused",
        data={"findings": [finding.as_dict() for finding in errors]},
    )
