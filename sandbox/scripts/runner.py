"""Starts scripts and waits for them: one thread minds them all, a zygote forks them."""

import collections
import contextlib
import functools
import itertools
import logging
import os
import re
import selectors
import threading
import time
from collections.abc import Callable
from pathlib import Path

from sandbox.scripts import powershell
from sandbox.scripts.forkserver import ForkServer, ForkServerError, allows_namespaces
from sandbox.scripts.jobs import Job, Result, ScriptError
from sandbox.scripts.running import Connect, Running

log = logging.getLogger("sandbox.scripts")

MOST_AT_ONCE = 32
# Short scripts are never looked at: what one can allocate between two looks is little.
LOOK_SECONDS = 0.1
# The names come from scripts, which may tell us anything.
SERVICE = re.compile(r"[a-z0-9-]{1,64}")
MOST_WARMED = 1_000
NO_POWERSHELL = (
    "PowerShell cannot be confined here: this machine allows scripts namespaces, but no /proc of their own. "
    "Give the step's result in a fixture, or try it on AWS."
)


class Script:
    """A script that has been started, or waits for its turn to start."""

    def __init__(
        self, job: Job, on_end: "Callable[[Script], None]", cancel: "Callable[[Script], None]"
    ) -> None:
        self.job = job
        self._followers = [on_end]
        self._cancel = cancel
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._result: Result | None = None

    def result(self, timeout: float | None = None) -> Result | None:
        """How it ended, after waiting up to `timeout` seconds (None: for as long as it takes).

        None when it has not ended by then. Scripts end by themselves: their own time limit sees to it.
        """
        self._ended.wait(timeout)
        return self._result

    def then(self, follow: "Callable[[Script], None]") -> None:
        """Call `follow` when it has ended, from a thread of ours, or now if it has."""
        with self._lock:
            if not self._ended.is_set():
                self._followers.append(follow)
                return
        follow(self)

    def cancel(self) -> None:
        """Kill it and all its processes now; its result is `cancelled`. No effect once it has ended."""
        self._cancel(self)

    def finish(self, result: Result) -> None:
        """Note how it ended and tell; for the runner."""
        with self._lock:
            if self._ended.is_set():
                return
            self._result = result
            self._ended.set()
        for follow in self._followers:
            try:
                follow(self)
            except Exception:
                # The others that follow it, and the thread that minds all scripts, are not to suffer.
                log.exception("what follows a script could not be done")


