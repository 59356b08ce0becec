"""Approval before launch: a run waits in the portal until enough people, not its operator, approve it.

How many is the delegation's: a run needs as many as when Execute was pressed, or as many as the delegation
asks for now, whichever is more. So raising the number holds for the runs that wait or are queued as well;
lowering it only for those launched after it, lest what somebody asked others to approve starts because nobody
is asked any more.

An approval counts while its giver is active and may still approve. One rejection ends the run. A run that has
waited for APPROVAL_TIME is refused, as an aws:approve step times out after seven days.
https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-approve.html
"""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, Q
from django.db.models.functions import Greatest

import audit.services
from accounts.models import Delegation, User
from common import access, access_in_bulk
from common.clock import now
from common.errors import Conflict, Forbidden, Invalid, PortalError
from common.queueing import enqueue_after_commit
from executions import events, jobs, unchanged
from executions.limits import APPROVAL_TIME
from executions.models import Execution, LaunchApproval, Status
from executions.transitions import move

COMMENT_LIMIT = 400
BATCH = 200

Verdict = LaunchApproval.Verdict


def needed(execution: Execution) -> int:
    """Return how many approvals the run needs before it is sent to AWS."""
    return max(execution.approvals_needed, execution.delegation.approvals_needed)


def counting(executions: Iterable[Execution]) -> dict[UUID, list[LaunchApproval]]:
    """Return the approvals of each run that count now, oldest first, in a constant number of queries.

    Those count whose giver is active, may still approve launches of the delegation, and is not the operator.
    """
    runs = {execution.pk: execution for execution in executions}
    given = list(
        LaunchApproval.objects.filter(execution__in=runs, verdict=Verdict.APPROVE)
        .select_related("actor")
        .order_by("at", "pk")
    )
    asked = [(answer.actor, runs[answer.execution_id].delegation_id) for answer in given]
    may = access_in_bulk.permitted("approve", Delegation, asked)
    found: dict[UUID, list[LaunchApproval]] = {key: [] for key in runs}
    for answer in given:
        run = runs[answer.execution_id]
        if answer.actor_id != run.operator_id and (answer.actor_id, run.delegation_id) in may:
            found[run.pk].append(answer)
    return found


def check_approved(execution: Execution) -> None:
    """Let a run pass that needs no approval, or has those that it needs now.

    Raises Forbidden with the reason: at the moment of launch an approval counts no more when its giver was
    deactivated or may not approve any more, and the delegation may ask for more than it did.
    """
    wanted = needed(execution)
    if not wanted:
        return
    valid = counting([execution])[execution.pk]
    if len(valid) >= wanted:
        return
    given = execution.approvals.filter(verdict=Verdict.APPROVE).exclude(
        pk__in=[answer.pk for answer in valid]
    )
    if gone := [answer.actor.get_full_name() for answer in given.select_related("actor")]:
        raise Forbidden(
            f"What {' and '.join(gone)} approved does not count: they may not approve it any more. "
            f"It needs {_approvals(wanted)} and has {len(valid)}: launch it again.",
            code="not-approved",
        )
    raise Forbidden(
        f"“{execution.delegation}” needs {_approvals(wanted)} by now, and this run has {len(valid)}: "
        "launch it again.",
        code="not-approved",
    )


def approve(*, actor: User, execution: Execution, comment: str = "") -> LaunchApproval:
    """Approve a launch that waits for it; with the last approval that it needs the run is queued.

    Approving twice is approving once. Raises NotFound, Forbidden (also for one's own run), Invalid for a
    comment of more than COMMENT_LIMIT characters, and Conflict when it does not wait for this answer, or when
    the worker would refuse it: it goes on waiting then.
    """
    return _answer(actor, execution, Verdict.APPROVE, comment)


def reject(*, actor: User, execution: Execution, reason: str) -> LaunchApproval:
    """Reject a launch that waits for approval: the run ends, whoever approved it before.

    reason: for the operator to read. Rejecting twice is rejecting once. Raises as `approve`.
    """
    if not reason.strip():
        raise Invalid("The launch is not rejected.", fields={"comment": "Say why: the operator reads it."})
    return _answer(actor, execution, Verdict.REJECT, reason)


def check_may_answer(actor: User, execution: Execution) -> None:
    """Let an actor pass who may approve or reject it. Raises NotFound, or Forbidden with the reason."""
    access.require(actor, "view", execution)
    if execution.operator_id == actor.pk:
        raise Forbidden("You launched this run yourself: somebody else must approve it.", code="four-eyes")
    access.require(actor, "approve", execution)


