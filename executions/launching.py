"""A worker sends a queued run to AWS: exactly once, and only what may still run.

The run's id is AWS's ClientToken and stands in the database before AWS hears of it. A worker that dies at any
point is replaced by one that sends the same request again, and AWS answers with the automation that it has.
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StartAutomationExecution.html
"""

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Min, Q, QuerySet

from accounts.models import Delegation
from aws.connections import as_caller, as_portal
from aws.errors import AwsError
from aws.gateway import SsmGateway
from aws.models import AwsTarget
from aws.quotas import START, Quotas
from common import queueing
from common.clock import now
from common.errors import Forbidden, PortalError
from common.queueing import enqueue_after_commit
from executions import approving, fairness, jobs, limits, maintenance, tracking, unchanged
from executions.events import Fact, append
from executions.models import Execution, Status
from executions.transitions import move

log = logging.getLogger(__name__)

# A worker that claimed a launch longer ago is taken for dead: its calls would have timed out by now.
CLAIM_SECONDS = 60
# A launch that has waited longer is refused: nobody expects it any more.
QUEUE_HOURS = 24
SHORTEST_RETRY, LONGEST_RETRY = 2.0, 60.0
# A worker that waits for AWS's limits hands on after so long, so that it stops soon when it is asked to.
TURN_SECONDS = 20.0
# Who waits for all and dies is succeeded after so long.
PACER_SECONDS = 5.0
LONGEST_NAP, WINK_SECONDS = 1.0, 0.05
# After as many without a wait there may be more than one worker can send.
MANY = 3

_helpers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="launching")


def due(moment: datetime) -> Q:
    """Return the filter for runs that a worker should send at `moment`."""
    queued = Q(status=Status.QUEUED) & (Q(retry_at=None) | Q(retry_at__lte=moment))
    return queued | _abandoned(moment)


def _abandoned(moment: datetime) -> Q:
    return Q(status=Status.STARTING, claimed_at__lt=moment - timedelta(seconds=CLAIM_SECONDS))


def serve() -> None:
    """Send what is due, in turn and as fast as AWS's limits allow, until nothing is.

    However many workers do so at once, only one of them waits for AWS's limits: the others are free for what
    can be done now.
    """
    end = time.monotonic() + TURN_SECONDS
    pacer = queueing.Role("pacer", PACER_SECONDS)
    sent = 0
    try:
        while not maintenance.launches_paused():
            wait = _serve_targets()
            sent += wait == 0
            if sent == MANY and not queueing.waiting("launch"):
                # A worker that has nothing to do helps, and calls the next.
                queueing.enqueue("launch", jobs.launch)
            if wait is None or (wait and not pacer.play()):
                return
            if time.monotonic() >= end or queueing.stopping():
                queueing.enqueue("launch", jobs.launch)
                return
            if wait:
                _nap(min(wait, LONGEST_NAP))
    finally:
        pacer.give_up()


def _serve_targets() -> float | None:
    """Send one run of each target that has one due and whose AWS takes it.

    Returns the seconds after which to come again, 0 when something was sent; None when nothing waits.
    """
    moment = now()
    here = Execution.objects.filter(due(moment))
    waits: list[float] = []
    for target in AwsTarget.objects.filter(pk__in=here.order_by().values("target")):
        wait = _serve_target(here.filter(target=target.pk), target)
        if wait is not None:
            waits.append(wait)
    if 0.0 in waits:
        return 0.0
    soon = Execution.objects.filter(
        status=Status.QUEUED, retry_at__gt=moment, retry_at__lt=moment + timedelta(seconds=PACER_SECONDS)
    )
    if (next_try := soon.aggregate(at=Min("retry_at"))["at"]) is not None:
        waits.append(max(0.0, (next_try - now()).total_seconds()))
    return min(waits, default=None)


def _serve_target(here: QuerySet[Execution], target: AwsTarget) -> float | None:
    turns = fairness.turns(here, target.pk)
    if not turns:
        return None
    wait = -Quotas(target).take(START)
    if wait > 0:
        return wait
    for run in _in_turn(here, target, turns):
        try:
            launch(run)
        except queueing.TimeIsUp:
            raise
        except Exception:
            # One run's fault must not hold up all others. Its turn comes again, an interrupted one's later.
            log.exception("The launch of run %s failed", run)
            Execution.objects.filter(_abandoned(now()), pk=run).update(claimed_at=now())
        return 0.0
    return None


