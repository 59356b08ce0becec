"""Live pages: server-sent events that say "this run has changed"; what it is now, the page asks.

A watcher is a coroutine that sleeps until `watching` has an answer for it: it holds no thread, and no
connection but its client's. https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from typing import Any
from uuid import UUID

from asgiref.sync import SyncToAsync, sync_to_async
from django.http import HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_GET

from common.errors import NotFound, PortalError, Unavailable
from executions.standing import Question, Standing, let_connections_go, standings
from executions.watching import watchers

# What one person may have open in one web process: a page that is not looked at holds no stream, so this is
# for several browsers, and keeps one of them from taking the process for itself.
STREAMS_A_PERSON = 12
# What a process may have open: each takes a file descriptor and about 60 KiB.
STREAMS_A_PROCESS = 4000
STREAMS_OPENED_AT_ONCE = 4
# Clients whose stream ends come back after so long: not all in the same moment when a process was restarted.
RECONNECT_MILLISECONDS = (1000, 5000)
# Of a change each page asks for what it shows. So many milliseconds lie between two of a run's pages, about
# what one answer takes the processor: they do not ask all at once.
SPREAD_MILLISECONDS, MOST_SPREAD_MILLISECONDS = 20, 20_000
# A client that does not take what it was sent for so long is gone, or might as well be.
STALLED_SECONDS = 60.0


@require_GET
async def stream(request: HttpRequest, execution_id: UUID) -> StreamingHttpResponse:
    """Send "changed" when there is more to show, "observed" when AWS was merely asked again, "ended" last.

    The data of "changed" are the milliseconds within which the page asks what has changed, at a moment of its
    own choice; of "observed", the moment at which AWS was asked. (Clients ignore messages without data.)
    The id of each is the number of the newest event; events that come faster than they are sent share one.
    A client that comes back names the last event that it knows (Last-Event-ID, or `seen` in the address) and
    hears at once when there are newer ones. The stream ends as soon as its session, its person or their right
    to see the run does. Who has too many open is refused, and asks the page's part by itself meanwhile.
    """
    question = Question(request.session.session_key or "", execution_id)
    at = await sync_to_async(_first_look)(question)
    _check_room(at.person, 1)
    known = request.headers.get("Last-Event-ID") or request.GET.get("seen", "")
    seen = int(known) if known.isascii() and known.isdecimal() else 0
    return EventStream(_events(question, at.person, seen))


class EventStream(StreamingHttpResponse):
    """A stream whose generator ends with its client: Django leaves one that it has wrapped to the garbage."""

    def __init__(self, events: AsyncGenerator[bytes, None]) -> None:
        super().__init__(events, content_type="text/event-stream")
        self["Cache-Control"] = "no-cache, no-transform"
        self["X-Accel-Buffering"] = "no"
        self._events = events

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Return what Django takes the pieces from, and closes."""
        return self._events


def _first_look(question: Question) -> Standing:
    (at,) = standings([question])
    if at is None:
        raise NotFound()
    return at


def few_at_a_time(application: Any) -> Any:
    """Wrap an ASGI application so that of the streams that clients ask for only a few are opened at once.

    Until it is open, each takes a thread, a database connection and some milliseconds of the processor; after
    a restart all clients come back together, and other pages would have nothing left.
    """
    opening = asyncio.Semaphore(STREAMS_OPENED_AT_ONCE)

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].endswith("/stream/"):
            await application(scope, receive, send)
            return
        async with AsyncExitStack() as held:
            await held.enter_async_context(opening)

            async def answer(message: Any) -> None:
                if message["type"] == "http.response.start":
                    await held.aclose()
                await send(message)

            await application(scope, receive, answer)

    return wrapped


def _check_room(person: object, more: int) -> None:
    if watchers().open_by(person) + more > STREAMS_A_PERSON:
        words = "You have too many live pages open; this one asks every few seconds instead. Close some."
        raise PortalError("too-many-streams", words, 429)
    if len(watchers()) + more > STREAMS_A_PROCESS:
        raise Unavailable("Too many live pages are open here; this one asks every few seconds instead.")


async def _events(question: Question, person: object, seen: int) -> AsyncGenerator[bytes, None]:
    """Give the stream, piece by piece. Whoever takes them is cancelled when a piece is not taken in time."""
    await sync_to_async(let_connections_go)()
    _let_thread_go()
    taker = asyncio.current_task()
    assert taker is not None
    loop = asyncio.get_running_loop()
    async with aclosing(_pieces(question, person, seen)) as pieces:
        async for piece in pieces:
            stalled = loop.call_later(STALLED_SECONDS, taker.cancel)
            try:
                yield piece
            finally:
                stalled.cancel()


async def _pieces(question: Question, person: object, seen: int) -> AsyncGenerator[bytes, None]:
    yield f"retry: {random.randint(*RECONNECT_MILLISECONDS)}\n\n".encode()  # noqa: S311
    try:
        with watchers().watching(question, person) as watch:
            # Others may have come in between.
            _check_room(person, 0)
            observed_at = behind_since = None
            while True:
                # Asked only now that the watch is kept: what happens in between is not missed.
                at = await watch.next()
                # A client may know a number of a database that was restored since: any other is news.
                if at.number != seen or at.behind_since != behind_since:
                    seen = at.number
                    yield _message("changed", seen, _spread(question.execution_id))
                elif at.observed_at != observed_at and at.observed_at is not None:
                    yield _message("observed", seen, at.observed_at.isoformat())
                else:
                    yield b": still here\n\n"
                observed_at, behind_since = at.observed_at, at.behind_since
                if at.final:
                    yield _message("ended", seen, seen)
                    return
    except PortalError:
        # The right to see the run, or the session, has ended: the client comes back and is told so.
        return


def _let_thread_go() -> None:
    """End the thread that the framework keeps for the request's synchronous code until its response ends.

    A stream would hold it, idle, for hours. One that is needed later is made anew.
    """
    context = SyncToAsync.thread_sensitive_context.get(None)
    if context is not None:
        executor = SyncToAsync.context_to_thread_executor.pop(context, None)
        if executor is not None:
            executor.shutdown(wait=False)


def _spread(execution_id: UUID) -> int:
    others = watchers().open_for(execution_id) - 1
    return min(others * SPREAD_MILLISECONDS, MOST_SPREAD_MILLISECONDS)


def _message(kind: str, number: int, data: str | int) -> bytes:
    return f"id: {number}\nevent: {kind}\ndata: {data}\n\n".encode()
