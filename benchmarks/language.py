"""How fast documents are parsed and checked.

    python -m benchmarks.language PATH… [--json] [--repeat N] [--cdk]

Each document is read, judged by the schema and checked as a whole; the figures are milliseconds of the
processor, a document. In the same run it is judged by the published schema alone (jsonschema's plain
validator) and loaded by PyYAML's safe_load, so that the ratios hold on any machine. Ends with 1 when a bar is
missed.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time
from typing import Any

import yaml
from jsonschema import Draft202012Validator

import ssmdoc
from benchmarks import cdk
from ssmdoc import apis, files, schema
from ssmdoc.actions import API_ACTIONS
from ssmdoc.files import File
from ssmdoc.text import MAX_BYTES

# Enough that one pause of a shared machine is not the 99th percentile.
EDITS = 200


@dataclass(frozen=True)
class Spread:
    """Milliseconds of one measure over the documents."""

    median: float
    p99: float
    max: float
    slowest: str

    def __str__(self) -> str:
        return f"median {self.median:8.2f}   99th {self.p99:8.2f}   max {self.max:8.2f}   ({self.slowest})"


@dataclass(frozen=True)
class Bar:
    """A figure that must not be above a limit, both in milliseconds."""

    name: str
    limit: float
    figure: float

    @property
    def passed(self) -> bool:
        return self.figure <= self.limit


def milliseconds(work: Callable[[], object]) -> float:
    """How long one call takes the processor: what others do on a shared machine does not count."""
    begun = process_time()
    work()
    return (process_time() - begun) * 1000


def usual(work: Callable[[], object], repeat: int) -> float:
    """The median of several calls."""
    return statistics.median(milliseconds(work) for _ in range(repeat))


def spread(times: Sequence[tuple[float, str]]) -> Spread:
    """The median, the 99th percentile and the maximum of the documents' times."""
    ordered = sorted(times)
    figures = [figure for figure, _ in ordered]
    p99 = figures[min(len(figures) - 1, -(-len(figures) * 99 // 100) - 1)]
    return Spread(statistics.median(figures), p99, figures[-1], Path(ordered[-1][1]).name[-60:])


def load_models(documents: Iterable[File]) -> float:
    """Reads botocore's models of all services that the documents call, once a process, and tells how long."""

    def load() -> None:
        for file in documents:
            document = ssmdoc.parse(file.text).document
            for step in document.walk() if document else ():
                name = step.inputs.get("Service")
                if step.action in API_ACTIONS and isinstance(name, str):
                    apis.service(name)

    return milliseconds(load)


def measure(documents: Sequence[File], repeat: int) -> dict[str, Spread]:
    """Every measure over all documents; `first` is a document's first check, the others are repeated."""
    plain = Draft202012Validator(schema.document_schema())
    first = [(milliseconds(lambda file=file: ssmdoc.check(file.text)), file.path) for file in documents]  # type: ignore[misc]
    times: dict[str, list[tuple[float, str]]] = {"first check": first}
    for file in documents:
        data = ssmdoc.parse(file.text).data
        work: dict[str, Callable[[], object]] = {
            "parse": lambda text=file.text: ssmdoc.parse(text),  # type: ignore[misc]
            "schema": lambda data=data: list(schema.faults(data)),  # type: ignore[misc]
            "check": lambda text=file.text: ssmdoc.check(text),  # type: ignore[misc]
            "jsonschema alone": lambda data=data: list(plain.iter_errors(data)),  # type: ignore[misc]
            "yaml.safe_load": lambda text=file.text: _safe_load(text),  # type: ignore[misc]
        }
        for name, call in work.items():
            if data is not None or name in ("parse", "check"):
                times.setdefault(name, []).append((usual(call, repeat), file.path))
    return {name: spread(found) for name, found in times.items()}


def _safe_load(text: str) -> object:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None


def grown(documents: Sequence[File]) -> str:
    """A real document grown to 64 KB: its steps repeated under new names, its description filled up.

    It is the one with the most kinds of actions among those that are small enough to be repeated.
    """

    def variety(file: File) -> tuple[int, int]:
        document = ssmdoc.parse(file.text).document
        return (len({step.action for step in document.walk()}) if document else 0, len(file.text))

    small = [file for file in documents if len(file.text) < MAX_BYTES // 4] or list(documents)
    data = dict(ssmdoc.parse(max(small, key=variety).text).data or {})
    steps: list[Any] = data.get("mainSteps") or []
    written = json.dumps(steps)
    names = "|".join(sorted((re.escape(str(step["name"])) for step in steps), key=len, reverse=True))
    text = written
    for copy in range(1, 1000):
        longer = json.dumps({**data, "mainSteps": steps}, indent=1)
        if len(longer) > MAX_BYTES:
            break
        text = longer
        steps = steps + json.loads(re.sub(rf"\b({names})\b", rf"\1_{copy}", written))
    filling = "Grown to the limit. " * (MAX_BYTES // 20)
    return text.replace("{", '{\n "description": "' + filling[: MAX_BYTES - len(text) - 22] + '",', 1)


def edits(text: str) -> list[str]:
    """The text with one letter changed, at places spread over all of it."""
    letters = [match.start() for match in re.finditer(r"[a-z](?=[a-z])", text)]
    places = letters[len(letters) // (2 * EDITS) :: max(1, len(letters) // EDITS)][:EDITS]
    return [text[:at] + ("x" if text[at] != "x" else "y") + text[at + 1 :] for at in places]


@dataclass(frozen=True)
class Result:
    """A whole run."""

    documents: int
    models: float
    spreads: dict[str, Spread]
    ratios: dict[str, float]
    edit: Spread
    bars: tuple[Bar, ...]
    cdk: cdk.Loading | None

    def as_dict(self) -> dict[str, Any]:
        found = asdict(self)
        found["bars"] = [{**asdict(bar), "passed": bar.passed} for bar in self.bars]
        return found

    def lines(self) -> Iterable[str]:
        yield f"{self.documents} documents; botocore's models for them were read in {self.models:.0f} ms."
        yield "Milliseconds of the processor, a document:"
        for name, found in {**self.spreads, "edit of 64 KB": self.edit}.items():
            yield f"  {name:17} {found}"
        for name, ratio in self.ratios.items():
            yield f"  {name}: {ratio:.2f}"
        if self.cdk is not None:
            yield f"  {self.cdk}"
        for bar in self.bars:
            said = "pass" if bar.passed else "MISS"
            yield f"{said}  {bar.name}: {bar.figure:.2f} ms, at most {bar.limit:.0f}"


def run(documents: Sequence[File], repeat: int, with_cdk: bool) -> Result:
    """Measures everything."""
    models = load_models(documents)
    spreads = measure(documents, repeat)
    text = grown(documents)
    ssmdoc.check(text)
    edit = spread([(milliseconds(lambda edited=edited: ssmdoc.check(edited)), "") for edited in edits(text)])  # type: ignore[misc]
    check = spreads["check"]
    ratios = {
        f"check against {other} (medians)": check.median / spreads[other].median
        for other in ("jsonschema alone", "yaml.safe_load")
        if spreads[other].median
    }
    loading = cdk.load([file.path for file in documents]) if with_cdk else None
    if loading is not None and loading.times:
        ours = statistics.median(
            usual(lambda text=file.text: ssmdoc.check(text), repeat)  # type: ignore[misc]
            for file in documents
            if file.path in loading.times
        )
        ratios["check against cdk-ssm-documents' loader, where it loads (medians)"] = ours / loading.median
    bars = (
        Bar("median of parse, schema and check", 10, check.median),
        Bar("99th percentile of parse, schema and check", 80, check.p99),
        Bar("re-check after an edit of one character in 64 KB (99th percentile)", 100, edit.p99),
    )
    return Result(len(documents), models, spreads, ratios, edit, bars, loading)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark and gives the exit status: 0, 1 when a bar is missed, 2 without documents."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.language", description=__doc__)
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a document or a folder of documents")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--repeat", type=int, default=3, metavar="N", help="calls of each measure; 3 by default"
    )
    parser.add_argument(
        "--cdk", action="store_true", help="compare with cdk-ssm-documents, which npm installs aside"
    )
    options = parser.parse_args(arguments)
    found = files.find(options.paths)
    documents = [file for file in found.files if file.finding is None]
    if found.problems or not documents or options.repeat < 1:
        for problem in found.problems or ["There is no Automation document there, or N is not positive."]:
            print(problem, file=sys.stderr)
        return 2
    result = run(documents, options.repeat, options.cdk)
    print(json.dumps(result.as_dict(), indent=2) if options.json else "\n".join(result.lines()))
    return 0 if all(bar.passed for bar in result.bars) else 1


if __name__ == "__main__":
    sys.exit(main())