def _in_turn(here: QuerySet[Execution], target: AwsTarget, turns: fairness.Turns) -> Iterator[UUID]:
    if turns.interrupted is not None:
        yield turns.interrupted
    for line in turns.lines:
        taken = fairness.take(here, target.pk, line)
        if taken is not None:
            yield taken


def _nap(seconds: float) -> None:
    """Wait, but not when something more is to be done."""
    end = time.monotonic() + seconds
    known = queueing.waiting("launch")
    while (left := end - time.monotonic()) > 0 and not queueing.stopping():
        time.sleep(min(left, WINK_SECONDS))
        if queueing.waiting("launch") > known:
            return


def launch(execution_id: UUID) -> None:
    """Send the run to AWS if it waits for that; a run that does not is left alone.

    The caller has taken it (`fairness.take`), and has taken the call from the target's quotas.
    """
    execution = (
        Execution.objects.select_related(
            "operator",
            "target",
            "version__document",
            "delegation__document",
            "delegation__version__document",
            "delegation__target",
            "delegation__service_role",
        )
        .filter(Q(status=Status.QUEUED) | _abandoned(now()), pk=execution_id)
        .first()
    )
    if execution is None:
        return
    # An earlier worker may have sent it, and died before it could say so.
    heard = execution.claimed_at is not None
    if execution.cancel_requested_at is not None and not heard:
        # Asked while an earlier worker held it, which AWS then turned away.
        move(
            execution,
            Status.CANCELLED,
            Fact("cancelled", "The run was withdrawn before AWS took it"),
            only_if=Q(claimed_at=None),
            action="run.cancelled",
        )
        return
    try:
        check_still_allowed(execution)
        # AWS is asked both at once: a person waits.
        published = _helpers.submit(_check_published_text, execution)
        gateway = _way_in(execution)
        published.result()
    except AwsError as error:
        _not_started(execution, error, heard=heard)
        return
    except PortalError as error:
        _refuse(execution, error.message, heard=heard)
        return
    if not _claim(execution):
        return
    try:
        aws_id = gateway.start(
            document_name=execution.aws_document_name,
            document_version=execution.aws_document_version,
            parameters=execution.parameters,
            client_token=str(execution.pk),
            tags={
                "automation-portal:run": str(execution.pk),
                "automation-portal:operator": execution.operator.get_username(),
            },
            interactive=execution.step_by_step,
        )
    except AwsError as error:
        _not_started(execution, error, heard=heard)
        return
    _started(execution, aws_id)


def check_still_allowed(execution: Execution) -> None:
    """Let a run pass when everything that let its operator launch it holds now as well.

    Raises a PortalError with the reason when it does not.
    """
    unchanged.check_unchanged(execution)
    approving.check_approved(execution)
    if now() - execution.queued_since > timedelta(hours=QUEUE_HOURS):
        raise Forbidden(f"It has waited for more than {QUEUE_HOURS} hours: launch it again if still needed.")
    most = execution.delegation.max_per_day
    if most is not None and limits.of_the_day(execution.delegation, execution.queued_since).count() >= most:
        raise Forbidden(f"The delegation may be launched {most} times within 24 hours, and was.")


def _way_in(execution: Execution) -> SsmGateway:
    if execution.service_role_arn:
        return as_portal(execution.target, on_behalf_of=execution.operator.get_username())
    return as_caller(execution.target, user=execution.operator)


def _check_published_text(execution: Execution) -> None:
    """Ask AWS for the hash of what would run. Asks no database: it has a thread of its own.

    The portal looks with a session of its own, since a caller may run a document without being allowed to
    describe it.
    """
    gateway = as_portal(execution.target, on_behalf_of="automation-portal")
    remote = gateway.document(name=execution.aws_document_name, version=execution.aws_document_version)
    if remote.sha256 != execution.content_hash:
        raise Forbidden(
            f"The text of {execution.aws_document_name} version {execution.aws_document_version} in "
            f"{execution.target} is not the one that was published: ask its author to publish it again."
        )


