"""Server-sent events of a run."""

import asyncio
import functools
import threading
import uuid

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.db import OperationalError
from django.test import AsyncClient
from django.urls import reverse

from common import access
from common.clock import now
from executions import streams, watching
from executions.events import Fact, append
from executions.models import Execution, Status
from executions.transitions import move

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(watching, "RECHECK_SECONDS", 0.2)
    monkeypatch.setattr(watching, "RESUBSCRIBE_SECONDS", 0.05)


@pytest.fixture
def _patient(monkeypatch):
    """Nothing is asked but for a reason."""
    monkeypatch.setattr(watching, "RECHECK_SECONDS", 600)
    monkeypatch.setattr(watching, "DEAF_RECHECK_SECONDS", 600)


def in_a_loop(test):
    """Run the test's coroutine; what it does with the database happens in the test's own thread."""

    @functools.wraps(test)
    def run(**arguments):
        async_to_sync(test)(**arguments)

    return run


async def open_stream(user, run, **headers):
    client = AsyncClient()
    await client.aforce_login(user)
    url = reverse("executions:stream", args=[run.pk])
    return client, await client.get(url, headers={"accept": "text/event-stream", **headers})


async def something_happens(run, times=1):
    for _ in range(times):
        await sync_to_async(append)(run.pk, [Fact("status", "Something")])


async def listening(user, run, valkey, **headers):
    """Return the messages of a stream that is open, when its process listens to the queue."""
    _, response = await open_stream(user, run, **headers)
    lines = aiter(response)
    await anext(lines)
    await anext(lines)
    while dict(valkey.pubsub_numsub("portal:runs"))[b"portal:runs"] == 0:
        await asyncio.sleep(0.01)
    return lines


async def next_message(lines):
    """Return the next event (comments left out) as a mapping; None at the end of the stream."""
    async for part in lines:
        text = part.decode()
        if text.startswith(("retry", ":")):
            continue
        return dict(line.split(": ", 1) for line in text.strip().splitlines())
    return None


@in_a_loop
async def test_a_change_is_told_at_once_and_the_end_last(operator, make_run, valkey):
    run = await sync_to_async(make_run)(status=Status.IN_PROGRESS)
    _, response = await open_stream(operator, run)
    assert response.headers["Content-Type"] == "text/event-stream"
    lines = aiter(response)
    assert (await anext(lines)).startswith(b"retry:")
    assert await anext(lines) == b": still here\n\n"

    await sync_to_async(append)(run.pk, [Fact("status", "Something")])
    assert await next_message(lines) == {"id": "1", "event": "changed", "data": "0"}

    fresh = await Execution.objects.select_related("delegation").aget(pk=run.pk)
    await sync_to_async(move)(fresh, Status.SUCCESS, Fact("status", "Done"))
    assert (await next_message(lines))["event"] == "changed"
    assert await next_message(lines) == {"id": "2", "event": "ended", "data": "2"}
    assert await next_message(lines) is None


@in_a_loop
async def test_who_comes_back_hears_what_they_missed(operator, make_run, valkey):
    run = await sync_to_async(make_run)(status=Status.IN_PROGRESS)
    await sync_to_async(append)(run.pk, [Fact("status", "One"), Fact("status", "Two")])

    _, response = await open_stream(operator, run, last_event_id="1")
    lines = aiter(response)
    assert (await next_message(lines))["id"] == "2"
    await lines.aclose()

    _, response = await open_stream(operator, run, last_event_id="2")
    lines = aiter(response)
    await anext(lines)
    assert await anext(lines) == b": still here\n\n"
    await lines.aclose()


@in_a_loop
async def test_who_knows_more_than_there_is_hears_what_there_is(operator, make_run, valkey):
    run = await sync_to_async(make_run)(status=Status.IN_PROGRESS)
    _, response = await open_stream(operator, run, last_event_id="17")
    lines = aiter(response)
    assert await next_message(lines) == {"id": "0", "event": "changed", "data": "0"}
    await lines.aclose()


