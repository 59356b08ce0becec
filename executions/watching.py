"""All the streams of one web process: one subscription to the queue, one asker of the database.

Whoever watches a run has a `Watch`. The asker puts the questions of all watches whose run has changed, and of
those that have not been asked for a while, to the database in batches, in one thread; no answer is told to
anybody that the door has not just permitted. A watch keeps the newest answer only: a flood of changes costs
as many batches as fit, and who reads slowly misses none of what counts.
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from contextlib import aclosing, contextmanager, suppress
from contextvars import Context
from itertools import islice
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.db import DatabaseError
from redis.exceptions import RedisError

from common.errors import NotFound, PortalError, Unavailable
from executions import wakeups
from executions.standing import Question, Standing, let_connections_go, standings

log = logging.getLogger(__name__)

# How often the door is asked for a watch at least; and how often the database, while the queue tells nothing.
RECHECK_SECONDS = 10.0
DEAF_RECHECK_SECONDS = 3.0
# How often trackers are told at least which runs are looked at, and how long a new one may wait for it.
SAY_SECONDS = 10.0
SAY_PAUSE_SECONDS = 1.0
# A subscription that broke is tried again after so long.
RESUBSCRIBE_SECONDS = 1.0
# So many questions are asked at once: few enough for those after them not to wait long.
BATCH = 500
# After a batch, others have the processor for this many times as long as the batch took, and what happens in
# so many seconds at least becomes one batch.
REST, GATHER_SECONDS = 0.5, 0.02
# Who would be due within this part of the time between two rechecks is asked for with who is due.
AHEAD = 0.1


class Watch:
    """One person's view of one run: the newest answer, until it has been told."""

    __slots__ = ("_ended", "_news", "_standing", "person", "question")

    def __init__(self, question: Question, person: Any) -> None:
        self.question = question
        self.person = person
        self._standing: Standing | None = None
        self._ended: PortalError | None = None
        self._news = asyncio.Event()

    def hear(self, standing: Standing) -> None:
        """Take an answer, in place of one that has not been told yet."""
        self._standing = standing
        self._news.set()

    def end(self, why: PortalError) -> None:
        """Tell nothing more, not even what was heard before."""
        self._ended = why
        self._news.set()

    async def next(self) -> Standing:
        """Return the next answer. Raises PortalError when the watch has ended."""
        await self._news.wait()
        self._news.clear()
        if self._ended is not None:
            raise self._ended
        assert self._standing is not None
        return self._standing


