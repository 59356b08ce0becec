"""What people do about runs: launch them, cancel them, answer their waiting steps."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

import audit.services
from accounts.launching import bind_parameters
from accounts.models import Delegation, User
from accounts.services import check_launchable
from aws.models import CallerIdentity
from common import access
from common.clock import now
from common.errors import Conflict, Invalid, NotFound
from common.queueing import enqueue_after_commit
from documents.models import Publication
from executions import events, jobs, limits
from executions.models import FINAL, IN_PORTAL, Execution, Signal, Status, StepExecution
from executions.transitions import move

# An answer's comment reaches AWS with the person's name before it; AWS takes 512 characters in all.
COMMENT_LIMIT = 400

WAITING_STEP = (Status.WAITING, Status.PENDING_APPROVAL)
# Which answers each waiting action takes.
ANSWERS: Mapping[str, tuple[str, ...]] = {
    "aws:approve": (Signal.Kind.APPROVE, Signal.Kind.REJECT),
    "aws:pause": (Signal.Kind.RESUME,),
}


def launch(
    *,
    actor: User,
    delegation: Delegation,
    values: Mapping[str, Any],
    again_of: Execution | None = None,
    run_id: UUID | None = None,
    step_by_step: bool = False,
) -> Execution:
    """Freeze a run of `delegation` and queue it, or let it wait for approval. Nothing is asked of AWS here.

    Arguments:
        actor: the operator.
        values: parameters as the form or a program gives them, by name.
        again_of: the run that this one repeats.
        run_id: the run's id, when the caller chose one so that sending twice gives one run.
        step_by_step: AWS waits before each step until a person says that it begins.

    Raises NotFound or Forbidden (the door), Conflict (not launchable now, or `run_id` was used for something
    else) and Invalid with a sentence for each refused parameter.
    """
    access.require(actor, "execute", delegation)
    check_launchable(delegation)
    _check_identity(actor, delegation)
    if again_of is not None:
        access.require(actor, "view", again_of)
    parameters, refused = bind_parameters(delegation, values)
    if refused:
        raise Invalid(
            "These values cannot be used. Nothing was started.", fields=refused, code="parameter-refused"
        )
    publication = Publication.objects.filter(
        version=delegation.version_id, target=delegation.target_id, status=Publication.Status.ACTIVE
    ).first()
    if publication is None:
        raise Conflict(f"{delegation.version} is not published in {delegation.target} any more.")
    execution = Execution(
        delegation=delegation,
        operator=actor,
        version=delegation.version,
        target=delegation.target,
        content_hash=delegation.version.sha256,
        aws_document_name=publication.aws_name,
        aws_document_version=publication.aws_version,
        service_role_arn=delegation.service_role.arn if delegation.service_role else "",
        parameters=parameters,
        step_by_step=step_by_step,
        again_of=again_of,
        approvals_needed=delegation.approvals_needed,
        status=Status.AWAITING_APPROVAL if delegation.approvals_needed else Status.QUEUED,
    )
    if run_id is not None:
        execution.pk = run_id
        if (known := _sent_before(actor, execution)) is not None:
            return known
    try:
        with transaction.atomic():
            _check_day(delegation)
            execution.save(force_insert=True)
            execution.last_event = events.append(
                execution.pk, [events.Fact("launched", f"{actor.get_full_name()} pressed Execute")]
            )
            audit.services.record(actor=actor, action="run.launched", obj=execution, data=_facts(execution))
            if execution.status == Status.QUEUED:
                enqueue_after_commit("launch", jobs.launch)
    except IntegrityError:
        # The same form, sent twice at the same moment.
        if (known := _sent_before(actor, execution)) is None:
            raise
        return known
    return execution


def _check_day(delegation: Delegation) -> None:
    """Refuse one launch more than a delegation may have within 24 hours; in the launch's transaction."""
    if delegation.max_per_day is None:
        return
    # One after the other: two at once would each find room for one.
    most = Delegation.objects.select_for_update().get(pk=delegation.pk).max_per_day
    launched = limits.of_the_day(delegation, now())
    if most is None or launched.count() < most:
        return
    # The one that has to be a day old before there is room.
    first = launched[most - 1]
    if first.status == Status.AWAITING_APPROVAL:
        again = "Launches that wait for approval count as well."
    else:
        again = f"The next time is at {first.queued_since + limits.DAY:%Y-%m-%d %H:%M} UTC."
    raise Conflict(
        f"“{delegation}” may be launched {most} times within 24 hours, and was: nothing was started. {again}",
        code="day-limit",
    )


def has_identity(actor: User, delegation: Delegation) -> bool:
    """Say whether the actor has the AWS identity that a run as the caller needs; one as a role needs none."""
    if not delegation.as_caller:
        return True
    return CallerIdentity.objects.filter(user=actor, target=delegation.target_id).exists()


def _check_identity(actor: User, delegation: Delegation) -> None:
    if not has_identity(actor, delegation):
        raise Conflict(
            f"This runs with your own AWS identity, and you have none in {delegation.target}: "
            "add it under “My AWS identity”, then execute again.",
            code="no-aws-identity",
        )


