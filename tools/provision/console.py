"""Shows how the set-up goes on: one line a stage, and the end of a tool's output when it fails."""

import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

KEPT_LINES = 20
FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class SetupError(Exception):
    """The set-up cannot go on. The message is a sentence for the person at the console."""


class ToolFailed(SetupError):
    """A tool ended with an error. `tail` holds the last lines that it wrote."""

    def __init__(self, message: str, tail: Sequence[str]):
        super().__init__(message)
        self.tail = list(tail)


class Stage:
    """One line of progress: a title, then the seconds it took; on a terminal also what the tool says now."""

    def __init__(self, title: str):
        self.title = title
        self.began = time.monotonic()
        self.alive = sys.stdout.isatty()
        self.frame = 0
        if not self.alive:
            sys.stdout.write(f"{title} … ")
            sys.stdout.flush()

    def show(self, doing: str) -> None:
        """Redraw the line with the tool's latest words."""
        if not self.alive:
            return
        self.frame += 1
        seconds = time.monotonic() - self.began
        line = f"{FRAMES[self.frame % len(FRAMES)]} {self.title} {seconds:4.0f} s  {doing}"
        width = shutil.get_terminal_size().columns - 1
        sys.stdout.write(f"\r\x1b[2K{line[:width]}")
        sys.stdout.flush()

    def done(self, outcome: str = "") -> None:
        """End the line with the time taken."""
        self._end("✓", outcome)

    def failed(self) -> None:
        """End the line as a failure."""
        self._end("✗", "failed after")

    def _end(self, mark: str, outcome: str) -> None:
        seconds = f"{outcome} {time.monotonic() - self.began:.1f} s".strip()
        sys.stdout.write(f"\r\x1b[2K{mark} {self.title}  {seconds}\n" if self.alive else f"{seconds}\n")
        sys.stdout.flush()


def run_tool(
    title: str,
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    advice: Callable[[Sequence[str]], str],
    cwd: Path | None = None,
) -> None:
    """Run a tool as one stage, showing its last line while it works.

    advice: given the last lines of the tool's output, says what a person should do about its failure.
    Raises ToolFailed with the last 20 lines when the tool is missing or ends with an error.
    """
    stage = Stage(title)
    try:
        # A group of its own: an interrupt stops the tool together with whatever it started.
        tool = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=cwd,
            start_new_session=True,
        )
    except OSError as error:
        stage.failed()
        raise ToolFailed(f"{command[0]} could not be started: {error.strerror}.", []) from error
    tail: deque[str] = deque(maxlen=KEPT_LINES)
    try:
        _follow(tool, tail, stage)
        status = tool.wait()
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(tool.pid, signal.SIGTERM)
        tool.wait()
        stage.failed()
        raise
    if status:
        stage.failed()
        raise ToolFailed(advice(tail), tail)
    stage.done()


def _follow(tool: subprocess.Popen[bytes], tail: deque[str], stage: Stage) -> None:
    """Read the tool's output to its end, keeping the last lines and the terminal up to date."""
    assert tool.stdout is not None
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(tool.stdout, selectors.EVENT_READ)
        while True:
            stage.show(tail[-1] if tail else "")
            if not selector.select(timeout=0.2):
                continue
            chunk = os.read(tool.stdout.fileno(), 65536)
            *lines, rest = (rest + chunk).replace(b"\r", b"\n").split(b"\n")
            if not chunk:
                lines.append(rest)
            tail.extend(text for line in lines if (text := line.decode(errors="replace").strip()))
            if not chunk:
                return
