"""How long a click takes to become an automation, and how many launches a second the portal manages.

    python -m benchmarks.launch [--json] [--clicks N] [--burst N] [--bulk N] [--only PART,PART]

Starts the whole stack as `make run` does, in a folder of its own, and is a browser to it:

1. idle: the memory of all its processes together, with sandbox and Valkey;
2. click: from the moment that Execute is pressed to the answer to StartAutomationExecution, through web,
   database, queue and worker, one click at a time, beside a bare boto3 call to the same sandbox;
3. burst: many launches at once, without limits of AWS's: starts a second;
4. fairness: many launches by one person, then one by another, under AWS's own limit of one start a second.

Ends with 1 when a bar is missed, with 2 when it cannot be measured.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import boto3
from botocore.config import Config

from benchmarks.sandbox import Bar
from benchmarks.servers import Memory
from tests.support.stack import Stack, eventually, new_stack

PARTS = ("idle", "click", "burst", "fairness")
PAUSE_SECONDS = 0.3
SETTLE_SECONDS = 5.0
BROWSERS = 8
NAME = "Benchmark-Launch"
TEXT = """\
schemaVersion: "0.3"
description: Sleeps for a moment.
assumeRole: "{{ AutomationAssumeRole }}"
parameters:
  AutomationAssumeRole: {type: "AWS::IAM::Role::Arn", default: ""}
mainSteps:
  - name: nap
    action: aws:sleep
    inputs: {Duration: PT1S}
"""


class Browser:
    """One signed-in person with a connection of their own."""

    def __init__(self, stack: Stack, username: str, password: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=60)
        self._cookies: dict[str, str] = {}
        self._token = ""
        self.get("/account/sign-in/")
        answer = self.post("/account/sign-in/", {"login": username, "password": password})
        if answer.status != 302:
            raise SystemExit(f"{username} could not sign in: {answer.status}")

    def get(self, path: str) -> str:
        answer = self._ask("GET", path)
        body = answer.read().decode()
        if (token := re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', body)) is not None:
            self._token = token[1]
        return body

    def post(self, path: str, fields: dict[str, str]) -> http.client.HTTPResponse:
        body = urlencode({"csrfmiddlewaretoken": self._token, **fields})
        answer = self._ask("POST", path, body)
        answer.read()
        return answer

    def _ask(self, method: str, path: str, body: str | None = None) -> http.client.HTTPResponse:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):
            # It was left open for longer than the server keeps it.
            self._connection.close()
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
        for cookie in answer.msg.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer

    def execute(self, delegation: int) -> tuple[UUID, float]:
        """Press Execute; returns the run and the moment (seconds since the epoch) of the click."""
        run = uuid4()
        clicked = time.time()
        answer = self.post(f"/run/{delegation}/", {"run": str(run)})
        if answer.status != 302:
            raise SystemExit(f"Execute was answered with {answer.status}")
        return run, clicked


@dataclass(frozen=True)
class Ground:
    """The running stack, and what is launched in it."""

    stack: Stack
    delegation: int
    password: str
    document: str
    role: str

    def browser(self, username: str = "operator") -> Browser:
        password = self.password if username == "second" else self.stack.passwords[username]
        return Browser(self.stack, username, password)


@contextmanager
def running() -> Iterator[Ground]:
    """The stack, until the block ends. Django is set up on its database."""
    with tempfile.TemporaryDirectory(prefix="portal-launch-", ignore_cleanup_errors=True) as folder:
        stack = new_stack(Path(folder))
        stack.start()
        try:
            os.environ.update(
                {name: stack.environment[name] for name in ("DATA_DIR", "PORT", "SANDBOX_PORT")}
            )
            os.environ["DJANGO_SETTINGS_MODULE"] = "automation_portal.settings"
            import django

            django.setup()
            yield prepare(stack)
        finally:
            stack.stop()


def prepare(stack: Stack) -> Ground:
    """Publish a document of one short sleep, and delegate it to the demonstration's operator and another."""
    from django.contrib.auth.models import Group

    from accounts.models import Delegation, User
    from aws.connections import as_portal
    from aws.models import AwsTarget, ServiceRole
    from common import access
    from documents.models import Publication
    from tests.support import factories

    password = uuid4().hex
    second = User.objects.create_user("second", password, full_name="Second Operator")
    second.groups.add(Group.objects.get(name="Operators"))
    target, role = AwsTarget.objects.get(), ServiceRole.objects.get()
    author = User.objects.get(username="author")
    version = factories.make_document(author, name=NAME, text=TEXT)
    remote = as_portal(target, on_behalf_of="benchmark").create_or_update_document(
        name=NAME, text=TEXT, format="YAML"
    )
    Publication.objects.create(
        version=version,
        target=target,
        status=Publication.Status.ACTIVE,
        aws_name=remote.name,
        aws_version=remote.version,
        aws_hash=remote.sha256,
        requested_by=author,
    )
    delegation = Delegation.objects.create(
        name=NAME,
        document=version.document,
        version=version,
        target=target,
        service_role=role,
        created_by=User.objects.get(username="administrator"),
    )
    access.grant("execute", delegation, Group.objects.get(name="Operators"))
    return Ground(stack, delegation.pk, password, NAME, role.arn)


