"""Scripts of the second interpreter: what it is given, what is told of how it ended, and how it is confined.

The interpreter is a stand-in (`tests.sandbox.pwsh`), whose scripts are ones of the shell.
"""

import io
import json
import os
import shutil
import socket
import sys
import tempfile
import textwrap
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import settings
from sandbox.scripts import Credentials, Job, Limits, Result, ScriptRunner, forkserver, powershell
from sandbox.scripts.jobs import MIB
from tests.sandbox.pwsh import write_pwsh
from tests.sandbox.scripts.conftest import Endpoint, job
from tests.sandbox.scripts.test_escapes import gone, marked, needs_seccomp

Run = Callable[..., Result]
LIMITS = Limits(seconds=20, memory=256 * MIB)


@pytest.fixture(scope="module")
def pwsh() -> Iterator[Path]:
    """The stand-in, where another user than this one finds it, too."""
    directory = Path(tempfile.mkdtemp(prefix="sandbox-test-pwsh-"))
    directory.chmod(0o755)
    yield write_pwsh(directory)
    shutil.rmtree(directory)


def running(runner: ScriptRunner, pwsh: Path) -> Run:
    def run(script: str, files: dict[str, str | bytes] | None = None, **options: Any) -> Result:
        given = {"customer_script.ps1": textwrap.dedent(script)} if files is None else files
        handler = "customer_script.ps1" if files is None else ""
        options.setdefault("limits", LIMITS)
        return runner.run(Job(files=given, handler=handler, interpreter=str(pwsh), **options))

    return run


@pytest.fixture(scope="module")
def runner(pwsh: Path, endpoint: Endpoint) -> Iterator[ScriptRunner]:
    """A runner that has the stand-in; in namespaces where this machine allows it."""
    made = ScriptRunner()
    made.serve_calls(endpoint.port, endpoint.serve)
    made.use(pwsh)
    yield made
    made.stop()


@pytest.fixture
def run(runner: ScriptRunner, pwsh: Path) -> Run:
    return running(runner, pwsh)


@pytest.fixture(params=["namespaces", "plain"])
def run_anyhow(request: pytest.FixtureRequest, pwsh: Path) -> Run:
    """Run in each of the two ways that scripts can be confined."""
    name = "runner" if request.param == "namespaces" else "unconfined"
    runner: ScriptRunner = request.getfixturevalue(name)
    runner.use(pwsh)
    return running(runner, pwsh)


@pytest.fixture
def in_namespaces(run: Run, runner: ScriptRunner) -> None:
    run("give 1")
    if not runner.confined:
        pytest.skip("this machine forbids namespaces")


