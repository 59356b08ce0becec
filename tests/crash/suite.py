"""The suite on one kind of database: `python -m tests.crash.suite JSON`, which tells each line as JSON.

The settings must name database and queue before Django is loaded, hence a process for each kind.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any


def chosen(words: str, names: Iterable[str]) -> list[str]:
    """Return the names that have one of the words, separated by commas; "all" and "none" are words too."""
    if words in {"all", "none"}:
        return list(names) if words == "all" else []
    wanted = [word.strip() for word in words.split(",") if word.strip()]
    return [name for name in names if any(word in name for word in wanted)]


def run(given: Mapping[str, Any], tell: Callable[[dict[str, Any]], None]) -> None:
    """Play what `given` asks for, with an environment of its own, and `tell` each line."""
    from tests.crash import engines

    folder, kept = Path(given["folder"]), given["keep"]
    try:
        with engines.database(given["database"], folder) as environment:
            os.environ.update(
                environment,
                DJANGO_SETTINGS_MODULE="automation_portal.settings",
                DATA_DIR=str(folder),
                REDIS_URL=engines.Valkey(folder / "valkey").url,
                LOG_LEVEL="WARNING",
            )
            import django

            django.setup()
            _play(given, folder, tell)
    except Exception:
        # Its logs say why.
        kept = True
        raise
    finally:
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


def _play(given: Mapping[str, Any], folder: Path, tell: Callable[[dict[str, Any]], None]) -> None:
    from django.core.management import call_command

    from tests.crash import portal
    from tests.crash.batch import Theatre
    from tests.crash.faults import FAULTS
    from tests.crash.points import POINTS

    call_command("migrate", verbosity=0)
    portal.shorten()
    portal.warm_up()
    theatre = Theatre(given["database"], folder, given["seed"])
    theatre.open()
    try:
        for name in chosen(given["points"], POINTS):
            tell(theatre.kill_at(POINTS[name], given["runs"]).as_json())
        for name in chosen(given["faults"], FAULTS):
            if given["database"] in FAULTS[name].databases:
                tell(theatre.disturb(FAULTS[name], given["runs"]).as_json())
    finally:
        theatre.close()


def main() -> None:
    """Be the process of one kind of database."""
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What others print belongs to the log of whoever started this, not between the lines.
    os.dup2(2, 1)

    def end(number: int, frame: FrameType | None) -> None:
        # As an exception, so that engines end and their folders go.
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)

    def tell(line: dict[str, Any]) -> None:
        told.write(json.dumps(line) + "\n")
        told.flush()

    run(json.loads(sys.argv[1]), tell)


if __name__ == "__main__":
    main()
