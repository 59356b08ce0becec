"""Scripts that do their worst."""

import json
import os
import platform
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.scripts import Limits, ScriptRunner, landlock
from tests.sandbox.scripts.conftest import job

REPOSITORY = Path(__file__).parents[3]
TRY = """
import os, signal, socket
def attempt(function, *arguments, **options):
    try:
        return repr(function(*arguments, **options))
    except BaseException as error:
        return type(error).__name__
"""


def gone(pids: list[int]) -> bool:
    for _ in range(100):
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.05)
    return False


def marked(mark: str) -> list[int]:
    """Processes of this machine that have `mark` in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.mark.usefixtures("confined")
class TestInNamespaces:
    def test_no_file_of_the_machine_is_there_but_python(self, run, tmp_path):
        secret = tmp_path / "secret"
        secret.write_text("of the portal")
        places = [
            str(secret),
            str(REPOSITORY / "manage.py"),
            "/etc/shadow",
            "/proc/1/environ",
            "/sys",
            "/run",
            "/home",
        ]
        result = run(
            TRY + "def main(events, context): return [attempt(os.stat, place) for place in events]",
            payload=json.dumps(places),
        )
        assert json.loads(result.payload) == ["FileNotFoundError"] * len(places)

    def test_a_hidden_directory_is_not_seen_where_its_surroundings_are(self, endpoint):
        hidden = Path(json.__file__).parent
        runner = ScriptRunner()
        runner.hide(hidden)
        try:
            result = runner.run(
                job(
                    "import os\ndef main(e, c): return [os.listdir(e[0]), os.path.exists(e[1])]",
                    payload=json.dumps([str(hidden), os.__file__]),
                )
            )
            assert json.loads(result.payload) == [[], True]
        finally:
            runner.stop()

    def test_nothing_can_be_written_but_in_its_own_tmp(self, run):
        result = run(
            TRY
            + """
def main(events, context):
    roots = ["/", "/usr", "/usr/lib", "/etc", "/dev", os.path.dirname(os.__file__), "/var", "/bin"]
    return [attempt(open, os.path.join(root, "x"), "w") for root in roots] + [
        attempt(open, "/etc/passwd", "a"), attempt(open, os.__file__, "a"), attempt(os.remove, os.__file__),
        attempt(os.symlink, "/", "/tmp/root") ]
"""
        )
        *refused, own = json.loads(result.payload)
        assert set(refused) <= {"OSError", "PermissionError"}
        assert own == "None"

    def test_other_processes_cannot_be_seen_or_killed(self, run):
        victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        try:
            result = run(
                TRY
                + """
def main(events, context):
    return [os.getpid(), os.getppid(), attempt(os.kill, events, 9), attempt(os.kill, -1, 9),
            attempt(os.listdir, "/proc")]
""",
                payload=str(victim.pid),
            )
            assert json.loads(result.payload) == [
                1,
                0,
                "ProcessLookupError",
                "ProcessLookupError",
                "FileNotFoundError",
            ]
            assert victim.poll() is None
        finally:
            victim.kill()
            victim.wait()

    def test_no_port_but_the_sandbox_s_can_be_reached(self, run, endpoint):
        with socket.create_server(("127.0.0.1", 0)) as other, socket.socket(socket.AF_UNIX) as local:
            local.bind("\0sandbox-test-abstract")
            local.listen()
            addresses = [["127.0.0.1", other.getsockname()[1]], ["127.0.0.1", endpoint.port], ["1.1.1.1", 80]]
            result = run(
                TRY
                + """
def main(events, context):
    tried = [attempt(socket.create_connection, tuple(address), 2) for address in events]
    return tried + [attempt(socket.socket(socket.AF_UNIX).connect, "\\0sandbox-test-abstract")]
""",
                payload=json.dumps(addresses),
            )
        refused, sandbox, outside, abstract = json.loads(result.payload)
        assert (refused, outside, abstract) == ("ConnectionRefusedError", "OSError", "ConnectionRefusedError")
        assert "laddr" in sandbox

    def test_it_cannot_become_anybody_or_leave_its_namespaces(self, run):
        result = run(
            TRY
            + """
import ctypes
def main(events, context):
    libc = ctypes.CDLL(None, use_errno=True)
    return [attempt(os.setuid, 0), attempt(os.chroot, "/tmp"), libc.unshare(0x10000000),
            libc.unshare(0x20000), libc.mount(b"x", b"/tmp", b"tmpfs", 0, None), attempt(os.nice, -5),
            os.getuid()]
