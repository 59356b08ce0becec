"""The process that scripts are forked from: Python with boto3 loaded, and, where the machine allows it, in
namespaces of its own that hold no more than scripts may see.

It is started with the arguments of `main` in a clean environment, and is told what to do over a socket, one
message a packet:

    run ID       (with two descriptors) fork a script that talks over the first and prints to the second
    kill ID      kill it and everything that it started
    warm NAME    load botocore's model of a service, because scripts use it

It answers `ready` or `failed REASON` once, and then `end ID STATUS` for each script, when nothing of it lives
any more. It holds no secrets, since scripts begin as copies of it: what a script is given goes past it, over
the script's own socket. It ends when the socket does.
"""

import contextlib
import gc
import os
import select
import signal
import socket
import sys
from dataclasses import asdict
from pathlib import Path

from sandbox.scripts import script, warmth
from sandbox.scripts.confinement import Confinement, Namespaces, Plain
from sandbox.scripts.jobs import Limits

SPARES = 4
LONGEST_MESSAGE = 512


class Zygote:
    """Forks scripts and keeps an account of them.

    A few processes are forked ahead and wait, confined already: a script then begins in one of them at once.
    """

    def __init__(self, control: socket.socket, confinement: Confinement) -> None:
        self._control = control
        self._confinement = confinement
        self._spares: list[tuple[int, socket.socket]] = []
        self._running: dict[int, str] = {}
        self._wakes, self._waker = os.pipe()
        for end in (self._wakes, self._waker):
            os.set_blocking(end, False)

    def serve(self) -> None:
        """Do what the socket says until it ends."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        gc.collect()
        gc.freeze()
        self._refill()
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._wakes, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if self._wakes in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wakes, 4096)
                self._reap()
            if self._control.fileno() in ready and not self._obey():
                return
            self._refill()

    def end(self) -> None:
        """Kill everything that is left, and leave nothing behind."""
        pids = {*self._running, *(pid for pid, _ in self._spares)}
        for pid in pids:
            self._confinement.kill(pid)
        for pid in pids:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
            self._confinement.clean_up(pid, pids)

    def _obey(self) -> bool:
        try:
            message, descriptors, _, _ = socket.recv_fds(self._control, LONGEST_MESSAGE, 2)
        except ConnectionResetError:
            message = b""
        if not message:
            return False
        verb, _, name = message.decode().partition(" ")
        if verb == "run":
            self._run(name, descriptors)
        elif verb == "kill":
            for pid, job in self._running.items():
                if job == name:
                    self._confinement.kill(pid)
        elif verb == "warm" and warmth.warm(name):
            gc.freeze()
        return True

    def _run(self, name: str, descriptors: list[int]) -> None:
        if not self._spares:
            self._fork()
        pid, spare = self._spares.pop(0)
        self._running[pid] = name
        with contextlib.suppress(OSError), spare:
            socket.send_fds(spare, [b"go"], descriptors)
        for descriptor in descriptors:
            os.close(descriptor)

    def _refill(self) -> None:
        while len(self._spares) < SPARES:
            self._fork()

    def _fork(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        pid = self._confinement.fork(lambda: self._become_script(theirs, ours))
        theirs.close()
        self._spares.append((pid, ours))

    def _become_script(self, waiting: socket.socket, other_end: socket.socket) -> None:
        """In the forked process."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for spare in (other_end, self._control, *(each for _, each in self._spares)):
            spare.close()
        os.close(self._wakes)
        os.close(self._waker)
        script.live(waiting, self._confinement)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            name = self._running.pop(pid, None)
            self._spares = [spare for spare in self._spares if spare[0] != pid]
            if name is not None:
                others = {*self._running, *(spare for spare, _ in self._spares)}
                self._confinement.clean_up(pid, others)
                with contextlib.suppress(OSError):
                    # The sandbox may have gone away meanwhile: the next thing it says is nothing.
                    self._control.send(f"end {name} {os.waitstatus_to_exitcode(status)}".encode())


def _try(confinement: Confinement, *, interpreted: bool) -> None:
    """Whether a script could begin here. OSError when it could not."""
    told, tell = os.pipe()
    limits = asdict(Limits())

    def begin() -> None:
        try:
            confinement.settle()
            confinement.make_room(limits["disk"], "/tmp/trial", interpreted=interpreted)  # noqa: S108 - its own
            confinement.shut(limits, interpreted=interpreted)
        except OSError as error:
            os.write(tell, str(error).encode())
            raise

    pid = confinement.fork(begin)
    os.close(tell)
    _, status = os.waitpid(pid, 0)
    confinement.clean_up(pid, set())
    with os.fdopen(told, "rb") as reason:
        if status:
            raise OSError(reason.read().decode() or "a process could not be confined")


def main(control_descriptor: int, port: int, how: str, hidden: list[str], interpreter: list[str]) -> None:
    """Set up and serve. `port` is the sandbox's (0: scripts cannot call AWS), `how` is `namespaces` or
    `plain`, or `namespaces for a moment` to try them only, `hidden` are directories that scripts never see,
    and `interpreter` are the places of the second interpreter, none when there is none.
    """
    control = socket.socket(fileno=control_descriptor)
    if how in {"namespaces", "plain"}:
        # What scripts need most, loaded once.
        warmth.prepare()
    confinement: Confinement
    places = [Path(place) for place in interpreter]
    try:
        if how != "plain":
            confinement = Namespaces(port, [Path(directory) for directory in hidden], places)
        else:
            confinement = Plain(port, places)
        confinement.enter()
        _try(confinement, interpreted=bool(places))
    except OSError as error:
        control.send(f"failed {error}".encode()[:LONGEST_MESSAGE])
        return
    control.send(b"ready")
    if how == "namespaces for a moment":
        return
    zygote = Zygote(control, confinement)
    try:
        zygote.serve()
    finally:
        zygote.end()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:], [])
