"""Where the set-up writes: everything under one folder, DATA_DIR."""

import fcntl
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from provision.console import SetupError

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Places:
    """The folders of one instance."""

    data: Path

    @property
    def venv(self) -> Path:
        return self.data / "venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def frontend(self) -> Path:
        return self.data / "frontend"

    @property
    def cache(self) -> Path:
        return self.data / "cache"

    def environment(self) -> dict[str, str]:
        """Return the environment of every tool: this process's, with all caches inside DATA_DIR.

        HOME is left as it is, which may hold the person's proxy and mirror settings.
        """
        cache = self.cache
        ours = {
            "DATA_DIR": self.data,
            "VIRTUAL_ENV": self.venv,
            "PATH": f"{self.venv / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PYTHONPYCACHEPREFIX": cache / "pycache",
            "PYTHONUNBUFFERED": "1",
            "PIP_CACHE_DIR": cache / "pip",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "npm_config_cache": cache / "npm",
            "npm_config_update_notifier": "false",
            "npm_config_fund": "false",
            "npm_config_audit": "false",
            "RUFF_CACHE_DIR": cache / "ruff",
            "MYPY_CACHE_DIR": cache / "mypy",
            "HYPOTHESIS_STORAGE_DIRECTORY": cache / "hypothesis",
            "XDG_CACHE_HOME": cache / "xdg",
        }
        # PYTHONHOME or PYTHONPATH of the caller would mix foreign packages into ours.
        unwanted = {"PYTHONHOME", "PYTHONPATH"}
        inherited = {name: value for name, value in os.environ.items() if name not in unwanted}
        return inherited | {name: str(value) for name, value in ours.items()}


def places() -> Places:
    """Return the folders under DATA_DIR (default var/ in the checkout), made if need be.

    Raises SetupError when DATA_DIR cannot be written.
    """
    data = Path(os.environ.get("DATA_DIR", "").strip() or ROOT / "var").expanduser().resolve()
    try:
        data.mkdir(parents=True, exist_ok=True)
        probe = data / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SetupError(
            f"DATA_DIR is {data}, which cannot be written ({error.strerror}). "
            "Name a folder of your own: DATA_DIR=/path/to/folder make run."
        ) from error
    return Places(data)


@contextmanager
def setup_lock(where: Places) -> Iterator[None]:
    """Hold the set-up of one DATA_DIR; SetupError when somebody else does. A dead holder holds nothing."""
    descriptor = os.open(where.data / ".setup.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(descriptor, 64).decode(errors="replace").strip() or "unknown"
            raise SetupError(
                f"{where.data} is being set up by another process ({holder}). "
                "Wait until it is done, or use a folder of its own: DATA_DIR=/path/to/folder make run."
            ) from error
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()}".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def digest(files: Iterable[Path], *, base: Path) -> str:
    """Return a hash of the files' names (relative to `base`) and contents."""
    total = hashlib.sha256()
    for file in sorted(files):
        content = file.read_bytes()
        total.update(f"{file.relative_to(base)}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def read_stamp(path: Path) -> str:
    """Return what a finished stage left behind, or "" when it never finished."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def python_words() -> str:
    """Return this interpreter's version, as a stamp names it."""
    return ".".join(str(part) for part in sys.version_info[:2])
