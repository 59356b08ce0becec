"""Where one instance of the stack lives: its folder, its ports, and its processes' environment."""

import json
import os
import secrets
import string
import sys
from dataclasses import dataclass
from pathlib import Path

from automation_portal import environment as env

ROOT = Path(__file__).resolve().parents[2]
# Linux allows 107 bytes in a socket's path, macOS 103.
SOCKET_PATH_LIMIT = 100
LOOPBACK = "127.0.0.1"
# What a process may know that has no business with the portal or with the person's own AWS account.
HARMLESS = (
    "PATH",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "SSL_CERT_FILE",
)


class StackError(Exception):
    """The stack cannot start. The message is a sentence for the person at the console."""


@dataclass(frozen=True)
class Layout:
    """One instance: DATA_DIR, its two ports, and which engines are its own."""

    data: Path
    port: int
    sandbox_port: int
    demonstration: bool
    own_queue: bool

    @classmethod
    def from_environment(cls) -> "Layout":
        """Read DATA_DIR, PORT, SANDBOX_PORT, PORTAL_MODE and REDIS_URL.

        Raises ImproperlyConfigured for a bad value and StackError for a folder that cannot hold a socket.
        """
        port = env.number("PORT", 8000, low=1, high=65534)
        layout = cls(
            data=Path(env.text("DATA_DIR", str(ROOT / "var"))).expanduser().resolve(),
            port=port,
            sandbox_port=env.number("SANDBOX_PORT", port + 1, low=1, high=65535),
            demonstration=env.choice("PORTAL_MODE", "demonstration", ("demonstration", "production"))
            == "demonstration",
            own_queue=not env.text("REDIS_URL"),
        )
        if layout.own_queue and len(os.fsencode(layout.socket)) > SOCKET_PATH_LIMIT:
            raise StackError(
                f"DATA_DIR is {layout.data}, too long a path for the queue's socket (at most "
                f"{SOCKET_PATH_LIMIT - len('/valkey/valkey.sock')} characters). Name a shorter one: "
                "DATA_DIR=/path/to/folder make run."
            )
        return layout

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://{LOOPBACK}:{self.sandbox_port}"

    @property
    def socket(self) -> Path:
        return self.data / "valkey" / "valkey.sock"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def state(self) -> Path:
        """The file that tells other programs which processes run now."""
        return self.data / "run" / "stack.json"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def make_folders(self) -> None:
        """Make the folders that the programs write to; secrets and sockets for their owner alone."""
        try:
            for name in ("logs", "run", "tmp", "valkey", "sandbox", "secrets"):
                (self.data / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StackError(
                f"DATA_DIR is {self.data}, which cannot be written ({error.strerror}). "
                "Name a folder of your own: DATA_DIR=/path/to/folder make run."
            ) from error


def portal_environment(layout: Layout) -> dict[str, str]:
    """Return the environment of the portal's own processes: this one's, with the instance spelt out.

    The sandbox's root key is not among it: who needs it reads DATA_DIR/secrets/sandbox.json.
    """
    unwanted = ("SANDBOX_ROOT_", "MAKE", "MFLAGS", "PYTHONHOME", "PYTHONPATH")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    # A proxy is for the way out: nothing of ours is reached through it.
    bypass = ",".join(
        filter(None, (os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), LOOPBACK, "localhost"))
    )
    return (
        inherited
        | python_environment(layout)
        | {
            "DATA_DIR": str(layout.data),
            "PORT": str(layout.port),
            "SANDBOX_PORT": str(layout.sandbox_port),
            "DJANGO_SETTINGS_MODULE": "automation_portal.settings",
            "NO_PROXY": bypass,
            "no_proxy": bypass,
        }
    )


def sandbox_environment(layout: Layout) -> dict[str, str]:
    """Return the sandbox's environment: its root key, and nothing of the portal or of the person's AWS."""
    key = sandbox_root_key(layout)
    return (
        bare_environment(layout)
        | python_environment(layout)
        | {
            "HOME": str(layout.data / "sandbox"),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "SANDBOX_ROOT_ACCESS_KEY_ID": key["access_key_id"],
            "SANDBOX_ROOT_SECRET_ACCESS_KEY": key["secret_access_key"],
        }
    )


def bare_environment(layout: Layout) -> dict[str, str]:
    """Return an environment with paths and language only."""
    return {name: os.environ[name] for name in HARMLESS if name in os.environ} | {
        "TMPDIR": str(layout.data / "tmp")
    }


def python_environment(layout: Layout) -> dict[str, str]:
    """Return what every Python of the stack is told: its programs first in PATH, its files in DATA_DIR."""
    return {
        "PYTHONUNBUFFERED": "1",
        # Of the C library, where it is GNU's: what is freed goes back to the system instead of to later use.
        "MALLOC_ARENA_MAX": "2",
        "MALLOC_MMAP_THRESHOLD_": "65536",
        "PYTHONPYCACHEPREFIX": os.environ.get("PYTHONPYCACHEPREFIX")
        or str(layout.data / "cache" / "pycache"),
        "TMPDIR": str(layout.data / "tmp"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }


def sandbox_root_key(layout: Layout) -> dict[str, str]:
    """Return the root key of the instance's sandbox, made at first use, readable by its owner only."""
    path = layout.data / "secrets" / "sandbox.json"
    if not path.exists():
        key = {
            "access_key_id": "AKIA"
            + "".join(secrets.choice(string.ascii_uppercase + "234567") for _ in range(16)),
            "secret_access_key": secrets.token_urlsafe(30),
        }
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        with os.fdopen(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as file:
            json.dump(key, file)
        draft.replace(path)
    key = json.loads(path.read_text(encoding="utf-8"))
    return {name: str(key[name]) for name in ("access_key_id", "secret_access_key")}
