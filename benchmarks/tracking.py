"""How fresh one tracker keeps thousands of runs under AWS's limits, and what it costs.

    python -m benchmarks.tracking [--json] [--runs N] [--seconds N] [--events]

1. A sandbox that does not keep AWS's limits on calls yet takes the runs, of a document of four sleeps.
2. From then on it keeps them, and one tracker process (`manage.py rqworker tracking`) follows the runs with a
   database and a queue of its own.
3. Once every run has been looked at, the age of the oldest look at an unfinished run is sampled, beside what
   the limit allows: a page of fifty is asked for three times a second.

With `--events` EventBridge delivers to a queue that the tracker reads; afterwards the sandbox, without limits
again, tells when each step began and each run ended, and the events kept here tell when that was shown.

Ends with 1 when a bar is missed, with 2 when it cannot be measured.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.sandbox import Bar
from benchmarks.servers import PROC, ROOT, StartError, serve
from benchmarks.tracked import changes, delays, make_queue, make_rows, populate

PAGE, CALLS_A_SECOND = 50, 3
# Some end while the measurement is prepared and taken.
SPARE = 0.06
WARM_UP_SECONDS = 5
SAMPLE_SECONDS = 0.5
LONGEST_WARM_UP = 300
SHOWN_WITHIN = 2.0
# What changed last may still be on its way.
MARGIN_SECONDS = 5


class Unmeasurable(Exception):
    """Something did not come about; the text says what."""


@dataclass
class Sample:
    """The state at one moment: unfinished runs, the oldest look at one, and what the limit allows."""

    runs: int
    oldest: float

    @property
    def allowed(self) -> float:
        return -(-self.runs // PAGE) / CALLS_A_SECOND


@contextmanager
def valkey(folder: Path) -> Iterator[str]:
    """A queue server of the benchmark's own; gives its address."""
    from automation_portal.stack.programs import valkey_binary

    socket = folder / "valkey.sock"
    process = subprocess.Popen(
        [
            str(valkey_binary()),
            "--port",
            "0",
            "--unixsocket",
            str(socket),
            "--dir",
            str(folder),
            "--save",
            "",
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 20
        while not socket.exists():
            if time.monotonic() > deadline:
                raise Unmeasurable("The queue's server did not start.")
            time.sleep(0.05)
        yield f"unix://{socket}?db=0"
    finally:
        process.terminate()
        process.wait(10)


def set_up_portal(folder: Path, redis_url: str) -> dict[str, str]:
    """Make a database, and Django ready on it; returns the environment of the portal's processes."""
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "DATA_DIR": str(folder),
        "REDIS_URL": redis_url,
        "LOG_LEVEL": "WARNING",
        **({"DATABASE_URL": os.environ["DATABASE_URL"]} if "DATABASE_URL" in os.environ else {}),
    }
    os.environ.update(environment, DJANGO_SETTINGS_MODULE="automation_portal.settings")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    return environment


@contextmanager
def tracker(environment: Mapping[str, str]) -> Iterator[int]:
    """The tracker's process, as the stack starts it; gives its process id."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "rqworker", "tracking"],
        cwd=ROOT,
        env=dict(environment),
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def processor_seconds(pid: int) -> float:
    """What a process and all its threads, and children that have ended, have computed."""
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def sample(target_id: int) -> Sample | None:
    """Look at the database; None while there is a run that was never looked at."""
    from django.db.models import Count, Min, Q

    from common.clock import now
    from executions.following import in_flight

    found = in_flight(target_id).aggregate(
        runs=Count("pk"), oldest=Min("observed_at"), never=Count("pk", filter=Q(observed_at=None))
    )
    if found["never"] or not found["runs"]:
        return None
    return Sample(found["runs"], (now() - found["oldest"]).total_seconds())


def throttled(trail: Path, since: datetime) -> int:
    """How many calls the sandbox has turned away since then."""
    found = 0
    for part in (trail.with_name(trail.name + ".1"), trail):
        if part.exists():
            for line in part.read_text(encoding="utf-8").splitlines():
                if "ThrottlingException" in line:
                    record = json.loads(line)
                    at = datetime.fromisoformat(record["eventTime"].replace("Z", "+00:00"))
                    found += record.get("errorCode") == "ThrottlingException" and at >= since
    return found


def follow(target_id: int, pid: int, seconds: float) -> tuple[list[Sample], float, datetime, datetime]:
    """Wait for the warm-up's end and measure: samples, share of a processor, begin and end."""
    deadline = time.monotonic() + LONGEST_WARM_UP
    while sample(target_id) is None:
        if time.monotonic() > deadline:
            raise Unmeasurable("The tracker has not looked at every run within five minutes.")
        time.sleep(SAMPLE_SECONDS)
    time.sleep(WARM_UP_SECONDS)
    begun, used = time.monotonic(), processor_seconds(pid)
    begins = datetime.now(UTC)
    samples = []
    while time.monotonic() - begun < seconds:
        found = sample(target_id)
        if found is None:
            raise Unmeasurable("There is a run that was never looked at, or none is left.")
        samples.append(found)
        time.sleep(SAMPLE_SECONDS)
    share = (processor_seconds(pid) - used) / (time.monotonic() - begun)
    return samples, share, begins, datetime.now(UTC)


def measure(options: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], list[Bar]]:
    """Measure; returns figures and bars."""
    trail, data = folder / "trail.jsonl", folder / "portal"
    data.mkdir()
    sandbox = serve(
        *("--limits", "pending=1000000", "--trail", str(trail)), module="benchmarks.limited_sandbox"
    )
    with valkey(folder) as redis_url, sandbox as server:
        environment = set_up_portal(data, redis_url)
        from executions import tracking
        from executions.models import ExecutionEvent

        aws_ids = populate(server, int(options.runs * (1 + SPARE)))
        os.kill(server.pid, signal.SIGUSR1)
        queue_url = make_queue(server) if options.events else ""
        target_id = make_rows(server, aws_ids, float(CALLS_A_SECOND), queue_url)
        with tracker(environment) as pid:
            tracking.ensure(target_id)
            samples, share, begins, ends = follow(target_id, pid, options.seconds)
            time.sleep(MARGIN_SECONDS if options.events else 0)
        worst = max(samples, key=lambda each: each.oldest / each.allowed)
        figures: dict[str, Any] = {
            "runs in flight, at first and at last": f"{samples[0].runs} and {samples[-1].runs}",
            "seconds measured": options.seconds,
            "events kept meanwhile": ExecutionEvent.objects.filter(at__gte=begins, at__lte=ends).count(),
            "staleness at worst, s": round(worst.oldest, 1),
            "what the limit allows then, s": round(worst.allowed, 1),
        }
        bars = [
            Bar("ThrottlingExceptions", throttled(trail, begins), 0),
            Bar("processor of the tracker", share, 0.5, unit="cores"),
        ]
        if not options.events:
            ratio = worst.oldest / worst.allowed
            bars.append(Bar("staleness by what the limit allows", ratio, 1.2, unit="times"))
            return figures, bars
        os.kill(server.pid, signal.SIGUSR2)
        happened = changes(server, aws_ids, begins, ends - timedelta(seconds=SHOWN_WITHIN))
    took = delays(happened)
    if not took:
        raise Unmeasurable("Nothing has changed: measure for longer.")
    figures |= {
        "changes in the sandbox": len(took),
        "shown after, median, s": round(took[len(took) // 2], 2),
        "shown after, 95th percentile, s": round(took[int(len(took) * 0.95)], 2),
    }
    within = sum(each <= SHOWN_WITHIN for each in took) / len(took)
    bars.append(Bar(f"changes shown within {SHOWN_WITHIN:g} s", 100 * within, 95, "at least", "%"))
    return figures, bars


def main() -> int:
    """Measures, prints, and gives the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tracking", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument("--runs", type=int, default=5000, metavar="N")
    parser.add_argument("--seconds", type=float, default=120, metavar="N")
    parser.add_argument("--events", action="store_true", help="with EventBridge's events in a queue")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="portal-tracking-", ignore_cleanup_errors=True) as folder:
            figures, bars = measure(options, Path(folder))
    except (Unmeasurable, StartError) as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    if options.json:
        told = {"figures": figures, "bars": [{**asdict(bar), "passed": bar.passed} for bar in bars]}
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"{name:<42} {figure}\n" for name, figure in figures.items()))
        sys.stdout.write("".join(f"{bar}\n" for bar in bars))
    return 0 if all(bar.passed for bar in bars) else 1


if __name__ == "__main__":
    sys.exit(main())