def set_rates(starts: float, reads: float) -> None:
    """Say how many calls a second AWS is taken to allow."""
    from aws.models import AwsTarget

    AwsTarget.objects.update(start_rate=starts, read_rate=reads)


def started(runs: Sequence[UUID], seconds: float = 120.0) -> dict[UUID, datetime]:
    """Wait until each run has been started, and return when AWS's answer was there."""
    from executions.models import Execution

    def all_of_them() -> dict[UUID, datetime] | None:
        rows = Execution.objects.filter(events__kind="started", pk__in=runs).values_list("pk", "events__at")
        found = dict(rows)
        return found if len(found) == len(runs) else None

    found: dict[UUID, datetime] = eventually(all_of_them, seconds=seconds, what="the runs to start")
    return found


def quantile(values: Sequence[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def measure_idle(ground: Ground, options: argparse.Namespace) -> tuple[dict[str, Any], list[Bar]]:
    """The memory of the stack while nothing happens."""
    ground.browser().get("/run/")
    time.sleep(SETTLE_SECONDS)
    assert ground.stack.supervisor is not None
    with Memory(ground.stack.supervisor.pid) as memory:
        time.sleep(1)
    return {"PSS, MiB": round(memory.peak)}, [Bar("memory of the idle stack", memory.peak, 350, unit="MiB")]


def measure_click(ground: Ground, options: argparse.Namespace) -> tuple[dict[str, Any], list[Bar]]:
    """One click after the other, while nothing else happens."""
    set_rates(1000, 3)
    browser = ground.browser()
    browser.get(f"/run/{ground.delegation}/")
    for _ in range(5):
        started([browser.execute(ground.delegation)[0]])
    clicks: dict[UUID, float] = {}
    for _ in range(options.clicks):
        run, clicked = browser.execute(ground.delegation)
        clicks[run] = clicked
        started([run])
        time.sleep(PAUSE_SECONDS)
    answered = started(list(clicks))
    took = [1000 * (answered[run].timestamp() - clicked) for run, clicked in clicks.items()]
    bare = bare_calls(ground, options.clicks)
    median, high = statistics.median(took), quantile(took, 0.99)
    bare_median = statistics.median(bare)
    figures = {
        "clicks": len(took),
        "median ms": round(median, 1),
        "99th ms": round(high, 1),
        "bare boto3 call, median ms": round(bare_median, 1),
        "bare boto3 call, 99th ms": round(quantile(bare, 0.99), 1),
        "ratio": round(median / bare_median, 1),
    }
    return figures, [
        Bar("click to start, median", median, 60, unit="ms"),
        Bar("click to start, 99th percentile", high, 200, unit="ms"),
    ]


def bare_calls(ground: Ground, times: int) -> list[float]:
    """Milliseconds of StartAutomationExecution by boto3 alone, on the same sandbox."""
    key = ground.stack.root_key
    make: Any = boto3.client
    ssm = make(
        "ssm",
        region_name="us-east-1",
        endpoint_url=ground.stack.sandbox_url,
        aws_access_key_id=key["access_key_id"],
        aws_secret_access_key=key["secret_access_key"],
        config=Config(retries={"total_max_attempts": 1}),
    )
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        ssm.start_automation_execution(
            DocumentName=ground.document,
            Parameters={"AutomationAssumeRole": [ground.role]},
            ClientToken=str(uuid4()),
        )
        took.append(1000 * (time.perf_counter() - begun))
        time.sleep(PAUSE_SECONDS)
    return took


def measure_burst(ground: Ground, options: argparse.Namespace) -> tuple[dict[str, Any], list[Bar]]:
    """Many launches that wait at the same moment, and as many that browsers press."""
    from accounts.models import Delegation, User
    from executions import maintenance, services

    set_rates(1000, 3)
    delegation = Delegation.objects.get(pk=ground.delegation)
    operator = User.objects.get(username="operator")
    maintenance.pause_launches(actor=None, reason="A burst is being prepared")
    runs = [
        services.launch(actor=operator, delegation=delegation, values={}).pk for _ in range(options.burst)
    ]
    time.sleep(SETTLE_SECONDS)
    begun = time.time()
    maintenance.resume_launches(actor=None)
    ends = [at.timestamp() for at in started(runs).values()]
    waiting_rate = len(runs) / (max(ends) - begun)

    time.sleep(SETTLE_SECONDS)
    browsers = [ground.browser() for _ in range(BROWSERS)]
    for browser in browsers:
        browser.get(f"/run/{ground.delegation}/")
    pressed: list[tuple[UUID, float]] = []

    def press(browser: Browser, times: int) -> None:
        pressed.extend(browser.execute(ground.delegation) for _ in range(times))

    each = max(1, options.burst // BROWSERS)
    threads = [threading.Thread(target=press, args=(browser, each)) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    clicked = [at for _, at in pressed]
    ends = [at.timestamp() for at in started([run for run, _ in pressed]).values()]
    figures = {
        "launches": len(runs),
        "started a second, all waiting": round(waiting_rate, 1),
        "pressed a second by browsers": round(len(pressed) / (max(clicked) - min(clicked)), 1),
        "started a second, from the first click": round(len(pressed) / (max(ends) - min(clicked)), 1),
    }
    return figures, [Bar("launches at once", waiting_rate, 50, "at least", "starts/s")]


def measure_fairness(ground: Ground, options: argparse.Namespace) -> tuple[dict[str, Any], list[Bar]]:
    """A bulk of launches by one person under AWS's limit, then one launch by another."""
    from accounts.models import Delegation, User
    from executions import fairness, maintenance, services
    from executions.models import Execution, Status

    set_rates(1, 3)
    delegation = Delegation.objects.get(pk=ground.delegation)
    operator, second = (User.objects.get(username=name) for name in ("operator", "second"))
    bulk = [services.launch(actor=operator, delegation=delegation, values={}).pk for _ in range(options.bulk)]
    started(bulk[:2])
    run = services.launch(actor=second, delegation=delegation, values={})
    position = fairness.position(Execution.objects.select_related("target", "delegation").get(pk=run.pk))
    at = started([run.pk])[run.pk]
    between = Execution.objects.filter(
        pk__in=bulk, events__kind="started", events__at__gt=run.requested_at, events__at__lt=at
    ).count()
    waiting = Execution.objects.filter(status=Status.QUEUED)
    figures = {
        "launches by one person": len(bulk),
        "still waiting then": waiting.count(),
        "position told to the other": position.ahead,
        "wait told, s": round(position.seconds, 1),
        "runs started before the other's": between,
        "delay of the other's, s": round((at - run.requested_at).total_seconds(), 2),
    }
    maintenance.pause_launches(actor=None, reason="The benchmark is over")
    return figures, [Bar("starts before another person's launch", between, 2)]


MEASURES = {
    "idle": measure_idle,
    "click": measure_click,
    "burst": measure_burst,
    "fairness": measure_fairness,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.launch", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument("--clicks", type=int, default=100, metavar="N")
    parser.add_argument("--burst", type=int, default=200, metavar="N")
    parser.add_argument("--bulk", type=int, default=500, metavar="N")
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    options = parser.parse_args()
    wanted = [part for part in PARTS if part in options.only.split(",")]
    figures: dict[str, Any] = {}
    bars: list[Bar] = []
    try:
        with running() as ground:
            for part in wanted:
                figures[part], judged = MEASURES[part](ground, options)
                bars += judged
                if not options.json:
                    sys.stdout.write(f"{part}\n")
                    for name, figure in figures[part].items():
                        sys.stdout.write(f"  {name:<42} {figure}\n")
                    sys.stdout.flush()
    except AssertionError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if options.json:
        told = {"figures": figures, "bars": [{**asdict(bar), "passed": bar.passed} for bar in bars]}
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"{bar}\n" for bar in bars))
    return 0 if all(bar.passed for bar in bars) else 1


if __name__ == "__main__":
    sys.exit(main())
