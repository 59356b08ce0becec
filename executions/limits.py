"""How many runs of a delegation there may be, and how many there are."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from accounts.models import Delegation
from common import queueing
from common.clock import now
from executions import jobs
from executions.models import FINAL, IN_PORTAL, Execution, Status

DAY = timedelta(hours=24)
# A launch that needs approval and does not get it within this time is refused.
APPROVAL_TIME = timedelta(days=7)
_UNDER_WAY = frozenset(Status) - FINAL - IN_PORTAL


def under_way(delegation_id: int) -> QuerySet[Execution]:
    """Return the delegation's runs that AWS is at work on, or is being sent."""
    return Execution.objects.filter(delegation=delegation_id, status__in=sorted(_UNDER_WAY))


def of_the_day(delegation: Delegation, moment: datetime) -> QuerySet[Execution]:
    """Return the runs that count against a delegation's day before `moment`, latest first.

    Those count that were launched; not those that were withdrawn or refused before AWS heard of them. One
    that needs approval counts for as long as it waits and for a day from its approval, so that however long
    people take no more are started within 24 hours than may be.
    """
    first = moment - DAY
    lately = Q(since__gt=first, since__lt=moment) | Q(status=Status.AWAITING_APPROVAL)
    launched = (
        Execution.objects.filter(
            delegation=delegation, requested_at__gt=first - APPROVAL_TIME, requested_at__lt=moment
        )
        .annotate(since=Coalesce("approved_at", "requested_at"))
        .filter(lately)
        .order_by("-since")
    )
    unheard = launched.exclude(status__in=[Status.REFUSED, Status.REJECTED], claimed_at=None)
    return unheard.exclude(status=Status.CANCELLED, claimed_at=None)


def full(delegations: Iterable[int]) -> list[int]:
    """Return those of the delegations of which as many runs are under way as may be."""
    limited = Delegation.objects.filter(max_concurrent__isnull=False, pk__in=delegations)
    rows = limited.order_by().values_list("pk", "max_concurrent")
    return [key for key, most in rows if most is not None and under_way(key).count() >= most]


def launch_who_waited(ended: Sequence[UUID]) -> None:
    """Have runs launched that waited for these to end, since their delegation allows only so many at once."""
    waiting = Execution.objects.filter(
        status=Status.QUEUED, delegation__max_concurrent__isnull=False, delegation__executions__in=ended
    )
    if waiting.exists():
        queueing.enqueue("launch", jobs.launch)


def words(delegation: Delegation) -> list[str]:
    """Return each limit on the number of runs, and how much of it is used; empty where there is none."""
    found = []
    if delegation.max_concurrent is not None:
        count = under_way(delegation.pk).count()
        verb = "runs" if count == 1 else "run"
        found.append(f"at most {delegation.max_concurrent} at the same time; {count or 'none'} {verb} now")
    if delegation.max_per_day is not None:
        count = of_the_day(delegation, now()).count()
        verb = "was" if count == 1 else "were"
        found.append(f"at most {delegation.max_per_day} started within 24 hours; {count or 'none'} {verb}")
    return found
