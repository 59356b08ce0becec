"""The loader of cdk-ssm-documents, to compare with: installed aside by npm, run by the system's Node.

https://github.com/cdklabs/cdk-ssm-documents
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

PACKAGES = ("@cdklabs/cdk-ssm-documents@0.0.74", "aws-cdk-lib@2", "constructs@10")
_LOADER = """
const { readFileSync } = require("node:fs");
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
console.log(JSON.stringify(found));
"""


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


def load(paths: Sequence[str]) -> Loading:
    """Loads the documents at `paths`. The package is kept under DATA_DIR, or else in the temporary folder."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return Loading(len(paths), problem="Node and npm are not installed.")
    place = Path(os.environ.get("DATA_DIR") or tempfile.gettempdir(), "cdk-ssm-documents")
    place.mkdir(parents=True, exist_ok=True)
    script = place / "load.cjs"
    script.write_text(_LOADER)
    try:
        if not (place / "node_modules" / "@cdklabs").is_dir():
            install = [npm, "install", "--prefix", str(place), "--no-audit", "--no-fund", "--ignore-scripts"]
            subprocess.run([*install, *PACKAGES], check=True, capture_output=True, timeout=300)
        absolute = {str(Path(path).resolve()): path for path in paths}
        ran = subprocess.run(
            [node, str(script)],
            input=json.dumps(list(absolute)),
            check=True,
            capture_output=True,
            text=True,
            timeout=300,
        )
        times = json.loads(ran.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        return Loading(len(paths), problem=f"{type(error).__name__} while npm or Node ran.")
    if not times:
        return Loading(len(paths), problem="it loads none of the documents.")
    return Loading(len(paths), {absolute[path]: took for path, took in times.items()})