class ScriptRunner:
    """Runs scripts in confined processes, a bounded number at a time; others wait for their turn."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._waiting: collections.deque[Script] = collections.deque()
        self._cancelled: list[Script] = []
        self._running: dict[int, Running] = {}
        self._server: ForkServer | None = None
        self._warmed: set[str] = set()
        self._thread: threading.Thread | None = None
        # Opens nothing before it is used: the zygote imports this package too.
        self._selector = selectors.PollSelector()
        self._wakes = self._waker = -1
        self._port = 0
        self._connect: Connect | None = None
        self._hidden: list[Path] = []
        self._interpreter: Path | None = None
        self._stopping = False
        self._confined: bool | None = None

    @property
    def confined(self) -> bool | None:
        """Whether scripts are in namespaces of their own; None before that is known."""
        return self._confined if self._server is None else self._server.confined

    def serve_calls(self, port: int, connect: Connect) -> None:
        """Let scripts call AWS at `port` of loopback: each connection they make is handed to `connect`."""
        self._port, self._connect = port, connect

    def look(self) -> None:
        """Find out in the background how scripts can be confined here; the log and `confined` tell it."""

        def find_out() -> None:
            self._confined = allows_namespaces()

        threading.Thread(target=find_out, name="scripts-look", daemon=True).start()

    def hide(self, directory: Path) -> None:
        """Never show this directory to scripts, wherever it lies."""
        self._hidden.append(directory.resolve())

    def use(self, interpreter: Path) -> None:
        """Let jobs be run by this PowerShell; call before the first script starts. Links must be followed."""
        self._interpreter = interpreter
        log.info("scripts in PowerShell are run by %s", interpreter)

    def start(self, job: Job, on_end: Callable[[Script], None] = lambda _: None) -> Script:
        """Start a script. `on_end` is called, from a thread of ours, when its result is there."""
        script = Script(job, on_end, self._cancel)
        with self._lock:
            self._waiting.append(script)
            if self._thread is None:
                self._open()
                self._thread = threading.Thread(target=self._mind, name="scripts", daemon=True)
                self._thread.start()
        self._wake()
        return script

    def run(self, job: Job) -> Result:
        """Start a script and wait for its result."""
        result = self.start(job).result()
        assert result is not None, "waited without a timeout"
        return result

    def stop(self) -> None:
        """Kill every script and the processes that serve them. The next start begins anew."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._stopping = True
        if thread is not None:
            self._wake()
            thread.join()

    def _open(self) -> None:
        self._stopping = False
        if self._wakes < 0:
            self._wakes, self._waker = os.pipe()
            for end in (self._wakes, self._waker):
                os.set_blocking(end, False)
            self._selector.register(self._wakes, selectors.EVENT_READ, self._woken)

    def _cancel(self, script: Script) -> None:
        with self._lock:
            self._cancelled.append(script)
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._waker, b".")

    # --- the thread that minds ---

    def _mind(self) -> None:
        while not self._stopping:
            self._launch_waiting()
            for key, _ in self._selector.select(self._seconds_to_rest()):
                self._attend(key.data)
            self._see_to_limits()
        for running in list(self._running.values()):
            running.give_up("cancelled")
        self._lose_server()
        with self._lock:
            waiting = list(self._waiting)
            self._waiting.clear()
        for script in waiting:
            script.finish(Result("cancelled"))

    @staticmethod
    def _attend(respond: Callable[[], None]) -> None:
        try:
            respond()
        except Exception:
            # All scripts are minded here: a fault in what one of them says must not end the others.
            log.exception("what came from a script could not be read")
            if isinstance(running := getattr(respond, "__self__", None), Running):
                running.break_off()

    def _woken(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wakes, 4096)
        with self._lock:
            cancelled, self._cancelled = self._cancelled, []
            queued = [script for script in cancelled if script in self._waiting]
            for script in queued:
                self._waiting.remove(script)
        for script in queued:
            script.finish(Result("cancelled"))
        for running in list(self._running.values()):
            if running.script in cancelled:
                running.give_up("cancelled")

    def _launch_waiting(self) -> None:
        while len(self._running) < MOST_AT_ONCE:
            with self._lock:
                if not self._waiting:
                    return
                script = self._waiting.popleft()
            try:
                self._launch(script)
            except ForkServerError as error:
                log.error("no script can be run: %s", error)
                script.finish(Result("exited", error=ScriptError("ScriptsUnavailable", str(error))))
            except Exception as error:
                # All scripts are minded here: one that cannot be begun must not end the others.
                log.exception("a script could not be started")
                script.finish(Result("exited", error=ScriptError(type(error).__name__, str(error))))

    def _launch(self, script: Script) -> None:
        server = self._fork_server()
        if script.job.interpreter is not None and not self._interprets(script.job.interpreter, server):
            script.finish(Result("exited", error=ScriptError("ScriptsUnavailable", NO_POWERSHELL)))
            return
        endpoint = f"http://127.0.0.1:{self._port}" if self._connect is not None else None
        job = script.job.dump(endpoint_url=endpoint)
        number = next(self._numbers)
        running = Running(
            script, self._selector, functools.partial(self._kill, number), self._connect, self._answered
        )
        self._running[number] = running
        try:
            running.launch(functools.partial(server.run, number), job)
        except OSError:
            # Its process, or the zygote, has ended just now: we are told of it in a moment.
            log.warning("a script's process ended before it was given its job")

    def _fork_server(self) -> ForkServer:
        if self._server is None:
            port = self._port if self._connect is not None else 0
            places = [] if self._interpreter is None else powershell.places(self._interpreter)
            self._server = ForkServer(port=port, hidden=self._hidden, interpreter=places)
            self._selector.register(self._server.socket, selectors.EVENT_READ, self._heard)
            self._warmed = set()
        return self._server

    def _interprets(self, interpreter: str, server: ForkServer) -> bool:
        return server.interprets and interpreter == str(self._interpreter)

    def _heard(self) -> None:
        assert self._server is not None, "its socket is only read as long as it is there"
        ended = self._server.receive()
        if ended is None:
            log.error("the process that scripts are forked from has died; the next script starts another")
            self._lose_server()
            return
        number, status = ended
        if running := self._running.pop(number, None):
            running.end(status)

    def _lose_server(self) -> None:
        if self._server is None:
            return
        self._selector.unregister(self._server.socket)
        self._server.stop()
        self._server = None
        for number in list(self._running):
            self._running.pop(number).end(None)

    def _kill(self, number: int) -> None:
        if self._server is not None:
            with contextlib.suppress(OSError):
                self._server.kill(number)

    def _answered(self, services: list[str]) -> None:
        """Scripts that come after one find loaded what it has used, or says that it has."""
        for service in services:
            if len(self._warmed) >= MOST_WARMED or not SERVICE.fullmatch(service):
                continue
            if service not in self._warmed and self._server is not None:
                self._warmed.add(service)
                with contextlib.suppress(OSError):
                    self._server.warm(service)

    def _seconds_to_rest(self) -> float | None:
        if not self._running:
            return None
        now = time.monotonic()
        return min(LOOK_SECONDS, *(max(0.0, running.deadline - now) for running in self._running.values()))

    def _see_to_limits(self) -> None:
        now = time.monotonic()
        for running in list(self._running.values()):
            if now >= running.deadline:
                running.give_up("timed out")
            elif now - running.looked_at >= LOOK_SECONDS:
                running.looked_at = now
                running.look_at_memory()
