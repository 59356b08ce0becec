"""One tracker a target follows all its runs, within AWS's three calls a second of each API.

A job follows several targets at once, each in threads of its own, so that neither a target with thousands of
runs nor one whose AWS does not answer holds up another. A lease keeps a target from being followed twice; a
tracker that dies is succeeded when its lease has ended.
"""

import contextvars
import logging
import threading
import time
from collections.abc import Iterable
from typing import Protocol

from django.db import DatabaseError
from redis.exceptions import RedisError

from aws.errors import AwsError
from aws.models import AwsTarget
from common import queueing
from common.clock import now
from common.errors import PortalError
from executions import jobs, wakeups
from executions.following import Subject, has_open_runs
from executions.leases import RENEW_SECONDS, Lease, LeaseLost, is_held
from executions.listening import Listener
from executions.looking import Looker
from executions.models import Execution
from executions.sweeping import Sweeper

log = logging.getLogger(__name__)

# A job hands on after so long, between two passes where possible: nothing that leaks lives for ever.
TURN_SECONDS, LONGEST_TURN_SECONDS = 600.0, 780.0
# While more targets wait than one job takes on, turns are short.
MOST_TARGETS = 16
SHORT_TURN_SECONDS = 20.0
TICK_SECONDS = 0.5
FIRST_BACK_OFF, LONGEST_BACK_OFF = 1.0, 30.0
# How long threads may take to end; whoever still waits for AWS may not write any more.
FAREWELL_SECONDS = 2.0


def ensure(target_id: int, about: Execution | None = None) -> None:
    """See to it that somebody follows the runs of a target, and looks soon.

    about: the run of which there is something new; it gets a full look.
    """
    if about is not None:
        Execution.objects.filter(pk=about.pk, ended_at=None, behind_since=None).update(behind_since=now())
    if is_held(target_id):
        wakeups.tell_tracker(target_id)
    else:
        queueing.enqueue("tracking", jobs.track, target_id)


def ensure_all() -> None:
    """See to it that every target with runs to be followed has a tracker."""
    # Whoever takes a job that waits follows all targets that nobody does.
    waiting = queueing.waiting("tracking")
    for target_id in AwsTarget.objects.order_by("pk").values_list("pk", flat=True):
        if has_open_runs(target_id) and not (waiting and not is_held(target_id)):
            ensure(target_id)


def follow(target_id: int) -> None:
    """Follow the runs of a target, and of others that wait, for a turn; then hand on."""
    crew = Crew()
    if crew.take_on(target_id):
        crew.work()


class Part(Protocol):
    """What a tracker does, a step at a time, in a thread of its own."""

    bell: threading.Event

    def step(self) -> float:
        """Do the next thing; return how many seconds to wait, unless the bell rings, before the next."""

    def ring(self) -> None:
        """There is something new to ask AWS about."""


