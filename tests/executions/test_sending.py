"""Cancelling runs and answering their steps, against a sandbox."""

from datetime import timedelta

import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session

from audit.models import AuditEntry
from aws.connections import as_portal
from common import access
from common.clock import now
from common.errors import Conflict, Forbidden
from executions import sending, services
from executions.models import Execution, Signal, Status
from executions.reconciling import reconcile
from tests.executions.conftest import PAUSED_TEXT, publish, work
from tests.support import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def waiting(operator, paused, valkey):
    """A run that stands at its approval step."""
    run = services.launch(actor=operator, delegation=paused, values={})
    work("launch")
    follow_until(run, lambda: run.status == Status.WAITING)
    return run


def follow_until(run, condition, turns=20):
    """Let trackers look at the run until the condition holds."""
    for _ in range(turns):
        look(run)
        run.refresh_from_db()
        if condition():
            return
    raise AssertionError(f"The run is {run.status}: {[event.message for event in run.events.all()]}")


def look(run):
    """Ask AWS once about the run."""
    import time

    from aws.connections import as_portal
    from executions import observing

    time.sleep(0.1)
    run.refresh_from_db()
    if run.aws_execution_id and not run.is_final:
        remote = as_portal(run.target, on_behalf_of="tests").execution(run.aws_execution_id)
        observing.apply(run, remote)


def test_an_approval_reaches_aws_with_the_persons_name(waiting, administrator):
    answer = services.signal(
        actor=administrator, execution=waiting, kind="Approve", comment="Change 4711 is signed"
    )
    work("launch")
    answer.refresh_from_db()
    assert answer.sent_at is not None, answer.failure
    follow_until(waiting, lambda: waiting.current_step == "hold")
    step = waiting.steps.get(name="ask")
    assert step.status in {Status.SUCCESS, Status.APPROVED}
    assert "administrator" in str(step.outputs)
    assert AuditEntry.objects.get(action="run.answered").data["comment"] == "Change 4711 is signed"


def test_a_rejection_ends_the_run(waiting, administrator):
    services.signal(actor=administrator, execution=waiting, kind="Reject")
    work("launch")
    follow_until(waiting, lambda: waiting.is_final)
    assert waiting.status in {Status.FAILED, Status.REJECTED}


def test_only_who_was_allowed_to_may_answer(waiting, operator):
    with pytest.raises(Forbidden):
        services.signal(actor=operator, execution=waiting, kind="Approve")


def test_a_step_is_answered_once(waiting, administrator):
    services.signal(actor=administrator, execution=waiting, kind="Approve")
    with pytest.raises(Conflict, match="just been answered"):
        services.signal(actor=administrator, execution=waiting, kind="Reject")


def test_nobody_answers_again_before_aws_has_said_what_follows(waiting, administrator):
    services.signal(actor=administrator, execution=waiting, kind="Approve")
    work("launch")
    waiting.refresh_from_db()
    assert waiting.status == Status.WAITING, "the tracker has not looked yet"
    with pytest.raises(Conflict, match="just been answered"):
        services.signal(actor=administrator, execution=waiting, kind="Reject")


def test_an_answer_of_who_may_no_longer_give_it_is_not_sent(waiting, administrator, administrators, valkey):
    answer = services.signal(actor=administrator, execution=waiting, kind="Approve")
    access.revoke("approve", waiting.delegation, administrators)
    work("launch")
    answer.refresh_from_db()
    assert answer.sent_at is None
    assert "may no longer answer" in answer.failure
    look(waiting)
    waiting.refresh_from_db()
    assert waiting.status == Status.WAITING


def test_an_answer_for_a_step_that_does_not_wait_is_refused(waiting, administrator):
    with pytest.raises(Conflict, match="No step of this run waits"):
        services.signal(actor=administrator, execution=waiting, kind="Resume")


def test_an_answer_survives_a_lost_queue(waiting, administrator, valkey):
    answer = services.signal(actor=administrator, execution=waiting, kind="Approve")
    valkey.flushall()
    Signal.objects.update(requested_at=now() - timedelta(seconds=11))
    reconcile()
    work("launch")
    answer.refresh_from_db()
    assert answer.sent_at is not None


def test_an_answer_sent_by_a_worker_that_died_counts_as_sent(waiting, administrator):
    answer = services.signal(actor=administrator, execution=waiting, kind="Approve")
    work("launch")
    follow_until(waiting, lambda: waiting.current_step == "hold")
    Signal.objects.update(sent_at=None, claimed_at=now() - timedelta(seconds=61))
    sending.signal(answer.pk)
    answer.refresh_from_db()
    assert answer.sent_at is not None
    assert answer.failure == ""


