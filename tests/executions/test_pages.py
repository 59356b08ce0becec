"""The operators' pages."""

import re
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Delegation
from common import access
from common.clock import now
from executions import wakeups
from executions.events import Fact, append
from executions.models import FINAL, Execution, Status, StepExecution
from tests.support import factories

pytestmark = pytest.mark.django_db

VALUES = {"p-ImageId": "ami-12c6146b", "p-InstanceType": "t3.micro"}


@pytest.fixture
def as_operator(client, operator, valkey):
    client.force_login(operator)
    return client


def launch_url(delegation):
    return reverse("executions:launch", args=[delegation.pk])


def text(response):
    return response.content.decode()


def test_the_home_page_counts_the_persons_runs_that_have_not_ended(as_operator, make_run, colleague):
    for status in (Status.IN_PROGRESS, Status.QUEUED, Status.SUCCESS, Status.FAILED):
        run = make_run(status=status, ended_at=now() if status in FINAL else None)
    make_run(status=Status.IN_PROGRESS, operator=colleague)
    with CaptureQueriesContext(connection) as few:
        page = as_operator.get(reverse("home"))
    assert [card["count"] for card in page.context["cards"] if card["title"] == "Running now"] == [2]
    Execution.objects.bulk_create(
        Execution(**{**values_of(run), "id": uuid.uuid4(), "status": Status.PENDING, "ended_at": None})
        for _ in range(20)
    )
    with CaptureQueriesContext(connection) as many:
        page = as_operator.get(reverse("home"))
    assert [card["count"] for card in page.context["cards"] if card["title"] == "Running now"] == [22]
    assert len(many) == len(few)


def values_of(run):
    return {field.attname: getattr(run, field.attname) for field in Execution._meta.concrete_fields}


def test_the_catalogue_lists_exactly_what_was_granted(as_operator, frozen, administrator):
    factories.make_delegation(
        frozen.version, frozen.target, frozen.service_role, administrator, name="Not for operators"
    )
    page = text(as_operator.get(reverse("executions:catalogue")))
    assert frozen.name in page
    assert "Not for operators" not in page


def test_the_catalogue_says_whom_to_ask_when_it_is_empty(client, stranger):
    client.force_login(stranger)
    assert "Ask an administrator" in text(client.get(reverse("executions:catalogue")))


def test_the_form_asks_for_what_the_delegation_leaves_open(as_operator, frozen):
    page = text(as_operator.get(launch_url(frozen)))
    assert 'name="p-ImageId"' in page
    assert '<option value="t3.small"' in page
    assert "t3.large" not in page
    assert "AutomationAssumeRole" not in page


def test_the_form_says_how_many_runs_there_may_be_and_how_many_there_are(as_operator, frozen, make_run):
    assert "at the same time" not in text(as_operator.get(launch_url(frozen)))
    Delegation.objects.update(max_concurrent=2, max_per_day=5)
    for status, requested_at in (
        (Status.QUEUED, now()),
        (Status.STARTING, now()),
        (Status.IN_PROGRESS, now()),
        (Status.SUCCESS, now() - timedelta(hours=23)),
        (Status.SUCCESS, now() - timedelta(hours=25)),
    ):
        make_run(status=status, requested_at=requested_at)
    page = text(as_operator.get(launch_url(frozen)))
    assert "At most 2 at the same time; 2 run now" in page
    assert "At most 5 started within 24 hours; 4 were" in page


def test_executing_leads_to_the_run(as_operator, frozen):
    chosen = uuid.uuid4()
    for _ in range(2):
        response = as_operator.post(launch_url(frozen), {**VALUES, "run": str(chosen)})
        assert response.status_code == 302
        assert response["Location"] == reverse("executions:detail", args=[chosen])
    assert Execution.objects.count() == 1


def test_a_refused_value_is_explained_beside_its_field_and_kept(as_operator, frozen):
    response = as_operator.post(launch_url(frozen), {**VALUES, "p-InstanceType": "t3.large"})
    assert response.status_code == 400
    assert "t3.large" in str(response.context["form"].errors["InstanceType"])
    assert 'value="ami-12c6146b"' in text(response)
    assert not Execution.objects.exists()


def test_a_missing_value_is_asked_for(as_operator, frozen):
    response = as_operator.post(launch_url(frozen), {"p-InstanceType": "t3.micro", "p-ImageId": ""})
    assert response.status_code == 400
    assert response.context["form"].errors["ImageId"] == ["Give a value."]