class Tracker:
    """Follows one target for as long as it holds the lease."""

    def __init__(self, target: AwsTarget, lease: Lease) -> None:
        self.subject = Subject(target.pk, lease)
        self.sweeper = Sweeper(self.subject)
        self.looker = Looker(self.subject)
        self.parts: list[Part] = [self.sweeper, self.looker]
        if target.events_queue_url:
            self.parts.append(Listener(self.subject, self.sweeper))
        self.stopped = threading.Event()
        self._failures: dict[Part, str] = {}
        self._failures_lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._renewed = time.monotonic()

    def start(self) -> None:
        """Begin to follow."""
        for part in self.parts:
            name = f"{type(part).__name__.lower()}-{self.subject.target_id}"
            here = contextvars.copy_context()
            thread = threading.Thread(target=here.run, args=(self._run, part), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    @property
    def done(self) -> bool:
        """Whether there is nothing left to follow, or another tracker does."""
        return self.stopped.is_set() or self.looker.idle

    def ring(self) -> None:
        """There is something new to ask AWS about."""
        for part in self.parts:
            part.ring()

    def renew(self) -> None:
        """Keep the lease, now and then; without it, stop."""
        if time.monotonic() - self._renewed < RENEW_SECONDS:
            return
        try:
            self.subject.lease.renew(self.subject.polled_at)
            self._renewed = time.monotonic()
        except LeaseLost:
            self._lost()
        except DatabaseError as error:
            # The lease runs on for a while; the threads stop by themselves when it has ended.
            log.warning("The lease of target %s was not renewed: %s", self.subject.target_id, error)
            queueing.close_database_connections()

    def stop(self) -> None:
        """Ask the threads to end."""
        self.stopped.set()
        for part in self.parts:
            part.bell.set()

    def leave(self, until: float) -> None:
        """Wait for the threads until then (time.monotonic), and give the lease back."""
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        try:
            self.subject.lease.give_back()
        except DatabaseError as error:
            log.warning("The lease of target %s ends by itself: %s", self.subject.target_id, error)

    def _run(self, part: Part) -> None:
        back_off = FIRST_BACK_OFF
        try:
            while not self.stopped.is_set():
                part.bell.clear()
                try:
                    pause = part.step()
                    self._well(part)
                    back_off = FIRST_BACK_OFF
                    if pause and not self.stopped.is_set():
                        part.bell.wait(pause)
                    continue
                except LeaseLost:
                    self._lost()
                    return
                except PortalError as error:
                    self._failed(part, error)
                except (DatabaseError, RedisError) as error:
                    log.warning("Target %s cannot be followed now: %s", self.subject.target_id, error)
                    queueing.close_database_connections()
                except Exception:
                    # One run's fault must not end the following of all others.
                    log.exception("A step of target %s's tracker failed", self.subject.target_id)
                self.stopped.wait(back_off)
                back_off = min(2 * back_off, LONGEST_BACK_OFF)
        finally:
            queueing.close_database_connections()

    def _lost(self) -> None:
        if not self.stopped.is_set():
            log.warning("Another tracker follows target %s now", self.subject.target_id)
            self.stop()

    def _well(self, part: Part) -> None:
        if part in self._failures:
            self._keep(part, "")

    def _failed(self, part: Part, error: PortalError) -> None:
        words = error.message
        if isinstance(error, AwsError):
            words = f"AWS did not answer {error.operation}: {error.message}"
        self.subject.forget_gateway()
        if self._failures.get(part) != words:
            self._keep(part, words)

    def _keep(self, part: Part, words: str) -> None:
        with self._failures_lock:
            if words:
                self._failures[part] = words
            else:
                self._failures.pop(part, None)
            said = list(dict.fromkeys(self._failures.values()))
            try:
                self.subject.lease.keep_failure(" ".join(said))
            except DatabaseError as failure:
                log.warning("Why target %s is not followed was not kept: %s", self.subject.target_id, failure)


class Crew:
    """The trackers of one job."""

    def __init__(self) -> None:
        self.trackers: dict[int, Tracker] = {}

    def take_on(self, target_id: int) -> bool:
        """Follow a target too; answer False when another tracker does."""
        lease = Lease.take(target_id)
        if lease is None:
            return False
        tracker = Tracker(AwsTarget.objects.get(pk=target_id), lease)
        self.trackers[target_id] = tracker
        tracker.start()
        return True

    def work(self) -> None:
        """Follow until nothing is left to follow, the turn is over, or the worker is asked to end."""
        begun = time.monotonic()
        ears = wakeups.Ears()
        try:
            while self.trackers and not queueing.stopping():
                for target_id in ears.heard(TICK_SECONDS) & self.trackers.keys():
                    self.trackers[target_id].ring()
                for tracker in self.trackers.values():
                    tracker.renew()
                self._dismiss(tracker for tracker in list(self.trackers.values()) if tracker.done)
                crowded = self._help_out()
                spent = time.monotonic() - begun
                if spent > LONGEST_TURN_SECONDS or (crowded and spent > SHORT_TURN_SECONDS):
                    return
                if spent > TURN_SECONDS:
                    rested = [each for each in self.trackers.values() if each.sweeper.between_passes]
                    self._dismiss(rested)
        finally:
            ears.close()
            self._dismiss(list(self.trackers.values()))

    def _help_out(self) -> bool:
        """Take on what waits while no worker is free; answer whether something has to wait all the same."""
        try:
            if not queueing.waiting("tracking"):
                return False
            for target_id in AwsTarget.objects.order_by("pk").values_list("pk", flat=True):
                if target_id in self.trackers or is_held(target_id) or not has_open_runs(target_id):
                    continue
                if len(self.trackers) >= MOST_TARGETS:
                    return True
                self.take_on(target_id)
        except (DatabaseError, RedisError) as error:
            log.warning("Whether other targets wait is not known now: %s", error)
            queueing.close_database_connections()
        return False

    def _dismiss(self, trackers: Iterable[Tracker]) -> None:
        leaving = list(trackers)
        for tracker in leaving:
            tracker.stop()
        until = time.monotonic() + FAREWELL_SECONDS
        for tracker in leaving:
            tracker.leave(until)
            target_id = tracker.subject.target_id
            del self.trackers[target_id]
            try:
                # Asked after the lease was given back: whoever started a run before that relied on this
                # tracker.
                if has_open_runs(target_id) and not is_held(target_id):
                    queueing.enqueue("tracking", jobs.track, target_id)
            except DatabaseError as error:
                log.warning("Target %s waits for the reconciler: %s", target_id, error)
