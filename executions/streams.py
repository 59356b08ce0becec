"""Live pages: server-sent events that say "this run has changed"; what it is now, the page asks.

No thread is held for a watcher: each is a coroutine that sleeps on the queue's publish and subscribe.
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from importlib import import_module
from typing import cast
from uuid import UUID

from asgiref.sync import SyncToAsync, sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.db import connections
from django.http import HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from common import access
from common.errors import PortalError
from executions import selectors, wakeups

log = logging.getLogger(__name__)

# How often the door is asked again, and a silent connection proves that it lives.
RECHECK_SECONDS = 10.0
RECONNECT_MILLISECONDS = 2000
# However many pages are watched, only so many ask the database at the same moment.
_asking = asyncio.Semaphore(8)


@require_safe
async def stream(request: HttpRequest, execution_id: UUID) -> StreamingHttpResponse:
    """Send "changed" for every new event, "observed" when AWS was merely asked again, "ended" last.

    A client that comes back names the last event that it knows (Last-Event-ID, or `seen` in the address) and
    hears at once when there are newer ones.
    """
    session_key = request.session.session_key or ""
    await _standing(session_key, execution_id)
    known = request.headers.get("Last-Event-ID") or request.GET.get("seen", "")
    seen = int(known) if known.isascii() and known.isdecimal() else 0
    response = StreamingHttpResponse(
        _events(session_key, execution_id, seen),
        content_type="text/event-stream",
    )
    response["Cache-Control"] = "no-cache, no-transform"
    response["X-Accel-Buffering"] = "no"
    return response


async def _events(session_key: str, execution_id: UUID, seen: int) -> AsyncIterator[bytes]:
    yield f"retry: {RECONNECT_MILLISECONDS}\n\n".encode()
    try:
        async with wakeups.watching(execution_id) as watch:
            # Asked only now that changes are listened for: what happens in between is not missed.
            at = await _standing(session_key, execution_id)
            asked = time.monotonic()
            if at.number > seen:
                seen = at.number
                yield _message("changed", seen)
            observed_at = at.observed_at
            while not at.final:
                change = await watch.next(max(RECHECK_SECONDS - (time.monotonic() - asked), 0.1))
                if change is not None and change.number > seen:
                    seen = change.number
                    yield _message("changed", seen)
                if change is not None and not change.final and time.monotonic() - asked < RECHECK_SECONDS:
                    continue
                at = await _standing(session_key, execution_id)
                asked = time.monotonic()
                if at.number > seen:
                    seen = at.number
                    yield _message("changed", seen)
                elif at.observed_at != observed_at:
                    yield _message("observed", seen)
                else:
                    yield b": still here\n\n"
                observed_at = at.observed_at
            yield _message("ended", seen)
    except PortalError:
        # The right to see the run, or the session, has ended: the client comes back and is told so.
        return
    except RedisError as error:
        # The client comes back in a moment, and asks by itself meanwhile.
        log.warning("A live page of run %s was let go: the queue does not answer (%s)", execution_id, error)


async def _standing(session_key: str, execution_id: UUID) -> selectors.Standing:
    """Ask as the session's person may now: signed out, deactivated or without the right is NotFound."""
    try:
        async with _asking:
            return await sync_to_async(_read_standing)(session_key, execution_id)
    finally:
        _let_thread_go()


def _read_standing(session_key: str, execution_id: UUID) -> selectors.Standing:
    probe = HttpRequest()
    probe.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    try:
        standing = selectors.standing(cast(access.Actor, get_user(probe)), execution_id)
        wakeups.watched(execution_id)
        return standing
    finally:
        # The thread is not kept, nor is what it has open.
        connections.close_all()


def _let_thread_go() -> None:
    """End the thread that the framework keeps for the request's synchronous code until its response ends.

    A stream would hold it, idle, for hours. One that is needed later is made anew.
    """
    context = SyncToAsync.thread_sensitive_context.get(None)
    if context is not None:
        executor = SyncToAsync.context_to_thread_executor.pop(context, None)
        if executor is not None:
            executor.shutdown(wait=False)


def _message(kind: str, number: int) -> bytes:
    return f"id: {number}\nevent: {kind}\ndata: {number}\n\n".encode()
