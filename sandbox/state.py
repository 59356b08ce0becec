"""Everything that the sandbox knows, kept in one file across restarts.

The file is a SQLite database of pickles, one for each thing that changes by itself: a write costs as much as
has changed, not as much as there is. Each write is one transaction, and is on the disk when it ends. Whoever
may write the state directory is trusted with the process.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
import threading
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import moto

from sandbox import automation
from sandbox.identity import identities
from sandbox.pickling import Backends
from sandbox.settings import SettingsError

log = logging.getLogger("sandbox.state")

FORMAT = "4"
DEBOUNCE_SECONDS = 0.5
LONGEST_WRITE_SECONDS = 10.0
# What earlier formats were kept in.
_FORMER_NAME = "sandbox.pickle"

Row = tuple[str, str]
"""Which part of the state, and the key within it."""


class Part(Protocol):
    """What keeps some of the state."""

    def changes(self) -> dict[str, bytes | None]:
        """What is new since the last call, by key; None for what is gone."""

    def load(self, kept: Mapping[str, bytes]) -> None:
        """Take up what `changes` gave, in the order in which it was new first."""


backends = Backends()
PARTS: dict[str, Part] = {"identities": identities, "moto": backends, "automation": automation.store}


class Keeper:
    """Writes the state half a second after it changed, or at once for who waits for it, and at the end.
    Without a directory it keeps nothing.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._database: sqlite3.Connection | None = None
        # Changes that could not be written yet.
        self._due: dict[Row, bytes | None] = {}
        self._changed = threading.Event()
        self._hurried = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._progress = threading.Condition()
        self._begun = 0
        self._ended = 0

    def touch(self, service: str = "") -> None:
        """Something changed: a write is due.

        service: whose call it was; "" when it may have been anything.
        """
        backends.touch(service)
        self._changed.set()

    def settle(self, service: str = "") -> None:
        """Something changed that somebody will rely on: return when it is written.

        service: as for `touch`.

        Those who wait at the same time share one write. When writing fails (the log says why), or nothing is
        kept, this returns all the same.
        """
        if self._thread is None or self._stopping.is_set():
            return
        with self._progress:
            # The write that is under way now may have read the state before the change.
            wanted = self._begun + 1
            self._hurried.set()
            self.touch(service)
            self._progress.wait_for(lambda: self._ended >= wanted, timeout=LONGEST_WRITE_SECONDS)

    def load(self) -> None:
        """Take up what the file holds, if there is one. Errors: SettingsError when it cannot be used."""
        if self._directory is None:
            return
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._directory / "sandbox.sqlite3"
        try:
            if (former := self._directory / _FORMER_NAME).exists():
                path = former
                raise ValueError("written by an earlier version")
            self._database = _open(path)
            _restore(self._database)
        except Exception as error:
            raise SettingsError(
                f"the state in {path} cannot be read ({type(error).__name__}: {error}); {_remedy(error)}."
            ) from error

    def start(self) -> None:
        """Begin to write in the background."""
        if self._database is None:
            return
        self._thread = threading.Thread(target=self._run, name="state", daemon=True)
        self._thread.start()
        self.touch()

    def stop(self) -> None:
        """Write what is still due and end."""
        if self._thread is None or self._database is None:
            return
        self._stopping.set()
        self._hurried.set()
        self._changed.set()
        self._thread.join()
        backends.touch("")
        self.write()
        self._database.close()
        with self._progress:
            self._begun += 1
            self._ended = self._begun
            self._progress.notify_all()

    def write(self) -> None:
        """Write what has changed, now: all of it, or nothing when an error is raised."""
        assert self._database is not None, "the state is loaded before it is written"
        # While the store is held no step begins a call, and what is under way is marked as such in it.
        with automation.store.lock:
            for name, part in PARTS.items():
                self._due.update({(name, key): value for key, value in part.changes().items()})
        with self._database as database:
            database.executemany(
                "INSERT INTO kept VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                ((*row, value) for row, value in self._due.items() if value is not None),
            )
            gone = [row for row, value in self._due.items() if value is None]
            database.executemany("DELETE FROM kept WHERE part = ? AND key = ?", gone)
        self._due.clear()

    def _run(self) -> None:
        while True:
            self._changed.wait()
            self._hurried.wait(DEBOUNCE_SECONDS)
            if self._stopping.is_set():
                return
            with self._progress:
                self._changed.clear()
                self._hurried.clear()
                self._begun += 1
            try:
                self.write()
            except Exception:
                # Served on from memory; the next change tries again, and the log says why.
                log.exception("the state was not written")
            with self._progress:
                self._ended = self._begun
                self._progress.notify_all()


def _open(path: Path) -> sqlite3.Connection:
    """The database of this process alone; an empty one where there is none."""
    # SQLite gives the files beside it the same mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    # The thread that writes is not the one that loads and closes, and never at work at the same time.
    database = sqlite3.connect(path, timeout=0, check_same_thread=False)
    database.execute("PRAGMA locking_mode = EXCLUSIVE")
    database.execute("PRAGMA journal_mode = WAL")
    # What was promised stays when the machine loses its power.
    database.execute("PRAGMA synchronous = FULL")
    with database:
        database.execute(
            "CREATE TABLE IF NOT EXISTS kept"
            " (part TEXT, key TEXT, value BLOB NOT NULL, PRIMARY KEY (part, key))"
        )
    return database


def _restore(database: sqlite3.Connection) -> None:
    """Put the state that is kept in place of the present one.

    Errors: whatever pickle raises; ValueError when other versions wrote it.
    """
    state: dict[str, dict[str, bytes]] = defaultdict(dict)
    for part, key, value in database.execute("SELECT part, key, value FROM kept ORDER BY rowid"):
        state[part][key] = value
    versions = _versions()
    written_by = {name: value.decode() for name, value in state.pop("versions", {}).items()}
    if not written_by and not state:
        with database:
            rows = [("versions", name, version.encode()) for name, version in versions.items()]
            database.executemany("INSERT INTO kept VALUES (?, ?, ?)", rows)
        return
    if written_by != versions:
        raise ValueError(f"written by {written_by}, this is {versions}")
    for name, part in PARTS.items():
        part.load(state[name])


def _remedy(error: Exception) -> str:
    if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
        return "another sandbox uses it: stop that one, or use another directory"
    return "move it away to start anew"


def _versions() -> dict[str, str]:
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return {"format": FORMAT, "moto": moto.__version__, "python": python}
