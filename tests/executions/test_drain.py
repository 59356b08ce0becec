"""Every process ends when it is asked to: what is under way is finished or given back, nothing is lost."""

import http.client
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.crash.proxy import Faults, Proxy, Request
from tests.support.people import PASSWORD
from tests.support.stack import COMPILED, ROOT, eventually, free_port_pair

# Kubernetes leaves as much, systemd more; `make run` leaves 7 s, enough where the machine is not overloaded.
GRACE_SECONDS = 30.0
POOL = ("manage.py", "rqworker-pool", "launch", "default", "--num-workers", "2")
FAMILY = ("manage.py", "work", "--workers", "2")
TRACKER = ("manage.py", "rqworker", "tracking")
CRON = ("manage.py", "rqcron", "automation_portal.cron")
START, LOOK = "StartAutomationExecution", "GetAutomationExecution"


class Gate(Faults):
    """Holds calls of one operation on their way to AWS until they are let through."""

    def __init__(self) -> None:
        super().__init__([], 1, 0.0)
        self.operation = ""
        self.held = 0
        self.opened = threading.Event()

    def hold(self, operation: str) -> None:
        self.operation, self.held = operation, 0
        self.opened.clear()

    def let_through(self) -> None:
        self.operation = ""
        self.opened.set()

    def next(self, request: Request) -> str:
        if request.operation == self.operation:
            self.held += 1
            self.opened.wait(60)
        return ""