def _sent_before(actor: User, wanted: Execution) -> Execution | None:
    """Return the run that bears the id of `wanted`, when it is the same launch by the same person."""
    known = Execution.objects.filter(pk=wanted.pk).first()
    if known is None:
        return None
    same = (
        known.operator_id == actor.pk
        and known.delegation_id == wanted.delegation_id
        and known.version_id == wanted.version_id
        and known.parameters == wanted.parameters
        and known.step_by_step == wanted.step_by_step
    )
    if not same:
        raise Conflict(
            "This form has already launched a run. Nothing more was started: "
            "press Execute again to launch another with these values.",
            code="already-launched",
        )
    return known


def _facts(execution: Execution) -> dict[str, Any]:
    return {
        "delegation": str(execution.delegation),
        "document": execution.aws_document_name,
        "version": execution.version.number,
        "target": str(execution.target),
        "role": execution.service_role_arn or "the caller",
        "parameters": execution.parameters,
        "step_by_step": execution.step_by_step,
        "approvals_needed": execution.approvals_needed,
    }


def cancel(*, actor: User, execution: Execution) -> Execution:
    """Cancel a run: at once when AWS has not heard of it, else by asking AWS to stop it.

    Asking twice is asking once. Raises NotFound, Forbidden, and Conflict for a run that has ended.
    """
    access.require(actor, "cancel", execution)
    name = actor.get_full_name()
    execution.refresh_from_db()
    if execution.is_final:
        raise Conflict(f"This run has ended already ({execution.status}): there is nothing to cancel.")
    if execution.status in IN_PORTAL and execution.claimed_at is None:
        withdrawn = move(
            execution,
            Status.CANCELLED,
            events.Fact("cancelled", f"{name} cancelled the run before it was sent to AWS"),
            only_if=Q(claimed_at=None),
            actor=actor,
            action="run.cancelled",
        )
        if withdrawn:
            return execution
    with transaction.atomic():
        asked = Execution.objects.filter(pk=execution.pk, cancel_requested_at=None).exclude(status__in=FINAL)
        if asked.update(cancel_requested_at=now()):
            events.append(execution.pk, [events.Fact("cancel-requested", f"{name} asked to cancel the run")])
            audit.services.record(actor=actor, action="run.cancel-requested", obj=execution)
            enqueue_after_commit("launch", jobs.cancel, str(execution.pk))
    execution.refresh_from_db()
    return execution


def signal(*, actor: User, execution: Execution, kind: str, comment: str = "", step: str = "") -> Signal:
    """Answer a step of a run that waits: approve or reject it, or let it go on after a pause.

    Arguments:
        kind: "Approve", "Reject" or "Resume".
        comment: what to tell AWS with the answer; the person's name is put before it. 400 characters at most.
        step: the step that is answered; the one that waits unless given.

    Raises NotFound, Forbidden, Invalid, and Conflict when nothing waits for this answer.
    """
    access.require(actor, "signal", execution)
    comment = comment.strip()
    if len(comment) > COMMENT_LIMIT:
        raise Invalid(
            "The comment is too long.",
            fields={"comment": f"Use {COMMENT_LIMIT} characters at most: AWS takes no more."},
        )
    waiting = waiting_step(execution, kind, step)
    with transaction.atomic():
        words = {"Approve": "approved", "Reject": "rejected", "Resume": "resumed"}[kind]
        said = f"{actor.get_full_name()} {words} “{waiting.name}”" + (f": {comment}" if comment else "")
        # First the event: its lock on the run lets two people answer only one after the other.
        events.append(execution.pk, [events.Fact("answered", said, {"step": waiting.name, "kind": kind})])
        if just_answered(execution, waiting):
            raise Conflict(
                f"“{waiting.name}” has just been answered: wait until AWS has said what follows from it."
            )
        answer = Signal.objects.create(
            execution=execution, kind=kind, step=waiting.name, comment=comment, actor=actor
        )
        audit.services.record(
            actor=actor,
            action="run.answered",
            obj=execution,
            data={"step": waiting.name, "kind": kind, "comment": comment},
        )
        enqueue_after_commit("launch", jobs.signal, answer.pk)
    return answer


def just_answered(execution: Execution, step: StepExecution | None = None) -> bool:
    """Say whether an answer is on its way, or AWS has one and was not asked since what it made of it.

    step: the one that it is for; whatever was said to the run counts without.
    """
    observed_at = Execution.objects.values_list("observed_at", flat=True).get(pk=execution.pk)
    given = Signal.objects.filter(execution=execution, failure="")
    if step is not None:
        given = given.filter(step=step.name)
    unseen = Q(sent_at=None) if observed_at is None else Q(sent_at=None) | Q(sent_at__gte=observed_at)
    return given.filter(unseen).exists()


def waiting_step(execution: Execution, kind: str, name: str = "") -> StepExecution:
    """Return the step of `execution` that waits for an answer of this kind.

    Raises NotFound for a kind there is not, Conflict when no such step waits.
    """
    actions = [action for action, kinds in ANSWERS.items() if kind in kinds]
    if not actions:
        raise NotFound("There is no such answer: approve, reject or resume.")
    steps = execution.steps.filter(status__in=WAITING_STEP, action__in=actions)
    if name:
        steps = steps.filter(name=name)
    found = None if execution.is_final else steps.order_by("-position").first()
    if found is None:
        raise Conflict("No step of this run waits for this answer any more: reload the page to see why.")
    return found
