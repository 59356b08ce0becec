"""Checks that the ports are free before anything starts, and names who holds them."""

import errno
import os
import shutil
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from automation_portal.stack.layout import LOOPBACK, Layout, StackError

LISTENING = "0A"
STEP = 10
HIGHEST = 65534


def check(layout: Layout) -> None:
    """Raise StackError, in one line, when the web's or the sandbox's port cannot be had."""
    wanted = {layout.port: "PORT"}
    if layout.demonstration:
        wanted[layout.sandbox_port] = "the sandbox's port"
    for port, meaning in wanted.items():
        fault = _fault(port)
        if fault == errno.EADDRINUSE:
            holder = holder_of(port)
            raise StackError(
                f"Port {port} ({meaning}) is in use{f' by {holder}' if holder else ''}. "
                f"Stop that, or choose another: PORT={_free_from(layout.port + STEP)} make run"
            )
        if fault:
            raise StackError(
                f"Port {port} ({meaning}) cannot be used ({os.strerror(fault)}). "
                "Choose another: PORT=8010 make run"
            )


def _fault(port: int) -> int:
    """Return the error number of binding to the port on loopback, 0 when that works."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        # Connections that ended lately do not hold a port; listeners do.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((LOOPBACK, port))
            trial.listen(1)
        except OSError as error:
            return error.errno or errno.EADDRINUSE
    return 0


def _free_from(port: int) -> int:
    """Return the first port from `port` on, in steps of ten, that is free together with its neighbour."""
    while port < HIGHEST:
        if not _fault(port) and not _fault(port + 1):
            return port
        port += STEP
    return 8010


def holder_of(port: int) -> str:
    """Return "name (process 123)" of who listens on the port, "" when this person may not know."""
    pid = _holder_from_proc(port) if Path("/proc/net/tcp").exists() else _holder_from_lsof(port)
    if pid is None:
        return ""
    with suppress(OSError, subprocess.SubprocessError):
        name = subprocess.run(  # noqa: S603 - our own words and a number
            ["ps", "-o", "comm=", "-p", str(pid)],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        ).stdout.strip()
        return f"{name} (process {pid})"
    return f"process {pid}"


def _holder_from_proc(port: int) -> int | None:
    sockets = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(FileNotFoundError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    sockets.add(f"socket:[{fields[9]}]")
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            # Other people's processes don't show what they have open.
            with suppress(PermissionError, FileNotFoundError, ProcessLookupError):
                if any(os.readlink(file) in sockets for file in (process / "fd").iterdir()):  # noqa: PTH115
                    return int(process.name)
    return None


def _holder_from_lsof(port: int) -> int | None:
    if shutil.which("lsof") is None:
        return None
    listing = subprocess.run(  # noqa: S603 - our own words and a number
        ["lsof", "-nP", "-t", f"-iTCP:{port}", "-sTCP:LISTEN"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    found = listing.stdout.split()
    return int(found[0]) if found else None
