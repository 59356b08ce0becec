"""Server-sent events of a run."""

import functools
import threading
import uuid

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.test import AsyncClient
from django.urls import reverse

from executions import watching
from executions.events import Fact, append
from executions.models import Execution, Status
from executions.transitions import move

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(watching, "RECHECK_SECONDS", 0.2)


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
    return client, await client.get(url, headers=headers)


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
    lines = aiter(response.streaming_content)
    assert (await anext(lines)).startswith(b"retry:")
    assert await anext(lines) == b": still here\n\n"

    await sync_to_async(append)(run.pk, [Fact("status", "Something")])
    assert await next_message(lines) == {"id": "1", "event": "changed", "data": "1"}

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
    lines = aiter(response.streaming_content)
    assert (await next_message(lines))["id"] == "2"
    await lines.aclose()

    _, response = await open_stream(operator, run, last_event_id="2")
    lines = aiter(response.streaming_content)
    await anext(lines)
    assert await anext(lines) == b": still here\n\n"
    await lines.aclose()


@in_a_loop
async def test_an_ended_run_ends_the_stream(operator, make_run, valkey):
    run = await sync_to_async(make_run)(status=Status.SUCCESS)
    _, response = await open_stream(operator, run)
    assert (await next_message(aiter(response.streaming_content)))["event"] == "ended"


@in_a_loop
async def test_it_hides_runs_from_strangers_and_the_signed_out(stranger, make_run, valkey):
    run = await sync_to_async(make_run)(status=Status.IN_PROGRESS)
    _, response = await open_stream(stranger, run)
    assert response.status_code == 404
    url = reverse("executions:stream", args=[run.pk])
    assert (await AsyncClient().get(url)).status_code == 302
    _, response = await open_stream(stranger, Execution(pk=uuid.uuid4()))
    assert response.status_code == 404


@pytest.mark.parametrize("ended_by", ["signing out", "being deactivated"])
@in_a_loop
async def test_the_stream_ends_with_the_right_to_see_it(operator, make_run, valkey, ended_by):
    run = await sync_to_async(make_run)(status=Status.IN_PROGRESS)
    client, response = await open_stream(operator, run)
    lines = aiter(response.streaming_content)
    await anext(lines)
    assert await anext(lines) == b": still here\n\n"
    if ended_by == "signing out":
        await client.alogout()
    else:
        operator.is_active = False
        await operator.asave()
    assert await next_message(lines) is None


@in_a_loop
async def test_watchers_hold_no_thread(operator, make_run, valkey):
    run = await sync_to_async(make_run)(status=Status.IN_PROGRESS)
    client = AsyncClient()
    await client.aforce_login(operator)
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    scope = {
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
