"""The commands behind the Makefile: each sets up what it needs, then does its work."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

from provision import browser, frontend
from provision.console import SetupError, ToolFailed
from provision.places import ROOT, Places, places, setup_lock
from provision.python_packages import RUN, TEST, Environment

STRICTLY_TYPED = ("ssmdoc", "aws", "common")


def set_up(where: Places, *, for_tests: bool = False, needs_frontend: bool = True) -> None:
    """Make environment and front end under DATA_DIR as the checkout wants them; quick when they are."""
    with setup_lock(where):
        environment = Environment(where)
        environment.ensure(RUN, title="Installing Python packages")
        if for_tests:
            environment.ensure(TEST, title="Installing Python packages for tests")
        if needs_frontend:
            frontend.build(where, environment)


def run(arguments: Sequence[str]) -> int:
    """Start the whole portal in this process's place; returns only when that is impossible."""
    where = places()
    set_up(where)
    os.chdir(ROOT)
    os.execve(  # noqa: S606
        where.python,
        [str(where.python), "-m", "automation_portal.stack", *arguments],
        _children_environment(where),
    )


def test(arguments: Sequence[str]) -> int:
    """Run the test suite, with the words of ARGS passed on to pytest."""
    where = places()
    set_up(where, for_tests=True)
    environment = _children_environment(where) | {
        "CHROMIUM_PATH": str(browser.chromium(where)),
        "FRONTEND_DIST": str(where.frontend / "dist"),
        # Chromium keeps crash reports and certificates in its user's configuration.
        "XDG_CONFIG_HOME": str(where.cache / "xdg-config"),
    }
    words = [*arguments, *shlex.split(os.environ.get("ARGS", ""))]
    # Files are spread over the processors; each process has a stack and a sandbox of its own.
    spread = ["-n", "auto", "--maxprocesses", "4", "--dist", "loadfile"]
    command = [where.python, "-m", "pytest", "-o", f"cache_dir={where.cache / 'pytest'}", *spread, *words]
    return _call(command, environment)


def crash(arguments: Sequence[str]) -> int:
    """Run the crash suite, with the words of ARGS passed on to it."""
    where = places()
    set_up(where, for_tests=True, needs_frontend=False)
    words = [*arguments, *shlex.split(os.environ.get("ARGS", ""))]
    return _call([where.python, "-m", "tests.crash", *words], _children_environment(where))


def lint(arguments: Sequence[str]) -> int:
    """Run every static check and name those that failed."""
    where = places()
    set_up(where, for_tests=True, needs_frontend=False)
    environment = _children_environment(where)
    failed = []
    for name, command in _checks(where).items():
        sys.stdout.write(f"── {name}\n")
        sys.stdout.flush()
        if _call([where.python, *command], environment):
            failed.append(name)
    if failed:
        sys.stdout.write(f"\nFailed: {', '.join(failed)}. `make format` puts formatting right.\n")
    return 1 if failed else 0


def _checks(where: Places) -> dict[str, list[str]]:
    # An app's services are one module or, when that grew too large, a package of the same name.
    found = [*ROOT.glob("*/services.py"), *ROOT.glob("*/services/")]
    services = sorted(str(path.relative_to(ROOT)) for path in found)
    typed = [*STRICTLY_TYPED, *(path for path in services if path.split("/")[0] not in STRICTLY_TYPED)]
    templates = ["-m", "djlint", "templates", "--quiet"]
    import_linter = "import sys; from importlinter.cli import lint_imports_command as run; sys.exit(run())"
    return {
        "ruff": ["-m", "ruff", "check", "."],
        "ruff format": ["-m", "ruff", "format", "--check", "."],
        "mypy": ["-m", "mypy", *typed],
        "import-linter": [
            "-c",
            import_linter,
            "--no-logo",
            "--cache-dir",
            str(where.cache / "import-linter"),
        ],
        "djlint": [*templates, "--lint"],
        "djlint format": [*templates, "--check"],
        "makemigrations": ["manage.py", "makemigrations", "--check", "--dry-run"],
    }


def tidy(arguments: Sequence[str]) -> int:
    """Reformat Python and templates in place."""
    where = places()
    set_up(where, for_tests=True, needs_frontend=False)
    environment = _children_environment(where)
    _call([where.python, "-m", "ruff", "check", "--fix-only", "--quiet", "."], environment)
    status = _call([where.python, "-m", "ruff", "format", "."], environment)
    # djlint ends with 1 when it changed something.
    _call([where.python, "-m", "djlint", "templates", "--reformat", "--quiet"], environment)
    return status


def clean(arguments: Sequence[str]) -> int:
    """Remove DATA_DIR with everything in it, after asking."""
    where = places()
    if where.data in (ROOT, *ROOT.parents, Path.home()):
        raise SetupError(
            f"DATA_DIR is {where.data}, which holds more than the portal's data; nothing is removed."
        )
    sys.stdout.write(f"This removes {where.data}: database, runs, sandbox, environment. Type yes to go on: ")
    sys.stdout.flush()
    if sys.stdin.readline().strip() != "yes":
        sys.stdout.write("Nothing was removed.\n")
        return 1
    with setup_lock(where):
        shutil.rmtree(where.data)
    sys.stdout.write(f"{where.data} is gone. `make run` makes it anew.\n")
    return 0


def _children_environment(where: Places) -> dict[str, str]:
    return where.environment() | {"DJANGO_SETTINGS_MODULE": "automation_portal.settings"}


def _call(command: Sequence[str | Path], environment: dict[str, str]) -> int:
    """Run a command in the checkout with our own input and output; return its exit status."""
    process = subprocess.Popen([str(word) for word in command], env=environment, cwd=ROOT)
    try:
        while True:
            # An interrupt from the keyboard reaches the command too: it ends by itself, and we wait for that.
            with suppress(KeyboardInterrupt):
                return process.wait()
    except Terminated:
        process.terminate()
        process.wait()
        raise


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "run": run,
    "test": test,
    "crash": crash,
    "lint": lint,
    "format": tidy,
    "clean": clean,
}


class Terminated(BaseException):
    """The process was asked to end; whoever runs a tool ends that first."""


def _listen_to_requests_to_end() -> None:
    def end(number: int, frame: FrameType | None) -> None:
        raise Terminated

    for number in (signal.SIGTERM, signal.SIGHUP):
        # `nohup make test` has a closed terminal ignored, and that stays so.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, end)


def main(arguments: Sequence[str]) -> int:
    """Be the process of one command; returns its exit status."""
    _listen_to_requests_to_end()
    try:
        return perform(arguments)
    except Terminated:
        return 143


def perform(arguments: Sequence[str]) -> int:
    """Run one command, telling its faults in words; returns the exit status."""
    # Whatever the locale says, a line that it cannot show must not end the set-up.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    if not arguments or arguments[0] not in COMMANDS:
        sys.stderr.write(f"Say what to do: {', '.join(COMMANDS)}.\n")
        return 2
    try:
        return COMMANDS[arguments[0]](arguments[1:])
    except ToolFailed as error:
        sys.stderr.write("".join(f"    {line}\n" for line in error.tail))
        sys.stderr.write(f"{error}\n")
    except SetupError as error:
        sys.stderr.write(f"{error}\n")
    except OSError as error:
        sys.stderr.write(f"The set-up cannot go on: {error}.\n")
    except KeyboardInterrupt:
        sys.stderr.write(f"\nInterrupted; `make {arguments[0]}` goes on where it stopped.\n")
        return 130
    return 1
