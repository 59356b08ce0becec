"""`python -m tests.crash`: kill workers everywhere, break everything else, and count the automations."""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.support.stack import COMPILED, NOT_INHERITED, ROOT

DATABASES = ("sqlite", "postgresql")
COLUMNS = ("runs", "kills", "strikes", "automations", "lost", "doubled", "final", "seconds")


def main(arguments: Sequence[str] | None = None) -> int:
    """Play what was asked for; returns 1 when a line does not hold."""
    given = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    databases = DATABASES if given.database == "both" else (given.database,)
    lines = [line for database in databases for line in play(database, given)]
    broken = [line for line in lines if not line["holds"]]
    if given.json:
        sys.stdout.write(json.dumps({"lines": lines, "holds": not broken}, indent=2) + "\n")
    else:
        sys.stdout.write(f"\n{len(lines) - len(broken)} of {len(lines)} lines hold.\n")
    return 1 if broken or not lines else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--runs", type=int, default=200, metavar="N", help="runs for each line")
    parser.add_argument("--database", choices=(*DATABASES, "both"), default="both")
    parser.add_argument(
        "--points",
        default="all",
        metavar="WORDS",
        help="points whose name has one of these, by commas; all; none",
    )
    parser.add_argument("--faults", default="all", metavar="WORDS", help="the same for faults")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of ids, moments and spoilt calls")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--keep", action="store_true", help="leave the folder with logs and databases")
    return parser


def play(database: str, given: argparse.Namespace) -> list[dict[str, object]]:
    """Play every line on a database of this kind, in a process that has its settings from the start."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
    folder = Path(tempfile.mkdtemp(prefix="portal-crash-", dir="/tmp"))
    words = {
        "database": database,
        "folder": str(folder),
        **{name: getattr(given, name) for name in ("runs", "points", "faults", "seed", "keep")},
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.suite", json.dumps(words)],
        cwd=ROOT,
        env=inherited | COMPILED,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines: list[dict[str, object]] = []
    try:
        for text in process.stdout:
            line = json.loads(text)
            lines.append(line)
            if not given.json:
                _print(line, heading=len(lines) == 1)
        status = process.wait()
    finally:
        # It ends its engines by itself, then ends.
        process.terminate()
        process.wait()
    if status != 0:
        raise SystemExit(f"The suite on {database} broke off; its logs are in {folder}.")
    return lines


def _print(line: dict[str, object], *, heading: bool) -> None:
    if heading:
        sys.stdout.write(f"\n{line['database']:<50}" + "".join(f"{name:>12}" for name in COLUMNS) + "\n")
    figures = "".join(f"{line[name]!s:>12}" for name in COLUMNS)
    sys.stdout.write(f"{line['name']:<50}{figures}{'' if line['holds'] else '  DOES NOT HOLD'}\n")
    problems = line["problems"]
    assert isinstance(problems, list)
    for problem in problems:
        sys.stdout.write(f"    {problem}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