class Watchers:
    """The watches of one event loop."""

    def __init__(self) -> None:
        # Open watches by the moment at which they were last asked for, the longest ago first.
        self._asked: dict[Watch, float] = {}
        self._of_run: dict[UUID, set[Watch]] = {}
        # Whose turn it is, in order.
        self._urgent: dict[Watch, None] = {}
        self._woken = asyncio.Event()
        # Set while there is a run of which trackers do not know yet that it is looked at.
        self._unsaid = asyncio.Event()
        self._asker: asyncio.Task[None] | None = None
        self._helpers: list[asyncio.Task[None]] = []
        self._hears = False
        self._closed = False

    def __len__(self) -> int:
        return len(self._asked)

    def open_by(self, person: Any) -> int:
        """Return how many watches a person has open."""
        return sum(watch.person == person for watch in self._asked)

    def open_for(self, execution_id: UUID) -> int:
        """Return how many watch a run."""
        return len(self._of_run.get(execution_id, ()))

    @contextmanager
    def watching(self, question: Question, person: Any) -> Iterator[Watch]:
        """Keep a watch, which hears the run's standing at once, at every change and every RECHECK_SECONDS."""
        watch = Watch(question, person)
        of_run = self._of_run.setdefault(question.execution_id, set())
        if not of_run:
            self._unsaid.set()
        of_run.add(watch)
        self._asked[watch] = asyncio.get_running_loop().time()
        self._hurry(watch)
        if not self._helpers and not self._closed:
            self._helpers = [_start(self._listen()), _start(self._say_what_is_watched())]
        try:
            yield watch
        finally:
            of_run.discard(watch)
            if not of_run:
                self._of_run.pop(question.execution_id, None)
            self._asked.pop(watch, None)
            self._urgent.pop(watch, None)
            if not self._asked:
                self._woken.set()

    def close(self) -> None:
        """End all watches, and at once those that are still to come: the process stops."""
        self._closed = True
        self._end(*self._asked)

    def _end(self, *watches: Watch) -> None:
        for watch in watches:
            watch.end(Unavailable("The portal cannot say now how far the run is; try again in a moment."))

    def _hurry(self, *watches: Watch) -> None:
        if self._closed:
            self._end(*watches)
            return
        self._urgent.update(dict.fromkeys(watches))
        self._woken.set()
        if self._asker is None:
            self._asker = _start(self._ask())

    async def _listen(self) -> None:
        said = False
        while True:
            try:
                async with aclosing(wakeups.changes()) as changes:
                    async for changed in changes:
                        self._hears, said = True, False
                        if changed is None:
                            self._hurry(*self._asked)
                        else:
                            self._hurry(*(watch for key in changed for watch in self._of_run.get(key, ())))
            except (RedisError, OSError, ValueError) as error:
                if not said:
                    log.warning("Live pages ask the database until the queue answers again (%s)", error)
                said = True
            self._hears = False
            self._woken.set()
            await asyncio.sleep(RESUBSCRIBE_SECONDS)

    async def _say_what_is_watched(self) -> None:
        while True:
            self._unsaid.clear()
            await asyncio.to_thread(wakeups.watched, list(self._of_run))
            await asyncio.sleep(SAY_PAUSE_SECONDS)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._unsaid.wait(), SAY_SECONDS)

    async def _ask(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while batch := await self._next_batch():
                begun = loop.time()
                await self._answer(batch)
                await asyncio.sleep(max((loop.time() - begun) * REST, GATHER_SECONDS))
        except Exception:
            # Whatever it was: pages that are let go ask again, those that wait for a dead task never do.
            log.exception("All live pages are let go")
        finally:
            # Nobody is left, or nobody may be left waiting for an asker that is gone.
            self._asker = None
            self._end(*self._asked)
            for helper in self._helpers:
                helper.cancel()
            self._helpers = []
            self._hears = False
        await sync_to_async(let_connections_go)()

    async def _next_batch(self) -> list[Watch]:
        """Wait until there is something to ask, and return for whom; nobody when no watch is left."""
        while True:
            now = asyncio.get_running_loop().time()
            patience = RECHECK_SECONDS if self._hears else DEAF_RECHECK_SECONDS
            oldest = next(iter(self._asked.values()), now)
            if oldest + patience <= now:
                # Who is due soon comes along: a batch of many costs little more than one of one.
                for watch, at in self._asked.items():
                    if at + patience > now + patience * AHEAD:
                        break
                    self._urgent.setdefault(watch)
            if self._urgent:
                break
            if not self._asked:
                return []
            self._woken.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), oldest + patience - now)
        batch = list(islice(self._urgent, BATCH))
        for watch in batch:
            del self._urgent[watch]
            del self._asked[watch]
            self._asked[watch] = now
        return batch

    async def _answer(self, batch: list[Watch]) -> None:
        try:
            answers = await sync_to_async(_standings)([watch.question for watch in batch])
        except DatabaseError as error:
            log.error("%d live pages are let go: the database does not answer (%s)", len(batch), error)
            self._end(*batch)
            return
        for watch, answer in zip(batch, answers, strict=True):
            if answer is None:
                watch.end(NotFound())
            else:
                watch.hear(answer)


def _standings(questions: list[Question]) -> list[Standing | None]:
    try:
        return standings(questions)
    except DatabaseError:
        # The connection may have been cut since it was last used: once more, with another.
        let_connections_go()
        return standings(questions)


def _start(work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    # In no request's context: it outlives the request that happens to be the first.
    return asyncio.get_running_loop().create_task(work, context=Context())


_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Watchers] = WeakKeyDictionary()


def watchers() -> Watchers:
    """Return the running event loop's watchers."""
    return _of_loop.setdefault(asyncio.get_running_loop(), Watchers())
