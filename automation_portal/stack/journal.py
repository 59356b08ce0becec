"""The programs' log files: fresh at each start, bounded, and watched for errors."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

KEPT = 3
LARGEST_BYTES = 10 * 1024 * 1024
GRAVE = re.compile(r"\b(?:ERROR|CRITICAL)\b|^Traceback \(most recent call last\)")
READ_BYTES = 256 * 1024


class Journal:
    """The log of one program. Earlier starts' logs are kept as NAME.log.1 (the latest) to NAME.log.3."""

    def __init__(self, path: Path):
        self.path = path
        self.read_to = 0

    def turn_over(self) -> None:
        """Begin a new file, moving earlier ones one place on."""
        if not self.path.exists() or not self.path.stat().st_size:
            return
        for number in range(KEPT - 1, 0, -1):
            older = self._kept(number)
            if older.exists():
                older.replace(self._kept(number + 1))
        self.path.replace(self._kept(1))

    def open(self) -> int:
        """Return a descriptor that appends to the log, whoever else does."""
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def bound(self) -> None:
        """Move what was written aside once the file is too large; programs go on writing to the same file."""
        if self.path.exists() and self.path.stat().st_size > LARGEST_BYTES:
            shutil.copyfile(self.path, self._kept(1))
            os.truncate(self.path, 0)
            self.read_to = 0

    def grave_lines(self) -> Iterator[str]:
        """Yield the lines about errors that were written since the last call."""
        with suppress(FileNotFoundError), self.path.open("rb") as file:
            file.seek(self.read_to)
            # A line that is still being written is read next time.
            complete = file.read(READ_BYTES).rpartition(b"\n")
            self.read_to += len(complete[0]) + len(complete[1])
            for line in complete[0].decode(errors="replace").splitlines():
                if GRAVE.search(line):
                    yield line.strip()

    def tail(self, lines: int) -> list[str]:
        """Return the last lines of the log."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, self.path.stat().st_size - READ_BYTES))
                return file.read().decode(errors="replace").rstrip().splitlines()[-lines:]
        except FileNotFoundError:
            return []

    def _kept(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")