def _answer(actor: User, execution: Execution, verdict: Verdict, comment: str) -> LaunchApproval:
    check_may_answer(actor, execution)
    comment = comment.strip()
    if len(comment) > COMMENT_LIMIT:
        raise Invalid(
            "The comment is too long.", fields={"comment": f"Use {COMMENT_LIMIT} characters at most."}
        )
    with transaction.atomic():
        here = Execution.objects.filter(pk=execution.pk, status=Status.AWAITING_APPROVAL)
        # Changes nothing: its lock on the run lets people answer, or cancel, only one after the other.
        waits = here.filter(requested_at__gt=now() - APPROVAL_TIME).update(status=Status.AWAITING_APPROVAL)
        known = LaunchApproval.objects.filter(execution=execution, actor=actor).first()
        if known is not None:
            _check_same(known, verdict)
            return known
        execution.refresh_from_db(fields=["status", "last_event"])
        if not waits:
            raise Conflict(_why_closed(execution), code="not-waiting")
        answer = LaunchApproval.objects.create(
            execution=execution, actor=actor, verdict=verdict, comment=comment
        )
        if verdict == Verdict.REJECT:
            _rejected(answer)
        else:
            _approved(answer)
    return answer


def _check_same(known: LaunchApproval, verdict: Verdict) -> None:
    if known.verdict != verdict:
        said = "approved" if known.verdict == Verdict.APPROVE else "rejected"
        raise Conflict(f"You have {said} this launch already, and your answer stands.", code="answered")


def _why_closed(execution: Execution) -> str:
    if execution.status == Status.AWAITING_APPROVAL:
        return f"This launch has waited for more than {APPROVAL_TIME.days} days: it has to be launched again."
    return f"This launch does not wait for an approval any more: the run is {execution.status}."


def _rejected(answer: LaunchApproval) -> None:
    said = f"{answer.actor.get_full_name()} rejected the launch: {answer.comment}"
    move(
        answer.execution,
        Status.REJECTED,
        events.Fact("rejected", said, {"comment": answer.comment}),
        actor=answer.actor,
        action="run.rejected",
        failure=said,
    )


def _approved(answer: LaunchApproval) -> None:
    execution = answer.execution
    # Read behind the lock: the delegation may have been changed since the page was shown.
    execution.delegation = Delegation.objects.get(pk=execution.delegation_id)
    try:
        unchanged.check_unchanged(execution)
    except PortalError as error:
        raise Conflict(
            f"You cannot approve it now, for it would be refused: {error.message}", code="would-be-refused"
        ) from error
    wanted, valid = needed(execution), len(counting([execution])[execution.pk])
    said = f"{answer.actor.get_full_name()} approved the launch ({valid} of {wanted})"
    fact = events.Fact(
        "approved",
        f"{said}: {answer.comment}" if answer.comment else said,
        {"comment": answer.comment, "approvals": valid, "needed": wanted},
    )
    if valid >= wanted:
        _queue(execution, fact, actor=answer.actor)
        return
    execution.last_event = events.append(execution.pk, [fact])
    data = {"delegation": str(execution.delegation), "message": fact.message, **fact.data}
    audit.services.record(actor=answer.actor, action="run.approved", obj=execution, data=data)


def _queue(execution: Execution, fact: events.Fact, *, actor: User | None = None) -> None:
    with transaction.atomic():
        if move(execution, Status.QUEUED, fact, actor=actor, action="run.approved", approved_at=now()):
            enqueue_after_commit("launch", jobs.launch)


def settle() -> None:
    """Refuse what has waited too long, and queue what has its approvals although nobody's answer said so.

    The latter happens when somebody who approved is given back the right to approve.
    """
    waiting = Execution.objects.filter(status=Status.AWAITING_APPROVAL).select_related("delegation")
    late = list(waiting.filter(requested_at__lte=now() - APPROVAL_TIME).order_by("requested_at")[:BATCH])
    valid = counting(late) if late else {}
    for execution in late:
        reason = (
            f"It waited {APPROVAL_TIME.days} days for {_approvals(needed(execution))} and got "
            f"{len(valid[execution.pk]) or 'none'}. Launch it again if it is still needed."
        )
        fact = events.Fact("approval-expired", f"The portal did not start it: {reason}")
        move(execution, Status.REFUSED, fact, failure=reason, action="run.refused")
    given = Count("approvals", filter=Q(approvals__verdict=Verdict.APPROVE))
    answered = waiting.annotate(given=given).filter(
        given__gte=Greatest(F("approvals_needed"), F("delegation__approvals_needed"))
    )
    ready = list(answered.order_by("requested_at")[:BATCH])
    valid = counting(ready) if ready else {}
    for execution in ready:
        if len(valid[execution.pk]) >= needed(execution):
            said = f"The launch has the {_approvals(needed(execution))} that it needs"
            _queue(execution, events.Fact("approved", said))


def _approvals(number: int) -> str:
    return f"{number} approval" if number == 1 else f"{number} approvals"