class Place:
    """Programs of the portal that share a database and a queue, with a gate on the way to AWS."""

    def __init__(self, data: Path, redis_url: str, gate: Gate) -> None:
        self.data, self.gate = data, gate
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            **COMPILED,
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "automation_portal.settings",
            "DATA_DIR": str(data),
            "REDIS_URL": redis_url,
        }
        self._others = subprocess.Popen(
            [sys.executable, "-m", "tests.executions.drained"],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, part: str, *arguments: Any, **options: Any) -> Any:
        """Have a part of the story done by the process that stands for everybody else."""
        assert self._others.stdin is not None and self._others.stdout is not None
        self._others.stdin.write(json.dumps([part, arguments, options]) + "\n")
        self._others.stdin.flush()
        return json.loads(self._others.stdout.readline())

    def leave(self) -> None:
        self._others.communicate()

    @contextmanager
    def running(self, *command: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a program in a session of its own, as a service manager does; its log is `log`."""
        with (self.data / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            self.gate.let_through()
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    @property
    def log(self) -> str:
        return (self.data / "log").read_text(encoding="utf-8", errors="replace")


@pytest.fixture(scope="module")
def place(tmp_path_factory, account, laboratory, portal_key, valkey_server):
    gate = Gate()
    proxy = Proxy(0, account._endpoint_url, gate)
    threading.Thread(target=proxy.serve_forever, args=(0.1,), daemon=True).start()
    found = Place(tmp_path_factory.mktemp("drained"), valkey_server, gate)
    url = f"http://127.0.0.1:{proxy.server_address[1]}"
    found.ask("prepare", url=url, laboratory=asdict(laboratory), key=asdict(portal_key))
    yield found
    found.leave()
    proxy.shutdown()
    proxy.server_close()


@pytest.fixture
def waiting(place, laboratory, valkey):
    """A run that AWS has, and that nobody follows yet."""
    (run,) = place.ask("launch", "waiting", 1, {"Approver": laboratory.portal_role_arn})
    place.ask("work", "launch")
    return run


def ended_within(process: "subprocess.Popen[bytes]", since: float, place: Place) -> None:
    """Wait for the process's end; it comes in good time and in good order."""
    left = GRACE_SECONDS - (time.monotonic() - since)
    try:
        status = process.wait(max(left, 0.1))
    except subprocess.TimeoutExpired:
        pytest.fail(f"It does not end:\n{place.log}")
    assert status == 0, place.log


def leader(process: "subprocess.Popen[bytes]") -> None:
    """Ask as `make run` and Kubernetes do."""
    process.send_signal(signal.SIGTERM)


def everyone(process: "subprocess.Popen[bytes]") -> None:
    """Ask as systemd and a closed terminal do: the workers hear it from the pool once more."""
    os.killpg(process.pid, signal.SIGTERM)


@pytest.mark.parametrize(("program", "asked"), [(POOL, everyone), (FAMILY, leader), (FAMILY, everyone)])
def test_workers_finish_the_launch_at_hand_and_leave_the_rest(
    place, account, laboratory, valkey, program, asked
):
    automations = account.client("ssm").describe_automation_executions

    def started() -> int:
        rows = automations(Filters=[{"Key": "DocumentNamePrefix", "Values": ["drained"]}])
        return len(rows["AutomationExecutionMetadataList"])

    before = started()
    launched = place.ask("launch", "drained", 4, {"ImageId": laboratory.image_id})
    place.gate.hold(START)
    with place.running(*program) as process:
        eventually(lambda: place.gate.held == 2, seconds=60, what="both workers to launch")
        since = time.monotonic()
        asked(process)
        # A worker that waits for AWS may hear of it only when AWS has answered.
        eventually(lambda: "warm shut down requested" in place.log, seconds=60, what="one to hear of it")
        place.gate.let_through()
        ended_within(process, since, place)
    told = place.ask("tell", *launched)
    assert told["leases"] == 0
    runs = told["runs"]
    sent = [run for run in runs if run["aws_execution_id"]]
    assert len(sent) == started() - before == 2
    assert {run["status"] for run in runs if run not in sent} == {"Queued"}

    place.ask("work", "launch", "tracking")
    runs = place.ask("tell", *launched)["runs"]
    assert [run["status"] for run in runs] == ["Success"] * 4, runs
    assert started() - before == 4


def test_the_tracker_gives_its_lease_back_although_aws_does_not_answer(waiting, place, valkey):
    place.gate.hold(LOOK)
    with place.running(*TRACKER) as tracker:
        eventually(lambda: place.gate.held, seconds=60, what="the tracker to look")
        since = time.monotonic()
        leader(tracker)
        ended_within(tracker, since, place)
    told = place.ask("tell")
    assert told["leases"] == 0
    # Whoever comes next goes on at once.
    assert told["jobs"]["tracking"] == 1


def test_cron_ends_when_it_is_asked_to(place, valkey: redis.Redis):
    with place.running(*CRON) as cron:
        eventually(lambda: valkey.keys("rq:queue:default"), seconds=60, what="cron to begin")
        since = time.monotonic()
        leader(cron)
        ended_within(cron, since, place)


def test_the_web_answers_what_it_was_asked_and_lets_live_pages_go(waiting, place, valkey):
    port = free_port_pair()
    with place.running(*gunicorn(port)) as web:
        eventually(lambda: lives(port), seconds=60, what="the web to begin")
        cookies = signing_in(port).getresponse().headers.get_all("Set-Cookie") or []
        session = "; ".join(cookie.partition(";")[0] for cookie in cookies)
        watcher = http.client.HTTPConnection("127.0.0.1", port, timeout=GRACE_SECONDS)
        watcher.request("GET", f"/runs/{waiting}/stream/", headers={"Cookie": session})
        stream = watcher.getresponse()
        assert stream.readline().startswith(b"retry")
        # Signing in writes, and has to wait for whoever holds the database.
        holder = sqlite3.connect(place.data / "portal.sqlite3", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        asked = signing_in(port)
        # What was sent before this was answered has come to the web as well.
        assert lives(port)
        since = time.monotonic()
        leader(web)
        eventually(lambda: "Handling signal: term" in place.log, seconds=60, what="the web to hear of it")
        holder.execute("ROLLBACK")
        holder.close()
        assert asked.getresponse().status == 302
        ended_within(web, since, place)
        # A browser comes back to whatever web there is by then.
        assert b"event: ended" not in stream.read()


def gunicorn(port: int) -> tuple[str, ...]:
    """Return the command that the README gives."""
    return (
        *("-m", "gunicorn", "automation_portal.asgi:application", "-b", f"127.0.0.1:{port}"),
        *("-k", "automation_portal.worker.PortalWorker", "--graceful-timeout", "3", "--no-control-socket"),
    )


def lives(port: int) -> bool:
    """Whether the web answers."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        link.request("GET", "/health/live/")
        return link.getresponse().status == 200
    except OSError:
        return False
    finally:
        link.close()


def signing_in(port: int) -> http.client.HTTPConnection:
    """Send what signs the operator in; the answer is still to come."""
    token = "a" * 32
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=GRACE_SECONDS)
    form = {"login": "operator", "password": PASSWORD, "csrfmiddlewaretoken": token}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"portal_csrf_8000={token}"}
    link.request("POST", "/account/sign-in/", urllib.parse.urlencode(form), headers)
    return link
