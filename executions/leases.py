"""Who follows the runs of a target: one tracker at a time, and another when that one has died."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from common.clock import now
from executions.models import TrackingLease

LEASE_SECONDS = 15.0
RENEW_SECONDS = 3.0


class LeaseLost(Exception):
    """Another tracker has taken over, or may have: this one was too slow."""


def is_held(target_id: int) -> bool:
    """Whether somebody follows the target."""
    return TrackingLease.objects.filter(target=target_id, until__gt=now()).exists()


class Lease:
    """One tracker's right to follow a target; `take` gives it."""

    def __init__(self, target_id: int, holder: str) -> None:
        self.target_id = target_id
        self.holder = holder

    @classmethod
    def take(cls, target_id: int) -> "Lease | None":
        """Return the lease of a target; None while another tracker has it."""
        TrackingLease.objects.get_or_create(target_id=target_id)
        lease = cls(target_id, uuid.uuid4().hex)
        free = TrackingLease.objects.filter(Q(until=None) | Q(until__lte=now()), target=target_id)
        return lease if free.update(holder=lease.holder, until=_until()) else None

    def renew(self, polled_at: datetime | None = None) -> None:
        """Keep the lease for as long again. Raises LeaseLost.

        polled_at: when AWS last answered; None when it has not.
        """
        values: dict[str, Any] = {"until": _until()}
        if polled_at is not None:
            values["polled_at"] = polled_at
        if not self._mine().update(**values):
            raise LeaseLost

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction in which what AWS said may be written. Raises LeaseLost when it may not."""
        with transaction.atomic():
            if not self._mine().filter(until__gt=now()).exists():
                raise LeaseLost
            yield

    def keep_failure(self, words: str) -> None:
        """Keep why AWS cannot be asked, for the runs' pages; "" when it can."""
        self._mine().update(failure=words)

    def give_back(self) -> None:
        """Let another tracker follow the target."""
        self._mine().update(holder="", until=None)

    def _mine(self) -> QuerySet[TrackingLease]:
        return TrackingLease.objects.filter(target=self.target_id, holder=self.holder)


def _until() -> datetime:
    return now() + timedelta(seconds=LEASE_SECONDS)
