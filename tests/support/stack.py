"""The whole stack of processes, as `make run` starts it, in a folder and on ports of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from automation_portal.stack.processes import living_sessions, send

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 150.0
STOP_SECONDS = 30.0
# Compiled files are kept between runs and out of the checkout, for every Python that tests start alike:
# compiling Django and moto anew takes longer than the programs themselves.
COMPILED = {"PYTHONPYCACHEPREFIX": sys.pycache_prefix or str(ROOT / "var" / "cache" / "pycache")}
# Settings that would lead the stack to somebody's real engines, account or instance.
NOT_INHERITED = (
    "DJANGO_",
    "DATABASE_URL",
    "REDIS_URL",
    "PORTAL_",
    "SECRET_KEY",
    "CREDENTIAL_KEYS",
    "DEBUG",
    "LOG_LEVEL",
    "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
    "PUBLIC_URL",
    "TRUSTED_PROXY_COUNT",
    "RETENTION_DAYS",
    "AWS_",
    "MAKE",
)


def free_port_pair() -> int:
    """Return a port of loopback that is free together with the next one."""
    while True:
        with closing(socket.socket()) as first, closing(socket.socket()) as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def eventually(condition: Callable[[], Any], *, seconds: float, what: str) -> Any:
    """Return the condition's first true answer; fail saying `what` was awaited when there is none."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"Waited {seconds:g} s in vain: {what}")


@contextmanager
def heeding_signals() -> Iterator[None]:
    """Let processes started meanwhile hear SIGINT and SIGHUP where `nohup` or a shell ignores them."""
    ignored = [n for n in (signal.SIGINT, signal.SIGHUP) if signal.getsignal(n) == signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)


@dataclass
class Stack:
    """One instance. `data` is its DATA_DIR, `port` its web's, the next one its sandbox's."""

    data: Path
    port: int
    environment: Mapping[str, str] = field(repr=False)
    supervisor: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.port + 1}"

    @property
    def console(self) -> str:
        """What the supervisor has told so far."""
        return (self.data / "console.log").read_text(encoding="utf-8", errors="replace")

    @property
    def passwords(self) -> dict[str, str]:
        """The passwords of the demonstration's people, by user name."""
        found: dict[str, str] = json.loads(
            (self.data / "secrets" / "sign_ins.json").read_text(encoding="utf-8")
        )
        return found

    @property
    def root_key(self) -> dict[str, str]:
        """The sandbox's root key: `access_key_id` and `secret_access_key`."""
        found: dict[str, str] = json.loads(
            (self.data / "secrets" / "sandbox.json").read_text(encoding="utf-8")
        )
        return found

    def start(self) -> None:
        """Start and wait until everything is ready."""
        with (self.data / "console.log").open("ab") as log, heeding_signals():
            self.supervisor = subprocess.Popen(
                [sys.executable, "-m", "automation_portal.stack"],
                cwd=ROOT,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        process = self.supervisor
        eventually(
            lambda: self.state().get("ready") or process.poll() is not None,
            seconds=START_SECONDS,
            what=f"the stack's start\n{self.console}",
        )
        assert process.poll() is None, f"The stack did not start:\n{self.console}"

    def stop(self) -> int:
        """Stop as Ctrl-C does; returns the supervisor's exit status."""
        assert self.supervisor is not None
        if self.supervisor.poll() is None:
            self.supervisor.send_signal(signal.SIGINT)
        return self.supervisor.wait(STOP_SECONDS)

    def state(self) -> dict[str, Any]:
        """Return what the supervisor says of its processes, {} while it has said nothing."""
        try:
            found: dict[str, Any] = json.loads((self.data / "run" / "stack.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return found

    def pid(self, name: str) -> int | None:
        """Return the process that leads a program (portal, sandbox, valkey) now."""
        found = self.state().get("processes", {}).get(name)
        return int(found) if found else None

    def members(self, name: str) -> list[int]:
        """Return every process of a program: its leader and all its descendants."""
        leader = self.pid(name)
        return living_sessions().get(leader, []) if leader else []

    def parts(self, name: str) -> list[int]:
        """Return the portal's processes of that name: web, worker 1 and 2, tracker, cron."""
        found = []
        for pid in self.members("portal"):
            with suppress(FileNotFoundError, ProcessLookupError):
                if Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() == name:
                    found.append(pid)
        return sorted(found)

    def kill(self, name: str) -> None:
        """End every process of a program at once, as a machine that loses power does."""
        send(self.members(name), signal.SIGKILL)

    def await_restart(self, name: str, *, since: int | None, seconds: float = 30.0) -> int:
        """Wait until another process than `since` leads the program; returns it."""
        found = eventually(
            lambda: (now := self.pid(name)) not in {None, since} and now,
            seconds=seconds,
            what=f"{name} to be started again\n{self.console}",
        )
        return int(found)

    def manage(self, *words: str, timeout: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run a management command against this instance; its exit status is the caller's to judge."""
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )


def new_stack(data: Path) -> Stack:
    """Return an instance that has not been started yet."""
    port = free_port_pair()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
    (data / "home").mkdir()
    own = {
        "DATA_DIR": str(data),
        "PORT": str(port),
        "SANDBOX_PORT": str(port + 1),
        # Nothing may be written there; a test looks.
        "HOME": str(data / "home"),
    }
    return Stack(data, port, inherited | COMPILED | own)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The running stack, shared by all tests of the session: leave it as it was found."""
    # Not pytest's own folder: its name may be too long for the path of a socket.
    with tempfile.TemporaryDirectory(prefix="portal-stack-", ignore_cleanup_errors=True) as folder:
        instance = new_stack(Path(folder))
        instance.start()
        try:
            yield instance
        finally:
            instance.stop()
