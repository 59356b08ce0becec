"""How many live pages one web process serves, and how soon each hears of an event.

    python -m benchmarks.watchers [--json] [--postgres] [--watchers N] [--runs N] [--events N]

Starts a Valkey, a database and one web process with gunicorn, and opens a stream for each watcher over
HTTP, each a person of their own. Another process appends the events:

1. all watch one run;
2. the same, after half of them have lost their right to see it;
3. they watch many runs, as many each, at first while nothing happens.

An event counts as received with the first message that names it or a later one: events that come faster than
they are sent share a message. Delays are from the event's commit to when the client has read of it.
Strangers ask for a stream as well, and must get nothing.

Ends with 1 when a bar is missed, with 2 when it cannot be measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from automation_portal.stack.layout import LOOPBACK, Layout, portal_environment
from automation_portal.stack.programs import Program, answers, programs
from benchmarks.sandbox import Bar
from benchmarks.servers import ROOT, Memory, Server, Slowness
from benchmarks.watching import Client, opened
from tests.support.postgres import PostgresMissing, cluster
from tests.support.stack import eventually, free_port_pair, heeding_signals

STRANGERS = 20
DELEGATIONS = 20
# The web process needs a file for each stream, this one too; whoever starts it may allow fewer.
FILES = 16_384
PACE_ONE_RUN = 0.5
PACE_MANY_RUNS = 0.01
# In which streams whose right is gone must have ended: RECHECK_SECONDS of executions.watching and a little.
END_SECONDS = 12.0
# An answer that the door gave before the right was taken may still be on its way.
IN_FLIGHT_SECONDS = 0.25
SETTLE_SECONDS = 3.0
# As long as it takes to ask the door again for each.
IDLE_SECONDS = 10.0


@dataclass
class Phase:
    """What watchers were due and got. Delays in milliseconds."""

    name: str
    watchers: int
    runs: int
    events: int
    due: int = 0
    received: int = 0
    messages: int = 0
    median: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    processor_seconds: float = 0.0
    seconds: float = 0.0

    def bars(self) -> Iterator[Bar]:
        yield Bar(f"{self.name}: events that did not reach a watcher", self.due - self.received, 0)
        yield Bar(f"{self.name}: delay (median)", self.median, 100, unit="ms")

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.watchers} watchers, {self.runs} runs, {self.events} events; {self.received} "
            f"of {self.due} received, in {self.messages} messages; delay {self.median:.0f} ms (median), "
            f"{self.p95:.0f} ms (95th), {self.p99:.0f} ms (99th percentile); "
            f"{self.processor_seconds:.1f} s of the processor in {self.seconds:.0f} s"
        )


@dataclass
class Result:
    """A whole run. Memory is the web process's proportional set size in MiB."""

    database: str
    files: int
    phases: list[Phase] = field(default_factory=list)
    opening_seconds: float = 0.0
    opening_processor_seconds: float = 0.0
    memory_before: float = 0.0
    memory_with: float = 0.0
    memory_after: float = 0.0
    strangers_refused: int = 0
    strangers: int = 0
    told_without_right: int = 0
    still_open_without_right: int = 0
    last_end_seconds: float = 0.0
    idle_share: float = 0.0
    slowness: float = 1.0

    @property
    def bars(self) -> list[Bar]:
        return [
            *(bar for phase in self.phases for bar in phase.bars()),
            Bar("strangers who were not refused", self.strangers - self.strangers_refused, 0),
            Bar("messages to whom the right was taken from", self.told_without_right, 0),
            Bar("streams left open without a right", self.still_open_without_right, 0),
        ]

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "bars": [{**asdict(bar), "passed": bar.passed} for bar in self.bars]}

    def lines(self) -> Iterator[str]:
        yield f"One web process on {self.database}; {self.files} open files allowed"
        watchers = self.phases[0].watchers
        yield (
            f"{watchers} streams opened in {self.opening_seconds:.1f} s, with "
            f"{self.opening_processor_seconds:.1f} s of the processor; memory {self.memory_before:.0f} MiB "
            f"before, {self.memory_with:.0f} MiB with them "
            f"({1024 * (self.memory_with - self.memory_before) / watchers:.0f} KiB each), "
            f"{self.memory_after:.0f} MiB after they had all left"
        )
        yield from map(str, self.phases)
        yield (
            f"{self.strangers_refused} of {self.strangers} strangers refused; the last stream without a "
            f"right ended {self.last_end_seconds:.1f} s after it was taken"
        )
        yield f"While nothing happens {watchers} watchers take {100 * self.idle_share:.0f} % of a processor"
        yield (
            f"Meanwhile this machine took {self.slowness:.1f} times as long as the processor to compute for "
            "some milliseconds (median): what its other programs take is in every delay"
        )
        yield from map(str, self.bars)


