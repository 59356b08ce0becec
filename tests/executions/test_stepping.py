"""Runs step by step, against a sandbox: started, stopped and completed by who may cancel them."""

from datetime import timedelta

import pytest

from audit.models import AuditEntry
from aws.connections import as_portal
from aws.gateway import SsmGateway
from common import access
from common.clock import now
from common.errors import Conflict, Forbidden, NotFound
from executions import sending, services, stepping
from executions.models import Execution, Signal, Status
from executions.reconciling import reconcile
from tests.executions.conftest import publish, work
from tests.executions.test_sending import follow_until, look
from tests.support import factories

pytestmark = pytest.mark.django_db(transaction=True)

HEAD = """\
schemaVersion: "0.3"
description: Goes on when somebody says so.
assumeRole: "{{ AutomationAssumeRole }}"
parameters:
  AutomationAssumeRole: {type: "AWS::IAM::Role::Arn", default: ""}
mainSteps:
"""
NAP = "  - {name: %s, action: aws:sleep, inputs: {Duration: PT0S}}\n"
LONG = "  - {name: %s, action: aws:sleep, inputs: {Duration: PT1H}}\n"
BRANCH = """\
  - name: which
    action: aws:branch
    inputs:
      Choices: [{NextStep: two, Variable: x, StringEquals: y}]
      Default: three
"""
LOOP = """\
  - name: often
    action: aws:loop
    inputs:
      MaxIterations: 2
      LoopCondition: {Variable: x, StringEquals: x}
      Steps:
        - {name: nap, action: "aws:sleep", inputs: {Duration: PT0S}}
"""


@pytest.fixture
def begin(author, administrator, operators, operator, target, role, valkey):
    """Launch a document of the steps given, step by step, and wait until it waits."""

    def start(*steps):
        version = factories.make_document(author, name="step-by-step", text=HEAD + "".join(steps))
        publish(version, target)
        delegation = factories.make_delegation(version, target, role, administrator)
        access.grant("execute", delegation, operators)
        run = services.launch(actor=operator, delegation=delegation, values={}, step_by_step=True)
        work("launch")
        follow_until(run, lambda: run.status == Status.WAITING)
        return run

    return start


def choices(run):
    run.refresh_from_db()
    return stepping.choices(run, list(run.steps.all()))


def tell(run, actor, kind, step=""):
    """Let the person ask, and a worker send it."""
    request = stepping.control_step(actor=actor, execution=run, kind=kind, step=step)
    work("launch")
    request.refresh_from_db()
    assert request.sent_at is not None, request.failure
    return request


def until_it_offers(run, name):
    """Wait until `name` comes next; "" for the end."""
    follow_until(run, lambda: (found := choices(run)) and not found.asked and found.next == name)


def until_it_runs(run, name):
    follow_until(run, lambda: (found := choices(run)) and found.running and found.running.name == name)


def has_run(run):
    """Return the names of what has begun in AWS, once for each time."""
    remote = as_portal(run.target, on_behalf_of="tests").execution(run.aws_execution_id)
    return [step.name for step in remote.steps if step.started_at]


def test_it_goes_from_step_to_step_and_is_completed(begin, operator):
    run = begin(NAP % "one", NAP % "two")
    found = choices(run)
    assert (found.next, found.begun) == ("one", False)
    with pytest.raises(Conflict, match="“two” does not come next"):
        stepping.control_step(actor=operator, execution=run, kind="StartStep", step="two")
    with pytest.raises(Conflict, match="No step of this run has begun"):
        stepping.control_step(actor=operator, execution=run, kind="Complete")
    tell(run, operator, "StartStep", "one")
    until_it_offers(run, "two")
    assert run.status == Status.WAITING
    assert has_run(run) == ["one"]
    tell(run, operator, "StartStep", "two")
    until_it_offers(run, "")
    assert choices(run).begun
    tell(run, operator, "Complete")
    follow_until(run, lambda: run.is_final)
    assert run.status == Status.SUCCESS
    assert choices(run) is None
    messages = [event.message for event in run.events.all()]
    assert f"{operator.get_full_name()} asked to start “one”" in messages
    assert "AWS has the request to start “one”" in messages
    entries = AuditEntry.objects.filter(action="run.step-asked").order_by("pk")
    asked = [(entry.actor_id, entry.data["kind"], entry.data["step"]) for entry in entries]
    assert asked == [
        (operator.pk, "StartStep", "one"),
        (operator.pk, "StartStep", "two"),
        (operator.pk, "Complete", ""),
    ]


