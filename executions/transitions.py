"""The states that a run may go through, and the one way to move it.

What AWS reports is read with gaps (a run may have gone through several states between two looks), so from any
state of AWS's every other one may be seen next; the portal's own states are moved through strictly.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import F, Q

import audit.services
from accounts.models import User
from common.clock import now
from executions import events
from executions.models import FINAL, IN_PORTAL, Execution, Status

IN_FLIGHT_IN_AWS = frozenset(Status) - FINAL - IN_PORTAL - {Status.STARTING}
FINAL_IN_AWS = FINAL - {Status.REFUSED, Status.LOST}

LEGAL: Mapping[Status, frozenset[Status]] = {
    # Queued: enough people approved it. Refused: nobody did in time.
    Status.AWAITING_APPROVAL: frozenset({Status.QUEUED, Status.REJECTED, Status.REFUSED, Status.CANCELLED}),
    # Starting: claimed by a worker. Cancelled: before AWS heard of it. Lost: AWS may have heard of
    # it from a worker that died, and it may not be sent again.
    Status.QUEUED: frozenset({Status.STARTING, Status.REFUSED, Status.FAILED, Status.CANCELLED, Status.LOST}),
    # Starting again: another worker takes over. Queued: AWS could not take it now.
    Status.STARTING: frozenset({Status.STARTING, Status.QUEUED, Status.PENDING, Status.FAILED, Status.LOST}),
    **{state: IN_FLIGHT_IN_AWS | FINAL_IN_AWS | {Status.LOST} for state in IN_FLIGHT_IN_AWS},
    **{state: frozenset() for state in FINAL},
}


def move(
    execution: Execution,
    to: Status,
    fact: events.Fact,
    *,
    only_if: Q | None = None,
    actor: User | None = None,
    action: str = "",
    **changes: Any,
) -> bool:
    """Move a run from the state in which it was read to `to`; answer whether this worker won.

    State, event and (with `action`) audit entry stand or fall together.

    Arguments:
        execution: as read; it is brought up to date when the move is won.
        fact: the event to keep.
        only_if: what else must still hold in the database.
        actor: who caused it, for the audit entry; None for the portal.
        action: the audit entry's action; none is made without.
        changes: other fields of the run that change with its state.

    Raises ValueError for a move that LEGAL does not list: a fault of the caller.
    """
    before = Status(execution.status)
    if to not in LEGAL[before]:
        raise ValueError(f"A run does not go from {before} to {to}")
    if to in FINAL:
        changes.setdefault("ended_at", now())
    with transaction.atomic(savepoint=False):
        here = Execution.objects.filter(only_if or Q(), pk=execution.pk, status=before)
        if not here.update(status=to, last_event=F("last_event") + 1, **changes):
            return False
        number = Execution.objects.values_list("last_event", flat=True).get(pk=execution.pk)
        for name, value in {"status": to, "last_event": number, **changes}.items():
            setattr(execution, name, value)
        events.append_to_all([(execution, [fact])])
        if action:
            data = {"delegation": str(execution.delegation), "message": fact.message, **fact.data}
            audit.services.record(actor=actor, action=action, obj=execution, data=data)
    return True