def _claim(execution: Execution) -> bool:
    """Make the run this worker's to send, unless as many of its delegation are under way as may be."""
    delegation = execution.delegation
    with transaction.atomic():
        if delegation.max_concurrent is not None and execution.status == Status.QUEUED:
            # One claim after the other: two at once would each find room for one.
            held = Delegation.objects.select_for_update().get(pk=delegation.pk)
            if held.max_concurrent is not None and limits.under_way(held.pk).count() >= held.max_concurrent:
                # It is due again as soon as one of them has ended.
                queued = Execution.objects.filter(_unclaimed_since(execution), pk=execution.pk)
                queued.filter(status=Status.QUEUED).update(retry_at=None)
                return False
        return move(
            execution,
            Status.STARTING,
            Fact("sending", "A worker sends the run to AWS"),
            only_if=_unclaimed_since(execution) & maintenance.OPEN,
            claimed_at=now(),
            retry_at=None,
        )


def _unclaimed_since(execution: Execution) -> Q:
    """Return the condition that no other worker has claimed the run since it was read.

    A worker that was held up for longer than its claim lasts would otherwise end, or take the claim from, a
    run that another worker is sending to AWS.
    """
    return Q(claimed_at=execution.claimed_at)


def _started(execution: Execution, aws_id: str) -> None:
    with transaction.atomic():
        won = move(
            execution,
            Status.PENDING,
            Fact("started", f"AWS started the automation {aws_id}", {"aws_execution_id": aws_id}),
            aws_execution_id=aws_id,
            started_at=now(),
        )
        if not won:
            return
        # Read again: a person may have asked while the call was under way.
        if Execution.objects.filter(pk=execution.pk, cancel_requested_at__isnull=False).exists():
            enqueue_after_commit("launch", jobs.cancel, str(execution.pk))
        transaction.on_commit(partial(tracking.ensure, execution.target_id))


def _not_started(execution: Execution, error: AwsError, *, heard: bool) -> None:
    """Queue the run again, or end it with AWS's own words.

    heard: AWS may have heard of it from an earlier worker.
    """
    words = f"AWS refused {error.operation}: {error.message}"
    if error.retryable:
        _postpone(execution, error, heard=heard)
    elif heard:
        _refuse(execution, words, heard=True)
    else:
        fact = Fact("failed", words, {"aws_code": error.aws_code})
        move(
            execution,
            Status.FAILED,
            fact,
            only_if=_unclaimed_since(execution),
            failure=error.message,
            action="run.failed",
        )


def _postpone(execution: Execution, error: AwsError, *, heard: bool) -> None:
    # As long again as it has waited already: the wait doubles from try to try. Not so for a throttle, after
    # which all calls come more slowly.
    waited = 0.0 if error.rate_exceeded else (now() - execution.queued_since).total_seconds()
    retry_at = now() + timedelta(seconds=min(LONGEST_RETRY, max(SHORTEST_RETRY, waited)))
    fact = Fact("postponed", f"AWS could not take it now ({error.message}); the portal tries again")
    if execution.status == Status.STARTING:
        changes: dict[str, Any] = {"retry_at": retry_at}
        if error.throttled and not heard:
            # Certainly not started, so that a cancellation may still withdraw it.
            changes["claimed_at"] = None
        move(execution, Status.QUEUED, fact, only_if=_unclaimed_since(execution), **changes)
        return
    with transaction.atomic():
        if Execution.objects.filter(pk=execution.pk, status=Status.QUEUED).update(retry_at=retry_at):
            append(execution.pk, [fact])


def _refuse(execution: Execution, reason: str, *, heard: bool) -> None:
    if not heard:
        move(
            execution,
            Status.REFUSED,
            Fact("refused", f"The portal did not start it: {reason}"),
            only_if=Q(claimed_at=None),
            failure=reason,
            action="run.refused",
        )
        return
    lost = (
        f"The portal was interrupted while it sent this run to AWS, and may not send it again: {reason} "
        "Whether AWS started it is not known: look in Systems Manager, under Automation, for the tag "
        f"automation-portal:run = {execution.pk}."
    )
    move(
        execution,
        Status.LOST,
        Fact("lost", lost),
        only_if=_unclaimed_since(execution),
        failure=lost,
        action="run.lost",
    )
