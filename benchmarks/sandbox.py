"""How fast the sandbox runs automations, and what it needs for it.

    python -m benchmarks.sandbox [--json] [--cdk] [--documents N] [--runs N] [--starts N]

Sandboxes are started as people start them, each a process of its own, and called by boto3 over the wire:

1. documents a second: ten sleeps, a branch and three Python scripts on the virtual clock, and with --cdk
   the simulation of the same document by cdk-ssm-documents in the same run;
2. the processor's milliseconds of a sleep step on the virtual clock;
3. many runs at once on the real clock: how much longer a step takes than it has to, and the memory;
4. many starts under a quota: which are lost, out of order, or do not end.

Ends with 1 when a bar is missed, with 2 when it cannot be measured.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from benchmarks import cdk, workloads
from benchmarks.runs import Runs, Stuck, moment
from benchmarks.servers import Lateness, Memory, Server, StartError, serve

SLEEPS = 200
SLEEP_RUNS = 10
CDK_ROUNDS = 8
WARM = 8
# Over how long the runs that go on at once begin, less than what they take: so that all go on together for
# a while, and not in step.
SPREAD_SECONDS = 2.0
MARGIN_SECONDS = 1.0


@dataclass(frozen=True)
class Bar:
    """A figure that must be `limit` at most, or at least."""

    name: str
    figure: float
    limit: float
    sense: Literal["at most", "at least"] = "at most"
    unit: str = ""

    @property
    def passed(self) -> bool:
        return self.figure <= self.limit if self.sense == "at most" else self.figure >= self.limit

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        said = "pass" if self.passed else "MISS"
        return f"{said}  {self.name}: {self.figure:.2f}{unit}, {self.sense} {self.limit:g}"


@dataclass(frozen=True)
class Throughput:
    """Documents a second, in real seconds; None where cdk-ssm-documents was not measured."""

    documents: int
    per_second: float
    cdk_per_second: float | None = None
    cdk_problem: str = ""

    def bars(self) -> Iterable[Bar]:
        if self.cdk_per_second:
            ratio = self.per_second / self.cdk_per_second
            yield Bar("documents a second against cdk-ssm-documents", ratio, 5, "at least", "times")


@dataclass(frozen=True)
class Sleeping:
    """Milliseconds that the server's processor takes for a sleep step, and that pass in the world."""

    processor: float
    elapsed: float

    def bars(self) -> Iterable[Bar]:
        yield Bar("a sleep step", self.processor, 1, unit="ms")


@dataclass(frozen=True)
class Concurrency:
    """Runs that went on at once. Overheads in milliseconds a step; megabytes.

    `machine_lateness` is by how many milliseconds the machine woke anybody too late meanwhile.
    """

    runs: int
    at_once: int
    median_overhead: float
    median_sleep_overhead: float
    p99_overhead: float
    machine_lateness: float
    peak_memory: float

    def bars(self) -> Iterable[Bar]:
        yield Bar("runs that go on at once", self.at_once, self.runs, "at least")
        yield Bar("overhead of a step (median)", self.median_overhead, 5, unit="ms")
        late = self.median_sleep_overhead - self.machine_lateness
        yield Bar("overhead of a sleep step beyond the machine's own (median)", late, 5, unit="ms")
        yield Bar("memory of the process and its children", self.peak_memory, 400, unit="MB")


@dataclass(frozen=True)
class Queueing:
    """Starts beyond the quota. `most_queued` is how many of them were seen to wait at once."""

    starts: int
    quota: int
    most_at_once: int
    waited: int
    lost: int
    overtaken: int
    unsuccessful: int

    def bars(self) -> Iterable[Bar]:
        yield Bar(f"runs at once under a quota of {self.quota}", self.most_at_once, self.quota)
        yield Bar(f"lost of {self.starts} starts", self.lost, 0)
        yield Bar("starts that a later one overtook", self.overtaken, 0)
        yield Bar("starts that did not end as Success", self.unsuccessful, 0)


def measure_throughput(runs: Runs, documents: int, with_cdk: bool) -> Throughput:
    """Starts the document of `workloads.mixed` so many times, and waits until all have ended."""
    runs.register("mixed", workloads.mixed())
    runs.start("mixed", [{"Start": "1"}] * WARM)
    runs.await_all()
    begun = time.perf_counter()
    runs.start("mixed", [{"Start": "1"}] * documents)
    runs.await_all()
    per_second = documents / (time.perf_counter() - begun)
    for each in runs.listed("mixed"):
        status = each["AutomationExecutionStatus"]
        if status != "Success" or each["Outputs"] != workloads.MIXED_OUTPUTS:
            raise Stuck(f"A run ended as {status}: {each.get('FailureMessage') or each['Outputs']}")
    if not with_cdk:
        return Throughput(documents, per_second)
    try:
        simulated = cdk.simulate(workloads.mixed(), {"Start": "1"}, CDK_ROUNDS)
    except cdk.Unavailable as problem:
        return Throughput(documents, per_second, cdk_problem=str(problem))
    if [simulated.outputs.get(name) for name in workloads.MIXED_OUTPUTS] != [
        value for (value,) in workloads.MIXED_OUTPUTS.values()
    ]:
        return Throughput(documents, per_second, cdk_problem="its simulation gives other outputs.")
    return Throughput(documents, per_second, simulated.per_second)


