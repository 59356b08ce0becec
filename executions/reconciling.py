"""Picks up again whatever a crash of worker, scheduler or queue left lying: the database says what."""

from datetime import timedelta

from django.db.models import Q

from common import queueing
from common.clock import now
from executions import approving, jobs, launching, tracking
from executions.models import Execution, Signal, Status
from executions.transitions import IN_FLIGHT_IN_AWS

INTERVAL_SECONDS = 10
BATCH = 200


def reconcile() -> None:
    """Queue a job for everything that waits for a worker and has none."""
    approving.settle()
    moment = now()
    settled = moment - timedelta(seconds=INTERVAL_SECONDS)
    # While jobs wait in the queue none was lost; enqueueing again would only lengthen it.
    if not queueing.waiting("launch"):
        stale = Execution.objects.filter(launching.due(moment), ended_at=None).filter(
            Q(requested_at__lte=settled) | Q(retry_at__lte=moment)
        )
        if stale.exists():
            queueing.enqueue("launch", jobs.launch)
        stopping = Execution.objects.filter(
            ended_at=None,
            status__in=sorted(IN_FLIGHT_IN_AWS - {Status.CANCELLING}),
            cancel_requested_at__lte=settled,
        )
        for key in stopping.order_by("cancel_requested_at").values_list("pk", flat=True)[:BATCH]:
            queueing.enqueue("launch", jobs.cancel, str(key))
        answers = Signal.objects.filter(sent_at=None, failure="", requested_at__lte=settled)
        for number in answers.order_by("requested_at").values_list("pk", flat=True)[:BATCH]:
            queueing.enqueue("launch", jobs.signal, number)
    tracking.ensure_all()
