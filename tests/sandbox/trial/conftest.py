"""Trials as people run them: a process that is given files and prints a report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.stack import COMPILED

REPOSITORY = Path(__file__).parents[3]


@dataclass(frozen=True)
class Trials:
    """What a trial command gave: its exit status and its report."""

    status: int
    report: dict[str, Any]

    def of(self, document: str) -> dict[str, Any]:
        """The report of one document."""
        found: dict[str, Any] = next(
            each for each in self.report["documents"] if each["document"] == document
        )
        return found


def run_trials(*arguments: str | Path, pwsh: str | Path = "off") -> Trials:
    """Run `python -m sandbox trial … --json`."""
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", "trial", *map(str, arguments), "--json"],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "SANDBOX_PWSH": str(pwsh), **COMPILED},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.stdout, done.stderr
    return Trials(done.returncode, json.loads(done.stdout))


Write = Callable[[Mapping[str, Any]], Path]


@pytest.fixture(scope="session")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Write:
    """Write documents into a folder of their own: file names (without .json) and contents."""

    def write(documents: Mapping[str, Any]) -> Path:
        folder = tmp_path_factory.mktemp("documents")
        for name, content in documents.items():
            text = json.dumps({"schemaVersion": "0.3", **content})
            (folder / f"{name}.json").write_text(text, encoding="utf-8")
        return folder

    return write
