"""Process sessions: finding and stopping a process together with everything that it started.

Every program of the stack leads a session of its own. Its descendants keep the session even where they make
process groups of their own (as RQ's work horses do) or lose their parent, so nothing escapes.
"""

import os
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
POLL_SECONDS = 0.05
# A process that the kernel holds (a hung disk) survives even SIGKILL; waiting longer would not help.
KILL_SECONDS = 3.0


@dataclass(frozen=True)
class Stopping:
    """How one program of the stack is stopped.

    pid: leads the program's session. stage: lower stages are gone before higher ones are asked.
    grace: seconds from being asked to being killed.
    """

    name: str
    pid: int
    stage: int
    grace: float


def living_sessions() -> Mapping[int, list[int]]:
    """Return the processes that run (zombies don't) by the id of their session."""
    sessions: dict[int, list[int]] = defaultdict(list)
    for pid, zombie in _from_proc() if PROC.joinpath("self/stat").exists() else _from_ps():
        if not zombie:
            # A process that ended since it was listed is simply not there any more.
            with suppress(ProcessLookupError, PermissionError):
                sessions[os.getsid(pid)].append(pid)
    return sessions


def _from_proc() -> Iterable[tuple[int, bool]]:
    for entry in os.listdir(PROC):  # noqa: PTH208 - names only, and often: Path objects would double the time
        if entry.isdigit():
            with suppress(FileNotFoundError, ProcessLookupError):
                # The name of the program, in brackets, may itself hold brackets and spaces.
                state = (PROC / entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
                yield int(entry), state in "ZX"


def _from_ps() -> Iterable[tuple[int, bool]]:
    listing = subprocess.run(["ps", "-axo", "pid=,stat="], capture_output=True, text=True, check=True)  # noqa: S607
    for line in listing.stdout.splitlines():
        pid, state = line.split()
        yield int(pid), state.startswith("Z")


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to processes, some of which may be gone by now."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def ask_to_stop(leader: int, members: Sequence[int]) -> None:
    """Send SIGTERM to a session's leader, which ends its own children; to all of them when it is gone."""
    send([leader] if leader in members else members, signal.SIGTERM)


def stop_in_stages(
    programs: Iterable[Stopping],
    *,
    reap: Callable[[], None] = lambda: None,
    hurry: Callable[[], bool] = lambda: False,
) -> list[str]:
    """Stop programs stage by stage and return the names of those that had to be killed.

    reap: collects ended children, where they are the caller's.
    hurry: asked again and again; once true, whoever is left is killed.
    """
    killed: list[str] = []
    waiting = list(programs)
    for stage in sorted({program.stage for program in waiting}):
        group = [program for program in waiting if program.stage == stage]
        sessions = living_sessions()
        for program in group:
            ask_to_stop(program.pid, sessions.get(program.pid, []))
        asked = time.monotonic()
        left_behind: set[int] = set()
        while True:
            reap()
            sessions = living_sessions()
            group = [program for program in group if sessions.get(program.pid)]
            passed = time.monotonic() - asked
            if not group or passed > max(program.grace for program in group) + KILL_SECONDS:
                break
            for program in group:
                if program.pid not in sessions[program.pid] and program.pid not in left_behind:
                    left_behind.add(program.pid)
                    ask_to_stop(program.pid, sessions[program.pid])
                if hurry() or passed > program.grace:
                    send(sessions[program.pid], signal.SIGKILL)
                    if program.name not in killed:
                        killed.append(program.name)
            time.sleep(POLL_SECONDS)
    return killed
