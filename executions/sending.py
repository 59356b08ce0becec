"""A worker brings to AWS what people asked of a run under way: to stop it, their answers, what comes next."""

import logging
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

import audit.services
from aws.connections import as_portal
from aws.errors import AwsError
from aws.gateway import SsmGateway
from common import access
from common.clock import now
from executions import tracking
from executions.events import Fact, append
from executions.models import FINAL, Execution, Signal, Status
from executions.services import WAITING_STEP

log = logging.getLogger(__name__)

# A worker that took an answer longer ago is taken for dead: its calls would have timed out by now.
CLAIM_SECONDS = 60
# AWS's longest value of a signal's payload.
PAYLOAD_LIMIT = 512


def stop(execution_id: UUID) -> None:
    """Ask AWS to stop a run whose cancellation somebody asked for.

    A run that AWS has not heard of yet is stopped when it has been started. Asking AWS twice does no harm.
    """
    execution = (
        Execution.objects.select_related("target", "operator")
        .filter(pk=execution_id, cancel_requested_at__isnull=False, aws_execution_id__gt="")
        .exclude(status__in=[*FINAL, Status.CANCELLING])
        .first()
    )
    if execution is None:
        return
    try:
        gateway = _gateway(execution, execution.operator.get_username())
        try:
            gateway.stop(execution.aws_execution_id)
        except AwsError as error:
            if error.retryable or not _is_stopped(gateway, execution):
                raise
            # Another worker has asked for it, and may have died before it could say so.
            log.warning("AWS has stopped %s already: %s", execution.pk, error.message)
    except AwsError as error:
        if error.retryable:
            log.warning("AWS could not stop %s now (%s); it is asked again", execution.pk, error.message)
            return
        _not_stopped(execution, error)
    else:
        _stopped(execution)
    tracking.ensure(execution.target_id, about=execution)


def _is_stopped(gateway: SsmGateway, execution: Execution) -> bool:
    return gateway.execution(execution.aws_execution_id).status in {Status.CANCELLING, Status.CANCELLED}


def _stopped(execution: Execution) -> None:
    """Say once that AWS was asked, however many workers have asked."""
    with transaction.atomic():
        # Its lock lets two workers say so only one after the other.
        asked = Execution.objects.select_for_update().get(pk=execution.pk).cancel_requested_at
        if not execution.events.filter(kind="stop-sent", at__gte=asked or execution.requested_at).exists():
            append(execution.pk, [Fact("stop-sent", "AWS was asked to stop the automation")])


def _gateway(execution: Execution, person: str) -> SsmGateway:
    return as_portal(execution.target, on_behalf_of=person)


def _not_stopped(execution: Execution, error: AwsError) -> None:
    """Say why AWS did not stop the run, and let a person ask again."""
    with transaction.atomic():
        asked = Execution.objects.filter(pk=execution.pk, cancel_requested_at__isnull=False)
        if not asked.exclude(status__in=FINAL).update(cancel_requested_at=None):
            return
        words = f"AWS did not stop it: {error.message}"
        append(execution.pk, [Fact("stop-refused", words, {"aws_code": error.aws_code})])
        audit.services.record(
            actor=None, action="run.cancel-refused", obj=execution, data={"message": error.message}
        )


