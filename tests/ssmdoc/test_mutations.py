"""At least nineteen in twenty of the mistakes planted into good documents are found, at their lines."""

import json
import os
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import ssmdoc
from tests.ssmdoc import mutations
from tests.ssmdoc.mutations import Planted, beyond, declarations, steps
from tests.ssmdoc.test_check import GOOD

FOLDER = os.environ.get("SSM_CORPUS", "")
PLANS = {**declarations.KINDS.plans, **steps.KINDS.plans, **beyond.KINDS.plans}
OWN = (
    "documents/starters/launch-instance.yaml",
    "automation_portal/demonstration/texts/restart-instance.json",
)
# A kind is tried in so many documents, once in each; a text in so many for the pen's mistakes.
MOST = 5


def good_texts() -> list[str]:
    """Return our own examples and, where they are at hand, published documents without any finding."""
    texts = [yaml.safe_dump(GOOD, sort_keys=False), *(Path(name).read_text(encoding="utf-8") for name in OWN)]
    if FOLDER:
        folder = Path(FOLDER)
        entries = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        published = [
            (folder / "documents" / entry["file"]).read_text(encoding="utf-8")
            for entry in entries
            if not entry["suspect"] and entry["steps"]
        ]
        random.Random(3).shuffle(published)
        texts += published
    return texts


def written(data: object, notation: str) -> str:
    if notation == "JSON":
        return json.dumps(data, indent=2, ensure_ascii=False, default=str)
    return yaml.safe_dump(data, sort_keys=False, width=1000, allow_unicode=True)


def is_found(original: str, planted: Planted, notation: str) -> bool:
    text = written(planted.data, notation)
    parsed = ssmdoc.parse(text)
    expected = mutations.lines(parsed, planted.places)
    return any(finding.line in expected for finding in mutations.new_findings(original, text))


def tried(texts: list[str]) -> Iterator[tuple[str, bool, str]]:
    """Plant every kind; yields its name, whether it was found, and what was planted."""
    pick = random.Random(5)
    read = [ssmdoc.parse(text).data for text in texts]
    for kind, plan in PLANS.items():
        count = 0
        for number, data in enumerate(read):
            if count == MOST:
                break
            if not isinstance(data, dict) or not isinstance(data.get("mainSteps"), list):
                continue
            planted = list(plan(data))
            if planted:
                count += 1
                notation = ("YAML", "JSON")[number % 2]
                chosen = pick.choice(planted)
                yield kind, is_found(written(data, notation), chosen, notation), f"{number} {chosen.places}"


def in_texts(texts: list[str]) -> Iterator[tuple[str, bool, str]]:
    count: dict[str, int] = defaultdict(int)
    for number, text in enumerate(texts):
        for kind, fresh, lines in beyond.in_text(text.replace("\r\n", "\n")):
            if count[kind] < MOST:
                count[kind] += 1
                found = any(finding.line in lines for finding in mutations.new_findings(text, fresh))
                yield kind, found, f"{number} {sorted(lines)}"


def test_mistakes_are_found_at_their_lines() -> None:
    texts = good_texts()
    seen: dict[str, list[bool]] = defaultdict(list)
    missed = []
    for kind, found, what in (*tried(texts), *in_texts(texts)):
        seen[kind].append(found)
        if not found:
            missed.append(f"{kind}: {what}")
    total = [found for results in seen.values() for found in results]
    rate = sum(total) / len(total)
    table = "\n".join(f"{sum(results)}/{len(results)} {kind}" for kind, results in sorted(seen.items()))
    weak = {kind: results for kind, results in seen.items() if sum(results) / len(results) < 0.8}
    assert rate >= 0.95, f"{rate:.1%} found\n{table}\n" + "\n".join(missed)
    # With our own examples alone a kind is tried once or twice: one miss says little then.
    if FOLDER:
        assert len(seen) >= 100
        assert not weak, "\n".join(missed)


@pytest.mark.skipif(not FOLDER, reason="SSM_CORPUS names no folder of published documents")
def test_every_kind_of_mistake_is_tried() -> None:
    texts = good_texts()
    data = [ssmdoc.parse(text).data for text in texts]
    never = [
        kind
        for kind, plan in PLANS.items()
        if not any(
            next(plan(item), None) for item in data if isinstance(item, dict) and item.get("mainSteps")
        )
    ]
    assert never == []