class TestWhatItIsGiven:
    def test_it_is_started_with_the_script_and_without_a_profile(self, run_anyhow):
        result = run_anyhow("""
        head -n 1 "$wrapper"; echo "in $(basename "$PWD")"; ls; read line || echo nothing to read
        give '{"a": [1, null, "b"]}'
        """, directory="/tmp/given")  # fmt: skip
        assert (result.ending, result.payload) == ("returned", '{"a": [1, null, "b"]}'), result
        options, comment, *rest = result.logs.splitlines()
        assert options == "options: -NoLogo -NoProfile -NonInteractive -File"
        assert comment == powershell.WRAPPER.splitlines()[0]
        assert rest == ["in given", "customer_script.ps1", "nothing to read"]

    def test_its_environment_is_the_session_s_and_what_dot_net_needs(self, run_anyhow, monkeypatch, pwsh):
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the sandbox itself")
        monkeypatch.setenv("DJANGO_SECRET_KEY", "of the portal")
        result = run_anyhow(
            "env; give 1",
            payload='{"name": "é\\n"}',
            credentials=Credentials("AKIAOFTHEROLE", "secret of the role", "token of the role"),
            region="eu-west-1",
        )
        found = dict(line.split("=", 1) for line in result.logs.splitlines() if "=" in line)
        assert found.pop("InputPayload") == '{"name": "é\\n"}'
        own = powershell.environment(pwsh, LIMITS.memory)
        assert {name: found.pop(name) for name in own} == own
        assert own["DOTNET_GCHeapHardLimit"] == f"{192 * MIB:x}"
        assert found.pop("AWS_ENDPOINT_URL").startswith("http://127.0.0.1:")
        assert found.pop("HOME") == found.pop("TMPDIR")
        # The shell's own.
        for name in ("PWD", "OLDPWD", "SHLVL", "_"):
            found.pop(name, None)
        assert found == {
            "AWS_ACCESS_KEY_ID": "AKIAOFTHEROLE",
            "AWS_SECRET_ACCESS_KEY": "secret of the role",
            "AWS_SESSION_TOKEN": "token of the role",
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "LANG": "C.UTF-8",
            "TZ": "UTC",
        }

    def test_without_credentials_there_are_none(self, run):
        assert "AWS_ACCESS_KEY_ID" not in run("env; give 1").logs

    def test_nothing_but_its_streams_is_open(self, run, in_namespaces):
        # The fourth is the listing's own, or the shell's for the script.
        numbers = run("ls /proc/self/fd; give 1").logs.split()[5:]
        assert {"0", "1", "2"} <= set(numbers) <= {"0", "1", "2", "3", "10"}

    def test_a_payload_that_no_environment_holds_is_refused(self, run):
        result = run("give 1", payload=json.dumps("x" * 200_000))
        assert (result.ending, result.error.type) == ("raised", "ValueError")
        assert "InputPayload is longer" in result.error.message
        most = json.dumps("x" * (powershell.MOST_PAYLOAD - 2))
        assert run("give ${#InputPayload}", payload=most).payload == str(powershell.MOST_PAYLOAD)

    @pytest.mark.parametrize(
        ("names", "ran"),
        [
            (["Main.ps1", "Other.ps1", "Modules/Helper.ps1"], "Main.ps1"),
            (["Alone.PS1", "Modules/Helper.ps1", "notes.txt"], "Alone.PS1"),
            (["One.ps1", "Two.ps1"], None),
            (["Modules/Helper.ps1"], None),
        ],
    )
    def test_the_script_of_an_attachment_is_found(self, run, names, ran):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in names:
                archive.writestr(name, f"give '\"{name}\"'")
        result = run("", files={"code.zip": buffer.getvalue()})
        if ran is None:
            assert result.error.type == "FileNotFoundError"
            assert "neither a Main.ps1 nor exactly one script" in result.error.message
        else:
            assert result.payload == json.dumps(ran)

    def test_an_archive_that_is_none_is_told(self, run):
        assert run("", files={"code.zip": b"no archive"}).error.type == "BadZipFile"


class TestHowItEnds:
    def test_an_error_is_told_with_its_kind_and_message(self, run_anyhow):
        result = run_anyhow("echo before; fail RuntimeException 'not today'")
        assert (result.ending, result.error.type, result.error.message) == (
            "raised",
            "RuntimeException",
            "not today",
        )
        assert result.logs.endswith("before\n")

    @pytest.mark.parametrize(
        ("script", "status"),
        [("give 1; exit 3", 3), ("kill -6 $$", 134), ("exit 0", 0), ("echo what > $answer", 0)],
    )
    def test_one_that_ends_without_an_answer_is_told_with_its_status(self, run, script, status):
        result = run(script)
        assert (result.ending, result.exit_status) == ("exited", status)

    def test_one_that_is_killed_by_nobody_here_had_too_much_memory(self, run):
        assert run("kill -9 $$").error.type == "OutOfMemoryException"

    def test_what_lies_in_place_of_an_answer_is_not_followed(self, run):
        for script in (
            "ln -s /etc/passwd $answer",
            "mkfifo $answer",
            "mkdir $answer",
            "ln -s $answer $answer",
        ):
            assert run(script).ending == "exited", script

    def test_an_answer_of_its_own_making_is_its_own_only(self, run):
        for text in ("[1]", '{"error": 1}', '{"payload": "1", "slept": 1e300}', "[" * 100_000):
            result = run(f"printf '%s' '{text}' > $answer")
            assert (result.payload, result.slept) in {(None, 0.0), ("1", 0.0)}
        limits = Limits(seconds=20, memory=256 * MIB, payload=4000)
        assert run("give $(seq -s 0 5000)", limits=limits).ending == "exited"

    def test_a_program_that_cannot_be_started_is_told(self, endpoint, tmp_path):
        broken = tmp_path / "pwsh"
        broken.write_text("#!/no/such/interpreter\n")
        broken.chmod(0o755)
        runner = ScriptRunner()
        runner.use(broken)
        try:
            result = running(runner, broken)("give 1")
            assert result.error.type == "FileNotFoundError"
        finally:
            runner.stop()

    def test_only_the_interpreter_that_the_runner_has_is_started(self, runner):
        result = running(runner, Path("/bin/sh"))("echo no")
        assert result.error.type == "ScriptsUnavailable"