"""
        )
        become, *refused, user = json.loads(result.payload)
        assert become == "OSError", "the id 0 stands for nobody in its namespace"
        assert (refused, user) == (["PermissionError", -1, -1, -1, "PermissionError"], 1000)

    def test_no_secret_lies_in_the_memory_it_was_forked_with(self, run):
        run("def main(e, c): return e", payload='"payload-of-another-run"')
        result = run(
            """
            import gc
            def main(events, context):
                texts = [each for each in gc.get_objects() if isinstance(each, dict)]
                return any("of-another" + "-run" in repr(text) for text in texts[:2000])
            """
        )
        assert result.payload == "false"

    def test_what_it_has_started_ends_with_it(self, run):
        mark = "sandbox-test-orphan"
        result = run(f"""
        import os, subprocess, sys
        def main(events, context):
            subprocess.Popen(["{mark}", "60"], executable="/bin/sleep", start_new_session=True)
            if os.fork() == 0:
                os.setsid()
                if os.fork():
                    os._exit(0)
                os.execv("/bin/sleep", ["{mark}", "60"])
            return "started"
        """)
        assert result.payload == '"started"', result
        assert gone(marked(mark))

    def test_it_may_use_as_much_memory_with_all_of_its_processes_as_with_one(self, run):
        result = run(
            """
            import os, time
            def main(events, context):
                for _ in range(8):
                    if os.fork() == 0:
                        kept = bytearray(os.urandom(1)) * (48 * 1024 * 1024)
                        time.sleep(30)
                time.sleep(30)
            """,
            limits=Limits(seconds=20, memory=256 * 1024 * 1024),
        )
        assert result.ending == "out of memory"


def check_bombs(runner):
    """Bombs that limits defuse, however scripts are confined."""
    memory = runner.run(job("def main(e, c): return len(bytearray(4 << 30))"))
    assert (memory.ending, memory.error.type) == ("raised", "MemoryError")

    disk = runner.run(job("""
    import tempfile
    def main(e, c):
        with tempfile.TemporaryFile() as file:
            for _ in range(1000):
                file.write(bytes(1 << 20))
    """))  # fmt: skip
    assert disk.error is None or disk.error.type == "OSError", disk
    assert disk.ending != "returned"

    files = runner.run(job("def main(e, c): return len([open('/dev/null') for _ in range(5000)])"))
    assert files.error.type == "OSError"

    began = time.monotonic()
    endless = runner.run(job("def main(e, c):\n    while True: pass", limits=Limits(seconds=0.5)))
    assert endless.ending == "timed out"
    assert time.monotonic() - began < 10

    deaf = runner.run(job("""
    import signal, time
    def main(e, c):
        for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        time.sleep(15)
    """, limits=Limits(seconds=0.5)))  # fmt: skip
    assert deaf.ending == "timed out"


def fork_bomb(runner, mark):
    result = runner.run(job(f"""
    import os, subprocess, sys, time
    def main(e, c):
        made = 0
        while made < 1000:
            try:
                subprocess.Popen(["{mark}", "60"], executable="/bin/sleep")
            except OSError:
                return made
            made += 1
        return made
    """, limits=Limits(seconds=30, processes=20)))  # fmt: skip
    assert 10 <= int(result.payload) <= 20, result
    assert gone(marked(mark))


def test_bombs_in_namespaces(scripts, confined):
    check_bombs(scripts)
    fork_bomb(scripts, "sandbox-test-bomb-1")


def test_bombs_where_namespaces_are_forbidden(unconfined):
    check_bombs(unconfined)
    fork_bomb(unconfined, "sandbox-test-bomb-2")
    assert unconfined.confined is False


def test_the_log_says_so_where_namespaces_are_forbidden(unconfined, caplog):
    unconfined.look()
    for _ in range(200):
        if unconfined.confined is not None:
            break
        time.sleep(0.05)
    assert unconfined.confined is False
    assert "confined in part only: this machine forbids namespaces (forbidden for a test)" in caplog.text


def test_a_gigabyte_of_output_is_not_kept(run):
    result = run("""
    import os
    def main(events, context):
        for _ in range(1024):
            os.write(1, b"x" * (1 << 20))
    """)
    assert result.ending == "exited"
    assert len(result.logs) == Limits().output


def test_an_answer_of_a_script_s_own_making_is_its_own_only(run):
    result = run("""
    import os, struct
    def main(events, context):
        for descriptor in range(3, 40):
            for data in (struct.pack("!Q", 5) + b"[1,2]", b"\\xff" * 100_000):
                try:
                    os.write(descriptor, data)
                except OSError:
                    pass
    """)
    assert result.ending == "exited"
    assert run("def main(e, c): return 1").payload == "1"


UNCOUNTED = (
    TRY
    + """
import ctypes, platform
libc = ctypes.CDLL(None)
def main(events, context):
    keys = {"x86_64": 248, "aarch64": 217}[platform.machine()]
    return [attempt(os.memfd_create, "more"), libc.shmget(0, 4096, 0o1600),
            libc.syscall(keys, b"user", b"name", b"text", 4, -3)]
"""
)
needs_seccomp = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "aarch64"), reason="there is no filter for this machine"
)


@needs_seccomp
def test_no_memory_or_keys_are_had_that_no_limit_counts(run):
    assert json.loads(run(UNCOUNTED).payload) == ["PermissionError", -1, -1]


@needs_seccomp
def test_without_namespaces_there_are_tcp_sockets_and_pairs_only(unconfined, tmp_path):
    assert json.loads(unconfined.run(job(UNCOUNTED)).payload) == ["PermissionError", -1, -1]
    result = unconfined.run(job(TRY + """
