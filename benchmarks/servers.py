"""A sandbox as people run it, to be measured: a process of its own, reached over the wire."""

from __future__ import annotations

import os
import re
import secrets
import statistics
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[1]
REGION = "us-east-1"
PROC = Path("/proc")
SAMPLE_SECONDS = 0.2
NAP_SECONDS = 0.05


class StartError(Exception):
    """The sandbox did not start; the text is what it said."""


@dataclass(frozen=True)
class Server:
    """A running sandbox and its root key."""

    url: str
    keys: Mapping[str, str]
    pid: int

    def client(self, service: str, connections: int = 1) -> Any:
        """A boto3 client of `service` as the account's root, which tries nothing twice."""
        make: Any = boto3.client
        return make(
            service,
            region_name=REGION,
            **self.keys,
            endpoint_url=self.url,
            config=Config(
                retries={"total_max_attempts": 1},
                max_pool_connections=connections,
                read_timeout=300,
                # The client shares the machine with what is measured.
                parameter_validation=False,
            ),
        )

    def processor_seconds(self) -> float:
        """What the server's process has computed until now, its ended children with it."""
        fields = (PROC / str(self.pid) / "stat").read_text().rpartition(")")[2].split()
        return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serve(*arguments: str, module: str = "sandbox") -> Iterator[Server]:
    """A sandbox on a free port, with these arguments, until the block ends. module: what is run as it.

    Errors: StartError when it does not say that it is ready.
    """
    keys = {"aws_access_key_id": "AKIABENCHMARKS000000", "aws_secret_access_key": secrets.token_hex(20)}
    process = subprocess.Popen(
        [sys.executable, "-m", module, "--port", "0", *arguments],
        cwd=ROOT,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("SANDBOX_")},
            "SANDBOX_ROOT_ACCESS_KEY_ID": keys["aws_access_key_id"],
            "SANDBOX_ROOT_SECRET_ACCESS_KEY": keys["aws_secret_access_key"],
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+", said)
        if address is None:
            process.terminate()
            said = (said + process.stdout.read()).strip()
            raise StartError(said.rpartition("\n")[2] or "it did not start, and said nothing.")
        yield Server(address[0], keys, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


class Memory:
    """The most memory, in megabytes, that a process and its children held while the block ran.

    Shared pages are counted once (the proportional set size of Linux); 0 where the system does not tell it.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak = 0.0

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self._sample()

    def _watch(self) -> None:
        while not self._done.wait(SAMPLE_SECONDS):
            self._sample()

    def _sample(self) -> None:
        self.peak = max(self.peak, sum(_megabytes(pid) for pid in _family(self._pid)))


class Lateness:
    """How many milliseconds too late this machine wakes whoever sleeps (median) while the block runs.

    No program that runs on it can do better.
    """

    def __init__(self) -> None:
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sleep, daemon=True)
        self._late: list[float] = []

    def __enter__(self) -> Lateness:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def median(self) -> float:
        return 1000 * statistics.median(self._late)

    def _sleep(self) -> None:
        while not self._done.is_set():
            begun = time.perf_counter()
            time.sleep(NAP_SECONDS)
            self._late.append(time.perf_counter() - begun - NAP_SECONDS)


class Slowness:
    """How many times as long as the processor a short computation takes (median) while the block runs.

    1 on a machine that has nothing else to do.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", COMPUTE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.median = 1.0

    def __enter__(self) -> Slowness:
        return self

    def __exit__(self, *_: object) -> None:
        told, _ = self._process.communicate()
        self.median = float(told)


# In a process of its own, so that no other thread of this one is in its way.
COMPUTE = """
import select, statistics, sys, time
took = []
while not select.select([sys.stdin], [], [], 0.2)[0]:
    begun, used = time.perf_counter(), time.process_time()
    while time.process_time() - used < 0.005:
        pass
    took.append((time.perf_counter() - begun) / (time.process_time() - used))
print(statistics.median(took or [1]))
"""


def _family(pid: int) -> Iterator[int]:
    """The process and all that descend from it."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for stat in PROC.glob("[0-9]*/stat"):
        with suppress(OSError):
            children[int(stat.read_text().rpartition(")")[2].split()[1])].append(int(stat.parent.name))
    found = [pid]
    for each in found:
        yield each
        found += children[each]


def _megabytes(pid: int) -> float:
    try:
        told = (PROC / str(pid) / "smaps_rollup").read_text()
    except OSError:
        return 0.0
    found = re.search(r"^Pss:\s+(\d+) kB", told, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0