def measure_sleep(server: Server, runs: Runs) -> Sleeping:
    """What sleep steps cost beyond the run that they are part of: runs of many against runs of one."""
    runs.register("one", workloads.sleeps(1))
    runs.register("many", workloads.sleeps(SLEEPS))
    _sleep_cost(server, runs, "many")
    one, many = (_sleep_cost(server, runs, name) for name in ("one", "many"))
    steps = (SLEEPS - 1) * SLEEP_RUNS
    processor, elapsed = ((more - less) * 1000 / steps for more, less in zip(many, one, strict=True))
    return Sleeping(processor, elapsed)


def _sleep_cost(server: Server, runs: Runs, name: str) -> tuple[float, float]:
    computed, begun = server.processor_seconds(), time.perf_counter()
    runs.start(name, [{}] * SLEEP_RUNS, clients=1)
    runs.await_all()
    return server.processor_seconds() - computed, time.perf_counter() - begun


def measure_concurrency(number: int) -> Concurrency:
    """Starts `number` runs that all wait for a moment of their own, and looks at their steps afterwards."""
    with (
        serve("--limits", f"running={number}") as server,
        Memory(server.pid) as memory,
    ):
        runs = Runs(server)
        runs.register("steps", workloads.concurrent())
        begin = _soon(runs, number)
        moments = [begin + dt.timedelta(seconds=SPREAD_SECONDS * place / number) for place in range(number)]
        started = runs.start("steps", [{"Begin": moment(each)} for each in moments])
        with Lateness() as lateness:
            # Looking at the runs while they go on would hold them up.
            _sleep_until(moments[-1] + dt.timedelta(seconds=workloads.CONCURRENT_SECONDS))
        runs.await_all()
        steps = [runs.steps(each) for each in started]
    told = [each for ran, due in zip(steps, moments, strict=True) for each in _overheads(ran, due)]
    overheads = sorted(overhead for _, overhead in told)
    return Concurrency(
        number,
        _most_at_once([(ran[0]["ExecutionStartTime"], ran[-1]["ExecutionEndTime"]) for ran in steps]),
        statistics.median(overheads),
        statistics.median(overhead for action, overhead in told if action == "aws:sleep"),
        overheads[len(overheads) * 99 // 100],
        lateness.median,
        memory.peak,
    )


def _soon(runs: Runs, number: int) -> dt.datetime:
    """A moment at which `number` starts will have been made, told from the pace of some."""
    runs.register("warm", workloads.queued())
    past = [{"Begin": moment(dt.datetime.now(dt.UTC))}]
    runs.start("warm", past)
    begun = time.perf_counter()
    runs.start("warm", past * (WARM - 1), clients=1)
    pace = (time.perf_counter() - begun) / (WARM - 1)
    runs.await_all()
    return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=MARGIN_SECONDS + pace * number)


def _sleep_until(then: dt.datetime) -> None:
    time.sleep(max(0.0, (then - dt.datetime.now(dt.UTC)).total_seconds()))


def _overheads(steps: Sequence[dict[str, Any]], begin: dt.datetime) -> Iterable[tuple[str, float]]:
    """The action of each step and its overhead: milliseconds since the step before ended, without those that
    the step takes by itself.

    The first step's are those after the moment until which it sleeps, or after its own begin if that is
    later.
    """
    before = max(begin, steps[0]["ExecutionStartTime"])
    for place, step in enumerate(steps):
        took = (step["ExecutionEndTime"] - before).total_seconds()
        nominal = workloads.nominal_seconds(step) if place else 0.0
        yield step["Action"], 1000 * (took - nominal)
        before = step["ExecutionEndTime"]


def _most_at_once(spans: Iterable[tuple[dt.datetime, dt.datetime]]) -> int:
    """How many of the spans cover one moment at most; one that ends as another begins does not."""
    changes = sorted(each for begin, end in spans for each in ((begin, 1), (end, -1)))
    going, most = 0, 0
    for _, change in changes:
        going += change
        most = max(most, going)
    return most


