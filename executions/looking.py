"""Full looks at runs, steps and outputs included, within GetAutomationExecution's calls a second.

First come runs of which AWS knows more than is kept here: those that somebody looks at, those that have ended
or wait for a person, the others by age. Where nothing is behind, the few runs there are, or those that
somebody looks at, are looked at all the same.
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetAutomationExecution.html
"""

import time
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Case, Q, Value, When

from aws.errors import AwsError
from common.clock import now
from executions import observing, wakeups
from executions.events import Fact, append
from executions.following import FEW, Subject, behind, in_flight
from executions.models import FINAL, Execution, Status
from executions.transitions import move

# AWS may need a moment before it can describe what it has just started.
UNKNOWN_SECONDS = 60
HISTORY_DAYS = 30
# A run that was looked at is left alone for so long; one of which nothing could be learned, for longer.
REST_SECONDS, WATCHED_REST_SECONDS, LONG_REST_SECONDS = 1.0, 2.0, 10.0

_URGENT = Q(status__in=sorted(FINAL | {Status.WAITING, Status.PENDING_APPROVAL})) | Q(
    cancel_requested_at__isnull=False
)


class Looker:
    """Looks at the runs of one target, a call a step."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.bell = subject.looker_bell
        # Whether there was nothing left to be learned of any run.
        self.idle = False
        self._resting: dict[UUID, float] = {}

    def ring(self) -> None:
        """Look soon: something is new. Called from other threads."""
        self.bell.set()

    def step(self) -> float:
        """Look at the run that needs it most, if any; return how many seconds to pause.

        Raises AwsError, LeaseLost.
        """
        moment = time.monotonic()
        self._resting = {key: until for key, until in self._resting.items() if until > moment}
        watched = wakeups.watched_runs()
        run = self._behind(watched)
        if run is not None:
            self.idle = False
            self._rest(run, REST_SECONDS)
            self._look_at(run)
            return 0.0
        runs = list(in_flight(self.subject.target_id)[: FEW + 1])
        self.idle = not runs and not behind(self.subject.target_id).exists()
        pause = self.subject.pause()
        if len(runs) > FEW:
            runs = list(in_flight(self.subject.target_id).filter(pk__in=watched))
            pause = WATCHED_REST_SECONDS
        rested = [run for run in runs if run.pk not in self._resting]
        if not rested:
            return min(REST_SECONDS, pause)
        run = min(rested, key=lambda each: each.observed_at or each.requested_at)
        self._rest(run, pause)
        self._look_at(run)
        return 0.0

    def _behind(self, watched: set[UUID]) -> Execution | None:
        rank = Case(When(pk__in=watched, then=Value(0)), When(_URGENT, then=Value(1)), default=Value(2))
        runs = behind(self.subject.target_id).exclude(pk__in=self._resting)
        return runs.annotate(rank=rank).order_by("rank", "behind_since").first()

    def _look_at(self, run: Execution) -> None:
        gateway, asked_at = self.subject.gateway(), now()
        try:
            remote = gateway.execution(run.aws_execution_id)
        except AwsError as error:
            self._rest(run, LONG_REST_SECONDS)
            if not error.unknown_execution:
                raise
            with self.subject.lease.writing():
                self._unknown(run, error, asked_at)
            return
        self.subject.answered(remote.asked_at)
        with self.subject.lease.writing():
            # A list may have told of it while AWS was asked.
            run.refresh_from_db()
            changed = observing.apply(run, remote)
        if changed:
            self.subject.look_again(news=True)
        elif run.is_final and run.behind_since is not None:
            # AWS's answer may be older than what its list said.
            self._rest(run, LONG_REST_SECONDS)

    def _unknown(self, run: Execution, error: AwsError, at: datetime) -> None:
        if run.is_final:
            _steps_lost(run)
            return
        last_known = run.observed_at or run.claimed_at or run.requested_at
        if at - last_known <= timedelta(seconds=UNKNOWN_SECONDS):
            return
        words = f"AWS no longer knows the automation {run.aws_execution_id}: {error.message}"
        if at - last_known > timedelta(days=HISTORY_DAYS):
            words = (
                f"AWS keeps automations for {HISTORY_DAYS} days, and no longer knows {run.aws_execution_id}. "
                f"It was {run.status} on {last_known:%Y-%m-%d}; how it ended was not seen here."
            )
        move(run, Status.LOST, Fact("lost", words), failure=words, behind_since=None)

    def _rest(self, run: Execution, seconds: float) -> None:
        self._resting[run.pk] = time.monotonic() + seconds


def _steps_lost(run: Execution) -> None:
    """Of a run that has ended, AWS has no steps to tell any more."""
    with transaction.atomic():
        if Execution.objects.filter(pk=run.pk, behind_since=run.behind_since).update(behind_since=None):
            append(run.pk, [Fact("steps-lost", "AWS no longer tells the run's last steps and outputs")])