def test_a_step_is_stopped_and_started_again(begin, operator):
    run = begin(LONG % "long", NAP % "two")
    tell(run, operator, "StartStep", "long")
    until_it_runs(run, "long")
    with pytest.raises(Conflict, match="does not wait to be told"):
        stepping.control_step(actor=operator, execution=run, kind="StartStep", step="two")
    with pytest.raises(Conflict, match="“two” does not run"):
        stepping.control_step(actor=operator, execution=run, kind="StopStep", step="two")
    tell(run, operator, "StopStep", "long")
    until_it_offers(run, "long")
    assert run.steps.get(name="long").status == Status.CANCELLED
    # It might be an approval: who stops it has not got past it.
    with pytest.raises(Conflict, match="“two” does not come next"):
        stepping.control_step(actor=operator, execution=run, kind="StartStep", step="two")
    tell(run, operator, "StartStep", "long")
    until_it_runs(run, "long")
    assert has_run(run) == ["long", "long"]


def test_after_a_branch_the_way_that_aws_names_is_the_only_one(begin, operator):
    run = begin(BRANCH.replace("Variable: x", "Variable: z"), NAP % "two", NAP % "three")
    tell(run, operator, "StartStep", "which")
    until_it_offers(run, "three")
    with pytest.raises(Conflict, match="“two” does not come next"):
        stepping.control_step(actor=operator, execution=run, kind="StartStep", step="two")
    tell(run, operator, "StartStep", "three")
    until_it_offers(run, "")
    assert has_run(run) == ["which", "three"]


def test_the_steps_of_a_loop_are_started_in_each_turn(begin, operator):
    run = begin(LOOP, NAP % "after")
    tell(run, operator, "StartStep", "often")
    until_it_offers(run, "nap")
    tell(run, operator, "StartStep", "nap")
    until_it_offers(run, "nap")
    tell(run, operator, "StartStep", "nap")
    until_it_offers(run, "after")
    assert has_run(run).count("nap") == 2


def test_only_who_may_cancel_the_run_controls_its_steps(begin, operator, colleague, stranger):
    run = begin(NAP % "one")
    with pytest.raises(Forbidden):
        stepping.control_step(actor=colleague, execution=run, kind="StartStep", step="one")
    with pytest.raises(NotFound):
        stepping.control_step(actor=stranger, execution=run, kind="StartStep", step="one")
    with pytest.raises(NotFound, match="no such request"):
        stepping.control_step(actor=operator, execution=run, kind="Approve", step="one")
    access.grant("approve", run.delegation, operator)
    with pytest.raises(NotFound, match="no such answer"):
        services.signal(actor=operator, execution=run, kind="StartStep", step="one")
    with pytest.raises(Conflict, match="does not come next"):
        stepping.control_step(actor=operator, execution=run, kind="StartStep", step="other")
    assert not Signal.objects.exists()
    assert not run.events.filter(kind="step-asked").exists()


def test_a_request_of_who_may_no_longer_make_it_is_not_sent(begin, operator, operators):
    run = begin(NAP % "one")
    request = stepping.control_step(actor=operator, execution=run, kind="StartStep", step="one")
    access.revoke("execute", run.delegation, operators)
    work("launch")
    request.refresh_from_db()
    assert request.sent_at is None
    assert "may no longer start and stop steps" in request.failure
    assert has_run(run) == []


def test_nothing_is_asked_twice(begin, operator, administrator):
    run = begin(NAP % "one", NAP % "two")
    stepping.control_step(actor=operator, execution=run, kind="StartStep", step="one")
    for step in ("one", "two"):
        with pytest.raises(Conflict, match="just been asked"):
            stepping.control_step(actor=administrator, execution=run, kind="StartStep", step=step)
    work("launch")
    with pytest.raises(Conflict, match="just been asked"):
        stepping.control_step(actor=administrator, execution=run, kind="StartStep", step="one")
    until_it_offers(run, "two")
    assert has_run(run) == ["one"]