def measure_queue(starts: int, quota: int) -> Queueing:
    """Makes `starts` starts, one after the other, while the first of them fill the quota."""
    with serve("--limits", f"running={quota},pending={starts + WARM}") as server:
        runs = Runs(server)
        runs.register("queued", workloads.queued())
        begin = _soon(runs, starts)
        started = runs.start("queued", [{"Begin": moment(begin)}] * starts, clients=1)
        waited = len(runs.listed("queued", ExecutionStatus="Pending"))
        runs.await_all()
        told = runs.listed("queued")
        spans = {}
        for each in started:
            steps = runs.steps(each)
            spans[each] = (steps[0]["ExecutionStartTime"], steps[-1]["ExecutionEndTime"])
    ended = {each["AutomationExecutionId"]: each["AutomationExecutionStatus"] for each in told}
    begins = [spans[each][0] for each in started]
    return Queueing(
        starts,
        quota,
        _most_at_once(spans.values()),
        waited,
        lost=len(started) - len(ended.keys() & set(started)),
        overtaken=sum(1 for place, each in enumerate(begins) if each > min(begins[place:])),
        unsuccessful=sum(1 for each in started if ended.get(each) != "Success"),
    )


@dataclass(frozen=True)
class Result:
    """A whole run."""

    throughput: Throughput
    sleeping: Sleeping
    concurrency: Concurrency
    queueing: Queueing

    @property
    def bars(self) -> list[Bar]:
        parts = (self.throughput, self.sleeping, self.concurrency, self.queueing)
        return [bar for part in parts for bar in part.bars()]

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "bars": [{**asdict(bar), "passed": bar.passed} for bar in self.bars]}

    def lines(self) -> Iterable[str]:
        made, slept, went, waited = self.throughput, self.sleeping, self.concurrency, self.queueing
        what = "documents of ten sleeps, a branch and three scripts"
        yield f"{made.documents} {what}: {made.per_second:.1f} a second"
        if made.cdk_per_second:
            yield f"  cdk-ssm-documents simulates {made.cdk_per_second:.1f} a second"
        elif made.cdk_problem:
            yield f"  cdk-ssm-documents was not measured: {made.cdk_problem}"
        yield f"A sleep step: {slept.processor:.2f} ms of the processor, {slept.elapsed:.2f} ms pass"
        yield (
            f"{went.runs} runs, {went.at_once} of them at once: a step takes {went.median_overhead:.2f} ms "
            f"longer than it has to (median; 99th percentile {went.p99_overhead:.2f} ms)"
        )
        yield (
            f"  sleeps {went.median_sleep_overhead:.2f} ms longer, where the machine wakes anybody "
            f"{went.machine_lateness:.2f} ms too late (medians); {went.peak_memory:.0f} MB"
        )
        yield (
            f"{waited.starts} starts under a quota of {waited.quota}: {waited.waited} waited, "
            f"{waited.lost} lost, {waited.overtaken} overtaken, {waited.unsuccessful} not Success"
        )
        yield from map(str, self.bars)


def run(*, documents: int, runs: int, starts: int, quota: int, with_cdk: bool) -> Result:
    """Measures everything. Errors: StartError, Stuck, and boto3's when a call fails."""
    with serve("--clock", "virtual", "--limits", f"pending={documents}") as server:
        virtual = Runs(server)
        throughput = measure_throughput(virtual, documents, with_cdk)
        sleeping = measure_sleep(server, virtual)
    return Result(throughput, sleeping, measure_concurrency(runs), measure_queue(starts, quota))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark and gives the exit status: 0, 1 when a bar is missed, 2 when something failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sandbox", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--cdk", action="store_true", help="compare with cdk-ssm-documents, which npm installs aside"
    )
    sizes = {
        "documents": (200, "documents of the throughput"),
        "runs": (500, "runs at once"),
        "starts": (1000, "starts under the quota"),
        "quota": (100, "the quota"),
    }
    for name, (number, what) in sizes.items():
        parser.add_argument(
            f"--{name}", type=int, default=number, metavar="N", help=f"{what} (default: {number})"
        )
    options = parser.parse_args(arguments)
    given = {name: getattr(options, name) for name in sizes}
    if min(given.values()) < 1:
        print("Every number must be positive.", file=sys.stderr)
        return 2
    try:
        result = run(**given, with_cdk=options.cdk)
    except (StartError, Stuck, BotoCoreError, ClientError) as problem:
        print(f"The sandbox was not measured: {problem}", file=sys.stderr)
        return 2
    print(json.dumps(result.as_dict(), indent=2) if options.json else "\n".join(result.lines()))
    return 0 if all(bar.passed for bar in result.bars) else 1


if __name__ == "__main__":
    sys.exit(main())
