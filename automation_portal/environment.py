"""Reads the portal's settings from the process environment: one place, and loud about a bad value."""

import base64
import os
import secrets
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

# Eight characters of base64: six whole bytes of a Fernet key.
DEMONSTRATION_MARK = "demokey-"


def text(name: str, default: str = "") -> str:
    """Return the environment variable `name`, stripped, or `default` when it is unset or empty."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, default: bool = False) -> bool:
    """Return the environment variable `name` as a yes/no value.

    Raises ImproperlyConfigured for anything but 1/0, true/false, yes/no, on/off.
    """
    value = text(name).lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")


def number(name: str, default: int, *, low: int, high: int) -> int:
    """Return the environment variable `name` as a whole number from `low` to `high`."""
    value = text(name, str(default))
    if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
        raise ImproperlyConfigured(f"{name} must be a whole number from {low} to {high}, not {value!r}.")
    return int(value)


def words(name: str, default: tuple[str, ...] = ()) -> list[str]:
    """Return the comma-separated environment variable `name` as a list."""
    value = text(name)
    return [word.strip() for word in value.split(",") if word.strip()] if value else list(default)


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """Return the environment variable `name`, which must be one of `allowed`."""
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}, not {value!r}.")
    return value


def kept_secret(path: Path, make: str = "token") -> str:
    """Return the demonstration's secret kept in `path`, made at first use.

    make: "token" for a URL-safe random string, "fernet" for a Fernet key. Both begin with a mark, by which
    production knows them wherever they were carried.
    """
    if not path.exists():
        if make == "fernet":
            # 80 bits of the key that authenticates remain random, and all of the one that encrypts.
            value = DEMONSTRATION_MARK + base64.urlsafe_b64encode(secrets.token_bytes(26)).decode()
        else:
            value = DEMONSTRATION_MARK + secrets.token_urlsafe(48)
        keep_secret(path, value)
    return path.read_text(encoding="utf-8").strip()


def keep_secret(path: Path, value: str) -> None:
    """Write `value` into a new file that its owner alone can read; a file that is there stays as it is."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(value)
    # Linked into place, so that of two processes starting at once both go on with the same secret.
    with suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()


def database(url: str) -> dict[str, object]:
    """Turn a database address into Django's setting.

    url: `sqlite:///relative-or-/absolute/path` or `postgresql://user:password@host:port/name?option=value`;
        a socket's folder is given as the option `host`: `postgresql://user@/name?host=/run/postgresql`.
    Raises ImproperlyConfigured for another scheme or a missing name.
    """
    parts = urlsplit(url)
    name = unquote(parts.path[1:])
    if not name:
        raise ImproperlyConfigured("DATABASE_URL names no database.")
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": name,
            "OPTIONS": {
                # A transaction that will write takes its lock at once: a deferred one that reads first
                # fails with "database is locked" without waiting.
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": (
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
                    "PRAGMA mmap_size=134217728; PRAGMA cache_size=-20000;"
                ),
            },
        }
    if parts.scheme in {"postgres", "postgresql"}:
        pairs = (pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
        options = {name: unquote(value) for name, value in pairs}
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": name,
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": unquote(parts.hostname or ""),
            "PORT": str(parts.port or ""),
            "OPTIONS": options,
            "CONN_HEALTH_CHECKS": True,
        }
    raise ImproperlyConfigured(
        f"DATABASE_URL must start with sqlite:// or postgresql://, not {parts.scheme!r}."
    )
