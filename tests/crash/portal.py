"""The portal's processes, forked from one that has loaded everything, and started again when they die."""

import ctypes
import importlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.config import Config
from django.db import connections
from django_rq.workers import get_worker
from rq.cron import CronScheduler

from aws import clients
from aws.models import AwsTarget
from common import queueing
from executions import jobs

# What takes a minute in production takes a second here: (module, name, value).
SHORTENED: tuple[tuple[str, str, Any], ...] = (
    ("executions.launching", "CLAIM_SECONDS", 5.0),
    ("executions.launching", "SHORTEST_RETRY", 0.3),
    ("executions.launching", "LONGEST_RETRY", 2.0),
    ("executions.launching", "PACER_SECONDS", 1.0),
    ("executions.fairness", "TAKEN_SECONDS", 3),
    ("executions.sending", "CLAIM_SECONDS", 5.0),
    ("executions.reconciling", "INTERVAL_SECONDS", 0.3),
    ("executions.leases", "LEASE_SECONDS", 0.6),
    ("executions.leases", "RENEW_SECONDS", 0.1),
    ("executions.tracking", "RENEW_SECONDS", 0.1),
    ("executions.tracking", "TICK_SECONDS", 0.1),
    ("executions.tracking", "FIRST_BACK_OFF", 0.2),
    ("executions.tracking", "LONGEST_BACK_OFF", 1.0),
    # So that two trackers share the targets, and what a kill delays is half of it.
    ("executions.tracking", "MOST_TARGETS", 2),
    ("executions.following", "SHORTEST_PAUSE", 0.2),
    ("executions.following", "LONGEST_PAUSE", 1.0),
    ("executions.looking", "REST_SECONDS", 0.3),
    ("executions.looking", "LONG_REST_SECONDS", 1.0),
)
CLIENT_SECONDS = 2.0
CRON_SECONDS = 0.3
STARTED_AGAIN_SECONDS = 0.02
_PR_SET_PDEATHSIG = 1


def shorten() -> None:
    """Make the product's time-outs short in this process and whatever it forks.

    Raises AttributeError when the product has no such constant any more: the table above must follow.
    """
    for module, name, value in SHORTENED:
        loaded = importlib.import_module(module)
        getattr(loaded, name)
        setattr(loaded, name, value)
    short = Config(connect_timeout=CLIENT_SECONDS, read_timeout=CLIENT_SECONDS)
    clients._CONFIG = clients._CONFIG.merge(short)


def warm_up() -> None:
    """Load what a worker needs."""
    importlib.import_module("executions.apps").ExecutionsConfig.ready(None)  # type: ignore[arg-type]
    os.register_at_fork(after_in_child=_keep_clients)


_kept: dict[str, Any] = {}


def make_clients() -> None:
    """Make the AWS clients that workers will need; they open no connection before they are used.

    A worker makes them itself in production, once in its life; here it lives for one call, and would spend
    most of its time on that.
    """
    clients._clients.forget()
    keys = clients.Keys("warm", "warm")
    for target in AwsTarget.objects.all():
        clients.client("sts", target, keys)
        clients.client("ssm", target, keys)
        clients.client("ssm", target, keys, repeats=False)
    _kept.update(_made=clients._clients._made, _sessions=clients._clients._sessions)


def _keep_clients() -> None:
    vars(clients._clients).update(_kept)


def work(*queues: str, most: int | None = None) -> None:
    """Be a worker of these queues, for `most` jobs or for ever."""
    get_worker(*queues).work(logging_level="ERROR", max_jobs=most)


def keep_time() -> None:
    """Be the cron process."""
    scheduler = CronScheduler(queueing.connection(), logging_level="ERROR")
    scheduler.register(jobs.reconcile, "default", interval=CRON_SECONDS, ttl=1, result_ttl=0)
    scheduler.start()


@dataclass
class Process:
    """One process of the portal: `body` runs in the fork, and in another when that dies before it is done."""

    name: str
    body: Callable[[], None]
    pid: int = 0
    starts: int = 0
    finished: bool = False


@dataclass
class Portal:
    """The processes of one portal.

    Attributes:
        log: where they write.
        arm: runs first in each fork; is given the process's name.
    """

    log: Path
    arm: Callable[[str], None]
    processes: list[Process] = field(default_factory=list)

    def add(self, name: str, body: Callable[[], None]) -> Process:
        """Start a process that is kept alive until its body returns."""
        process = Process(name, body)
        self.processes.append(process)
        self._fork(process)
        return process

    def tend(self) -> None:
        """Start again whatever has died; to be called often."""
        for process in self.processes:
            if process.finished or not self._ended(process):
                continue
            if not process.finished:
                self._fork(process)

    def kill(self, process: Process) -> bool:
        """End a process at once; answer whether there was one."""
        if process.finished or not process.pid:
            return False
        os.kill(process.pid, signal.SIGKILL)
        return True

    def stop(self) -> None:
        """End all of them, and wait until they have."""
        for process in self.processes:
            if not process.finished:
                self.kill(process)
        for process in self.processes:
            if not process.finished:
                os.waitpid(process.pid, 0)
                process.finished = True

    def named(self, *names: str) -> list[Process]:
        """Return the processes of these names."""
        return [process for process in self.processes if process.name in names]

    def _ended(self, process: Process) -> bool:
        pid, status = os.waitpid(process.pid, os.WNOHANG)
        if not pid:
            return False
        process.finished = os.waitstatus_to_exitcode(status) == 0 and process.name == "person"
        return True

    def _fork(self, process: Process) -> None:
        # A fork would share the parent's connections, and end them with its own death.
        connections.close_all()
        process.starts += 1
        sys.stdout.flush()
        parent = os.getpid()
        pid = os.fork()
        if pid:
            process.pid = pid
            return
        status = 1
        try:
            self._become(process, parent)
            process.body()
            status = 0
        except BaseException:  # noqa: BLE001 - a process's end is its parent's to judge
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)

    def _become(self, process: Process, parent: int) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for stream in (1, 2):
            os.dup2(descriptor, stream)
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        self.arm(process.name)


def in_a_fork(log: Path, body: Callable[[], None]) -> None:
    """Run `body` in a process of its own and wait for its end. Raises RuntimeError when it fails."""
    portal = Portal(log, lambda name: None)
    process = portal.add("person", body)
    _, status = os.waitpid(process.pid, 0)
    process.finished = True
    if status:
        raise RuntimeError(f"A process of the suite failed:\n{log.read_text(encoding='utf-8')[-3000:]}")


def cast(
    portal: Portal, *, once_a_job: bool, launchers: int = 2, trackers: int = 2
) -> Mapping[str, list[Process]]:
    """Start the workers and the cron of a portal, by the names that points use."""
    most = 1 if once_a_job else None
    return {
        "launcher": [
            portal.add("launcher", lambda: work("launch", "default", most=most)) for _ in range(launchers)
        ],
        "tracker": [portal.add("tracker", lambda: work("tracking")) for _ in range(trackers)],
        "cron": [portal.add("cron", keep_time)],
    }


def pause() -> None:
    """Let the processes work for a moment."""
    time.sleep(STARTED_AGAIN_SECONDS)
