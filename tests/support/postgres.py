"""A PostgreSQL of a run's own: a new cluster in a temporary folder, on a unix socket only.

For the benchmarks and for tests that want PostgreSQL beside SQLite:

    with cluster() as postgres:
        environment["DATABASE_URL"] = postgres.url

It runs the machine's own binaries, and is gone with everything in it when the block ends.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import psycopg
from psycopg import sql

OWNER = "portal"
DATABASE = "portal"
START_LIMIT = 30.0  # seconds


class PostgresMissing(Exception):
    """This machine has no PostgreSQL server."""


def binaries() -> Path:
    """Return the folder of the newest PostgreSQL server of this machine. Raises PostgresMissing."""
    # Debian keeps the server's programs out of PATH, in a folder for each version.
    packaged = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda folder: int(folder.parent.name) if folder.parent.name.isdecimal() else 0,
        reverse=True,
    )
    searched = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    for folder in (*packaged, *searched):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise PostgresMissing(
        "This machine has no PostgreSQL server: install one (Debian: apt-get install postgresql), or leave "
        "PostgreSQL out."
    )


class Identity(NamedTuple):
    """Whom a program runs as; None for whoever started it."""

    user: int | None = None
    group: int | None = None
    groups: tuple[int, ...] | None = None


def _identity() -> Identity:
    """Return whom the server runs as: PostgreSQL refuses to be root's."""
    if os.geteuid() != 0:
        return Identity()
    for name in ("postgres", "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        return Identity(account.pw_uid, account.pw_gid, ())
    raise PostgresMissing("PostgreSQL does not run as root, and there is no user postgres or nobody here.")


@dataclass
class Cluster:
    """A running cluster.

    Attributes:
        folder: where its data, its socket and its log are.
        process: the server, while it runs.
    """

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The DATABASE_URL of the database made with the cluster."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """Return the DATABASE_URL of a database of this cluster."""
        return f"postgresql://{OWNER}@/{quote(database, safe='')}?host={quote(str(self.folder))}"

    def create(self, database: str) -> str:
        """Make an empty database and return its DATABASE_URL."""
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        return self.url_of(database)

    def start(self) -> None:
        """Run the server, and wait until it takes connections."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            # Nothing here has to survive the machine. What was committed survives the server's own death
            # all the same, for it is written before the commit is answered, only not forced to the disk.
            "fsync": "off",
            "full_page_writes": "off",
            **self.settings,
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        runner = _identity()
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [binaries() / "postgres", "-D", self.folder / "data", *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                user=runner.user,
                group=runner.group,
                extra_groups=runner.groups,
            )
        self._wait()

    def _wait(self) -> None:
        assert self.process is not None
        until = time.monotonic() + START_LIMIT
        while True:
            try:
                psycopg.connect(self.url_of("postgres"), connect_timeout=5).close()
            except psycopg.OperationalError as error:
                if self.process.poll() is not None or time.monotonic() > until:
                    said = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
                    raise RuntimeError(f"PostgreSQL did not start: {error}\n{said[-2000:]}") from error
                time.sleep(0.05)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End the server.

        Arguments:
            how: SIGINT ends it in order, whoever is connected; SIGQUIT as a crash would, so that it
                recovers from its log at the next start.
        """
        if self.process is None:
            return
        self.process.send_signal(how)
        self.process.wait(START_LIMIT)
        self.process = None


@contextmanager
def cluster(**settings: str) -> Iterator[Cluster]:
    """Make a cluster with one empty database, run it, and remove it at the end.

    Arguments:
        settings: of postgresql.conf, beside those that every cluster of ours has.

    Raises PostgresMissing where this machine has no PostgreSQL server.
    """
    server, runner = binaries(), _identity()
    # A socket's path may have 107 bytes, so not below whatever folder TMPDIR names.
    folder = Path(tempfile.mkdtemp(prefix="portal-pg-", dir="/tmp"))
    made = Cluster(folder, settings)
    try:
        if runner.user is not None:
            shutil.chown(folder, runner.user, runner.group)
        subprocess.run(
            [
                *(server / "initdb", "-D", folder / "data", "--username", OWNER, "--auth", "trust"),
                *("--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions"),
            ],
            check=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=folder,
            user=runner.user,
            group=runner.group,
            extra_groups=runner.groups,
        )
        made.start()
        made.create(DATABASE)
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)