@in_a_loop
async def test_an_ended_run_ends_the_stream(operator, make_run, valkey):
    run = await sync_to_async(make_run)(status=Status.SUCCESS)
    _, response = await open_stream(operator, run)
    assert (await next_message(aiter(response)))["event"] == "ended"


@in_a_loop
async def test_it_hides_runs_from_strangers_and_the_signed_out(stranger, make_run, valkey):
    run = await sync_to_async(make_run)(status=Status.IN_PROGRESS)
    _, response = await open_stream(stranger, run)
    assert response.status_code == 404
    url = reverse("executions:stream", args=[run.pk])
    assert (await AsyncClient().get(url)).status_code == 302
    _, response = await open_stream(stranger, Execution(pk=uuid.uuid4()))
    assert response.status_code == 404


@pytest.mark.parametrize(
    "ended_by", ["signing out", "being deactivated", "a new password", "losing the right"]
)
@in_a_loop
async def test_the_stream_ends_with_the_right_to_see_it(colleague, operators, make_run, valkey, ended_by):
    run = await sync_to_async(make_run)(status=Status.IN_PROGRESS)
    client, response = await open_stream(colleague, run)
    lines = aiter(response)
    await anext(lines)
    assert await anext(lines) == b": still here\n\n"
    await take_right(ended_by, client, colleague, operators, run)
    assert await next_message(lines) is None


async def take_right(how, client, person, group, run):
    if how == "signing out":
        await client.alogout()
    elif how == "losing the right":
        await sync_to_async(access.revoke)("execute", run.delegation, group)
    else:
        if how == "being deactivated":
            person.is_active = False
        else:
            person.set_password("another one")
        await person.asave()


@in_a_loop
async def test_who_lost_the_right_hears_of_no_event_after_that(
    colleague, operators, make_run, valkey, _patient
):
    run = await sync_to_async(make_run)(status=Status.IN_PROGRESS)
    lines = await listening(colleague, run, valkey)
    await sync_to_async(access.revoke)("execute", run.delegation, operators)
    await something_happens(run)
    assert await next_message(lines) is None


@in_a_loop
async def test_only_the_runs_own_watchers_hear_of_it(operator, colleague, make_run, valkey, _patient):
    one, other = [await sync_to_async(make_run)(status=Status.IN_PROGRESS) for _ in range(2)]
    lines = [await listening(person, run, valkey) for person in (operator, colleague) for run in (one, other)]
    await something_happens(one)
    await something_happens(other, 2)
    heard = [(await next_message(each))["id"] for each in lines]
    assert [heard[0], heard[2]] == ["1", "1"]
    # Two events that follow each other may share a message.
    assert {heard[1], heard[3]} <= {"1", "2"}
    assert dict(valkey.pubsub_numsub("portal:runs"))[b"portal:runs"] == 1


@in_a_loop
async def test_the_pages_of_a_run_are_told_not_to_ask_all_at_once(
    operator, colleague, make_run, valkey, _patient
):
    run = await sync_to_async(make_run)(status=Status.IN_PROGRESS)
    lines = [await listening(person, run, valkey) for person in (operator, colleague, operator)]
    await something_happens(run)
    spread = str(2 * streams.SPREAD_MILLISECONDS)
    assert {(await next_message(each))["data"] for each in lines} == {spread}


@in_a_loop
async def test_who_reads_slowly_gets_the_newest_and_no_backlog(operator, make_run, valkey, _patient):
    run = await sync_to_async(make_run)(status=Status.IN_PROGRESS)
    lines = await listening(operator, run, valkey)
    await something_happens(run, 30)
    numbers = [int((await next_message(lines))["id"])]
    while numbers[-1] < 30:
        numbers.append(int((await next_message(lines))["id"]))
    assert numbers == sorted(set(numbers))
    assert len(numbers) < 30


@in_a_loop
async def test_asking_aws_again_is_told_with_the_moment(operator, make_run, valkey):
    run = await sync_to_async(make_run)(status=Status.IN_PROGRESS)
    lines = await listening(operator, run, valkey)
    moment = now()
    await Execution.objects.filter(pk=run.pk).aupdate(observed_at=moment)
    assert await next_message(lines) == {"id": "0", "event": "observed", "data": moment.isoformat()}
    # That there is more to know of the steps is shown beside it.
    await Execution.objects.filter(pk=run.pk).aupdate(behind_since=moment)
    assert await next_message(lines) == {"id": "0", "event": "changed", "data": "0"}