class TestConfinement:
    def test_files_of_the_machine_and_of_others_cannot_be_read(self, run_anyhow, tmp_path):
        secret = tmp_path / "secret"
        secret.write_text("of the portal")
        secret.chmod(0o600)
        manage = Path(__file__).parents[3] / "manage.py"
        result = run_anyhow(f"cat {secret} {manage} /etc/shadow /proc/{os.getpid()}/environ; give $?")
        assert result.payload == "1"
        assert "of the portal" not in result.logs
        for place in (secret, "/etc/shadow", f"/proc/{os.getpid()}/environ"):
            assert f"{place}: " in result.logs, result.logs

    def test_its_own_processes_are_all_that_proc_shows(self, run, in_namespaces, runner):
        result = run("echo /proc/[0-9]*; cat /proc/1/comm; echo 7 > /proc/self/oom_score_adj; give $?")
        processes = result.logs.splitlines()[1].split()
        assert {"/proc/1", "/proc/2"} <= set(processes)
        assert len(processes) <= 4
        assert result.payload != "0", "nothing in /proc can be written"
        told = run(
            "cat /proc/cmdline; ls /proc/fs /proc/irq; wc -l < /proc/meminfo; give $?"
        ).logs.splitlines()
        assert told[1:-1] == ["/proc/fs:", "", "/proc/irq:"], "what tells of the machine is covered"
        assert int(told[-1]) > 10
        # To Python it is as if there were none.
        python = runner.run(job("import os\ndef main(e, c): return os.listdir('/proc')"))
        assert python.payload == "[]"

    def test_no_port_but_the_sandbox_s_can_be_reached(self, run, in_namespaces, endpoint):
        with socket.create_server(("127.0.0.1", 0)) as other:
            code = (
                "import socket,sys\n"
                "for port in sys.argv[1:]:\n"
                '    with socket.socket() as s: print(s.connect_ex(("127.0.0.1", int(port))))'
            )
            result = run(f"{sys.executable} -c '{code}' {endpoint.port} {other.getsockname()[1]}; give 1")
        assert result.logs.splitlines()[1:] == ["0", "111"]

    def test_nothing_that_it_has_started_outlives_it(self, run_anyhow):
        mark = f"sandbox-test-orphan-{time.time_ns()}"
        result = run_anyhow(f"setsid sh -c 'sleep 60; : {mark}' & give 1")
        assert result.payload == "1"
        assert gone(marked(mark))

    def test_time_ends_it(self, run_anyhow):
        began = time.monotonic()
        result = run_anyhow(
            "trap '' TERM INT HUP; while :; do :; done", limits=Limits(seconds=0.7, memory=256 * MIB)
        )
        assert result.ending == "timed out"
        assert time.monotonic() - began < 10

    def test_memory_is_limited(self, run_anyhow):
        result = run_anyhow("yes | tr -d '\\n' | tail -n 1 > /dev/null; give $?")
        assert result.ending == "out of memory" or result.payload == "1", result

    def test_memory_of_all_its_processes_counts_together(self, run_anyhow):
        # Each keeps 40 MB until its input ends.
        result = run_anyhow("""
        for i in 1 2 3 4 5 6; do
            { yes | head -c 80000000 | tr -d '\\n'; sleep 15; } | tail -n 1 > /dev/null &
        done
        wait
        give 1
        """, limits=Limits(seconds=20, memory=128 * MIB))  # fmt: skip
        assert result.ending == "out of memory", result

    def test_processes_are_limited(self, run_anyhow):
        mark = f"sandbox-test-bomb-{time.time_ns()}"
        result = run_anyhow(
            f"for i in $(seq 100); do sh -c 'sleep 30; : {mark}' & done; give all",
            limits=Limits(seconds=20, memory=256 * MIB, processes=20),
        )
        assert result.payload is None, "it could not start them all"
        assert gone(marked(mark))

    def test_files_and_what_it_prints_are_limited(self, run_anyhow):
        result = run_anyhow("yes > big; give $?", limits=Limits(seconds=20, memory=256 * MIB, disk=4 * MIB))
        assert result.payload != "0", result
        printed = run_anyhow("yes | head -c 3000000; give 1")
        assert (len(printed.logs), printed.payload) == (Limits().output, "1")

    @needs_seccomp
    def test_no_memory_is_had_that_no_limit_counts(self, run, in_namespaces):
        code = (
            "import mmap, os\n"
            "def attempt(make):\n"
            "    try: make()\n"
            "    except OSError as error: print(type(error).__name__)\n"
            '    else: print("had")\n'
            "attempt(lambda: mmap.mmap(-1, 4096))\n"
            'attempt(lambda: mmap.mmap(os.open("/dev/zero", os.O_RDWR), 4096))\n'
            'attempt(lambda: os.memfd_create("more"))\n'
            "private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS\n"
            "attempt(lambda: mmap.mmap(-1, 4096, private))\n"
            "attempt(lambda: mmap.mmap(-1, 1 << 31, private, mmap.PROT_READ))\n"
            "attempt(lambda: mmap.mmap(-1, 1 << 33, private, mmap.PROT_READ))"
        )
        result = run(f"{sys.executable} -c '{code}'; give 1")
        shared, zero, memfd, private, reserved, boundless = result.logs.splitlines()[1:]
        assert (shared, memfd, private) == ("PermissionError", "PermissionError", "had")
        assert zero != "had"
        assert (reserved, boundless) == ("had", "OSError"), (
            "addresses are had beyond memory, and not any number"
        )

    def test_it_can_gain_no_rights(self, run_anyhow):
        result = run_anyhow("id -u; unshare -U true; mount -t tmpfs x /tmp; give $?", directory="/tmp/own")
        user = result.logs.splitlines()[1]
        assert user != "0" or os.geteuid() != 0
        assert result.payload != "0"