def test_a_request_survives_a_lost_queue(begin, operator, valkey):
    run = begin(NAP % "one")
    stepping.control_step(actor=operator, execution=run, kind="StartStep", step="one")
    valkey.flushall()
    Signal.objects.update(requested_at=now() - timedelta(seconds=11))
    reconcile()
    work("launch")
    until_it_offers(run, "")
    assert has_run(run) == ["one"]


def taken_up_again(request, monkeypatch):
    """Let another worker take up what a dead one may have sent; return what it sent to AWS."""
    Signal.objects.filter(pk=request.pk).update(sent_at=None, claimed_at=now() - timedelta(seconds=61))
    sent = []
    signal, complete = SsmGateway.signal, SsmGateway.complete

    def noting_signal(gateway, aws_id, kind, payload):
        sent.append(kind)
        signal(gateway, aws_id, kind, payload)

    def noting_complete(gateway, aws_id):
        sent.append("Complete")
        complete(gateway, aws_id)

    with monkeypatch.context() as patched:
        patched.setattr(SsmGateway, "signal", noting_signal)
        patched.setattr(SsmGateway, "complete", noting_complete)
        sending.signal(request.pk)
    request.refresh_from_db()
    assert request.sent_at is not None, request.failure
    # As when AWS has been asked for long enough what it made of it.
    look(request.execution)
    Execution.objects.update(behind_since=None)
    return sent


def test_what_a_worker_sent_before_it_died_is_not_sent_again(begin, operator, monkeypatch):
    run = begin(LONG % "long", NAP % "two")
    start = tell(run, operator, "StartStep", "long")
    until_it_runs(run, "long")
    assert taken_up_again(start, monkeypatch) == []
    stop = tell(run, operator, "StopStep", "long")
    until_it_offers(run, "long")
    assert taken_up_again(stop, monkeypatch) == []
    again = tell(run, operator, "StartStep", "long")
    until_it_runs(run, "long")
    assert taken_up_again(again, monkeypatch) == []
    tell(run, operator, "StopStep", "long")
    until_it_offers(run, "long")
    assert taken_up_again(again, monkeypatch) == [], "it has begun since, although it waits to be started"
    complete = tell(run, operator, "Complete")
    follow_until(run, lambda: run.is_final)
    assert taken_up_again(complete, monkeypatch) == []
    assert has_run(run) == ["long", "long"]


@pytest.mark.parametrize("again", [False, True])
def test_what_a_dead_worker_had_not_sent_is_sent(begin, operator, monkeypatch, again):
    run = begin(LONG % "long")
    if again:
        tell(run, operator, "StartStep", "long")
        until_it_runs(run, "long")
        stop = stepping.control_step(actor=operator, execution=run, kind="StopStep", step="long")
        assert taken_up_again(stop, monkeypatch) == ["StopStep"]
        until_it_offers(run, "long")
    start = stepping.control_step(actor=operator, execution=run, kind="StartStep", step="long")
    assert taken_up_again(start, monkeypatch) == ["StartStep"]
    until_it_runs(run, "long")


def test_a_run_that_goes_on_by_itself_takes_no_such_request(operator, delegation, values, valkey):
    run = services.launch(actor=operator, delegation=delegation, values=values)
    work("launch")
    run.refresh_from_db()
    assert choices(run) is None
    with pytest.raises(Conflict, match="does not go step by step"):
        stepping.control_step(actor=operator, execution=run, kind="StopStep", step="launch")
    assert not Execution.objects.filter(step_by_step=True).exists()


def test_a_run_step_by_step_is_cancelled_like_any_other(begin, operator):
    run = begin(NAP % "one")
    services.cancel(actor=operator, execution=run)
    assert choices(run) is None
    work("launch")
    follow_until(run, lambda: run.is_final)
    assert run.status == Status.CANCELLED