def test_what_is_missing_and_what_is_refused_are_said_at_once(as_operator, frozen):
    response = as_operator.post(launch_url(frozen), {"p-InstanceType": "t3.large", "p-ImageId": ""})
    assert set(response.context["form"].errors) == {"ImageId", "InstanceType"}


def test_a_form_that_has_launched_already_offers_to_launch_another(as_operator, frozen):
    chosen = uuid.uuid4()
    as_operator.post(launch_url(frozen), {**VALUES, "run": str(chosen)})
    other = {**VALUES, "p-InstanceType": "t3.small", "run": str(chosen)}
    response = as_operator.post(launch_url(frozen), other)
    assert response.status_code == 409
    assert response.context["run_id"] != chosen


def test_what_an_author_wrote_is_shown_as_text(as_operator, frozen, author, administrator, operators):
    hostile = factories.LAUNCH_TEXT.replace("The AMI to launch.", "<script>alert(1)</script>")
    version = factories.make_document(author, name="hostile", text=hostile)
    delegation = factories.make_delegation(
        version, frozen.target, frozen.service_role, administrator, name="Hostile"
    )
    access.grant("execute", delegation, operators)
    page = text(as_operator.get(launch_url(delegation)))
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_running_again_keeps_only_values_that_are_still_allowed(as_operator, frozen, make_run):
    values = {"ImageId": ["ami-9"], "InstanceType": ["t3.large"], "Gone": ["x"]}
    run = make_run(status=Status.FAILED, parameters=values)
    response = as_operator.get(launch_url(frozen), {"from": str(run.pk)})
    page = text(response)
    assert 'value="ami-9"' in page
    assert response.context["dropped"] == ["Instance type", "Gone"]


CHECKED = re.compile(r'<input type="checkbox" name="step_by_step"[^>]* checked')


def test_the_form_offers_to_go_step_by_step_and_keeps_the_choice(as_operator, frozen):
    page = text(as_operator.get(launch_url(frozen)))
    assert "Step by step: wait for me before each step" in page
    assert not CHECKED.search(page), "it is off unless asked for"
    refused = as_operator.post(launch_url(frozen), {"p-InstanceType": "t3.large", "step_by_step": "on"})
    assert refused.status_code == 400
    assert CHECKED.search(text(refused))
    as_operator.post(launch_url(frozen), {**VALUES, "step_by_step": "on"})
    run = Execution.objects.get()
    assert run.step_by_step
    again = as_operator.get(launch_url(frozen), {"from": str(run.pk)})
    assert CHECKED.search(text(again)), "running it again keeps it"
    as_operator.post(launch_url(frozen), VALUES)
    assert Execution.objects.filter(step_by_step=False).count() == 1


def test_a_run_of_another_delegation_is_not_repeated_here(as_operator, frozen):
    assert as_operator.get(launch_url(frozen), {"from": str(uuid.uuid4())}).status_code == 404
    assert as_operator.get(launch_url(frozen), {"from": "rubbish"}).status_code == 404


def test_a_failed_run_shows_awss_words_and_the_step(as_operator, make_run):
    denied = "You are not authorized to perform this operation <here>."
    run = make_run(status=Status.FAILED, failure=denied)
    step = {"aws_step_id": "s", "position": 0, "name": "launch", "action": "aws:runInstances"}
    StepExecution.objects.create(execution=run, status=Status.FAILED, failure=denied, **step)
    page = text(as_operator.get(reverse("executions:detail", args=[run.pk])))
    assert "Step “launch” failed. AWS says:" in page
    assert "not authorized to perform this operation &lt;here&gt;." in page
    assert "data-live-stream" not in page


def test_a_live_page_that_knows_the_newest_event_gets_only_its_age(as_operator, make_run):
    run = make_run(status=Status.IN_PROGRESS, aws_execution_id="a")
    append(run.pk, [Fact("status", "The run is InProgress")])
    url = reverse("executions:live", args=[run.pk])
    fresh = as_operator.get(url, {"seen": "1"})
    assert fresh["HX-Retarget"] == "#run-freshness"
    assert "steps-title" not in text(fresh)
    changed = as_operator.get(url, {"seen": "0"})
    assert "HX-Retarget" not in changed
    assert "The run is InProgress" in text(changed)
    assert "data-announce" in text(changed)


