"""What the parts of a tracker share about the one target that they follow."""

import threading
import time
from datetime import datetime

from django.db.models import QuerySet

from aws.connections import as_portal
from aws.gateway import SsmGateway
from aws.models import AwsTarget
from executions.leases import Lease
from executions.models import Execution
from executions.transitions import IN_FLIGHT_IN_AWS

# Up to as many runs get full looks all the time; from there on, lists say which have changed.
FEW = 3
# While something happens AWS is asked again soon, while nothing does, more and more seldom.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
# The way in is made anew so often: a session ends, and somebody may have changed the target.
GATEWAY_SECONDS = 60.0


def in_flight(target_id: int) -> QuerySet[Execution]:
    """Return the runs of a target that AWS is at work on, in no order."""
    # Whatever is in flight has not ended: the condition of a small index of its own.
    return Execution.objects.filter(
        target=target_id, ended_at=None, status__in=sorted(IN_FLIGHT_IN_AWS), aws_execution_id__gt=""
    ).order_by()


def behind(target_id: int) -> QuerySet[Execution]:
    """Return the runs of a target of which AWS knows more than is kept here, also those that have ended."""
    return Execution.objects.filter(target=target_id, behind_since__isnull=False)


def has_open_runs(target_id: int) -> bool:
    """Whether anything is left to be learned of a target's runs."""
    return in_flight(target_id).exists() or behind(target_id).exists()


class Subject:
    """One target, its lease and the way in. Safe to share between the threads of its parts."""

    def __init__(self, target_id: int, lease: Lease) -> None:
        self.target_id = target_id
        self.lease = lease
        self.polled_at: datetime | None = None
        # Rung when there is something for a full look.
        self.looker_bell = threading.Event()
        self._news_at = time.monotonic()
        self._lock = threading.Lock()
        self._gateway: SsmGateway | None = None
        self._made_at = 0.0

    def gateway(self) -> SsmGateway:
        """Return the way to the target's Systems Manager. Raises PortalError when there is none."""
        with self._lock:
            if self._gateway is None or time.monotonic() - self._made_at > GATEWAY_SECONDS:
                target = AwsTarget.objects.get(pk=self.target_id)
                self._gateway = as_portal(target, on_behalf_of="automation-portal")
                self._made_at = time.monotonic()
            return self._gateway

    def forget_gateway(self) -> None:
        """Make the way in anew: it, or what is known of the target, may be wrong."""
        with self._lock:
            self._gateway = None

    def answered(self, at: datetime) -> None:
        """AWS has answered what it was asked at `at`."""
        self.polled_at = at

    def look_again(self, *, news: bool = False) -> None:
        """There is something for a full look. news: AWS told of a change."""
        if news:
            self._news_at = time.monotonic()
        self.looker_bell.set()

    def pause(self) -> float:
        """Return how many seconds to leave the runs alone: the more, the longer nothing has happened."""
        quiet = time.monotonic() - self._news_at
        return min(LONGEST_PAUSE, max(SHORTEST_PAUSE, quiet / 20))
