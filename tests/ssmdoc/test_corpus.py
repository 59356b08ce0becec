"""Published documents: what AWS registered has no error, what is plainly invalid has one, all of it fast.

SSM_CORPUS names a folder with `index.json` and `documents/`. What the rules find in each of its documents is
kept in `corpus_findings.json`, so that a change of behaviour is seen; after a change that is meant,
``SSM_CORPUS=… python -m tests.ssmdoc.test_corpus`` writes it anew.
"""

import json
import os
import statistics
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import ssmdoc

FOLDER = os.environ.get("SSM_CORPUS", "")
KEPT = Path(__file__).with_name("corpus_findings.json")

pytestmark = pytest.mark.skipif(not FOLDER, reason="SSM_CORPUS names no folder of published documents")


def corpus() -> list[tuple[dict[str, Any], str]]:
    folder = Path(FOLDER)
    entries = json.loads((folder / "index.json").read_text())
    return [(entry, (folder / "documents" / entry["file"]).read_text()) for entry in entries]


def errors(text: str) -> list[ssmdoc.Finding]:
    return [finding for finding in ssmdoc.check(text) if finding.severity == "error"]


def test_what_aws_registered_has_no_error() -> None:
    refused = {entry["file"]: errors(text) for entry, text in corpus() if entry["registered_by_aws"]}
    assert {file: found for file, found in refused.items() if found} == {}


def suspicions(entry: dict[str, Any]) -> list[str]:
    """What the index says of a document that is plainly invalid: ``step Wait lacks action/inputs``."""
    return [remark.removeprefix("invalid: ") for remark in entry["suspect"] if remark.startswith("invalid: ")]


def blamed_lines(text: str, remark: str) -> set[int]:
    """The lines that a remark speaks of: those of the definition, step or key that it names."""
    parsed = ssmdoc.parse(text)
    assert parsed.document is not None
    assert parsed.root is not None
    subject, _, rest = remark.partition(" ")
    name = rest.split(" ")[0].strip(":")
    paths: list[Any] = []
    if subject == "parameter":
        paths = [("parameters", rest.split(" ")[1])] if name == "name" else [("parameters", name)]
    elif subject == "step":
        steps = parsed.document.data["mainSteps"]
        paths = [("mainSteps", index) for index, step in enumerate(steps) if step.get("name") == name]
    elif subject == "assumeRole":
        paths = [("assumeRole",)]
    elif subject == "duplicate":
        key = remark.split("'")[1]
        return {number for number, line in enumerate(text.split("\n"), 1) if f"{key}:" in line}
    assert paths, remark
    lines: set[int] = set()
    for path in paths:
        first = parsed.source.position(parsed.root.key_at(path).start)[0]
        lines |= set(range(first, parsed.source.position(parsed.root.at(path).end)[0] + 1))
    return lines


def test_what_is_plainly_invalid_has_an_error_at_its_place() -> None:
    missed = []
    invalid = [(entry, text) for entry, text in corpus() if suspicions(entry)]
    assert invalid
    for entry, text in invalid:
        lines = {finding.line for finding in errors(text)}
        for remark in suspicions(entry):
            if not lines & blamed_lines(text, remark):
                missed.append((entry["file"], remark, sorted(lines)))
    assert missed == []


def counted() -> dict[str, dict[str, int]]:
    """How often each rule speaks of each document."""
    return {
        entry["file"]: dict(sorted(Counter(finding.id for finding in ssmdoc.check(text)).items()))
        for entry, text in sorted(corpus(), key=lambda item: item[0]["file"])
    }


def test_the_rules_find_what_they_found_before() -> None:
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    # A folder may hold other documents than those that the table was written with.
    changed = {
        file: (kept[file], counts)
        for file, counts in counted().items()
        if file in kept and kept[file] != counts
    }
    assert changed == {}, "Look at each, then write the table anew (see the top of this file)."


def test_every_document_is_read_as_other_readers_read_it() -> None:
    for entry, text in corpus():
        parsed = ssmdoc.parse(text)
        assert parsed.format == entry["format"].upper()
        assert parsed.document is not None
        if parsed.format == "JSON":
            assert parsed.data == json.loads(text)


def test_launch_forms_exist_for_every_document() -> None:
    for entry, text in corpus():
        document = ssmdoc.parse(text).document
        assert document is not None
        assert len(ssmdoc.parameters.form_fields(document)) == len(document.parameters), entry["file"]
        ssmdoc.graph.build(document)


def test_checking_takes_little_processor_time() -> None:
    times = []
    for _, text in corpus():
        ssmdoc.check(text)
        before = time.process_time()
        ssmdoc.check(text)
        times.append(time.process_time() - before)
    # Five times the aim of 10 ms and 80 ms, so that only a change in kind fails on a slow machine.
    assert statistics.median(times) < 0.05
    assert sorted(times)[int(len(times) * 0.99)] < 0.4


if __name__ == "__main__":
    rows = ",\n".join(f"{json.dumps(file)}: {json.dumps(counts)}" for file, counts in counted().items())
    KEPT.write_text(f"{{\n{rows}\n}}\n", encoding="utf-8")
