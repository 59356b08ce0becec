"""A launch that other people must approve: who may, when it starts, and what ends it."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse

from accounts.models import Delegation
from audit.models import AuditEntry
from common import access, queueing
from common.clock import now
from common.errors import Conflict, Forbidden, Invalid, NotFound
from common.queueing import waiting as jobs_waiting
from executions import approving, awaiting, launching, limits, services
from executions.models import Execution, LaunchApproval, Status
from executions.reconciling import reconcile
from tests.executions.conftest import work
from tests.support.people import group, person

pytestmark = pytest.mark.django_db(transaction=True)

LAUNCH = {"ImageId": "ami-12c6146b", "InstanceType": "t3.micro"}


@pytest.fixture
def approvers(frozen):
    """A group whose members may approve."""
    made = group("Approvers")
    access.grant("approve", frozen, made)
    return made


@pytest.fixture
def ada(approvers):
    return person("ada", approvers)


@pytest.fixture
def bert(approvers):
    return person("bert", approvers)


@pytest.fixture
def ask(frozen, operator, valkey):
    """Launch the frozen delegation, which asks for so many approvals."""

    def launch(number=1, actor=operator):
        Delegation.objects.filter(pk=frozen.pk).update(approvals_needed=number)
        frozen.refresh_from_db()
        return services.launch(actor=actor, delegation=frozen, values=LAUNCH)

    return launch


def said(run):
    return [event.message for event in run.events.all()]


def stands(run, status):
    """Return whether the run is in this state, in the database."""
    run.refresh_from_db()
    return run.status == status


def test_it_waits_until_enough_others_have_approved_and_is_queued_then(ask, ada, bert):
    run = ask(2)
    assert run.status == Status.AWAITING_APPROVAL
    assert AuditEntry.objects.get(action="run.launched").data["approvals_needed"] == 2
    assert not jobs_waiting("launch")

    approving.approve(actor=ada, execution=run, comment="Change 4711")
    assert stands(run, Status.AWAITING_APPROVAL)
    assert not jobs_waiting("launch")

    approving.approve(actor=bert, execution=run)
    assert stands(run, Status.QUEUED)
    assert run.approved_at is not None
    assert jobs_waiting("launch")
    assert said(run) == [
        "Operator pressed Execute",
        "Ada approved the launch (1 of 2): Change 4711",
        "Bert approved the launch (2 of 2)",
    ]
    entries = AuditEntry.objects.filter(action="run.approved").order_by("number")
    assert [entry.actor_name for entry in entries] == ["ada", "bert"]
    assert entries[0].data["comment"] == "Change 4711"


def test_approving_twice_is_approving_once(ask, ada):
    run = ask(2)
    first = approving.approve(actor=ada, execution=run)
    assert approving.approve(actor=ada, execution=run) == first
    assert stands(run, Status.AWAITING_APPROVAL)
    assert AuditEntry.objects.filter(action="run.approved").count() == 1
    with pytest.raises(Conflict, match="your answer stands"):
        approving.reject(actor=ada, execution=run, reason="On second thoughts")


def test_nobody_approves_their_own_run_whatever_they_were_granted(ask, approvers):
    both = person("both", approvers, group("Operators"))
    run = ask(1, actor=both)
    with pytest.raises(Forbidden, match="somebody else must approve"):
        approving.approve(actor=both, execution=run)
    with pytest.raises(Forbidden, match="somebody else must approve"):
        approving.reject(actor=both, execution=run, reason="No")
    # Not by a row that got there some other way, either.
    LaunchApproval.objects.create(execution=run, actor=both, verdict="Approve")
    reconcile()
    assert stands(run, Status.AWAITING_APPROVAL)


def test_only_who_was_allowed_to_may_answer(ask, colleague, administrator, stranger):
    run = ask()
    for somebody, refusal in ((colleague, Forbidden), (administrator, Forbidden), (stranger, NotFound)):
        with pytest.raises(refusal):
            approving.approve(actor=somebody, execution=run)
        with pytest.raises(refusal):
            approving.reject(actor=somebody, execution=run, reason="No")
    assert not LaunchApproval.objects.exists()


def test_one_rejection_ends_it_with_the_reason(ask, ada, bert):
    run = ask(2)
    approving.approve(actor=ada, execution=run)
    approving.reject(actor=bert, execution=run, reason="The freeze lasts until Monday")
    assert stands(run, Status.REJECTED)
    assert run.failure == "Bert rejected the launch: The freeze lasts until Monday"
    assert run.ended_at is not None
    assert AuditEntry.objects.get(action="run.rejected").data["comment"] == "The freeze lasts until Monday"
    with pytest.raises(Conflict, match="does not wait"):
        approving.approve(actor=person("carla", group("Approvers")), execution=run)


def test_a_rejection_says_why_and_a_comment_is_not_endless(ask, ada):
    run = ask()
    with pytest.raises(Invalid) as refused:
        approving.reject(actor=ada, execution=run, reason="  ")
    assert "Say why" in refused.value.fields["comment"]
    with pytest.raises(Invalid) as refused:
        approving.approve(actor=ada, execution=run, comment="x" * 401)
    assert "400" in refused.value.fields["comment"]
    assert stands(run, Status.AWAITING_APPROVAL)


def test_a_waiting_launch_is_cancelled_at_once_and_not_approved_any_more(ask, operator, ada):
    run = ask()
    read_before = Execution.objects.get(pk=run.pk)
    services.cancel(actor=operator, execution=run)
    assert stands(run, Status.CANCELLED)
    with pytest.raises(Conflict, match="the run is Cancelled"):
        approving.approve(actor=ada, execution=read_before)
    assert not LaunchApproval.objects.exists()


def test_a_cancellation_that_comes_after_the_approval_ends_the_run_before_aws_hears_of_it(
    ask, operator, ada, monkeypatch
):
    run = ask()
    read = Execution.objects.get(pk=run.pk)
    # The operator's page was read before the approval, the deed comes after it.
    monkeypatch.setattr(read, "refresh_from_db", lambda *_, **__: None)
    approving.approve(actor=ada, execution=run)
    services.cancel(actor=operator, execution=read)
    work("launch")
    assert stands(run, Status.CANCELLED)


def test_two_who_read_the_same_page_answer_one_after_the_other(ask, ada, bert):
    run = ask(1)
    pages = [Execution.objects.get(pk=run.pk) for _ in range(2)]
    approving.approve(actor=ada, execution=pages[0])
    with pytest.raises(Conflict, match="the run is Queued"):
        approving.reject(actor=bert, execution=pages[1], reason="Too late")
    assert stands(run, Status.QUEUED)
    assert LaunchApproval.objects.count() == 1


@pytest.mark.parametrize("second", ["approve", "cancel", "reject"])
def test_at_the_same_moment_one_of_them_comes_first(ask, ada, bert, operator, second):
    if connection.vendor == "sqlite" and connection.is_in_memory_db():
        pytest.skip("Connections to SQLite's memory do not wait for one another.")
    deeds = {
        "approve": lambda run: approving.approve(actor=bert, execution=run),
        "reject": lambda run: approving.reject(actor=bert, execution=run, reason="No"),
        "cancel": lambda run: services.cancel(actor=operator, execution=run),
    }
    for _ in range(5):
        run = ask(2 if second == "approve" else 1)
        gate, refused = threading.Barrier(2, timeout=10), []

        def do(deed, key=run.pk, gate=gate, refused=refused):
            read = Execution.objects.select_related("delegation").get(pk=key)
            gate.wait()
            try:
                deed(read)
            except Conflict as error:
                refused.append(error.message)
            finally:
                connection.close()

        first = lambda read: approving.approve(actor=ada, execution=read)  # noqa: E731
        threads = [threading.Thread(target=do, args=(deed,)) for deed in (first, deeds[second])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        run.refresh_from_db()
        numbers = [event.number for event in run.events.all()]
        assert numbers == list(range(1, run.last_event + 1))
        if second == "approve":
            assert (run.status, refused) == (Status.QUEUED, [])
            assert run.approvals.count() == 2
        elif second == "reject":
            assert run.status in {Status.QUEUED, Status.REJECTED}
            assert run.approvals.count() == len(refused) == 1
        else:
            withdrawn = run.status == Status.CANCELLED
            assert withdrawn or (run.status == Status.QUEUED and run.cancel_requested_at is not None)
            assert run.approvals.count() == 1 - len(refused)


def test_what_nobody_approved_in_time_is_refused(ask, ada):
    run = ask(2)
    approving.approve(actor=ada, execution=run)
    Execution.objects.update(requested_at=now() - limits.APPROVAL_TIME + timedelta(seconds=30))
    reconcile()
    assert stands(run, Status.AWAITING_APPROVAL)
    Execution.objects.update(requested_at=now() - limits.APPROVAL_TIME)
    with pytest.raises(Conflict, match="7 days"):
        approving.approve(actor=person("carla", group("Approvers")), execution=run)
    reconcile()
    assert stands(run, Status.REFUSED)
    assert "waited 7 days for 2 approvals and got 1" in run.failure
    assert AuditEntry.objects.filter(action="run.refused").exists()


def test_an_approval_whose_giver_lost_the_right_does_not_count(ask, approvers, ada, bert):
    run = ask(2)
    approving.approve(actor=ada, execution=run)
    ada.groups.clear()
    approving.approve(actor=bert, execution=run)
    assert stands(run, Status.AWAITING_APPROVAL)
    ada.groups.add(approvers)
    reconcile()
    assert stands(run, Status.QUEUED)
    assert said(run)[-1] == "The launch has the 2 approvals that it needs"


@pytest.mark.parametrize("loss", ["deactivated", "out of the group", "grant taken back"])
def test_the_worker_refuses_what_was_approved_by_somebody_who_may_not_any_more(
    ask, frozen, approvers, ada, loss
):
    run = ask()
    approving.approve(actor=ada, execution=run)
    if loss == "deactivated":
        type(ada).objects.filter(pk=ada.pk).update(is_active=False)
    elif loss == "out of the group":
        ada.groups.clear()
    else:
        access.revoke("approve", frozen, approvers)
    work("launch")
    assert stands(run, Status.REFUSED)
    assert "What Ada approved does not count" in run.failure


def test_a_higher_number_holds_for_what_waits_and_for_what_is_queued(ask, frozen, ada, bert):
    queued, waits = ask(1), ask(1)
    approving.approve(actor=ada, execution=queued)
    Delegation.objects.update(approvals_needed=2)
    approving.approve(actor=ada, execution=waits)
    assert stands(waits, Status.AWAITING_APPROVAL)
    work("launch")
    assert stands(queued, Status.REFUSED)
    assert "needs 2 approvals by now, and this run has 1" in queued.failure
    approving.approve(actor=bert, execution=waits)
    assert stands(waits, Status.QUEUED)


def test_what_needed_none_is_refused_when_the_delegation_asks_for_some_since(ask):
    run = ask(0)
    assert run.status == Status.QUEUED
    Delegation.objects.update(approvals_needed=1)
    work("launch")
    assert stands(run, Status.REFUSED)
    assert "needs 1 approval by now, and this run has 0" in run.failure


def test_a_lower_number_does_not_start_what_waits(ask):
    run = ask(1)
    Delegation.objects.update(approvals_needed=0)
    reconcile()
    assert stands(run, Status.AWAITING_APPROVAL)


def test_the_day_in_the_queue_counts_from_the_approval(ask, ada):
    run = ask()
    Execution.objects.update(requested_at=now() - timedelta(days=3))
    approving.approve(actor=ada, execution=run)
    run.refresh_from_db()
    launching.check_still_allowed(Execution.objects.get(pk=run.pk))
    late = now() - timedelta(hours=launching.QUEUE_HOURS, seconds=1)
    Execution.objects.update(approved_at=late)
    with pytest.raises(Forbidden, match="more than 24 hours"):
        launching.check_still_allowed(Execution.objects.get(pk=run.pk))


def test_an_approved_launch_starts_in_aws(operator, delegation, values, account, valkey):
    Delegation.objects.update(approvals_needed=1)
    delegation.refresh_from_db()
    ada = person("ada")
    access.grant("approve", delegation, ada)
    run = services.launch(actor=operator, delegation=delegation, values=values)
    work("launch")
    assert stands(run, Status.AWAITING_APPROVAL)
    approving.approve(actor=ada, execution=run)
    work("launch")
    run.refresh_from_db()
    assert run.aws_execution_id, run.failure


def test_what_waits_for_approval_is_not_under_way_but_counts_for_the_day(ask, frozen, operator, ada):
    run = ask()
    assert limits.under_way(frozen.pk).count() == 0
    Delegation.objects.update(max_per_day=1)
    frozen.refresh_from_db()
    Execution.objects.update(requested_at=now() - timedelta(hours=30))
    with pytest.raises(Conflict):
        services.launch(actor=operator, delegation=frozen, values=LAUNCH)
    approving.reject(actor=ada, execution=run, reason="No")
    services.launch(actor=operator, delegation=frozen, values=LAUNCH)


def test_an_approved_run_whose_job_was_lost_is_queued_again(ask, ada):
    run = ask()
    approving.approve(actor=ada, execution=run)
    queueing.connection().flushall()
    Execution.objects.update(requested_at=now() - timedelta(minutes=1))
    reconcile()
    assert jobs_waiting("launch")


def test_what_would_be_refused_anyway_cannot_be_approved_but_can_be_rejected(ask, frozen, operators, ada):
    run = ask()
    Delegation.objects.update(constraints={"InstanceType": {"fixed": "t3.small"}})
    with pytest.raises(Conflict, match="would be refused: The value of InstanceType is not allowed any more"):
        approving.approve(actor=ada, execution=run)
    Delegation.objects.update(constraints=frozen.constraints)
    access.revoke("execute", frozen, operators)
    with pytest.raises(Conflict, match="Operator may not launch"):
        approving.approve(actor=ada, execution=run)
    assert stands(run, Status.AWAITING_APPROVAL)
    assert not LaunchApproval.objects.exists()
    approving.reject(actor=ada, execution=run, reason="They have left the team")
    assert stands(run, Status.REJECTED)


# Pages


@pytest.fixture
def as_ada(client, ada):
    client.force_login(ada)
    return client


def text(response):
    return response.content.decode()


def test_the_approver_sees_what_would_run_and_who_asks(ask, frozen, as_ada, ada):
    run = ask()
    page = text(as_ada.get(reverse("executions:approvals")))
    for fact in (
        frozen.name,
        "Operator",
        "launch-instance, version 1",
        "Elsewhere",
        "123456789012",
        "AutomationServiceRole",
        "ami-12c6146b",
        "0 of 1",
    ):
        assert fact in page
    assert reverse("executions:approve-launch", args=[run.pk]) in page
    assert "Waiting for you" in text(as_ada.get(reverse("home")))
    answer = as_ada.post(
        reverse("executions:approve-launch", args=[run.pk]), {"comment": "Fine", "list": "approvals"}
    )
    assert answer["Location"] == reverse("executions:approvals")
    assert stands(run, Status.QUEUED)
    page = text(as_ada.get(reverse("executions:approvals")))
    assert "Nothing waits for you" in page
    assert "Waiting for you" not in text(as_ada.get(reverse("home")))


def test_the_operator_sees_why_it_waits_and_for_whom(ask, operator, client, approvers):
    run = ask(2)
    client.force_login(operator)
    page = text(client.get(reverse("executions:detail", args=[run.pk])))
    assert "0 of 2" in page
    assert "Approvers" in page
    assert "You launched it" in page
    assert reverse("executions:approve-launch", args=[run.pk]) not in page
    listed = text(client.get(reverse("executions:list"), {"status": "AwaitingApproval"}))
    assert reverse("executions:detail", args=[run.pk]) in listed
    refused = client.post(reverse("executions:approve-launch", args=[run.pk]), {"comment": ""})
    assert refused.status_code == 403
    assert "somebody else must approve it" in text(refused)


def test_the_runs_page_says_who_approved_it_and_whose_word_counts_no_more(ask, ada, bert, operator, client):
    run = ask(2)
    approving.approve(actor=ada, execution=run, comment="Looks right")
    client.force_login(operator)
    page = text(client.get(reverse("executions:detail", args=[run.pk])))
    assert "1 of 2" in page
    assert "“Looks right”" in page
    ada.groups.clear()
    page = text(client.get(reverse("executions:live", args=[run.pk])))
    assert "0 of 2" in page
    assert "they may not approve it any more" in page


def test_a_rejection_without_a_reason_is_asked_for_beside_its_field(ask, as_ada):
    run = ask()
    address = reverse("executions:reject-launch", args=[run.pk])
    response = as_ada.post(address, {"comment": ""})
    assert response.status_code == 400
    assert "Say why" in text(response)
    assert "data-confirm open" in text(response)
    assert as_ada.post(address, {"comment": "Not today"}).status_code == 302
    page = text(as_ada.get(reverse("executions:detail", args=[run.pk])))
    assert "The launch was not approved" in page
    assert "Ada rejected the launch: Not today" in page


def test_an_answer_too_late_is_explained(ask, operator, as_ada):
    run = ask()
    services.cancel(actor=operator, execution=run)
    response = as_ada.post(reverse("executions:approve-launch", args=[run.pk]), {}, follow=True)
    assert "does not wait for an approval any more" in text(response)


def test_the_form_says_that_others_must_approve(ask, frozen, operator, client, approvers):
    ask(1)
    client.force_login(operator)
    page = text(client.get(reverse("executions:launch", args=[frozen.pk])))
    assert "1 person other than you" in page
    assert "Approvers" in page
    # Nobody is in the group yet; and who launches is not somebody else.
    assert "Too few people may approve it" in page
    operator.groups.add(approvers)
    assert "Too few people" in text(client.get(reverse("executions:launch", args=[frozen.pk])))
    person("carla", approvers)
    assert "Too few people" not in text(client.get(reverse("executions:launch", args=[frozen.pk])))
    assert "Starts when 1 other person has approved it" in text(client.get(reverse("executions:catalogue")))


def test_the_list_asks_the_same_number_of_times_for_any_length(
    ask, ada, bert, as_ada, django_assert_max_num_queries
):
    from django.test.utils import CaptureQueriesContext

    def queries():
        with CaptureQueriesContext(connection) as seen:
            assert as_ada.get(reverse("executions:approvals")).status_code == 200
        return len(seen)

    approving.approve(actor=bert, execution=ask(2))
    few = queries()
    for _ in range(4):
        approving.approve(actor=bert, execution=ask(2))
    assert queries() == few
    assert awaiting.waiting_for(ada).count() == 5