def test_a_live_page_has_its_run_looked_at_and_says_how_old_its_steps_are(as_operator, make_run, valkey):
    run = make_run(
        status=Status.SUCCESS,
        aws_execution_id="a",
        ended_at=now(),
        behind_since=now() - timedelta(minutes=5),
    )
    assert "data-live-stream" in text(as_operator.get(reverse("executions:detail", args=[run.pk])))
    page = text(as_operator.get(reverse("executions:live", args=[run.pk])))
    assert "steps as of" in page
    assert "data-live-ended" not in page
    assert wakeups.watched_runs() == {run.pk}


def test_cancelling_asks_and_redirects(as_operator, make_run):
    run = make_run(status=Status.QUEUED)
    detail = reverse("executions:detail", args=[run.pk])
    assert "Cancel this run of" in text(as_operator.get(detail))
    response = as_operator.post(reverse("executions:cancel", args=[run.pk]))
    assert response["Location"] == detail
    run.refresh_from_db()
    assert run.status == Status.CANCELLED


@pytest.fixture
def waiting(make_run, frozen, operators):
    access.grant("approve", frozen, operators)
    run = make_run(status=Status.WAITING, aws_execution_id="a")
    StepExecution.objects.create(
        execution=run,
        aws_step_id="s",
        position=0,
        name="ask",
        action="aws:approve",
        status=Status.WAITING,
        inputs={"Message": '"May it go on?"'},
    )
    return run


def test_what_waits_for_me_is_listed_with_its_question(as_operator, waiting, client, stranger):
    page = text(as_operator.get(reverse("executions:approvals")))
    assert "May it go on?" in page
    assert "&quot;May it go on?" not in page
    client.force_login(stranger)
    assert "Nothing waits for you" in text(client.get(reverse("executions:approvals")))


def test_an_answer_is_kept_and_a_long_comment_is_refused_beside_its_field(as_operator, waiting):
    url = reverse("executions:signal", args=[waiting.pk])
    refused = as_operator.post(url, {"kind": "Approve", "step": "ask", "comment": "x" * 401})
    assert refused.status_code == 400
    assert "400 characters" in text(refused)
    assert as_operator.post(url, {"kind": "Approve", "step": "ask"}).status_code == 302
    assert waiting.signals.get().kind == "Approve"


@pytest.fixture
def stepped(make_run):
    """A run step by step that waits for its first step."""
    run = make_run(status=Status.WAITING, aws_execution_id="a", step_by_step=True)
    for position, name in enumerate(("launch", "later")):
        row = {"aws_step_id": name, "position": position, "name": name, "action": "aws:sleep"}
        StepExecution.objects.create(execution=run, status=Status.PENDING, **row)
    return run


def test_a_run_step_by_step_offers_its_next_step_to_who_may_control_it(
    as_operator, stepped, client, colleague
):
    detail = reverse("executions:detail", args=[stepped.pk])
    page = text(as_operator.get(detail))
    assert "Waits for you to start “launch”" in page
    assert "Start “later”" not in page
    assert "Complete the run" not in page
    client.force_login(colleague)
    page = text(client.get(detail))
    assert "Waits for somebody to start “launch”" in page
    assert reverse("executions:step", args=[stepped.pk]) not in page


def test_a_step_that_runs_can_be_stopped_and_after_the_last_the_run_completed(as_operator, stepped):
    url = reverse("executions:live", args=[stepped.pk])
    began = now() - timedelta(minutes=1)
    stepped.steps.filter(name="launch").update(status=Status.IN_PROGRESS, started_at=began)
    page = text(as_operator.get(url))
    assert "Stop the step “launch”?" in page
    assert "Start “later”" not in page
    ended = {"status": Status.SUCCESS, "started_at": began, "ended_at": now()}
    stepped.steps.filter(name="launch").update(next_step="later", **ended)
    page = text(as_operator.get(url))
    assert "Waits for you to start “later”" in page
    assert "Complete this run?" in page
    stepped.steps.update(next_step="", **ended)
    page = text(as_operator.get(url))
    assert "The last step has ended" in page
    assert 'value="Complete"' in page


