"""`python -m sandbox trial PATH… [--fixtures auto|FILE] [--record FILE] [--json] …`"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sandbox.fixtures import reading
from sandbox.fixtures.model import FixtureFile
from sandbox.trial import library

if TYPE_CHECKING:
    from sandbox.trial.lab import Lab
    from sandbox.trial.running import Outcome, Plan

EXIT_STATUS = (
    "exit status: 0 when every document ended as expected (Success, unless a fixture expects otherwise), "
    "1 when one did not, 2 when the command itself is wrong"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run trials. Returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        found = library.read(options.paths)
        fixtures = FixtureFile()
        for given in options.fixtures:
            if given != "auto":
                fixtures += reading.load(Path(given))
        parameters = _parameters(options.parameters)
    except (library.PathError, reading.FixtureError) as error:
        sys.stderr.write(f"sandbox trial: {error}\n")
        return 2
    auto = "off"
    if "auto" in options.fixtures or options.also_absent:
        auto = "absent" if options.also_absent else "apis"
    given = {
        "fixtures": fixtures,
        "auto": auto,
        "parameters": parameters,
        "seed": options.seed,
        "seconds": options.seconds,
    }
    # moto prints what it thinks of a call; standard output is the report's.
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        outcomes = list(_told(_outcomes(found, given, options.jobs), len(found.sources)))
    from sandbox.trial import report

    if options.record:
        _record(options.record, outcomes)
    if options.json:
        json.dump(report.as_data(outcomes, auto=auto, seed=options.seed), sys.stdout, indent=1, default=str)
        sys.stdout.write("\n")
    else:
        sys.stdout.write(report.as_text(outcomes, auto=auto))
    return 0 if all(each.as_expected for each in outcomes) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox trial",
        description="Run Automation documents against a sandbox of their own, and report.",
        epilog=EXIT_STATUS,
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="documents, or folders of them")
    parser.add_argument(
        "--fixtures",
        action="append",
        default=[],
        metavar="auto|FILE",
        help="answers of AWS calls from FILE; auto makes them up where the sandbox has no such API. "
        "May be given more than once",
    )
    parser.add_argument(
        "--also-absent",
        action="store_true",
        help="as --fixtures auto, and make up answers also where what is asked for does not exist",
    )
    parser.add_argument("--record", type=Path, metavar="FILE", help="write all answers to FILE, as fixtures")
    parser.add_argument("--parameters", type=Path, metavar="FILE", help="values of parameters, JSON or YAML")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="other values and ids (default: 0)")
    parser.add_argument("--json", action="store_true", help="report as JSON")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes at once (default: 1)")
    parser.add_argument(
        "--seconds", type=float, default=120.0, metavar="N", help="real time for a document (default: 120)"
    )
    return parser


def _parameters(path: Path | None) -> Mapping[str, Any]:
    if path is None:
        return {}
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise library.PathError(f"{path} cannot be read as JSON or YAML: {error}") from error
    if not isinstance(data, dict):
        raise library.PathError(f"{path} must hold a map from the names of parameters to their values.")
    return data


def _told(outcomes: Iterator[Outcome], total: int) -> Iterator[Outcome]:
    """The outcomes, with a line on a terminal that says how far they are."""
    shows = sys.stderr.isatty() and total > 1
    for number, outcome in enumerate(outcomes, 1):
        if shows:
            sys.stderr.write(f"\r{number} of {total}\033[K" if number < total else "\r\033[K")
            sys.stderr.flush()
        yield outcome


def _outcomes(found: library.Library, given: Mapping[str, Any], jobs: int) -> Iterator[Outcome]:
    if jobs <= 1 or len(found.sources) == 1:
        _begin(found, given)
        yield from (_try(source) for source in found.sources)
        _end()
        return
    with ProcessPoolExecutor(
        min(jobs, len(found.sources)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin_process,
        initargs=(found, given),
    ) as pool:
        waiting = [(source, pool.submit(_try, source)) for source in found.sources]
        for source, future in waiting:
            yield _result(source, future)


def _result(source: library.Source, future: Future[Outcome]) -> Outcome:
    try:
        return future.result()
    except BrokenProcessPool as error:
        from sandbox.trial.reasons import Reason
        from sandbox.trial.running import Outcome

        why = Reason("sandbox", "the process of the trial ended", str(error))
        return Outcome(source.name, source.path, "Success", reason=why)


_at_work: tuple[Lab, library.Library, Plan] | None = None


def _begin(found: library.Library, given: Mapping[str, Any]) -> None:
    """Start the sandbox of this process."""
    global _at_work  # noqa: PLW0603 - one process is one sandbox
    # Before anything that reads the environment when it is imported.
    from sandbox.trial.preparing import prepare

    prepare(given["seed"])
    from sandbox.trial.lab import Lab
    from sandbox.trial.running import Plan

    _at_work = Lab(), found, Plan(**given)


def _begin_process(found: library.Library, given: Mapping[str, Any]) -> None:
    sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - for as long as the process lives
    _begin(found, given)


def _try(source: library.Source) -> Outcome:
    from sandbox.trial.running import try_document

    assert _at_work is not None, "the process was begun"
    lab, found, plan = _at_work
    return try_document(lab, source, found, plan)


def _end() -> None:
    if _at_work is not None:
        _at_work[0].close()


def _record(path: Path, outcomes: Sequence[Outcome]) -> None:
    from sandbox.fixtures import recording

    made = recording.Recording()
    for each in outcomes:
        made.note(
            each.document,
            heard=each.heard,
            results=each.results,
            parameters=each.values,
            status=each.status,
        )
    text = yaml.safe_dump(json.loads(json.dumps(made.file(), default=str)), sort_keys=False)
    path.write_text(recording.HEAD + text, encoding="utf-8")