@dataclass(frozen=True)
class World:
    """Runs, and the cookies of who watches them: the second half are in the group that leaves."""

    runs: list[str]
    cookies: list[str]
    strangers: list[str]


@dataclass
class Appender:
    """The process that appends events; see benchmarks.appending."""

    process: subprocess.Popen[str]

    async def does(self, **words: Any) -> list[tuple[str, int, float]]:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        line = await asyncio.to_thread(self.process.stdout.readline)
        if not line:
            raise SystemExit("The process that appends events has ended.")
        return [tuple(each) for each in json.loads(line)]


@contextmanager
def running(environment: Mapping[str, str], program: Program) -> Iterator[subprocess.Popen[bytes]]:
    """One program of the stack, until the block ends."""
    log = Path(environment["DATA_DIR"]) / f"{program.name}.log"
    with log.open("wb") as said, heeding_signals():
        process = subprocess.Popen(
            program.command, cwd=ROOT, env=dict(program.environment), stdout=said, stderr=said
        )
    try:
        assert program.probe is not None
        probe = program.probe
        eventually(probe, seconds=60, what=f"{program.name}\n{log.read_text(errors='replace')}")
        yield process
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def portal(postgres: bool) -> Iterator[tuple[Layout, int, Appender]]:
    """Valkey, an empty database, the web process (its id) and the appender. Django is set up on them."""
    with ExitStack() as held:
        folder = held.enter_context(
            tempfile.TemporaryDirectory(prefix="portal-watch-", ignore_cleanup_errors=True)
        )
        for name in ("DATABASE_URL", "REDIS_URL", "PORTAL_MODE"):
            os.environ.pop(name, None)
        os.environ.setdefault("FRONTEND_DIST", str(ROOT / "var" / "frontend" / "dist"))
        os.environ.setdefault("PYTHONPYCACHEPREFIX", str(ROOT / "var" / "cache" / "pycache"))
        os.environ |= {
            "DATA_DIR": folder,
            "PORT": str(free_port_pair()),
            "DJANGO_SETTINGS_MODULE": "automation_portal.settings",
            "LOG_LEVEL": "WARNING",
        }
        if postgres:
            os.environ["DATABASE_URL"] = held.enter_context(cluster()).url
        layout = Layout.from_environment()
        layout.make_folders()
        environment = portal_environment(layout)
        found = {program.name: program for program in programs(layout)}
        held.enter_context(running(environment, found["valkey"]))
        for words in (("migrate",), ("collectstatic", "--no-input")):
            subprocess.run(
                [sys.executable, "manage.py", *words, "--verbosity", "0"],
                cwd=ROOT,
                env=environment,
                check=True,
            )
        web = held.enter_context(running(environment, web_process(layout, environment)))
        process = held.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.appending"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        held.callback(process.terminate)
        import django

        django.setup()
        yield layout, web.pid, Appender(process)