@in_a_loop
async def test_what_happens_while_the_subscription_is_cut_is_not_missed(
    operator, make_run, valkey, _patient, settings
):
    run = await sync_to_async(make_run)(status=Status.IN_PROGRESS)
    lines = await listening(operator, run, valkey)
    there, settings.REDIS_URL = settings.REDIS_URL, "unix:///nowhere/valkey.sock"
    valkey.client_kill_filter(_type="pubsub")
    await something_happens(run)
    settings.REDIS_URL = there
    assert (await next_message(lines))["id"] == "1"


@in_a_loop
async def test_without_the_queue_the_database_is_asked_until_it_is_back(
    operator, make_run, valkey, monkeypatch, settings
):
    monkeypatch.setattr(watching, "DEAF_RECHECK_SECONDS", 0.1)
    there, settings.REDIS_URL = settings.REDIS_URL, "unix:///nowhere/valkey.sock"
    run = await sync_to_async(make_run)(status=Status.IN_PROGRESS)
    _, response = await open_stream(operator, run)
    lines = aiter(response)
    await something_happens(run)
    assert (await next_message(lines))["id"] == "1"

    monkeypatch.setattr(watching, "RECHECK_SECONDS", 600)
    settings.REDIS_URL = there
    while dict(valkey.pubsub_numsub("portal:runs"))[b"portal:runs"] == 0:
        await asyncio.sleep(0.01)
    await something_happens(run)
    assert (await next_message(lines))["id"] == "2"


@pytest.mark.parametrize(("failures", "survives"), [(1, True), (2, False)])
@in_a_loop
async def test_a_cut_database_connection_is_replaced_once(
    operator, make_run, valkey, monkeypatch, failures, survives
):
    run = await sync_to_async(make_run)(status=Status.IN_PROGRESS)
    lines = await listening(operator, run, valkey)
    left = [OperationalError("the server closed the connection")] * failures

    def failing(questions, ask=watching.standings):
        if left:
            raise left.pop()
        return ask(questions)

    monkeypatch.setattr(watching, "standings", failing)
    await something_happens(run)
    assert (await next_message(lines) is not None) == survives


@in_a_loop
async def test_a_fault_lets_everybody_go_instead_of_leaving_them_in_silence(
    operator, make_run, valkey, monkeypatch
):
    run = await sync_to_async(make_run)(status=Status.IN_PROGRESS)
    lines = await listening(operator, run, valkey)

    def failing(questions):
        raise RuntimeError("a fault of ours")

    with monkeypatch.context() as patch:
        patch.setattr(watching, "standings", failing)
        await something_happens(run)
        assert await next_message(lines) is None
    again = await listening(operator, run, valkey, last_event_id="0")
    await something_happens(run)
    assert (await next_message(again))["id"] == "2"


@in_a_loop
async def test_those_whom_nothing_happens_to_are_asked_for_together(operator, make_run, valkey, monkeypatch):
    monkeypatch.setattr(watching, "AHEAD", 1.0)
    run = await sync_to_async(make_run)(status=Status.IN_PROGRESS)
    sizes = []

    def counted(questions, ask=watching.standings):
        sizes.append(len(questions))
        return ask(questions)

    monkeypatch.setattr(watching, "standings", counted)
    streams_open = [await listening(operator, run, valkey) for _ in range(4)]
    asked = len(sizes)
    while len(sizes) < asked + 2:
        await asyncio.sleep(0.01)
    assert sizes[-1] == len(streams_open)


@in_a_loop
async def test_a_person_may_have_so_many_open_and_no_more(operator, colleague, make_run, valkey, monkeypatch):
    monkeypatch.setattr(streams, "STREAMS_A_PERSON", 2)
    run = await sync_to_async(make_run)(status=Status.IN_PROGRESS)
    mine = [await listening(operator, run, valkey) for _ in range(2)]
    _, refused = await open_stream(operator, run)
    assert refused.status_code == 429
    assert refused.json()["code"] == "too-many-streams"
    await listening(colleague, run, valkey)
    await mine[0].aclose()
    await listening(operator, run, valkey)


