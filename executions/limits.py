"""How many runs of a delegation there are, against how many it allows."""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from accounts.models import Delegation
from common.clock import now
from executions.models import Execution, Status
from executions.transitions import IN_FLIGHT_IN_AWS

DAY = timedelta(hours=24)


def under_way(delegation: Delegation) -> QuerySet[Execution]:
    """Return the delegation's runs that AWS is at work on, or is being sent."""
    states = sorted(IN_FLIGHT_IN_AWS | {Status.STARTING})
    return Execution.objects.filter(delegation=delegation, status__in=states)


def started_lately(delegation: Delegation, moment: datetime) -> QuerySet[Execution]:
    """Return the delegation's runs that AWS has started in the 24 hours before `moment`, or is being sent."""
    recent = Q(started_at__gt=moment - DAY) | Q(status=Status.STARTING)
    return Execution.objects.filter(recent, delegation=delegation)


def words(delegation: Delegation) -> list[str]:
    """Return each limit on the number of runs, and how much of it is used; empty where there is none."""
    found = []
    if delegation.max_concurrent is not None:
        count = under_way(delegation).count()
        verb = "runs" if count == 1 else "run"
        found.append(f"at most {delegation.max_concurrent} at the same time; {count or 'none'} {verb} now")
    if delegation.max_per_day is not None:
        count = started_lately(delegation, now()).count()
        verb = "was" if count == 1 else "were"
        found.append(f"at most {delegation.max_per_day} started within 24 hours; {count or 'none'} {verb}")
    return found