def test_starting_a_step_is_kept_once_and_then_said_to_be_on_its_way(as_operator, stepped):
    url, detail = (reverse(f"executions:{name}", args=[stepped.pk]) for name in ("step", "detail"))
    for _ in range(2):
        assert as_operator.post(url, {"kind": "StartStep", "step": "launch"})["Location"] == detail
    assert stepped.signals.get().kind == "StartStep"
    assert "AWS is being asked" in text(as_operator.get(detail))
    for kind in ("Approve", "Revoke", ""):
        as_operator.post(url, {"kind": kind, "step": "launch"})
    assert stepped.signals.count() == 1


def test_the_right_to_answer_a_step_controls_none(client, stepped, frozen, stranger, valkey):
    access.grant("approve", frozen, stranger)
    client.force_login(stranger)
    url = reverse("executions:step", args=[stepped.pk])
    assert client.post(url, {"kind": "StartStep", "step": "launch"}).status_code == 403
    answer = reverse("executions:signal", args=[stepped.pk])
    client.post(answer, {"kind": "StartStep", "step": "launch"})
    assert not stepped.signals.exists()


def test_filters_narrow_the_list(as_operator, make_run):
    failed, done = make_run(status=Status.FAILED), make_run(status=Status.SUCCESS)
    url = reverse("executions:list")

    def listed(**filters):
        return {run.pk for run in as_operator.get(url, filters).context["page"].rows}

    assert listed() == {failed.pk, done.pk}
    assert listed(status="Failed") == {failed.pk}
    assert listed(q=str(done.pk)) == {done.pk}
    assert listed(q="no such thing") == set()
    assert listed(status="unfinished") == set()
    assert listed(delegation=str(done.delegation_id), period="hour") == {failed.pk, done.pk}


def test_pages_of_runs_join_without_gap_or_overlap(as_operator, make_run):
    made = {make_run().pk for _ in range(60)}
    url, seen, pages = reverse("executions:list"), [], 0
    address = ""
    while True:
        page = as_operator.get(url + address).context["page"]
        seen += [run.pk for run in page.rows]
        pages += 1
        if not page.older:
            break
        address = page.older
    assert pages == 3
    assert len(seen) == 60
    assert set(seen) == made
    back = as_operator.get(url + page.newer).context["page"]
    assert [run.pk for run in back.rows] == seen[25:50]


@pytest.mark.parametrize("name", ["executions:list", "executions:catalogue", "executions:approvals"])
def test_lists_ask_the_database_the_same_number_of_times_for_any_length(
    as_operator, make_run, frozen, administrator, operators, name
):
    access.grant("approve", frozen, operators)

    def fill(number):
        for _ in range(number):
            run = make_run(status=Status.WAITING)
            step = {"aws_step_id": "s", "position": 0, "name": "ask", "action": "aws:approve"}
            StepExecution.objects.create(execution=run, status=Status.WAITING, **step)
            delegation = factories.make_delegation(
                frozen.version, frozen.target, frozen.service_role, administrator, name=str(uuid.uuid4())
            )
            access.grant("execute", delegation, operators)

    def queries():
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert as_operator.get(reverse(name)).status_code == 200
        return len(captured)

    fill(2)
    queries()
    few = queries()
    fill(10)
    assert queries() == few
    assert few <= 16


def test_a_runs_page_asks_the_same_number_of_times_for_any_number_of_steps(as_operator, make_run):
    def queries(steps):
        run = make_run(status=Status.SUCCESS)
        for number in range(steps):
            StepExecution.objects.create(
                execution=run,
                aws_step_id=str(number),
                position=number,
                name=f"step{number}",
                action="aws:sleep",
                status=Status.SUCCESS,
            )
        append(run.pk, [Fact("status", "x")] * steps)
        with CaptureQueriesContext(connection) as captured:
            as_operator.get(reverse("executions:detail", args=[run.pk]))
        return len(captured)

    queries(1)
    assert queries(1) == queries(40) <= 25


def test_a_run_that_waits_says_where_it_stands(as_operator, frozen, make_run, administrator):
    make_run()
    run = make_run()
    address = reverse("executions:detail", args=[run.pk])
    assert "1 run is sent to AWS before it: about 1 s" in text(as_operator.get(address))
    Execution.objects.exclude(pk=run.pk).update(status=Status.IN_PROGRESS)
    live = reverse("executions:live", args=[run.pk])
    assert "next to be sent to AWS" in text(as_operator.get(f"{live}?seen={run.last_event}"))
    Delegation.objects.update(max_concurrent=1)
    assert "waits until the run of this delegation" in text(as_operator.get(address))
