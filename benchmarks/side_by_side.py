"""Documents run by the sandbox and by cdk-ssm-documents' simulation, side by side.

    python -m benchmarks.side_by_side PATH… [--json] [--trial FILE --record FILE]

Each document that cdk-ssm-documents loads is tried by `python -m sandbox trial`, with answers made up where
the sandbox has none, and then simulated with the same parameters: its calls get the answers that the trial
recorded for the step, in turn, and its scripts what the trial's scripts gave, since the simulation would run
them unconfined. What is compared: which steps run, in which order, how each and the whole ends, and the
outputs that the document declares. Where that differs, it is simulated once more with what the loader leaves
out put back (mends.cjs). docs/benchmarks.md explains every kind of difference.

Ends with 1 when a difference is of no kind that is explained, with 2 when nothing could be compared.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

import ssmdoc
from benchmarks import cdk
from benchmarks.comparing import KINDS, Comparison, compare
from benchmarks.servers import ROOT
from ssmdoc import files
from ssmdoc.files import File

REPLAY = Path(__file__).with_name("replay.cjs")
# Of what the simulation does not know at all.
OURS_ALONE = frozenset({"aws:loop", "aws:updateVariable"})
# Only that they are there matters: what depends on them is answered as recorded.
GLOBALS = {"global:REGION": "us-east-1", "global:AWS_PARTITION": "aws", "global:ACCOUNT_ID": "123456789012"}
BATCH_SECONDS = 60.0
DOCUMENT_SECONDS = 10.0


@dataclass(frozen=True)
class Result:
    """A whole run."""

    comparisons: tuple[Comparison, ...]

    @property
    def totals(self) -> Mapping[str, int]:
        return dict(Counter(each.result for each in self.comparisons))

    @property
    def unexplained(self) -> int:
        return sum(
            each.result == "different" and not KINDS.keys() >= set(each.kinds) for each in self.comparisons
        )

    def as_dict(self) -> dict[str, Any]:
        return {
            "version": 1,
            "totals": self.totals,
            "kinds": dict(Counter(kind for each in self.comparisons for kind in each.kinds)),
            "unexplained": self.unexplained,
            "documents": [asdict(each) for each in self.comparisons],
        }

    def lines(self) -> Iterable[str]:
        for each in self.comparisons:
            why = f" [{', '.join(each.kinds)}]" if each.kinds else ""
            yield f"{each.result:10} {Path(each.path).name}{why}{': ' + each.detail if each.detail else ''}"
        yield ""
        for result, count in sorted(self.totals.items()):
            yield f"{count:5} {result}"
            kinds = Counter(kind for each in self.comparisons if each.result == result for kind in each.kinds)
            for kind, number in kinds.most_common():
                yield f"{number:10} {kind}{': ' + KINDS[kind] if kind in KINDS else ''}"


def run(documents: Sequence[File], trials: Trials | None = None) -> Result:
    """Tries, simulates and compares the documents. Errors: cdk.Unavailable, TrialError."""
    loading = cdk.load([file.path for file in documents])
    if loading.problem:
        raise cdk.Unavailable(loading.problem)
    parsed = {file.path: ssmdoc.parse(file.text).document for file in documents}
    wanted = [
        file
        for file in documents
        if file.path in loading.times
        and (document := parsed[file.path]) is not None
        and OURS_ALONE.isdisjoint(step.action for step in document.walk())
    ]
    trials = trials or try_all([file.path for file in wanted])
    given = [each for file in wanted if (each := _given(file, trials)) is not None]
    told, mended = (simulate(given, mended=mended) for mended in (False, True))
    comparisons = []
    for file in documents:
        path, document = file.path, parsed[file.path]
        if file not in wanted or document is None:
            comparisons.append(Comparison(path, "cdk cannot", ("unloadable",)))
        elif path in told:
            comparisons.append(compare(path, document, trials.reports[path], told[path], mended[path]))
        else:
            why = (trials.reports.get(path, {}).get("reason") or {}).get("message", "")
            comparisons.append(Comparison(path, "not tried", (), why))
    return Result(tuple(comparisons))


class TrialError(Exception):
    """The trials did not report; the text is what they said."""


@dataclass(frozen=True)
class Trials:
    """What trials reported of each document, and the answers that they recorded, by the documents' paths."""

    reports: Mapping[str, Mapping[str, Any]]
    records: Mapping[str, Mapping[str, Any]]

    @staticmethod
    def read(report: Path, record: Path) -> Trials:
        """What `python -m sandbox trial --json --record` wrote."""
        told = json.loads(report.read_text(encoding="utf-8"))["documents"]
        loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        recorded = yaml.load(record.read_text(encoding="utf-8"), Loader=loader)["documents"]
        return Trials(
            {each["path"]: each for each in told},
            {each["path"]: recorded.get(each["document"], {}) for each in told},
        )


