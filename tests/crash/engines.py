"""The engines under the portal, each a process that may be killed and started again: Valkey and the sandbox.

Every one keeps its address across a restart, as a service does that its manager starts again.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
import redis
from botocore.config import Config

from automation_portal.stack.programs import valkey_binary
from aws.laboratory import Key, LaboratoryAccount
from tests.support.postgres import cluster
from tests.support.stack import COMPILED, ROOT

ROOT_KEY = Key("AKIACRASHCRASHCRASHC", "root-secret-of-the-crash-suite")
START_SECONDS = 60.0


class EngineError(Exception):
    """An engine did not start; the text says why."""


def free_port() -> int:
    """Return a port of loopback that is free now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Engine:
    """A process that listens for others."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and return when calls are answered. Raises EngineError."""
        self.process = self._launch()
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise EngineError(f"{type(self).__name__} did not start.")
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once, as a machine that loses power does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None

    def _launch(self) -> "subprocess.Popen[bytes]":
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError


class Valkey(Engine):
    """The queue, with its file as in production (`appendonly`)."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.url = f"unix://{folder / 'valkey.sock'}?db=0"

    def client(self) -> Any:
        """Return a client of the suite's own."""
        return redis.Redis.from_url(self.url)

    def forget(self) -> None:
        """Remove the file, while the server does not run."""
        shutil.rmtree(self._folder / "appendonlydir", ignore_errors=True)

    def _launch(self) -> "subprocess.Popen[bytes]":
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [
                    *(str(valkey_binary()), "--port", "0", "--dir", str(self._folder), "--save", ""),
                    *("--unixsocket", str(self._folder / "valkey.sock"), "--unixsocketperm", "700"),
                    *("--appendonly", "yes", "--appendfsync", "everysec"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _answers(self) -> bool:
        with suppress(redis.RedisError), self.client() as client:
            return bool(client.ping())
        return False


class Sandbox(Engine):
    """The AWS that the runs are in.

    Arguments:
        folder: for its log, and with `lasting` for its state.
        lasting: what it knows survives its death (`--state`).
    """

    def __init__(self, folder: Path, *, lasting: bool = False) -> None:
        super().__init__()
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._port = free_port()
        self._lasting = lasting
        self.url = f"http://127.0.0.1:{self._port}"

    @property
    def account(self) -> LaboratoryAccount:
        """The account in it, handled with its root key."""
        return LaboratoryAccount(endpoint_url=self.url, root=ROOT_KEY)

    def client(self, service: str, region: str) -> Any:
        """Return a client with the root key, past any proxy."""
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=ROOT_KEY.access_key_id,
            aws_secret_access_key=ROOT_KEY.secret_access_key,
            config=Config(retries={"total_max_attempts": 5}, read_timeout=60),
        )

    def _launch(self) -> "subprocess.Popen[bytes]":
        state = ("--state", str(self._folder / "state")) if self._lasting else ()
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "sandbox", "--port", str(self._port), *state],
                cwd=ROOT,
                env={
                    "PATH": os.environ["PATH"],
                    **COMPILED,
                    "SANDBOX_ROOT_ACCESS_KEY_ID": ROOT_KEY.access_key_id,
                    "SANDBOX_ROOT_SECRET_ACCESS_KEY": ROOT_KEY.secret_access_key,
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _answers(self) -> bool:
        with (
            suppress(OSError),
            closing(socket.create_connection(("127.0.0.1", self._port), timeout=5)) as link,
        ):
            link.sendall(b"GET /_sandbox/health HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            return b" 200 " in link.recv(64)
        return False


class Proxy(Engine):
    """The faulty way between portal and sandbox; see tests/crash/proxy.py.

    Arguments:
        upstream: the sandbox's address.
        kinds: the faults; none lets every call through.
        seed: of its dice.
    """

    def __init__(self, folder: Path, upstream: str, kinds: tuple[str, ...], seed: int) -> None:
        super().__init__()
        self._port = free_port()
        self._folder = folder
        self.url = f"http://127.0.0.1:{self._port}"
        self._words = ("--upstream", upstream, "--kinds", ",".join(kinds), "--seed", str(seed))

    @property
    def faults(self) -> int:
        """How many calls were spoiled so far."""
        return (self._folder / "proxy.log").read_bytes().count(b"\n")

    def _launch(self) -> "subprocess.Popen[bytes]":
        with (self._folder / "proxy.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.crash.proxy", "--port", str(self._port), *self._words],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], **COMPILED},
                stdin=subprocess.DEVNULL,
                stdout=log,
            )

    def _answers(self) -> bool:
        with suppress(OSError), closing(socket.create_connection(("127.0.0.1", self._port), timeout=5)):
            return True
        return False


@contextmanager
def database(kind: str, folder: Path) -> Iterator[Mapping[str, str]]:
    """Give the environment in which the portal finds its database of this kind ("sqlite", "postgresql").

    Raises PostgresMissing where the machine has no PostgreSQL.
    """
    if kind == "sqlite":
        yield {"DATABASE_URL": f"sqlite:///{folder / 'portal.sqlite3'}"}
        return
    with cluster(max_connections="100") as postgres:
        yield {"DATABASE_URL": postgres.url}


def plain(name: str) -> str:
    """Return `name` as part of a file's name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
