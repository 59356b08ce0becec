"""One script that runs: what comes from it, and the limits that are not its process's own."""

import contextlib
import json
import os
import selectors
import socket
import time
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sandbox.scripts.jobs import MIB, Ending, Result, ScriptError
from sandbox.scripts.memory import memory_in_use
from sandbox.scripts.wire import HELLO, LENGTH

if TYPE_CHECKING:
    from sandbox.scripts.runner import Script

MOST_CONNECTIONS = 32
# An answer is as long as its payload, escaped as JSON in JSON, and what else it tells.
ANSWER_ROOM = MIB
# A script that prints more than this is killed: reading it would only keep the sandbox busy.
MOST_PRINTED = 128 * MIB
CHUNK = 256 * 1024
# Of an exception, in characters: it is kept with the step for good.
MOST_OF_NAME = 256
MOST_OF_MESSAGE = 20_000
MOST_OF_FRAME = 1_000
MOST_FRAMES = 50
SEND_SECONDS = 10.0

Connect = Callable[[socket.socket], None]


class Running:
    """A script from its launch to its end; all of it happens in the runner's one thread."""

    def __init__(
        self,
        script: "Script",
        selector: selectors.BaseSelector,
        kill: Callable[[], None],
        connect: Connect | None,
        answered: Callable[[list[str]], None],
    ) -> None:
        self.script = script
        self.began = self.looked_at = time.monotonic()
        self.deadline = self.began + script.job.limits.seconds
        self._selector = selector
        self._kill = kill
        self._connect = connect
        self._answered = answered
        self._limits = script.job.limits
        self._outside_pid = 0
        self._talk: socket.socket | None = None
        self._listener: socket.socket | None = None
        self._output = -1
        self._received = bytearray()
        self._printed = bytearray()
        self._printed_bytes = 0
        self._given_up: Ending | None = None
        self._connections: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    def launch(self, fork: Callable[[socket.socket, int], None], job: bytes) -> None:
        """Start its process and give it the job. Errors: OSError when the process is gone."""
        self._talk, theirs = socket.socketpair()
        self._output, output = os.pipe()
        os.set_blocking(self._output, False)
        self._selector.register(self._output, selectors.EVENT_READ, self._read_output)
        try:
            with theirs:
                fork(theirs, output)
        finally:
            os.close(output)
        # The process reads before anything of the script's own runs.
        self._talk.settimeout(SEND_SECONDS)
        self._talk.sendall(LENGTH.pack(len(job)) + job)
        self._talk.setblocking(False)
        self._selector.register(self._talk, selectors.EVENT_READ, self._read_talk)

    def give_up(self, ending: Ending) -> None:
        """Kill it; it ends as `ending`."""
        if self._given_up is None:
            self._given_up = ending
            self._kill()

    def break_off(self) -> None:
        """It cannot be minded any more: kill it, and read nothing that it still says."""
        self.give_up("exited")
        self._close()

    def end(self, status: int | None) -> None:
        """Nothing of it lives any more: take what it has left behind, and tell how it ended."""
        self._read_output()
        self._read_talk()
        self._close()
        self.script.finish(self._result(status))

    def look_at_memory(self) -> None:
        """Kill it when all of its processes together hold more memory than it may have."""
        most = self._limits.memory
        if self._outside_pid and memory_in_use(self._outside_pid, enough=most) > most:
            self.give_up("out of memory")

    # --- what comes from it ---

    def _read_output(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._output >= 0:
                data = os.read(self._output, CHUNK)
                self._printed += data[: max(0, self._limits.output - len(self._printed))]
                self._printed_bytes += len(data)
                if not data:
                    self._selector.unregister(self._output)
                    os.close(self._output)
                    self._output = -1
                elif self._printed_bytes > MOST_PRINTED:
                    self.give_up("exited")
                    return
                if len(data) < CHUNK:
                    return

    def _read_talk(self) -> None:
        try:
            while self._talk is not None:
                data = self._greeted() if not self._outside_pid else self._talk.recv(CHUNK)
                if not data:
                    self._forget_talk()
                    return
                self._received += data
                if len(self._received) > 2 * self._limits.payload + ANSWER_ROOM:
                    self.give_up("exited")
                    self._forget_talk()
                elif self._complete():
                    self._forget_talk()
                    # Its process is about to end; whatever it has started ends with it.
                    self._kill()
                    self._read_output()
                    self.script.finish(self._result(0))
        except BlockingIOError:
            return
        except OSError:
            self._forget_talk()

    def _greeted(self) -> bytes:
        """Read the first message; the rest of what has come."""
        assert self._talk is not None
        data, descriptors, _, _ = socket.recv_fds(self._talk, HELLO.size, 1)
        if len(data) < HELLO.size:
            return b""
        (self._outside_pid,) = HELLO.unpack(data)
        if descriptors:
            self._listener = socket.socket(fileno=descriptors[0])
            self._listener.setblocking(False)
            self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        return self._talk.recv(CHUNK)

    def _accept(self) -> None:
        if self._listener is None or self._connect is None:
            return
        with contextlib.suppress(OSError):
            connection, _ = self._listener.accept()
            connection.setblocking(True)
            if len(self._connections) >= MOST_CONNECTIONS:
                connection.close()
                return
            self._connections.add(connection)
            self._connect(connection)

    def _complete(self) -> bool:
        received = self._received
        return len(received) >= LENGTH.size and len(received) >= LENGTH.size + LENGTH.unpack_from(received)[0]

    def _result(self, status: int | None) -> Result:
        common = Result(
            self._given_up or "exited",
            logs=self._printed.decode(errors="replace"),
            seconds=time.monotonic() - self.began,
            exit_status=status,
        )
        if self._given_up is not None or not self._complete():
            killed = self._given_up is None and status is not None and status == -9
            # Nobody here has killed it: it was the kernel.
            return replace(common, ending="out of memory") if killed else common
        try:
            return self._read_answer(common)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            # The script has written an answer of its own making.
            return common

    def _read_answer(self, common: Result) -> Result:
        (length,) = LENGTH.unpack_from(self._received)
        answer: dict[str, Any] = json.loads(self._received[LENGTH.size : LENGTH.size + length])
        self._answered([str(name) for name in answer.get("services", [])][:100])
        # A script may tell us anything, and time moves with its sleeps: it has no more than its own.
        slept = float(answer.get("slept", 0.0))
        common = replace(common, slept=min(max(0.0, slept), self._limits.seconds))
        if answer.get("timed_out"):
            return replace(common, ending="timed out")
        if error := answer.get("error"):
            return replace(
                common,
                ending="raised",
                error=ScriptError(
                    str(error["type"])[:MOST_OF_NAME],
                    str(error["message"])[:MOST_OF_MESSAGE],
                    tuple(str(frame)[:MOST_OF_FRAME] for frame in error["frames"][:MOST_FRAMES]),
                    error["stage"],
                ),
            )
        return replace(common, ending="returned", payload=str(answer["payload"]))

    # --- its ends ---

    def _forget_talk(self) -> None:
        if self._talk is not None:
            self._unregister(self._talk)
            self._talk.close()
            self._talk = None

    def _close(self) -> None:
        self._forget_talk()
        if self._listener is not None:
            self._unregister(self._listener)
            self._listener.close()
            self._listener = None
        if self._output >= 0:
            self._selector.unregister(self._output)
            os.close(self._output)
            self._output = -1

    def _unregister(self, source: socket.socket) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(source)