def try_all(paths: Sequence[str]) -> Trials:
    """Tries the documents. Errors: TrialError."""
    with tempfile.TemporaryDirectory() as folder:
        report, record = Path(folder, "report.json"), Path(folder, "record.yaml")
        command = [sys.executable, "-m", "sandbox", "trial", *(str(Path(path).resolve()) for path in paths)]
        with report.open("w", encoding="utf-8") as out:
            ran = subprocess.run(
                [*command, "--also-absent", "--json", "--record", str(record)],
                cwd=ROOT,
                stdout=out,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        # 1 says that some documents did not end well, which is for the comparison to judge.
        if ran.returncode not in (0, 1) or not record.exists():
            raise TrialError(ran.stderr.strip().rpartition("\n")[2] or "The trials said nothing.")
        trials = Trials.read(report, record)
    names = {str(Path(path).resolve()): path for path in paths}
    return Trials(
        {names[path]: each for path, each in trials.reports.items()},
        {names[path]: each for path, each in trials.records.items()},
    )


def _given(file: File, trials: Trials) -> dict[str, Any] | None:
    """What the simulation of a document gets; None when the trial did not run it to an end."""
    report, document = trials.reports.get(file.path), ssmdoc.parse(file.text).document
    if report is None or document is None or report["status"] is None:
        return None
    answers: dict[str, dict[str, list[Any]]] = {}
    for call in trials.records[file.path].get("calls", ()):
        # Without a step it was a call around the run, like the one that assumes its role.
        if "step" in call:
            kept = {key: call[key] for key in ("response", "error") if key in call}
            answers.setdefault(call["step"], {}).setdefault(_folded(call["api"]), []).append(kept)
    scripts: dict[str, list[Any]] = {}
    for step in report["steps"]:
        if step["action"] == "aws:executeScript":
            scripts.setdefault(step["step"], []).append(_script_result(step))
    return {
        "path": file.path,
        "text": file.text,
        "inputs": {
            name: _typed(document.parameters[name].type, values)
            for name, values in report["parameters"].items()
        },
        "steps": [
            {
                "name": step.name,
                "nextStep": step.next_step,
                "onFailure": step.on_failure,
                "isEnd": step.is_end,
                "payload": json.loads(json.dumps(step.inputs.get("InputPayload"), default=str)),
            }
            for step in document.steps
        ],
        "globals": GLOBALS,
        "answers": answers,
        "scripts": scripts,
    }


def _folded(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "").replace(" ", "")


def _script_result(step: Mapping[str, Any]) -> dict[str, Any]:
    if step["status"] != "Success":
        return {"failed": step["message"] or step["status"]}
    return {"payload": step["outputs"].get("OutputPayload", {}).get("Payload")}


def _typed(kind: str, values: Sequence[str]) -> Any:
    """The values of a start as the simulation wants them: of the parameter's type."""
    if kind in ("StringList", "MapList") or kind.startswith("List<"):
        return [json.loads(value) for value in values] if kind == "MapList" else list(values)
    value = values[0] if values else ""
    return json.loads(value) if kind in ("Integer", "Boolean", "StringMap") else value


def simulate(given: Sequence[Mapping[str, Any]], *, mended: bool) -> dict[str, dict[str, Any]]:
    """What the simulation tells of each document; of one that it does not come to an end with, that."""
    left, told = [{**each, "mended": mended} for each in given], {}
    while left:
        seconds = BATCH_SECONDS + DOCUMENT_SECONDS * len(left)
        for each in cdk.lines(REPLAY, {"documents": left}, seconds=seconds):
            told[each["path"]] = each
        left = [each for each in left if each["path"] not in told]
        if left:
            path = left.pop(0)["path"]
            told[path] = {
                "path": path,
                "unrunnable": "Its simulation does not end.",
                "trace": [],
                "mends": [],
            }
    return told


def main(arguments: Sequence[str] | None = None) -> int:
    """Compares, prints, and gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.side_by_side", description=__doc__)
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a document or a folder of documents")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--trial", type=Path, metavar="FILE", help="what `python -m sandbox trial --json` printed of them"
    )
    parser.add_argument("--record", type=Path, metavar="FILE", help="what it recorded; with --trial")
    options = parser.parse_args(arguments)
    found = files.find(options.paths)
    documents = [file for file in found.files if file.finding is None]
    if found.problems or not documents or bool(options.trial) != bool(options.record):
        problems = found.problems or ["Give documents, and --trial and --record both or neither."]
        print("\n".join(problems), file=sys.stderr)
        return 2
    try:
        trials = Trials.read(options.trial, options.record) if options.trial else None
        result = run(documents, trials)
    except (OSError, TrialError, cdk.Unavailable) as problem:
        print(f"Nothing was compared: {problem}", file=sys.stderr)
        return 2
    print(json.dumps(result.as_dict(), indent=1) if options.json else "\n".join(result.lines()))
    return 1 if result.unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
