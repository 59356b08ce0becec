"""Everything that the sandbox knows, kept in one file across restarts.

The file is a pickle: whoever may write the state directory is trusted with the process. Writes are atomic.
"""

from __future__ import annotations

import logging
import os
import pickle
import sys
import threading
from pathlib import Path

import moto

from sandbox import automation
from sandbox.identity import identities
from sandbox.pickling import LEAVE_THE_LARGE, Backends
from sandbox.settings import SettingsError

log = logging.getLogger("sandbox.state")

FORMAT = "3"
DEBOUNCE_SECONDS = 0.5
LONGEST_WRITE_SECONDS = 10.0


class Keeper:
    """Writes the state half a second after it changed, or at once for who waits for it, and at the end.
    Without a directory it keeps nothing.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._changed = threading.Event()
        self._large = threading.Event()
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
        if service not in LEAVE_THE_LARGE:
            self._large.set()
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
        if not self._path.exists():
            return
        try:
            restore(self._path.read_bytes())
        except Exception as error:
            raise SettingsError(
                f"the state in {self._path} cannot be read ({type(error).__name__}: {error}); "
                "move it away to start anew."
            ) from error

    def start(self) -> None:
        """Begin to write in the background."""
        if self._directory is None:
            return
        self._thread = threading.Thread(target=self._run, name="state", daemon=True)
        self._thread.start()
        self.touch()

    def stop(self) -> None:
        """Write what is still due and end."""
        if self._thread is None:
            return
        self._stopping.set()
        self._hurried.set()
        self._changed.set()
        self._thread.join()
        self.write()
        with self._progress:
            self._begun += 1
            self._ended = self._begun
            self._progress.notify_all()

    def write(self, *, large: bool = True) -> None:
        """Write the state now: to a file beside, synced, then renamed over the old one.

        large: as of `Backends.dump`.
        """
        temporary = self._path.with_suffix(".tmp")
        data = snapshot(large=large)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
        directory = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    @property
    def _path(self) -> Path:
        assert self._directory is not None
        return self._directory / "sandbox.pickle"

    def _run(self) -> None:
        while True:
            self._changed.wait()
            self._hurried.wait(DEBOUNCE_SECONDS)
            if self._stopping.is_set():
                return
            with self._progress:
                self._changed.clear()
                self._hurried.clear()
                large = self._large.is_set()
                self._large.clear()
                self._begun += 1
            try:
                self.write(large=large)
            except Exception:
                # Served on from memory; the next change tries again, and the log says why.
                log.exception("the state was not written")
                self._large.set()
            with self._progress:
                self._ended = self._begun
                self._progress.notify_all()


_backends = Backends()


def snapshot(*, large: bool = True) -> bytes:
    """All of the state as bytes. large: as of `Backends.dump`."""
    # While the store is held no step begins a call, and what is under way is marked as such in it.
    with automation.store.lock:
        return pickle.dumps(
            {
                **_versions(),
                "identities": identities.dump(),
                "moto_state": _backends.dump(large=large),
                "automation": automation.store.dump(),
            }
        )


def restore(data: bytes) -> None:
    """Put the state of `data` in place of the present one.

    Errors: whatever pickle raises; ValueError when other versions wrote it.
    """
    state = pickle.loads(data)  # noqa: S301 - the file is our own, in a directory of the owner's
    written_by = {name: state.get(name) for name in _versions()}
    if written_by != _versions():
        raise ValueError(f"written by {written_by}, this is {_versions()}")
    identities.load(state["identities"])
    _backends.restore(state["moto_state"])
    automation.store.load(state["automation"])


def _versions() -> dict[str, str]:
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return {"format": FORMAT, "moto": moto.__version__, "python": python}