def main(events, context):
    kinds = [(socket.AF_UNIX, socket.SOCK_STREAM, 0), (socket.AF_INET, socket.SOCK_DGRAM, 0),
             (socket.AF_INET6, socket.SOCK_STREAM, 262), (socket.AF_NETLINK, socket.SOCK_RAW, 0)]
    for family, kind, protocol in kinds:
        print(attempt(socket.socket, family, kind, protocol))
    for family in (socket.AF_INET, socket.AF_INET6):
        socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK, 6).close()
    one, other = socket.socketpair()
    one.send(b"over")
    return other.recv(4).decode()
"""))  # fmt: skip
    assert result.payload == '"over"', result
    assert result.logs.split() == ["PermissionError"] * 4


def test_what_a_script_says_of_its_sleeps_and_services_is_not_believed(scripts, run):
    result = run("""
    import json, os, struct
    def main(events, context):
        answer = json.dumps({"payload": "1", "slept": 1e300, "services": ["x" * 100_000, "no service"]})
        for descriptor in range(3, 40):
            try:
                os.write(descriptor, struct.pack("!Q", len(answer)) + answer.encode())
            except OSError:
                pass
    """)
    assert (result.payload, result.slept) == ("1", 20)
    assert all(len(service) < 100 and " " not in service for service in scripts._warmed)


def test_without_namespaces_root_s_scripts_are_somebody_else(unconfined, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    secret = tmp_path / "secret"
    secret.write_text("of the portal")
    secret.chmod(0o600)
    result = unconfined.run(job(TRY + """
def main(events, context):
    return [attempt(open, events[0]), attempt(os.kill, events[1], 9), attempt(os.setuid, 0), os.getuid()]
""", payload=json.dumps([str(secret), os.getpid()])))  # fmt: skip
    *refused, user = json.loads(result.payload)
    assert refused == ["PermissionError"] * 3
    assert user > 2_000_000_000


def test_without_namespaces_nothing_outlives_its_script(unconfined):
    mark = "sandbox-test-daemon"
    result = unconfined.run(job(f"""
    import os, sys, tempfile
    def main(events, context):
        open(os.path.join(tempfile.gettempdir(), "left"), "w")
        if os.fork() == 0:
            os.setsid()
            if os.fork():
                os._exit(0)
            os.execv("/bin/sleep", ["{mark}", "60"])
        os.wait()
        return tempfile.gettempdir()
    """))  # fmt: skip
    assert result.ending == "returned", result
    assert gone(marked(mark))
    for _ in range(100):
        if not Path(json.loads(result.payload)).exists():
            break
        time.sleep(0.05)
    assert not Path(json.loads(result.payload)).exists()


def test_landlock_stands_in_for_namespaces_where_the_kernel_has_it(unconfined, endpoint, tmp_path):
    known = landlock.version()
    if not known:
        pytest.skip("this kernel has no Landlock")
    secret = tmp_path / "secret"
    secret.write_text("of the portal")
    secret.chmod(0o666)
    tmp_path.chmod(0o777)
    with socket.create_server(("127.0.0.1", 0)) as other:
        result = unconfined.run(job(TRY + """
import csv, tempfile
def main(events, context):
    own = os.path.join(tempfile.gettempdir(), "own")
    return [attempt(open, events[0]), attempt(open, events[0] + "2", "w"), attempt(os.listdir, "/proc"),
            attempt(socket.create_connection, ("127.0.0.1", events[1]), 2),
            attempt(lambda: open(own, "w").write("x")), attempt(lambda: open("/dev/null", "w").write("x")),
            attempt(socket.create_connection, ("127.0.0.1", events[2]), 2)]
""", payload=json.dumps([str(secret), other.getsockname()[1], endpoint.port])))  # fmt: skip
    read, write, processes, elsewhere, own, null, sandbox = json.loads(result.payload)
    assert (read, write, processes) == ("PermissionError",) * 3
    assert (own, null) == ("1", "1")
    assert "laddr" in sandbox
    if known >= 4:
        assert elsewhere == "PermissionError"


def test_a_killed_sandbox_takes_its_scripts_with_it():
    mark = f"sandbox-test-survivor-{os.getpid()}"
    code = f"""
from sandbox.scripts import Job, runner
script = runner.start(Job(handler="code.main", files={{"code.py": '''
import os
def main(events, context):
    print("on", flush=True)
    os.execv("/bin/sleep", ["{mark}", "60"])
'''}}))
script.result(1)
print("running", flush=True)
script.result()
"""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"running\n"
    for _ in range(100):
        if alive := [pid for pid in marked(mark) if pid != process.pid]:
            break
        time.sleep(0.05)
    process.kill()
    process.wait()
    process.stdout.close()
    assert alive
    assert gone(alive)