def test_where_no_proc_of_its_own_can_be_had_python_stays_confined(
    endpoint: Endpoint, pwsh: Path, monkeypatch: pytest.MonkeyPatch
):
    start = forkserver.start

    def refuse(port: int, how: str, hidden: Any, interpreter: Any) -> Any:
        if interpreter:
            raise forkserver.ForkServerError("forbidden for a test")
        return start(port, how, hidden, interpreter)

    monkeypatch.setattr(forkserver, "start", refuse)
    runner = ScriptRunner()
    runner.use(pwsh)
    try:
        python = runner.run(job("def main(e, c): return 1"))
        if not runner.confined:
            pytest.skip("this machine forbids namespaces")
        assert python.payload == "1"
        refused = running(runner, pwsh)("give 1")
        assert refused.error.type == "ScriptsUnavailable"
        assert "no /proc of their own" in refused.error.message
    finally:
        runner.stop()


def test_of_an_installation_its_directory_is_shown_and_of_a_lone_program_itself(tmp_path):
    lone = write_pwsh(tmp_path)
    assert powershell.places(lone) == [lone]
    (tmp_path / "pwsh.dll").touch()
    assert powershell.places(lone) == [tmp_path]


def test_the_pwsh_is_the_one_named_or_the_one_on_the_path(tmp_path):
    program = write_pwsh(tmp_path)
    link = tmp_path / "link"
    link.symlink_to(program)

    def found(*, pwsh: str | None = None, **environ: str) -> Path | None:
        return settings.read_settings(environ, port=0, pwsh=pwsh).pwsh

    assert found() is None
    assert found(PATH=str(tmp_path)) == program
    assert found(PATH=str(tmp_path), SANDBOX_PWSH="off") is None
    assert found(SANDBOX_PWSH=str(link)) == program
    assert found(pwsh=str(link), SANDBOX_PWSH="off") == program
    with pytest.raises(settings.SettingsError, match="no program '/no/such/pwsh'"):
        found(pwsh="/no/such/pwsh")