def signal(signal_id: int) -> None:
    """Send what a person said to a run to AWS, once, if that person may still say it.

    AWS is not told which step an approval is for: one that is sent again after its step has moved on would
    answer the next. Where an earlier worker may have sent it, AWS is therefore asked first.
    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendAutomationSignal.html
    """
    free = Q(claimed_at=None) | Q(claimed_at__lt=now() - timedelta(seconds=CLAIM_SECONDS))
    answer = (
        Signal.objects.select_related("execution__target", "actor")
        .filter(free, pk=signal_id, sent_at=None, failure="")
        .first()
    )
    if answer is None:
        return
    heard = answer.claimed_at is not None
    moment = now()
    if not _as_read(answer).update(claimed_at=moment):
        return
    answer.claimed_at = moment
    execution = answer.execution
    person = answer.actor.get_username()
    named = _named(answer)
    if not access.decide(answer.actor, answer.permission, execution).allowed:
        right = "answer the approval steps of" if answer.is_answer else "start and stop steps of"
        words = f"{person} may no longer {right} this run."
        _settle(answer, Fact("answer-refused", f"The {named} was not sent: {words}"), words)
        return
    try:
        gateway = _gateway(execution, person)
        if heard and not _still_waits(gateway, answer):
            log.warning("AWS has had signal %s already", answer.pk)
        else:
            _send(gateway, answer)
    except AwsError as error:
        if error.retryable:
            log.warning("AWS could not take signal %s now (%s); it is sent again", answer.pk, error.message)
            _give_back(answer, unheard=not heard and error.throttled)
            return
        words = f"AWS did not take the {named}: {error.message}"
        _settle(answer, Fact("answer-refused", words), error.message)
    else:
        _settle(answer, Fact("answer-sent", f"AWS has the {named}"), "")
    tracking.ensure(execution.target_id, about=execution)


def _give_back(answer: Signal, *, unheard: bool) -> None:
    """Let another worker take the answer soon; one that AWS may have heard stays known as such."""
    claimed_at = None if unheard else now() - timedelta(seconds=CLAIM_SECONDS)
    _as_read(answer).update(claimed_at=claimed_at)


def _as_read(answer: Signal) -> QuerySet[Signal]:
    return Signal.objects.filter(pk=answer.pk, claimed_at=answer.claimed_at, sent_at=None, failure="")


def _named(answer: Signal) -> str:
    """Say in words what it is, after an article."""
    return {
        Signal.Kind.START_STEP: f"request to start “{answer.step}”",
        Signal.Kind.STOP_STEP: f"request to stop “{answer.step}”",
        Signal.Kind.COMPLETE: "request to complete the run",
    }.get(Signal.Kind(answer.kind), f"answer to “{answer.step}”")


def _send(gateway: SsmGateway, answer: Signal) -> None:
    aws_id = answer.execution.aws_execution_id
    if answer.kind == Signal.Kind.COMPLETE:
        gateway.complete(aws_id)
    else:
        gateway.signal(aws_id, answer.kind, payload(answer))


def payload(answer: Signal) -> dict[str, list[str]]:
    """Return what AWS is sent with the signal: the step that it is for, or who answered and why."""
    if answer.kind in {Signal.Kind.RESUME, Signal.Kind.START_STEP}:
        return {"StepName": [answer.step]}
    if answer.kind == Signal.Kind.STOP_STEP:
        return {"StepExecutionId": [answer.aws_step_id]}
    words = f"{answer.actor.get_username()}, through the Automation Portal"
    comment = f"{words}: {answer.comment}" if answer.comment else words
    return {"Comment": [comment[:PAYLOAD_LIMIT]]}


def _still_waits(gateway: SsmGateway, answer: Signal) -> bool:
    """Ask AWS whether what it is sent is still to be done, or an earlier worker's call has done it."""
    remote = gateway.execution(answer.execution.aws_execution_id)
    if answer.kind == Signal.Kind.COMPLETE:
        return remote.status not in FINAL
    if answer.kind == Signal.Kind.STOP_STEP:
        return any(step.step_id == answer.aws_step_id and step.ended_at is None for step in remote.steps)
    if answer.kind == Signal.Kind.START_STEP:
        # It may begin once more, after it was stopped or in a loop's next turn: has it begun since?
        begun = [step for step in remote.steps if step.name == answer.step and step.started_at is not None]
        last = max(begun, key=lambda step: step.started_at or now(), default=None)
        return last is None or (last.step_id == answer.aws_step_id and last.ended_at is not None)
    return any(step.name == answer.step and step.status in WAITING_STEP for step in remote.steps)


def _settle(answer: Signal, fact: Fact, failure: str) -> None:
    with transaction.atomic():
        open_still = Signal.objects.filter(pk=answer.pk, sent_at=None, failure="")
        if open_still.update(sent_at=None if failure else now(), failure=failure):
            append(answer.execution_id, [fact])
