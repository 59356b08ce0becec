"""The loader and the simulation of cdk-ssm-documents, to compare with: installed aside by npm, run by Node.

https://github.com/cdklabs/cdk-ssm-documents
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PACKAGES = ("@cdklabs/cdk-ssm-documents@0.0.74", "aws-cdk-lib@2", "constructs@10")
_LOADER = """
const { readFileSync, writeFileSync } = require("node:fs");
const { App, Stack } = require("aws-cdk-lib");
const { StringDocument } = require("@cdklabs/cdk-ssm-documents");
const app = new App();
const found = {};
JSON.parse(readFileSync(0, "utf8")).forEach((path, index) => {
  const text = readFileSync(path, "utf8");
  const load = text.trimStart().startsWith("{") ? StringDocument.fromJson : StringDocument.fromYaml;
  const times = [];
  try {
    for (let round = 0; round < 3; round++) {
      const stack = new Stack(app, `S${index}x${round}`);
      const begun = process.hrtime.bigint();
      load.call(StringDocument, stack, "D", text);
      times.push(Number(process.hrtime.bigint() - begun) / 1e6);
    }
    found[path] = times.sort((a, b) => a - b)[1];
  } catch {}
});
writeFileSync(process.argv[2], JSON.stringify(found));
"""
_SIMULATION = """
const { readFileSync, writeFileSync } = require("node:fs");
const { App, Stack } = require("aws-cdk-lib");
const { MockSleep, ResponseCode, Simulation, StringDocument } = require("@cdklabs/cdk-ssm-documents");
const { text, inputs, rounds } = JSON.parse(readFileSync(0, "utf8"));
const document = StringDocument.fromJson(new Stack(new App(), "S"), "D", text);
console.log = () => {};
const times = [];
let result;
for (let round = 0; round < rounds; round++) {
  const begun = process.hrtime.bigint();
  result = Simulation.ofAutomation(document, { sleepHook: new MockSleep() }).simulate({ ...inputs });
  times.push(Number(process.hrtime.bigint() - begun) / 1e6);
}
const status = ResponseCode[result.responseCode];
writeFileSync(process.argv[2], JSON.stringify({ times, status, outputs: result.outputs }));
"""


class Unavailable(Exception):
    """cdk-ssm-documents cannot be run here; the text says why."""


@dataclass(frozen=True)
class Loading:
    """Milliseconds of each document that the loader loads; `problem` says why there are none."""

    documents: int
    times: dict[str, float] = field(default_factory=dict)
    problem: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.times.values())

    def __str__(self) -> str:
        if self.problem:
            return f"cdk-ssm-documents was not measured: {self.problem}"
        return (
            f"cdk-ssm-documents loads {len(self.times)} of {self.documents} documents; "
            f"median {self.median:.2f} ms (it only parses them into constructs)"
        )


@dataclass(frozen=True)
class Simulated:
    """Milliseconds of each time that a document was simulated, and what the last one gave."""

    times: tuple[float, ...]
    outputs: Mapping[str, Any]

    @property
    def per_second(self) -> float:
        return 1000 * len(self.times) / sum(self.times)


def load(paths: Sequence[str]) -> Loading:
    """Loads the documents at `paths`. The package is kept under DATA_DIR, or else in the temporary folder."""
    absolute = {str(Path(path).resolve()): path for path in paths}
    try:
        times = run(_LOADER, list(absolute))
    except Unavailable as error:
        return Loading(len(paths), problem=str(error))
    if not times:
        return Loading(len(paths), problem="it loads none of the documents.")
    return Loading(len(paths), {absolute[path]: took for path, took in times.items()})


def simulate(text: str, inputs: Mapping[str, str], rounds: int) -> Simulated:
    """Simulates a document, loaded once, `rounds` times without sleeping. Errors: Unavailable."""
    found = run(_SIMULATION, {"text": text, "inputs": inputs, "rounds": rounds})
    if found["status"] != "SUCCESS":
        raise Unavailable(f"its simulation ends as {found['status']}.")
    return Simulated(tuple(found["times"]), found["outputs"])


def run(script: str, given: object, *, seconds: float = 300) -> Any:
    """Runs a script with the package at hand, `given` as JSON in its input; returns the JSON that it wrote.

    It gets the name of the file to write as its argument, since whatever it simulates also prints.
    Errors: Unavailable without Node or npm, or when one of them fails or takes longer than `seconds`.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "script.cjs")
        source.write_text(script)
        told, problem = _run(source, given, seconds)
    if problem is not None:
        raise Unavailable(f"{type(problem).__name__} while Node ran.") from problem
    return json.loads(told)


def lines(script: Path, given: object, *, seconds: float) -> list[Any]:
    """As `run`, for a script's file that writes a line of JSON at a time: those that it wrote before it
    ended, failed, or took too long.
    """
    told, _ = _run(script, given, seconds)
    return [json.loads(line) for line in told.splitlines(keepends=True) if line.endswith("\n")]


def _run(
    script: Path, given: object, seconds: float
) -> tuple[str, OSError | subprocess.SubprocessError | None]:
    """What the script wrote, and how it failed."""
    node, place = _installed()
    # What it simulates leaves scripts in the temporary folder.
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "answer.json")
        answer.touch()
        problem = None
        try:
            subprocess.run(
                [node, str(script), str(answer)],
                input=json.dumps(given),
                env={
                    **os.environ,
                    "NODE_PATH": str(place / "node_modules"),
                    "TMPDIR": folder,
                    # The interpreter itself: a wrapper that chooses one would cost more than a script takes.
                    "PATH": os.pathsep.join((str(Path(sys.base_prefix, "bin")), os.environ["PATH"])),
                },
                check=True,
                capture_output=True,
                text=True,
                timeout=seconds,
            )
        except (OSError, subprocess.SubprocessError) as error:
            problem = error
        return answer.read_text(), problem


def _installed() -> tuple[str, Path]:
    """Node, and the folder below DATA_DIR (or else the temporary one) in which npm has put the package."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise Unavailable("Node and npm are not installed.")
    place = Path(os.environ.get("DATA_DIR") or tempfile.gettempdir(), "cdk-ssm-documents")
    place.mkdir(parents=True, exist_ok=True)
    if not (place / "node_modules" / "@cdklabs").is_dir():
        install = [npm, "install", "--prefix", str(place), "--no-audit", "--no-fund", "--ignore-scripts"]
        try:
            subprocess.run([*install, *PACKAGES], check=True, capture_output=True, timeout=300)
        except (OSError, subprocess.SubprocessError) as error:
            raise Unavailable(f"{type(error).__name__} while npm ran.") from error
    return node, place
