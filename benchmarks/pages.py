"""How long the portal's pages take when there is much to show.

    python -m benchmarks.pages [--database postgresql|sqlite] [--runs N] [--documents N] [--users N]
                               [--groups N] [--requests N] [--only PAGE] [--json]

Fills a database of its own (PostgreSQL from the machine's binaries, see tests/support/postgres.py, or
SQLite), then asks for the pages through the whole of Django: middleware, session, access door, templates.
Who asks changes from request to request. Each line gives milliseconds (median and 95th percentile, and the
processor's own at the 95th percentile, portal and database together: what it would have taken without other
programs on the machine), the number of queries, and rows shown.

Ends with 1 when a bar is missed, with 2 when it cannot be measured.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.cookies import SimpleCookie
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.support.postgres import PostgresMissing, cluster

if TYPE_CHECKING:
    from accounts.models import User
    from benchmarks.population import Population

LIMIT_MS = 100.0
RUNS = {"postgresql": 1_000_000, "sqlite": 100_000}
WARM = 2
# How long nothing is asked after a request, as a share of what it took.
REST = 0.1


@dataclass(frozen=True)
class Line:
    """What one page took for one kind of person; times are milliseconds.

    Attributes:
        queries: the most that any request made.
        rows: the fewest and the most rows of tables on the page.
    """

    page: str
    who: str
    median: float
    p95: float
    processor_p95: float
    queries: int
    rows: tuple[int, int]

    @property
    def passed(self) -> bool:
        """Whether the bar is kept."""
        return self.p95 <= LIMIT_MS

    def __str__(self) -> str:
        said = "pass" if self.passed else "MISS"
        return (
            f"{said}  {self.page:<34} {self.who:<14} {self.median:7.1f} {self.p95:7.1f} "
            f"{self.processor_p95:7.1f} {self.queries:4} {self.rows[0]:4}-{self.rows[1]}"
        )


@dataclass(frozen=True)
class Page:
    """A page to ask for, by people of one kind; the address may depend on who asks."""

    name: str
    who: str
    people: Sequence[User]
    address: Callable[[User, int], str]


def _percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Measuring:
    """Asks for pages as the people do."""

    def __init__(self) -> None:
        from django.db import connection
        from django.test import Client

        _hush_signals()
        self.connection = connection
        self.new_client = Client
        self.signed_in: dict[int, SimpleCookie] = {}
        self.queries = 0
        self.database_process = 0
        if connection.vendor == "postgresql":
            connection.ensure_connection()
            self.database_process = connection.connection.info.backend_pid

    def client(self, user: User) -> Any:
        """Return a browser of `user`, signed in.

        A new one for each request: one that lives on leaves a finalizer in the process for each.
        """
        client = self.new_client(HTTP_HOST="127.0.0.1")
        if user.pk not in self.signed_in:
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
            self.signed_in[user.pk] = client.cookies
        client.cookies = self.signed_in[user.pk]
        return client

    def processor_seconds(self) -> float:
        """Return what this process and its database have used of the processor."""
        used = time.process_time()
        if self.database_process:
            text = Path(f"/proc/{self.database_process}/schedstat").read_text(encoding="ascii")
            used += int(text.split()[0]) / 1e9
        return used

    def _counted(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.queries += 1
        return execute(sql, params, many, context)

    def line(self, page: Page, requests: int) -> Line:
        """Ask for the page `requests` times, after some that do not count."""
        walls, processors, queries, rows = [], [], [], []
        for number in range(-WARM, requests):
            user = page.people[number % len(page.people)]
            client, address = self.client(user), page.address(user, max(number, 0))
            self.queries = 0
            with self.connection.execute_wrapper(self._counted):
                used, began = self.processor_seconds(), time.perf_counter()
                response = client.get(address)
                wall, processor = time.perf_counter() - began, self.processor_seconds() - used
            if response.status_code != 200:
                raise RuntimeError(f"{address} answered {response.status_code} to {user}")
            if number >= 0:
                walls.append(wall * 1000)
                processors.append(processor * 1000)
                queries.append(self.queries)
                rows.append(response.content.count(b"<tr>") - response.content.count(b"<thead>"))
            # Linux halts a program of real-time priority that takes 95 % of a second, in the midst of a page.
            time.sleep(wall * REST)
        return Line(
            page=page.name,
            who=page.who,
            median=round(statistics.median(walls), 1),
            p95=round(_percentile(walls, 0.95), 1),
            processor_p95=round(_percentile(processors, 0.95), 1),
            queries=max(queries),
            rows=(min(rows), max(rows)),
        )


def _hush_signals() -> None:
    """Let Django's test client turn off the closing of connections once, not for each request.

    Each time leaves a finalizer in the process for good. Python looks for garbage among them: after some
    thousand requests that held up pages for 50 ms, and no portal has them.
    """
    from django.db import close_old_connections
    from django.test import client

    for name in ("request_started", "request_finished"):
        signal = getattr(client, name)
        signal.disconnect(close_old_connections)
        hushed = SimpleNamespace(send=signal.send, connect=_nothing, disconnect=_nothing)
        setattr(client, name, hushed)


def _nothing(receiver: Any) -> None:
    """Stand in for what was done once."""


def pages(people: Population) -> Iterator[Page]:
    """Return every page that is measured."""
    from django.urls import reverse

    runs, documents = reverse("executions:list"), reverse("documents:list")
    catalogue, approvals = reverse("executions:catalogue"), reverse("executions:approvals")
    operators = {
        "few grants": people.few,
        "typical": people.typical,
        "sees nearly all": [people.overseer],
        "only retired": [people.retired],
    }
    everybody = {**operators, "administrator": [people.administrator]}

    def at(address: str, **query: str) -> Callable[[User, int], str]:
        return lambda user, number: f"{address}?{urlencode(query)}" if query else address

    for who, asking in everybody.items():
        yield Page("home", who, asking, at(reverse("home")))
        yield Page("catalogue", who, asking, at(catalogue))
        yield Page("catalogue, search", who, asking, at(catalogue, q="fleet"))
        yield Page("catalogue, search for what is not", who, asking, at(catalogue, q="nowhere"))
        yield Page("catalogue, deep", who, asking, at(catalogue, after="Rotate"))
        yield Page("runs", who, asking, at(runs))
        for status in ("Success", "Failed", "Rejected", "Waiting", "unfinished"):
            yield Page(f"runs, {status}", who, asking, at(runs, status=status))
        yield Page("runs of the last hour", who, asking, at(runs, period="hour"))
        yield Page("runs of the last month, Failed", who, asking, at(runs, period="month", status="Failed"))
        for words in ("fleet", "fleet-mail-0", "person-0007", "nowhere"):
            yield Page(f"runs, search {words}", who, asking, at(runs, q=words))
        yield Page("runs, search fleet, Failed", who, asking, at(runs, q="fleet", status="Failed"))
        yield Page("runs, deep", who, asking, _deep_runs(runs))
        yield Page("runs, deep, Failed", who, asking, _deep_runs(runs, status="Failed"))
        yield Page("runs, deep, going up", who, asking, _deep_runs(runs, upwards=True))
        yield Page("runs of a delegation", who, asking, _runs_of(runs, "delegation"))
        yield Page("runs of a person", who, asking, _runs_of(runs, "operator"))
        yield Page("runs of a person, Rejected", who, asking, _runs_of(runs, "operator", status="Rejected"))
        yield Page("run", who, asking, _run)
        yield Page("approvals", who, asking, at(approvals))
        yield Page("documents", who, asking, at(documents))
        yield Page("documents, search", who, asking, at(documents, q="fleet"))
        yield Page("documents, search for what is not", who, asking, at(documents, q="nowhere"))
    administrator = [people.administrator]
    yield Page("documents, deep", "administrator", administrator, _deep_documents(documents))
    yield Page("access", "administrator", administrator, _access(people))
    busiest = reverse("accounts:access", args=[people.busiest.pk])
    yield Page("access, busiest document", "administrator", administrator, at(busiest))
    for name in ("delegations", "people", "groups"):
        yield Page(name, "administrator", administrator, at(reverse(f"accounts:{name}")))
    yield Page(
        "delegations, search", "administrator", administrator, at(reverse("accounts:delegations"), q="fleet")
    )


def _seen(user: User) -> list[Any]:
    """Return some runs that `user` may see, from all times: what deep pages start from."""
    from common import access
    from executions.models import Execution

    known: list[Any] | None = getattr(user, "_benchmark_seen", None)
    if known is None:
        keys = access.visible(user, "view", Execution.objects.all()).order_by().values_list("pk", flat=True)
        sample = list(keys[:40])
        known = list(Execution.objects.filter(pk__in=sample).order_by("requested_at"))
        user._benchmark_seen = known  # type: ignore[attr-defined]
    return known


def _deep_runs(address: str, *, upwards: bool = False, **query: str) -> Callable[[User, int], str]:
    def made(user: User, number: int) -> str:
        run = _chosen(_seen(user), number)
        if run is None:
            return address
        key = {"after" if upwards else "before": f"{run.requested_at.isoformat()}~{run.pk}"}
        return f"{address}?{urlencode({**query, **key})}"

    return made


def _runs_of(address: str, name: str, **query: str) -> Callable[[User, int], str]:
    def made(user: User, number: int) -> str:
        run = _chosen(_seen(user), number)
        key = {} if run is None else {name: str(getattr(run, f"{name}_id"))}
        return f"{address}?{urlencode({**query, **key})}"

    return made


def _run(user: User, number: int) -> str:
    from django.urls import reverse

    run = _chosen(_seen(user), number)
    return reverse("executions:list") if run is None else reverse("executions:detail", args=[run.pk])


def _chosen(runs: Sequence[Any], number: int) -> Any:
    return runs[number * 7 % len(runs)] if runs else None


def _deep_documents(address: str) -> Callable[[User, int], str]:
    from documents.models import Document

    documents = list(Document.objects.order_by("updated_at")[:200:10])

    def made(user: User, number: int) -> str:
        document = documents[number % len(documents)]
        return f"{address}?{urlencode({'before': f'{document.updated_at.isoformat()}~{document.pk}'})}"

    return made


def _access(people: Population) -> Callable[[User, int], str]:
    from django.urls import reverse

    from documents.models import Document

    keys = list(Document.objects.exclude(pk=people.busiest.pk).values_list("pk", flat=True)[:400:10])
    return lambda user, number: reverse("accounts:access", args=[keys[number % len(keys)]])


@contextmanager
def _database(kind: str) -> Iterator[None]:
    """Name a database of this run's own in the environment, before Django's settings are read."""
    with tempfile.TemporaryDirectory(prefix="portal-pages-") as folder:
        os.environ["DATA_DIR"] = folder
        os.environ["LOG_LEVEL"] = "WARNING"
        if kind == "sqlite":
            os.environ["DATABASE_URL"] = f"sqlite:///{folder}/portal.sqlite3"
            yield
            return
        with cluster(shared_buffers="512MB", max_wal_size="4GB") as postgres:
            os.environ["DATABASE_URL"] = postgres.url
            yield
            from django.db import connections

            connections.close_all()


def _set_up() -> None:
    import django
    from django.conf import settings

    os.environ["DJANGO_SETTINGS_MODULE"] = "automation_portal.settings"
    # The names of static files are no part of what is measured, and theirs are made when they are collected.
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    Path(settings.STATIC_ROOT).mkdir()
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__.split("\n")[0])
    parser.add_argument("--database", choices=sorted(RUNS), default="postgresql")
    parser.add_argument(
        "--runs", type=int, help="1,000,000 on PostgreSQL and 100,000 on SQLite when not given"
    )
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--users", type=int, default=1_000)
    parser.add_argument("--groups", type=int, default=100)
    parser.add_argument("--requests", type=int, default=40, help="of each page by each kind of person")
    parser.add_argument("--only", default="", help="measure only pages whose name begins so")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    found = parser.parse_args(words)
    found.runs = found.runs or RUNS[found.database]
    return found


def measure(asked: argparse.Namespace, say: Callable[[str], None]) -> list[Line]:
    """Fill the database and measure every page."""
    with _database(asked.database):
        _set_up()
        from automation_portal.asgi import keep_what_is_loaded
        from benchmarks import population

        began = time.perf_counter()
        people = population.fill(population.Sizes(asked.documents, asked.users, asked.groups, asked.runs))
        say(f"filled in {time.perf_counter() - began:.0f} s: {asked}")
        say(f"{'':6}{'page':<34} {'who':<14} {'median':>7} {'95th':>7} {'proc.':>7} {'q.':>4} rows")
        # As a web process does before its first request; what filling left behind it would not have.
        keep_what_is_loaded()
        measuring, lines = Measuring(), []
        for page in pages(people):
            if page.name.startswith(asked.only):
                lines.append(measuring.line(page, asked.requests))
                say(str(lines[-1]))
        return lines


def main(words: Sequence[str] | None = None) -> int:
    """Measure as the command line asks; return 1 when a bar is missed, 2 when nothing can be measured."""
    asked = _arguments(words)
    try:
        lines = measure(asked, (lambda text: None) if asked.json else lambda text: print(text, flush=True))
    except PostgresMissing as error:
        print(error, file=sys.stderr)
        return 2
    missed = [line for line in lines if not line.passed]
    if asked.json:
        told = {"sizes": vars(asked), "limit_ms": LIMIT_MS, "missed": len(missed)}
        print(json.dumps({**told, "pages": [asdict(line) for line in lines]}, indent=1))
    else:
        print(
            f"{len(lines) - len(missed)} of {len(lines)} pages within {LIMIT_MS:g} ms at the 95th percentile"
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