@in_a_loop
async def test_who_leaves_leaves_nothing_behind(operator, make_run, valkey):
    run = await sync_to_async(make_run)(status=Status.IN_PROGRESS)
    before = asyncio.all_tasks()
    for lines in [await listening(operator, run, valkey) for _ in range(3)]:
        await lines.aclose()
    assert len(watching.watchers()) == 0
    while asyncio.all_tasks() - before:
        await asyncio.sleep(0.01)
    assert dict(valkey.pubsub_numsub("portal:runs"))[b"portal:runs"] == 0


@in_a_loop
async def test_a_process_that_stops_ends_its_streams_and_opens_no_more(operator, make_run, valkey, _patient):
    run = await sync_to_async(make_run)(status=Status.IN_PROGRESS)
    lines = await listening(operator, run, valkey)
    watching.watchers().close()
    assert await next_message(lines) is None
    _, response = await open_stream(operator, run)
    assert await next_message(aiter(response)) is None


@in_a_loop
async def test_a_client_that_takes_nothing_is_let_go(operator, make_run, valkey, monkeypatch):
    monkeypatch.setattr(streams, "STALLED_SECONDS", 0.3)
    run = await sync_to_async(make_run)(status=Status.IN_PROGRESS)
    scope = await scope_of(operator, run)
    stuck = asyncio.Event()

    async def receive():
        if not stuck.is_set():
            stuck.set()
            return {"type": "http.request", "body": b"", "more_body": False}
        return await asyncio.Event().wait()

    async def send(message):
        if b"still here" in message.get("body", b""):
            await asyncio.Event().wait()

    await get_asgi_application()(scope, receive, send)
    assert len(watching.watchers()) == 0


@in_a_loop
async def test_few_streams_are_opened_at_once_and_other_pages_do_not_wait():
    opening, answered = set(), asyncio.Event()

    async def application(scope, receive, send):
        opening.add(scope["number"])
        await answered.wait()
        await send({"type": "http.response.start"})
        opening.discard(scope["number"])
        await asyncio.Event().wait()

    async def send(message):
        pass

    wrapped = streams.few_at_a_time(application)
    more = streams.STREAMS_OPENED_AT_ONCE + 3
    scopes = [{"type": "http", "path": "/runs/1/stream/", "number": number} for number in range(more)]
    tasks = [asyncio.create_task(wrapped(scope, None, send)) for scope in scopes]
    tasks.append(
        asyncio.create_task(wrapped({"type": "http", "path": "/runs/", "number": "page"}, None, send))
    )
    await asyncio.sleep(0)
    while "page" not in opening:
        await asyncio.sleep(0)
    assert len(opening) == streams.STREAMS_OPENED_AT_ONCE + 1
    answered.set()
    while opening:
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def scope_of(user, run):
    client = AsyncClient()
    await client.aforce_login(user)
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": reverse("executions:stream", args=[run.pk]),
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"cookie", cookie.encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "scheme": "http",
    }


@in_a_loop
async def test_watchers_hold_no_thread(operator, make_run, valkey):
    run = await sync_to_async(make_run)(status=Status.IN_PROGRESS)
    scope = await scope_of(operator, run)
    application = get_asgi_application()
    before = threading.active_count()
    watchers = []
    for _ in range(12):
        watcher = ApplicationCommunicator(application, scope)
        await watcher.send_input({"type": "http.request", "body": b"", "more_body": False})
        assert (await watcher.receive_output(5))["status"] == 200
        assert (await watcher.receive_output(5))["body"].startswith(b"retry:")
        assert b"still here" in (await watcher.receive_output(5))["body"]
        watchers.append(watcher)
    assert threading.active_count() - before < 6
    for watcher in watchers:
        await watcher.send_input({"type": "http.disconnect"})
        await watcher.wait(5)
