"""Runs one instance: starts programs as soon as they may, restarts those that end, stops all in order."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from types import FrameType
from typing import IO

from automation_portal.stack import console, ports, warden
from automation_portal.stack.journal import Journal
from automation_portal.stack.layout import ROOT, Layout, StackError, bare_environment, python_environment
from automation_portal.stack.lock import InstanceLock
from automation_portal.stack.processes import Stopping, ask_to_stop, living_sessions, send, stop_in_stages
from automation_portal.stack.programs import WORKING, Program, programs

BACKOFF_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
# A program that ran this long before it ended has recovered from whatever ended it before.
RECOVERED_SECONDS = 60.0
STARTING_PAUSE, IDLE_PAUSE = 0.05, 1.0
PROBE_PAUSE = 0.1
START_PATIENCE_SECONDS = 180.0
TAIL_LINES = 20
TOLD_EVERY_SECONDS = 10.0
STRAY_GRACE_SECONDS = 5.0
ONE_REQUEST_SECONDS = 1.0


@dataclass
class Child:
    """A program and its present process, if it has one."""

    program: Program
    journal: Journal
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    probed: float = 0.0
    failures: int = 0
    start_at: float = 0.0
    told: float = float("-inf")
    finished: bool = False


class Supervisor:
    """One instance from its start to its end."""

    def __init__(self, layout: Layout, lock: InstanceLock):
        self.layout = layout
        self.lock = lock
        self.children = [Child(program, Journal(layout.log(program.name))) for program in programs(layout)]
        self.reached: set[str] = set()
        self.began = time.monotonic()
        self.ready = False
        self.fault = ""
        self.sign_ins: list[console.SignIn] = []
        self.stop_requests = 0
        self.asked_at = float("-inf")
        # Sessions whose leader died and left members behind, with the moment at which these are killed.
        self.strays: dict[int, float] = {}
        self.announced = b""
        self.announcements: IO[bytes] | None = None
        self.warden: subprocess.Popen[bytes] | None = None
        self.waker, self.wakened = os.pipe()
        os.set_blocking(self.waker, False)
        os.set_blocking(self.wakened, False)
        # `make` that is killed outright cannot pass that on: its child notices that its parent changed.
        self.parent = os.getppid() if "MAKELEVEL" in os.environ else None

    def run(self) -> int:
        """Start, run until asked to stop or until the start fails; returns the exit status."""
        self._listen_to_signals()
        self._start_warden()
        try:
            while not self.stop_requests and not self.fault:
                self._turn()
        finally:
            self._stop()
        if self.fault:
            raise StackError(self.fault)
        return 0

    def _listen_to_signals(self) -> None:
        signal.set_wakeup_fd(self.wakened, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # `nohup make run` has a closed terminal ignored, and that stays so.
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._ask_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        # Whoever signals a whole process group reaches us twice, once through `make`: that is one request.
        now = time.monotonic()
        if now - self.asked_at > ONE_REQUEST_SECONDS:
            self.stop_requests += 1
        self.asked_at = now

    def _turn(self) -> None:
        self._wait()
        if self.parent is not None and os.getppid() != self.parent:
            self.stop_requests += 1
            return
        self._reap()
        self._read_announcements()
        self._start_due()
        self._probe()
        self._settle_strays()
        self._read_journals()
        self._look_at_start()

    def _wait(self) -> None:
        """Sleep until a signal, an announcement or the next thing that is due."""
        listening: list[int | IO[bytes]] = [self.waker]
        if self.announcements is not None:
            listening.append(self.announcements)
        busy = not self.ready or any(child.process is None and not child.finished for child in self.children)
        readable, _, _ = select.select(listening, [], [], STARTING_PAUSE if busy else IDLE_PAUSE)
        if self.waker in readable:
            with suppress(BlockingIOError):
                os.read(self.waker, 4096)

    def _start_due(self) -> None:
        now = time.monotonic()
        for child in self.children:
            due = child.process is None and not child.finished and now >= child.start_at
            if due and child.program.needs <= self.reached:
                self._start(child)

    def _start(self, child: Child) -> None:
        log = child.journal.open()
        speaks = child.program.name == "prepare"
        try:
            child.process = subprocess.Popen(  # noqa: S603 - only `programs` says what runs
                child.program.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if speaks else log,
                stderr=log,
                env=dict(child.program.environment),
                cwd=ROOT,
                start_new_session=True,
            )
        except OSError as error:
            self.fault = f"{child.program.command[0]} could not be started: {error.strerror}."
            return
        finally:
            os.close(log)
        self.announcements = child.process.stdout or self.announcements
        child.began = time.monotonic()
        self._tell_state()

    def _reap(self) -> None:
        for child in self.children:
            if child.process is None or child.process.poll() is None:
                continue
            status, ended = child.process.returncode, child.process
            child.process = None
            self._gather_strays(ended.pid, child.program)
            if not child.program.lasting:
                child.finished = True
                if status and not self.fault:
                    self._read_announcements()
                    self.fault = self.fault or self._death(child, status)
            elif not self.ready:
                self.fault = self.fault or self._death(child, status)
            else:
                self._schedule_restart(child, status)
            self._tell_state()
        if self.warden is not None and self.warden.poll() is not None:
            self._start_warden()

    def _gather_strays(self, leader: int, program: Program) -> None:
        """Ask what a dead leader left behind to stop, so that its successor works alone."""
        left = living_sessions().get(leader, [])
        if left:
            ask_to_stop(leader, left)
            self.strays[leader] = time.monotonic() + min(STRAY_GRACE_SECONDS, program.grace)

    def _settle_strays(self) -> None:
        if not self.strays:
            return
        sessions = living_sessions()
        for leader, deadline in list(self.strays.items()):
            if not sessions.get(leader):
                del self.strays[leader]
            elif time.monotonic() > deadline:
                send(sessions[leader], signal.SIGKILL)

    def _schedule_restart(self, child: Child, status: int) -> None:
        ran = time.monotonic() - child.began
        child.failures = 1 if ran > RECOVERED_SECONDS else child.failures + 1
        pause = BACKOFF_SECONDS[min(child.failures, len(BACKOFF_SECONDS)) - 1]
        child.start_at = time.monotonic() + pause
        console.report(
            f"{child.program.name} ended ({_in_words(status)}); it is started again in {pause:g} s. "
            f"Its log: {console.shown(child.journal.path)}"
        )

    def _probe(self) -> None:
        now = time.monotonic()
        for child in self.children:
            name, probe = child.program.name, child.program.probe
            if (
                child.process is None
                or probe is None
                or name in self.reached
                or now - child.probed < PROBE_PAUSE
            ):
                continue
            child.probed = now
            if probe():
                self._reach(name)

    def _reach(self, milestone: str) -> None:
        self.reached.add(milestone)
        if not self.ready:
            console.say(f"  {milestone:<20} ready after {time.monotonic() - self.began:4.1f} s")

    def _read_announcements(self) -> None:
        """Take in what `prepare` says; its output ends when it does."""
        while self.announcements is not None and select.select([self.announcements], [], [], 0)[0]:
            chunk = os.read(self.announcements.fileno(), 65536)
            if not chunk:
                self.announcements.close()
                self.announcements = None
                return
            *lines, self.announced = (self.announced + chunk).split(b"\n")
            for line in lines:
                self._hear(json.loads(line))

    def _hear(self, message: Mapping[str, object]) -> None:
        if "reached" in message:
            self._reach(str(message["reached"]))
        if "fault" in message:
            self.fault = str(message["fault"])
        sign_ins = message.get("sign_ins")
        if isinstance(sign_ins, list):
            self.sign_ins = [[str(word) for word in entry] for entry in sign_ins]

    def _look_at_start(self) -> None:
        if self.ready or self.fault:
            return
        prepared = WORKING in self.reached or all(
            child.finished for child in self.children if not child.program.lasting
        )
        up = all(
            child.finished
            or (child.process and (child.program.probe is None or child.program.name in self.reached))
            for child in self.children
        )
        if up and prepared:
            self.ready = True
            self._tell_state()
            console.welcome(self.layout, self.sign_ins, time.monotonic() - self.began)
        elif time.monotonic() - self.began > START_PATIENCE_SECONDS:
            late = [child.program.name for child in self.children if child.program.name not in self.reached]
            self.fault = (
                f"The start takes too long; still waiting for {', '.join(late)}. "
                f"Their logs are in {console.shown(self.layout.logs)}."
            )

    def _read_journals(self) -> None:
        """Tell of errors in the logs, at most one line in ten seconds for each program."""
        if not self.ready:
            return
        now = time.monotonic()
        for child in self.children:
            child.journal.bound()
            grave = list(child.journal.grave_lines())
            if grave and now - child.told > TOLD_EVERY_SECONDS:
                child.told = now
                more = f" and {len(grave) - 1} more" if len(grave) > 1 else ""
                console.report(
                    f"{child.program.name}: {grave[0][:160]}{more} ({console.shown(child.journal.path)})"
                )

    def _death(self, child: Child, status: int) -> str:
        """Return the message of a program that ended while the instance was starting, with its last words."""
        words = "\n".join(f"    {line}" for line in child.journal.tail(TAIL_LINES))
        return (
            f"{words}\n{child.program.name} ended while starting ({_in_words(status)}). "
            f"Its log: {console.shown(child.journal.path)}"
        )

    def _stop(self) -> None:
        if self.stop_requests:
            console.say("\nStopping; Ctrl-C once more stops at once.")
        requests = self.stop_requests

        def reap() -> None:
            for child in self.children:
                if child.process is not None and child.process.poll() is not None:
                    child.process = None

        killed = stop_in_stages(
            [*self._stopping(), *(Stopping("a stray process", pid, 0, 0.0) for pid in self.strays)],
            reap=reap,
            hurry=lambda: self.stop_requests > requests,
        )
        self.layout.state.unlink(missing_ok=True)
        self._dismiss_warden()
        if killed:
            console.say(f"Killed, since it did not stop by itself: {', '.join(killed)}.")
        if self.stop_requests:
            console.say("Stopped.")

    def _stopping(self) -> Sequence[Stopping]:
        return [
            Stopping(child.program.name, child.process.pid, child.program.stage, child.program.grace)
            for child in self.children
            if child.process is not None
        ]

    def _start_warden(self) -> None:
        self.warden = subprocess.Popen(  # noqa: S603 - this Python, our own module
            [sys.executable, "-S", "-m", warden.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=bare_environment(self.layout) | python_environment(self.layout),
            cwd=ROOT,
            start_new_session=True,
            # The lock lives as long as any holder: a new start waits for the warden of a killed one.
            pass_fds=[self.lock.descriptor],
        )
        self._tell_warden([asdict(stopping) for stopping in self._stopping()])

    def _tell_warden(self, message: object) -> None:
        # A warden that has died is replaced at the next turn.
        if self.warden is not None and self.warden.stdin is not None:
            with suppress(BrokenPipeError):
                self.warden.stdin.write(json.dumps(message).encode() + b"\n")
                self.warden.stdin.flush()

    def _dismiss_warden(self) -> None:
        if self.warden is not None and self.warden.stdin is not None:
            self._tell_warden(warden.FAREWELL)
            with suppress(BrokenPipeError):
                self.warden.stdin.close()
            self.warden.wait()

    def _tell_state(self) -> None:
        """Let the warden and other programs know which processes run now."""
        self._tell_warden([asdict(stopping) for stopping in self._stopping()])
        content = {
            "pid": os.getpid(),
            "url": self.layout.url,
            "sandbox_url": self.layout.sandbox_url if self.layout.demonstration else None,
            "ready": self.ready,
            "processes": {child.program.name: child.process.pid for child in self.children if child.process},
        }
        draft = self.layout.state.with_suffix(".new")
        draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        draft.replace(self.layout.state)


def _in_words(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    return f"killed by {signal.Signals(-status).name}"


def supervise(layout: Layout) -> int:
    """Run the instance until it is asked to stop.

    Raises StackError when it cannot start: something else holds its folder or ports, or a program fails.
    """
    layout.make_folders()
    with InstanceLock(layout) as lock:
        ports.check(layout)
        supervisor = Supervisor(layout, lock)
        for child in supervisor.children:
            child.journal.turn_over()
        return supervisor.run()
