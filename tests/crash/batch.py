"""One line of the table: a number of runs that all meet the same fate, and what became of them."""

import random
import sys
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import Error as DatabaseError
from django.db import connections

from aws.models import AwsTarget
from common.clock import now
from executions.models import FINAL, Execution, ExecutionEvent, Signal
from tests.crash import stage
from tests.crash.engines import Proxy, Sandbox, Valkey, plain
from tests.crash.faults import Fault, Mischief, Surroundings, spoilt_calls
from tests.crash.judging import Verdict, judge
from tests.crash.points import ASKING, LONG, LOST, SHORT, Point, nowhere
from tests.crash.portal import Portal, cast, in_a_fork, make_clients, pause
from tests.crash.tripwire import Marks, Tripwire

# Nothing new for so long, and the batch is stuck.
PATIENCE_SECONDS = 180.0
LOOK_SECONDS = 0.3
OUTSIDE_SECONDS = 0.15


@dataclass
class Line:
    """What the table says of a batch."""

    name: str
    database: str
    runs: int
    kills: int
    strikes: int
    automations: int
    lost: int
    doubled: int
    final: int
    seconds: float
    problems: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether everything is as it must be, and the batch met its fate at all."""
        whole = self.runs == self.automations == self.final
        return whole and not (self.lost or self.doubled or self.problems) and (self.kills or self.strikes) > 0

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {**asdict(self), "holds": self.holds}


class Theatre:
    """A portal's engines, on which batches are played one after the other.

    Arguments:
        database: "sqlite" or "postgresql"; Django's settings name it already.
        folder: for everything that is written.
        seed: of ids and dice.
    """

    def __init__(self, database: str, folder: Path, seed: int) -> None:
        self._database = database
        self._folder = folder
        self._seed = seed
        self._log = folder / "processes.log"
        self._valkey = Valkey(folder / "valkey")
        self._sandboxes = {
            lasting: Sandbox(folder / ("sandbox-lasting" if lasting else "sandbox"), lasting=lasting)
            for lasting in (False, True)
        }

    def open(self) -> None:
        """Start the queue; a sandbox is started with the first batch that needs it."""
        self._valkey.start()

    def close(self) -> None:
        """End every engine."""
        self._valkey.stop()
        for sandbox in self._sandboxes.values():
            sandbox.stop()

    def kill_at(self, point: Point, count: int) -> Line:
        """Play `count` runs, of which each has a process killed at `point` once."""
        sandbox = self._sandbox(lasting=False)
        marks = Marks(self._folder / "marks" / plain(point.name), count)
        portal = Portal(self._log, lambda name: self._arm(name, point, marks))
        mischief = None
        if point.reached is nowhere:
            here = self._surroundings(sandbox, portal, point.name)
            mischief = Mischief(_outside(point.dies, count), here)
        runs = dict.fromkeys(stage.run_ids(f"{self._seed} {point.name}", count), point.document)
        _set_targets(start_rate=point.start_rate)
        line = self._play(point.name, runs, portal, sandbox, mischief, marks, once_a_job=point.once_a_job)
        _set_targets(start_rate=Point.start_rate)
        line.kills = len(marks) + (mischief.here.happened if mischief else 0)
        line.strikes = 0
        return line

    def disturb(self, fault: Fault, count: int) -> Line:
        """Play `count` runs of all documents while `fault` happens."""
        sandbox = self._sandbox(lasting=fault.lasting)
        portal = Portal(self._log, lambda name: None)
        here = self._surroundings(sandbox, portal, fault.name)
        proxy = Proxy(self._folder, sandbox.url, fault.proxy, self._seed) if fault.proxy else None
        kinds = (SHORT, SHORT, ASKING, LONG)
        ids = stage.run_ids(f"{self._seed} {fault.name}", count)
        runs = {run: kinds[number // len(stage.REGIONS) % len(kinds)] for number, run in enumerate(ids)}
        if proxy is not None:
            proxy.start()
            _set_targets(endpoint_url=proxy.url)
        try:
            line = self._play(fault.name, runs, portal, sandbox, Mischief(fault, here))
        finally:
            _set_targets(endpoint_url=sandbox.url)
            if proxy is not None:
                line.strikes += spoilt_calls(proxy)
                proxy.stop()
        return line

    def _sandbox(self, *, lasting: bool) -> Sandbox:
        """Return the sandbox, with everything that runs need in it; the portal is led there."""
        sandbox = self._sandboxes[lasting]
        if sandbox.process is None:
            # What the portal knows is of one account: the other sandbox is not used again.
            self._sandboxes[not lasting].stop()
            sandbox.start()
            in_a_fork(self._log, lambda: stage.build(sandbox.account))
        return sandbox

    def _surroundings(self, sandbox: Sandbox, portal: Portal, name: str) -> Surroundings:
        return Surroundings(self._valkey, sandbox, portal, random.Random(f"{self._seed} {name}"))

    def _arm(self, name: str, point: Point, marks: Marks) -> None:
        if name == point.dies:
            Tripwire(point, marks).set()
        elif name == "person" and point.unheard:
            folder = self._folder / "marks" / f"{plain(point.name)}-unheard"
            Tripwire(LOST, Marks(folder, sys.maxsize)).set()

    def _play(
        self,
        name: str,
        runs: Mapping[uuid.UUID, str],
        portal: Portal,
        sandbox: Sandbox,
        mischief: Mischief | None,
        marks: Marks | None = None,
        *,
        once_a_job: bool = False,
    ) -> Line:
        with self._valkey.client() as client:
            client.flushall()
        began, since = time.monotonic(), now() - timedelta(seconds=1)
        presses = stage.Presses(self._folder / "presses" / plain(name))
        make_clients()
        listed = list(runs.items())
        cast(portal, once_a_job=once_a_job)
        portal.add("person", lambda: stage.launch(listed, presses))
        if set(runs.values()) != {SHORT}:
            portal.add("person", lambda: stage.attend(listed, presses))
        try:
            stuck = self._await_end(runs, portal, mischief, marks)
        finally:
            portal.stop()
        verdict = judge(sandbox, runs, since)
        connections.close_all()
        if stuck:
            verdict.fault(stuck)
        return self._line(name, verdict, mischief, time.monotonic() - began)

    def _await_end(
        self,
        runs: Mapping[uuid.UUID, str],
        portal: Portal,
        mischief: Mischief | None,
        marks: Marks | None,
    ) -> str:
        """Tend the processes until all runs have ended; returns a sentence when they do not."""
        looked_at = moved_at = time.monotonic()
        before: object = None
        while True:
            portal.tend()
            if mischief is not None:
                mischief.tend()
            pause()
            if time.monotonic() - looked_at < LOOK_SECONDS:
                continue
            looked_at = time.monotonic()
            state = _state(runs)
            # Where a worker dies before it has begun anything, deaths are all that moves at first.
            moved = (state, len(marks) if marks is not None else 0)
            if state is not None and moved != before:
                before, moved_at = moved, looked_at
            if state is not None and state[0] == len(runs) and not state[2]:
                return ""
            if looked_at - moved_at > PATIENCE_SECONDS:
                return f"Nothing has moved for {PATIENCE_SECONDS:g} s: {_left(runs)}"

    def _line(self, name: str, verdict: Verdict, mischief: Mischief | None, seconds: float) -> Line:
        return Line(
            name=name,
            database=self._database,
            runs=verdict.runs,
            kills=0,
            strikes=mischief.here.happened if mischief else 0,
            automations=verdict.automations,
            lost=verdict.lost,
            doubled=verdict.doubled,
            final=verdict.final,
            seconds=round(seconds, 1),
            problems=verdict.problems,
        )


def _outside(dies: str, count: int) -> Fault:
    def strike(here: Surroundings) -> None:
        here.portal.kill(here.dice.choice(here.portal.named("launcher", "tracker")))

    return Fault("outside", strike, every=OUTSIDE_SECONDS, most=count)


def _set_targets(**fields: Any) -> None:
    AwsTarget.objects.update(**fields)
    connections.close_all()


def _state(runs: Mapping[uuid.UUID, str]) -> tuple[int, int, int] | None:
    """Return how many runs are final, how many events there are, and how many answers are open."""
    with suppress(DatabaseError):
        ours = Execution.objects.filter(pk__in=list(runs))
        final = ours.filter(status__in=sorted(FINAL)).count()
        events = ExecutionEvent.objects.filter(execution__in=list(runs)).count()
        answers = Signal.objects.filter(execution__in=list(runs), sent_at=None, failure="").count()
        return final, events, answers
    connections.close_all()
    return None


def _left(runs: Mapping[uuid.UUID, str]) -> str:
    left = Execution.objects.filter(pk__in=list(runs)).exclude(status__in=sorted(FINAL))
    return ", ".join(f"{run.pk} is {run.status}" for run in left[:5]) or "answers are open"