def web_process(layout: Layout, environment: Mapping[str, str]) -> Program:
    """The web by itself, as docs/operations.md starts it."""
    words = (
        *(sys.executable, "-m", "gunicorn", "automation_portal.asgi:application"),
        *("-k", "automation_portal.worker.PortalWorker", "--graceful-timeout", "3"),
        *("-b", f"{LOOPBACK}:{layout.port}", "--no-control-socket"),
    )
    return Program("web", words, environment, probe=lambda: answers(layout.port, "/health/ready/"))


def populate(watchers: int, runs: int) -> World:
    """Make the runs and the people: half of these in each of two groups that may see every delegation."""
    from django.contrib.auth.models import Group
    from django.db import transaction

    from accounts.models import User
    from common import access
    from executions.models import Execution, Status
    from tests.support import factories

    with transaction.atomic():
        author = User.objects.create_user("author")
        groups = [Group.objects.create(name=name) for name in ("stay", "leave")]
        target = factories.make_target()
        version, role = factories.make_document(author), factories.make_role(target)
        delegations = [
            factories.make_delegation(version, target, role, author, name=f"Delegation {place}")
            for place in range(DELEGATIONS)
        ]
        for delegation in delegations:
            for group in groups:
                access.grant("view", delegation, group)
        made = Execution.objects.bulk_create(
            Execution(
                delegation=delegations[place % DELEGATIONS],
                operator=author,
                version=version,
                target=target,
                content_hash=version.sha256,
                aws_document_name=version.document.name,
                aws_document_version="1",
                status=Status.IN_PROGRESS,
            )
            for place in range(runs)
        )
        people = [User(username=f"watcher{place}") for place in range(watchers + STRANGERS)]
        for person in people:
            person.set_unusable_password()
        people = User.objects.bulk_create(people)
        for place, person in enumerate(people[:watchers]):
            groups[place >= watchers // 2].user_set.add(person)
        cookies = [signed_in(person) for person in people]
    return World([str(run.pk) for run in made], cookies[:watchers], cookies[watchers:])


def signed_in(person: Any) -> str:
    """Return the cookie of a new session of a person, as signing in leaves it."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.save()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


@dataclass
class Measured:
    """The web process, while its streams are watched."""

    web: int
    appender: Appender

    def processor_seconds(self) -> float:
        # gunicorn's master does nothing; its one worker is its one child.
        (worker,) = Path(f"/proc/{self.web}/task/{self.web}/children").read_text().split()
        return Server("", {}, int(worker)).processor_seconds()

    def memory(self) -> float:
        with Memory(self.web) as memory:
            pass
        return memory.peak

    async def phase(self, name: str, clients: Sequence[Client], runs: Sequence[str], pace: float) -> Phase:
        """Append an event for each of `runs` (one may stand there often); see who hears of it, and when."""
        before = self.processor_seconds()
        begun = time.monotonic()
        events = await self.appender.does(append=list(runs), every=pace)
        due = [(client, number, at) for run, number, at in events for client in clients if client.run == run]
        delays: list[float] = []
        until = time.monotonic() + SETTLE_SECONDS
        while len(delays) < len(due) and time.monotonic() < until:
            await asyncio.sleep(0.2)
            found = (first_heard(client, number) for client, number, _ in due)
            delays = [
                1000 * (heard - at) for heard, (_, _, at) in zip(found, due, strict=True) if heard is not None
            ]
        ordered = sorted(delays) or [0.0]
        return Phase(
            name,
            len(clients),
            len(set(runs)),
            len(runs),
            due=len(due),
            received=len(delays),
            messages=sum(at >= begun for client in clients for _, at in client.heard),
            median=statistics.median(ordered),
            p95=ordered[len(ordered) * 95 // 100],
            p99=ordered[len(ordered) * 99 // 100],
            processor_seconds=self.processor_seconds() - before,
            seconds=time.monotonic() - begun,
        )


def first_heard(client: Client, number: int) -> float | None:
    return next((at for heard, at in client.heard if heard >= number), None)


async def measure(layout: Layout, measured: Measured, world: World, events: int, result: Result) -> None:
    """Go through the phases, and put into `result` what is found."""
    one, half = world.runs[0], len(world.cookies) // 2
    # What the process loads once is no watcher's.
    await let_go(await opened(layout.port, [(one, cookie) for cookie in world.cookies[:STRANGERS]]))
    strangers = await opened(layout.port, [(one, cookie) for cookie in world.strangers])
    result.strangers, result.strangers_refused = len(strangers), sum(each.status == 404 for each in strangers)
    await let_go(strangers)

    result.memory_before = measured.memory()
    used, begun = measured.processor_seconds(), time.monotonic()
    clients = await opened(layout.port, [(one, cookie) for cookie in world.cookies])
    result.opening_seconds = time.monotonic() - begun
    result.opening_processor_seconds = measured.processor_seconds() - used
    result.phases.append(await measured.phase("one run", clients, [one] * events, PACE_ONE_RUN))
    result.memory_with = measured.memory()

    staying, leaving = clients[:half], clients[half:]
    ((_, _, gone),) = await measured.appender.does(revoke="leave")
    result.phases.append(await measured.phase("half lost it", staying, [one] * events, PACE_ONE_RUN))
    await asyncio.sleep(max(0.0, gone + END_SECONDS - time.monotonic()))
    result.told_without_right = sum(at > gone + IN_FLIGHT_SECONDS for each in leaving for _, at in each.heard)
    result.still_open_without_right = sum(each.ended is None for each in leaving)
    result.last_end_seconds = max((each.ended or time.monotonic()) - gone for each in leaving)
    await let_go(clients)
    result.memory_after = measured.memory()

    await measured.appender.does(grant="leave")
    spread = [(world.runs[place % len(world.runs)], cookie) for place, cookie in enumerate(world.cookies)]
    clients = await opened(layout.port, spread)
    used = measured.processor_seconds()
    await asyncio.sleep(IDLE_SECONDS)
    result.idle_share = (measured.processor_seconds() - used) / IDLE_SECONDS
    result.phases.append(await measured.phase("many runs", clients, world.runs, PACE_MANY_RUNS))
    await let_go(clients)


async def let_go(clients: Sequence[Client]) -> None:
    for client in clients:
        client.close()
    await asyncio.sleep(2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and give the exit status: 0, 1 when a bar is missed, 2 when something failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.watchers", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL of its own, not on SQLite")
    parser.add_argument("--watchers", type=int, default=1000, metavar="N", help="streams (default: 1000)")
    parser.add_argument(
        "--runs", type=int, metavar="N", help="runs of the last part (default: one a watcher)"
    )
    parser.add_argument("--events", type=int, default=20, metavar="N", help="events of one run (default: 20)")
    options = parser.parse_args(arguments)
    runs = options.runs or options.watchers
    if min(options.watchers - 1, runs, options.events) < 1:
        print("There must be two watchers, a run and an event at least.", file=sys.stderr)
        return 2
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    if files < options.watchers + 200:
        print(f"This machine allows {files} open files; allow more: ulimit -Hn {FILES}", file=sys.stderr)
        return 2
    result = Result("PostgreSQL" if options.postgres else "SQLite", files)
    try:
        with portal(options.postgres) as (layout, web, appender):
            world = populate(options.watchers, runs)
            with Slowness() as slowness:
                asyncio.run(measure(layout, Measured(web, appender), world, options.events, result))
            result.slowness = slowness.median
    except (PostgresMissing, AssertionError, TimeoutError) as problem:
        print(f"The watchers were not measured: {problem}", file=sys.stderr)
        return 2
    print(json.dumps(result.as_dict(), indent=2) if options.json else "\n".join(result.lines()))
    return 0 if all(bar.passed for bar in result.bars) else 1


if __name__ == "__main__":
    sys.exit(main())
