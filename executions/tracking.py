"""One tracker a target follows all its runs, within AWS's three calls a second.

A tracker works in short turns, so that several targets share a worker and a worker stops soon when asked to.
A lease keeps a target from being followed twice; a tracker that dies is succeeded when its lease has ended.
"""

import logging
import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db.models import F, Max, Q, QuerySet

from aws.connections import as_portal
from aws.errors import AwsError
from aws.gateway import PAGE, SsmGateway
from aws.models import AwsTarget
from common import queueing
from common.clock import now
from executions import jobs, observing, wakeups
from executions.events import Fact
from executions.models import Execution, ExecutionEvent, Status, TrackingLease
from executions.transitions import IN_FLIGHT_IN_AWS, move

log = logging.getLogger(__name__)

TURN_SECONDS = 5.0
LEASE_SECONDS = 15.0
RENEW_SECONDS = 3.0
SECONDS_PER_CALL = 1 / 3
# Up to as many runs are looked at one by one; from there on, one page of summaries says which have changed.
FEW = 3
MAX_PAGES = 10
# While something happens a run is looked at about once a second, while nothing does, more and more seldom.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
BACK_OFF = (1.0, 2.0)
# AWS may need a moment before it can describe what it has just started.
UNKNOWN_SECONDS = 60


def in_flight(target_id: int) -> QuerySet[Execution]:
    """Return the runs of a target that AWS is at work on, those first that were not looked at for longest."""
    return Execution.objects.filter(
        target=target_id, status__in=sorted(IN_FLIGHT_IN_AWS), aws_execution_id__gt=""
    ).order_by(F("observed_at").asc(nulls_first=True), "requested_at")


def ensure(target_id: int) -> None:
    """See to it that somebody follows the runs of a target, and looks soon."""
    held = TrackingLease.objects.filter(target=target_id, until__gt=now()).exists()
    if held:
        wakeups.tell_tracker(target_id)
    else:
        queueing.enqueue("tracking", jobs.track, target_id)


def follow(target_id: int) -> None:
    """Follow the runs of a target for one turn, unless somebody does already; then hand on."""
    holder = uuid.uuid4().hex
    if not take_lease(target_id, holder):
        return
    try:
        with wakeups.waiting_for(target_id) as waiter:
            well = Turn(target_id, holder, waiter).run()
    finally:
        TrackingLease.objects.filter(target=target_id, holder=holder).update(holder="", until=None)
    # Asked after the lease was given back: whoever started a run before that relied on this tracker.
    if well and in_flight(target_id).exists():
        queueing.enqueue("tracking", jobs.track, target_id)


def take_lease(target_id: int, holder: str) -> bool:
    """Make `holder` the one who follows the target; answer False when another does."""
    TrackingLease.objects.get_or_create(target_id=target_id)
    free = TrackingLease.objects.filter(Q(until=None) | Q(until__lte=now()), target=target_id)
    return bool(free.update(holder=holder, until=now() + timedelta(seconds=LEASE_SECONDS)))


class LeaseLost(Exception):
    """Another tracker has taken over: this one was too slow."""


