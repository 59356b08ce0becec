"""The zygote, seen from the sandbox: started when it is needed, and again when it has died."""

import contextlib
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path

log = logging.getLogger("sandbox.scripts")

START_SECONDS = 60
LONGEST_MESSAGE = 512
REPOSITORY = Path(__file__).parents[2]
START = (
    "import sys; sys.path.insert(0, {path!r}); from sandbox.scripts import zygote; zygote.main({arguments})"
)
PARTLY = (
    "Scripts are confined in part only: this machine forbids namespaces (%s). They run with limits and a "
    "clean environment%s, but can read files and open connections as that user can. See docs/sandbox.md."
)


class ForkServerError(Exception):
    """Scripts cannot be started; the text says why."""


class ForkServer:
    """A running zygote. `confined` tells whether its scripts are in namespaces, and `interprets` whether the
    second interpreter can run there, which is made of the places `interpreter`.
    """

    def __init__(self, *, port: int, hidden: list[Path], interpreter: list[Path]) -> None:
        ways = [("namespaces", interpreter), ("plain", interpreter)]
        if interpreter:
            # Where a script cannot have a /proc of its own: rather Python alone than all confined in part.
            ways.insert(1, ("namespaces", []))
        for how, places in ways:
            try:
                self._process, self.socket = start(port, how, [REPOSITORY, *hidden], places)
            except ForkServerError:
                if how == "plain":
                    raise
                continue
            self.confined, self.interprets = how == "namespaces", bool(places)
            return

    def run(self, name: int, talk: socket.socket, output: int) -> None:
        """Fork a script that talks over `talk` and prints to `output`.

        Errors: OSError when the zygote is gone; so with the other calls.
        """
        socket.send_fds(self.socket, [f"run {name}".encode()], [talk.fileno(), output])

    def kill(self, name: int) -> None:
        """Kill a script and what it has started."""
        self.socket.send(f"kill {name}".encode())

    def warm(self, service: str) -> None:
        """Have the model of a service loaded."""
        self.socket.send(f"warm {service}".encode())

    def receive(self) -> tuple[int, int] | None:
        """The number and exit status of a script that has ended, or None when the zygote has."""
        with contextlib.suppress(OSError):
            if message := self.socket.recv(LONGEST_MESSAGE):
                _, name, status = message.decode().split()
                return int(name), int(status)
        return None

    def stop(self) -> None:
        """End the zygote and its scripts."""
        self.socket.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def allows_namespaces() -> bool:
    """Whether this machine lets scripts be confined in namespaces; warns in the log when it does not."""
    try:
        process, control = start(0, "namespaces for a moment", [], [])
    except ForkServerError as error:
        log.warning(PARTLY, error, " as a user of their own" if os.geteuid() == 0 else "")
        return False
    control.close()
    process.wait()
    return True


def start(
    port: int, how: str, hidden: list[Path], interpreter: list[Path]
) -> tuple["subprocess.Popen[bytes]", socket.socket]:
    """Start a zygote and wait until it is ready. ForkServerError when it cannot work in this way."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    places = [[str(place) for place in each] for each in (hidden, interpreter)]
    arguments = f"{theirs.fileno()}, {port}, {how!r}, *{places!r}"
    with theirs:
        process = subprocess.Popen(  # noqa: S603 - this program's own code
            [sys.executable, "-I", "-B", "-c", START.format(path=str(REPOSITORY), arguments=arguments)],
            # glibc's reserve of address space for each thread would count against the limit of a script.
            env={"LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "2"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            cwd="/",
            # Out of reach of a terminal's Ctrl-C, yet no session of its own: Linux would share the processors
            # out between sessions, and give the sandbox less than it needs.
            process_group=0,
        )
    ours.settimeout(START_SECONDS)
    try:
        message = ours.recv(LONGEST_MESSAGE).decode()
    except TimeoutError:
        message = "failed it did not start in time"
    if message == "ready":
        ours.settimeout(None)
        return process, ours
    ours.close()
    process.kill()
    process.wait()
    raise ForkServerError(message.removeprefix("failed ") or "its process ended at once")