def test_a_pause_is_resumed(operator, administrator, paused, valkey):
    text = PAUSED_TEXT.replace("aws:approve", "aws:pause").split("    inputs:\n      Message")[0]
    rest = "    inputs: {}\n  - name: hold\n    action: aws:sleep\n    inputs: {Duration: PT1H}\n"
    version = factories.make_document(paused.document.owner, name="pause-first", text=text + rest)
    publish(version, paused.target)
    delegation = factories.make_delegation(
        version, paused.target, paused.service_role, administrator, name="Pause first"
    )
    access.grant("execute", delegation, operator)
    access.grant("approve", delegation, operator)
    run = services.launch(actor=operator, delegation=delegation, values={"Approver": "nobody"})
    work("launch")
    follow_until(run, lambda: run.steps.filter(status=Status.WAITING).exists())
    answer = services.signal(actor=operator, execution=run, kind="Resume")
    work("launch")
    answer.refresh_from_db()
    assert answer.sent_at is not None, answer.failure
    follow_until(run, lambda: run.current_step == "hold")


def test_a_cancelled_run_stops_in_aws(waiting, operator):
    services.cancel(actor=operator, execution=waiting)
    work("launch")
    follow_until(waiting, lambda: waiting.is_final)
    assert waiting.status == Status.CANCELLED
    assert waiting.events.filter(kind="stop-sent").exists()


def test_a_cancellation_during_the_launch_is_carried_out_after_it(operator, paused, valkey):
    run = services.launch(actor=operator, delegation=paused, values={})
    # As if the worker were in the middle of its call: it has claimed the run, and cannot withdraw it.
    Execution.objects.update(claimed_at=now())
    services.cancel(actor=operator, execution=run)
    run.refresh_from_db()
    assert run.status == Status.QUEUED
    work("launch")
    follow_until(run, lambda: run.is_final)
    assert run.status == Status.CANCELLED


def test_a_stop_sent_by_a_worker_that_died_is_told_once_and_not_as_a_refusal(waiting, operator):
    services.cancel(actor=operator, execution=waiting)
    # Killed when AWS had stopped it and before it could say so: the next worker is refused by AWS.
    as_portal(waiting.target, on_behalf_of="tests").stop(waiting.aws_execution_id)
    for _ in range(2):
        sending.stop(waiting.pk)
    waiting.refresh_from_db()
    assert waiting.cancel_requested_at is not None
    told = waiting.events.filter(kind__startswith="stop-")
    assert [event.kind for event in told] == ["stop-sent"]
    follow_until(waiting, lambda: waiting.is_final)
    assert waiting.status == Status.CANCELLED


TWO_QUESTIONS = PAUSED_TEXT.split("  - name: hold")[0]
TWO_QUESTIONS += TWO_QUESTIONS[TWO_QUESTIONS.index("  - name: ask") :].replace("name: ask", "name: askAgain")


def test_an_answer_that_is_sent_again_does_not_answer_the_next_question(
    operator, administrator, administrators, paused, valkey
):
    version = factories.make_document(paused.document.owner, name="ask-twice", text=TWO_QUESTIONS)
    publish(version, paused.target)
    delegation = factories.make_delegation(
        version, paused.target, paused.service_role, administrator, constraints=paused.constraints
    )
    access.grant("execute", delegation, operator)
    access.grant("approve", delegation, administrators)
    run = services.launch(actor=operator, delegation=delegation, values={})
    work("launch")
    follow_until(run, lambda: run.steps.filter(status=Status.WAITING).exists())
    answer = services.signal(actor=administrator, execution=run, kind="Approve")
    work("launch")
    follow_until(run, lambda: run.steps.filter(name="askAgain", status=Status.WAITING).exists())
    # As a worker left it that was killed after AWS had the answer.
    Signal.objects.update(sent_at=None)
    sending.signal(answer.pk)
    assert not Signal.objects.filter(sent_at__isnull=False).exists(), "the claim is fresh"
    Signal.objects.update(claimed_at=now() - timedelta(seconds=61))
    sending.signal(answer.pk)
    assert Signal.objects.get().sent_at is not None
    look(run)
    assert run.steps.get(name="askAgain").status == Status.WAITING


def test_an_answer_is_sent_to_aws_once_even_when_no_good_answer_comes_back(
    waiting, administrator, monkeypatch
):
    answer = services.signal(actor=administrator, execution=waiting, kind="Approve")
    asked = []
    send = URLLib3Session.send

    def failing(session, request):
        if b"SendAutomationSignal" not in request.headers.get("X-Amz-Target", b""):
            return send(session, request)
        asked.append(request)
        raise ReadTimeoutError(endpoint_url=request.url)

    monkeypatch.setattr(URLLib3Session, "send", failing)
    sending.signal(answer.pk)
    assert len(asked) == 1
    answer.refresh_from_db()
    assert answer.claimed_at is not None, "AWS may have it: it is asked before the answer is sent again"
    assert answer.sent_at is None
