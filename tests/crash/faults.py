"""What happens around the portal while its runs are under way: engines die, connections break."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection, connections

from tests.crash.engines import Proxy, Sandbox, Valkey
from tests.crash.portal import Portal


@dataclass
class Surroundings:
    """What a mischief may touch.

    Attributes:
        dice: decides which and when.
        happened: how often something was done.
    """

    valkey: Valkey
    sandbox: Sandbox
    portal: Portal
    dice: random.Random
    happened: int = 0


@dataclass(frozen=True)
class Fault:
    """One kind of disturbance.

    Attributes:
        name: as it stands in the table and after --faults.
        strike: done at random moments; None when the disturbance lies in the calls alone.
        every: seconds between two strikes on an average.
        most: strikes in all, for what takes long.
        proxy: the faults of calls to AWS; see tests/crash/proxy.py.
        lasting: the sandbox keeps its state in a file.
        databases: the kinds of database that it is for.
    """

    name: str
    strike: Callable[[Surroundings], None] | None = None
    every: float = 1.0
    most: int = 50
    proxy: tuple[str, ...] = ()
    lasting: bool = False
    databases: tuple[str, ...] = ("sqlite", "postgresql")


def flush(here: Surroundings) -> None:
    """Empty the queue."""
    with here.valkey.client() as client:
        client.flushall()


def restart_queue(here: Surroundings) -> None:
    """Kill the queue's server and start it with its file."""
    here.valkey.kill()
    time.sleep(here.dice.uniform(0.0, 0.5))
    here.valkey.start()


def replace_queue(here: Surroundings) -> None:
    """Kill the queue's server and start it without its file."""
    here.valkey.kill()
    here.valkey.forget()
    time.sleep(here.dice.uniform(0.0, 0.5))
    here.valkey.start()


def cut_database(here: Surroundings) -> None:
    """End every connection to the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = %s AND pid <> pg_backend_pid()",
            [settings.DATABASES["default"]["NAME"]],
        )
    connections.close_all()


def restart_sandbox(here: Surroundings) -> None:
    """Kill AWS itself, and start it with what it had written down."""
    here.sandbox.kill()
    time.sleep(here.dice.uniform(0.0, 0.5))
    here.sandbox.start()


def kill_cron(here: Surroundings) -> None:
    """Kill the process that says when to reconcile."""
    for process in here.portal.named("cron"):
        here.portal.kill(process)


def kill_somebody(here: Surroundings) -> None:
    """Kill a worker, the tracker, the cron process or a person's web process."""
    alive = [process for process in here.portal.processes if not process.finished]
    here.portal.kill(here.dice.choice(alive))


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("queue flushed", flush, every=0.7),
        Fault("queue restarted with its file", restart_queue, every=2.0, most=20),
        Fault("queue restarted empty", replace_queue, every=2.0, most=20),
        Fault("database connections cut", cut_database, every=1.0, databases=("postgresql",)),
        Fault("sandbox restarted", restart_sandbox, every=5.0, most=6, lasting=True),
        Fault("cron killed", kill_cron, every=0.7),
        Fault("any process killed", kill_somebody, every=0.25, most=200),
        Fault("20 % throttled", proxy=("throttling",)),
        Fault("20 % answered with 500", proxy=("500",)),
        Fault("20 % time out", proxy=("timeouts",)),
        Fault("20 % of connections dropped", proxy=("dropped",)),
        Fault(
            "20 % spoilt in all these ways, processes killed",
            kill_somebody,
            every=0.5,
            most=100,
            proxy=("throttling", "500", "timeouts", "dropped"),
        ),
    )
}


@dataclass
class Mischief:
    """Strikes at random moments for as long as a batch lasts."""

    fault: Fault
    here: Surroundings
    next_at: float = field(default_factory=time.monotonic)

    def tend(self) -> None:
        """Strike if it is time; to be called often."""
        if (
            self.fault.strike is None
            or self.here.happened >= self.fault.most
            or time.monotonic() < self.next_at
        ):
            return
        self.fault.strike(self.here)
        self.here.happened += 1
        self.next_at = time.monotonic() + self.here.dice.uniform(0.5, 1.5) * self.fault.every


def spoilt_calls(proxy: Proxy | None) -> int:
    """Return how many calls to AWS were spoilt."""
    return proxy.faults if proxy is not None else 0
