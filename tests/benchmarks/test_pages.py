"""The benchmark of pages fills a database and measures what it says; nothing here depends on time."""

import json
import os
import subprocess
import sys

from tests.support.postgres import PostgresMissing, binaries
from tests.support.stack import COMPILED, ROOT

SIZES = {"documents": 8, "users": 6, "groups": 3, "runs": 40, "requests": 1}


def test_it_fills_a_database_and_measures_pages_in_it():
    try:
        binaries()
    except PostgresMissing:
        database = "sqlite"
    else:
        database = "postgresql"
    sizes = [word for name, number in SIZES.items() for word in (f"--{name}", str(number))]
    words = ["--json", "--database", database, "--only", "runs of a delegation", *sizes]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.pages", *words],
        cwd=ROOT,
        env={**os.environ, **COMPILED},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    told = json.loads(done.stdout)
    assert done.returncode == (1 if told["missed"] else 0)
    assert told["missed"] == sum(line["p95"] > told["limit_ms"] for line in told["pages"])
    shown = {line["who"]: line["rows"][1] for line in told["pages"]}
    assert set(shown) == {"few grants", "typical", "sees nearly all", "only retired", "administrator"}
    assert shown["administrator"] > 0
    assert shown["only retired"] > 0