class Turn:
    """One tracker's turn at one target."""

    def __init__(self, target_id: int, holder: str, waiter: wakeups.Waiter) -> None:
        self.target_id = target_id
        self.holder = holder
        self.waiter = waiter
        self.end = waiter.monotonic() + TURN_SECONDS
        self._next_call = waiter.monotonic()
        self._renewed = waiter.monotonic()

    @property
    def over(self) -> bool:
        """Whether the turn's time is up."""
        return self.waiter.monotonic() >= self.end

    def run(self) -> bool:
        """Look until the turn is over or nothing is in flight; answer whether AWS answered to the end."""
        back_off = iter(BACK_OFF)
        target = AwsTarget.objects.get(pk=self.target_id)
        gateway: SsmGateway | None = None
        try:
            while True:
                runs = list(in_flight(self.target_id))
                if not runs:
                    return True
                try:
                    gateway = gateway or as_portal(target, on_behalf_of="automation-portal")
                    self._look(gateway, runs)
                except AwsError as error:
                    self._keep_failure(error)
                    pause = next(back_off, None) if error.retryable else None
                    if pause is None:
                        return False
                    self.waiter.sleep(pause)
                    continue
                if self.over or queueing.waiting("tracking"):
                    return True
                self.waiter.wait(min(self._pause(runs), max(self.end - self.waiter.monotonic(), 0)))
        except LeaseLost:
            log.warning("Another tracker follows target %s now", self.target_id)
            return False

    def _look(self, gateway: SsmGateway, runs: Sequence[Execution]) -> None:
        if len(runs) > FEW:
            runs = self._changed(gateway, runs)
        for run in runs:
            self._call()
            self._look_at(gateway, run)
            if self.over:
                break
        TrackingLease.objects.filter(target=self.target_id, holder=self.holder).update(
            polled_at=now(), failure=""
        )

    def _changed(self, gateway: SsmGateway, runs: Sequence[Execution]) -> list[Execution]:
        """Return the runs of which AWS's summaries say something new, or nothing at all."""
        wanted = {run.aws_execution_id: run for run in runs}
        since = min(run.requested_at for run in runs) - timedelta(minutes=1)
        same: list[Execution] = []
        changed: list[Execution] = []
        asked_at = now()
        self._call()
        for number, summary in enumerate(gateway.summaries(since), start=1):
            run = wanted.pop(summary.aws_id, None)
            if run is not None:
                known = (run.status, run.current_step)
                reported = (observing.known_status(summary.status), summary.current_step)
                (same if known == reported else changed).append(run)
            if not wanted or number >= PAGE * MAX_PAGES:
                break
            if number % PAGE == 0:
                self._call()
        self._observed(same, asked_at)
        return changed + list(wanted.values())

    def _look_at(self, gateway: SsmGateway, run: Execution) -> None:
        asked_at = now()
        try:
            remote = gateway.execution(run.aws_execution_id)
        except AwsError as error:
            if not error.unknown_execution:
                raise
            last_known = run.observed_at or run.claimed_at or run.requested_at
            if asked_at - last_known > timedelta(seconds=UNKNOWN_SECONDS):
                words = f"AWS no longer knows the automation {run.aws_execution_id}: {error.message}"
                move(run, Status.LOST, Fact("lost", words), failure=words)
            return
        if not observing.apply(run, remote, asked_at):
            self._observed([run], asked_at)

    def _observed(self, runs: Iterable[Execution], at: object) -> None:
        keys = [run.pk for run in runs]
        if keys:
            Execution.objects.filter(pk__in=keys, status__in=sorted(IN_FLIGHT_IN_AWS)).update(observed_at=at)

    def _call(self) -> None:
        """Wait until the next call is due, and keep the lease alive."""
        moment = self.waiter.monotonic()
        if moment < self._next_call:
            self.waiter.sleep(self._next_call - moment)
        self._next_call = max(moment, self._next_call) + SECONDS_PER_CALL
        if self.waiter.monotonic() - self._renewed >= RENEW_SECONDS:
            mine = TrackingLease.objects.filter(target=self.target_id, holder=self.holder)
            if not mine.update(until=now() + timedelta(seconds=LEASE_SECONDS)):
                raise LeaseLost
            self._renewed = self.waiter.monotonic()

    def _pause(self, runs: Sequence[Execution]) -> float:
        """Return how many seconds to leave the runs alone: the more, the longer nothing has happened."""
        newest = ExecutionEvent.objects.filter(execution__in=runs).aggregate(at=Max("at"))["at"]
        quiet = (now() - newest).total_seconds() if newest else 0.0
        return min(LONGEST_PAUSE, max(SHORTEST_PAUSE, quiet / 20))

    def _keep_failure(self, error: AwsError) -> None:
        words = f"AWS did not answer {error.operation}: {error.message}"
        TrackingLease.objects.filter(target=self.target_id, holder=self.holder).update(failure=words)
