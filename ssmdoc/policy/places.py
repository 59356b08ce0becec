"""The rule of which Regions a document may name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ssmdoc import references
from ssmdoc.document import Parsed
from ssmdoc.findings import Finding
from ssmdoc.model import Document, Step
from ssmdoc.policy.outside import outside
from ssmdoc.policy.rule import Rule, each, is_pattern, matching
from ssmdoc.policy.values import TEXTS, Entry, Possible, entries, possible
from ssmdoc.suggestions import listed

# https://docs.aws.amazon.com/general/latest/gr/rande.html
_REGION = (
    r"(?:af|ap|ca|cn|eu|eusc|il|me|mx|sa|us)(?:-gov|-isob?|-isoe|-isof|-de)?"
    r"-(?:north|south|east|west|central|northeast|northwest|southeast|southwest)-[1-9]"
)
_WHOLE = re.compile(_REGION + r"\Z")
# In an ARN, in an endpoint, in the name of an Availability Zone.
_NAMED = re.compile(rf"(?<![\w-])({_REGION})(?=[a-z]?(?![\w-]))")
_CHOSEN = re.compile(
    rf"(?:region_name|region|AWS_REGION|AWS_DEFAULT_REGION)['\"]?[\s:=]+['\"]?({_REGION})", re.I
)
_KEY = re.compile(r"\w*regions?(?:_?names?)?\Z", re.IGNORECASE)


def _region(name: str) -> str:
    if _WHOLE.match(name) or (is_pattern(name) and re.fullmatch(r"[a-z0-9*?-]+", name)):
        return ""
    return f"{name[:40]} is not a Region's name. Write it like eu-west-1; eu-* stands for all that start so."


def _allow(parsed: Parsed, document: Document, setting: Any) -> Iterator[Finding]:
    for step in document.walk():
        for entry in entries(step):
            for found in _found(document, entry):
                if not found.text or not matching(setting, found.text):
                    yield _finding(parsed, step, found, setting)


def _found(document: Document, entry: Entry) -> Iterator[Possible]:
    """The Regions that a value names or may name."""
    if isinstance(entry.value, (dict, list)):
        return
    if entry.key in TEXTS:
        for text in dict.fromkeys(_CHOSEN.findall(str(entry.value))):
            yield Possible(text, entry.path)
    elif _KEY.match(entry.key) or (entry.key == "TargetLocations" and references.whole(entry.value)):
        for item in possible(document, entry.value, entry.path):
            if not item.text or _WHOLE.match(item.text):
                yield item
    elif isinstance(entry.value, str):
        for text in dict.fromkeys(_NAMED.findall(entry.value)):
            yield Possible(text, entry.path)


def _finding(parsed: Parsed, step: Step, found: Possible, setting: list[str]) -> Finding:
    return outside(parsed, step, found, setting, id="policy-region", verb="names", noun="Region")


RULES = (
    Rule(
        "allowed_regions",
        lambda setting: each(setting, _region),
        lambda names: (
            f"A document may name no other Region than {listed(names)}; what comes from a parameter must be "
            "limited to them."
        ),
        _allow,
    ),
)
