"""The maintenance switch: nothing is launched, nothing is lost, and everybody reads why."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from audit.models import AuditEntry
from common import queueing
from common.errors import Invalid, NotFound
from executions import jobs, maintenance
from executions.models import Execution, LaunchPause, Status

pytestmark = pytest.mark.django_db


def test_an_administrator_pauses_launches_and_resumes_them(administrator, valkey):
    assert maintenance.launches_paused() is None
    maintenance.pause_launches(actor=administrator, reason="AWS is being\n moved")
    pause = maintenance.launches_paused()
    assert (pause.by, pause.reason) == (administrator.get_full_name(), "AWS is being moved")

    assert maintenance.resume_launches(actor=administrator)
    assert maintenance.launches_paused() is None
    assert not maintenance.resume_launches(actor=administrator)
    actions = AuditEntry.objects.order_by("number").values_list("action", "actor")
    assert list(actions) == [("launches.paused", administrator.pk), ("launches.resumed", administrator.pk)]


def test_a_new_reason_does_not_make_the_pause_younger(administrator, valkey):
    since = maintenance.pause_launches(actor=administrator, reason="Soon over").since
    changed = maintenance.pause_launches(actor=administrator, reason="It takes longer")
    assert (changed.since, changed.reason) == (since, "It takes longer")
    maintenance.pause_launches(actor=administrator, reason="It takes longer")
    actions = AuditEntry.objects.order_by("number").values_list("action", flat=True)
    assert list(actions) == ["launches.paused", "launches.pause-changed"]


@pytest.mark.parametrize("reason", ["", " \n ", "x" * 201])
def test_a_pause_says_why_in_a_line(administrator, reason):
    with pytest.raises(Invalid) as refused:
        maintenance.pause_launches(actor=administrator, reason=reason)
    assert "reason" in refused.value.fields
    assert not LaunchPause.objects.exists()


def test_nobody_else_throws_the_switch(operator, administrator, valkey):
    with pytest.raises(NotFound):
        maintenance.pause_launches(actor=operator, reason="Because")
    maintenance.pause_launches(actor=administrator, reason="Because")
    with pytest.raises(NotFound):
        maintenance.resume_launches(actor=operator)
    assert maintenance.launches_paused() is not None


def test_a_claim_that_names_the_pause_is_not_won_while_it_stands(make_run, administrator, valkey):
    run = make_run()

    def claim() -> int:
        return Execution.objects.filter(maintenance.OPEN, pk=run.pk).update(status=Status.STARTING)

    maintenance.pause_launches(actor=administrator, reason="Because")
    assert claim() == 0
    maintenance.resume_launches(actor=administrator)
    assert claim() == 1


def text(response):
    return response.content.decode()


def test_the_switch_is_thrown_on_its_page_and_every_page_tells(client, operator, administrator, valkey):
    client.force_login(administrator)
    page = reverse("executions:maintenance")
    assert "says why" not in text(client.get(page))
    assert client.post(page, {"reason": " "}).status_code == 400
    assert client.post(page, {"reason": "The account is moved"}).status_code == 302
    client.force_login(operator)
    for name in ("home", "executions:catalogue", "executions:list"):
        seen = text(client.get(reverse(name)))
        assert f"Launches are paused by {administrator.get_full_name()}" in seen
        assert "The account is moved" in seen
    client.force_login(administrator)
    client.post(reverse("executions:maintenance-resume"), {"resume": "yes"})
    assert "The account is moved" not in text(client.get(reverse("home")))
    assert "resumed" in text(client.get(page))


def test_who_has_not_signed_in_is_not_told(client, administrator, valkey):
    maintenance.pause_launches(actor=administrator, reason="The account is moved")
    assert "The account is moved" not in text(client.get(reverse("account_login")))


def test_the_command_throws_it_as_well(db, valkey):
    def said(*words: str) -> str:
        out = StringIO()
        call_command("maintenance", *words, stdout=out)
        return out.getvalue()

    assert said("status") == "Launches go on as usual.\n"
    with pytest.raises(CommandError, match="Say why"):
        said("on")
    assert "The account is moved" in said("on", "--reason", "The account is moved")
    assert "The account is moved" in said("status")
    assert said("off") == "Launches go on as usual.\n"


def test_who_executes_during_a_pause_reads_that_the_run_waits(
    client, operator, frozen, make_run, administrator, valkey
):
    make_run()
    maintenance.pause_launches(actor=administrator, reason="The account is moved")
    client.force_login(operator)
    values = {"p-ImageId": "ami-12c6146b", "p-InstanceType": "t3.micro"}
    asked = client.post(reverse("executions:launch", args=[frozen.pk]), values)
    seen = text(client.get(asked["Location"]))
    assert set(Execution.objects.values_list("status", flat=True)) == {Status.QUEUED}
    assert "The run waits until launches are resumed" in seen
    assert "waits until launches go on, with 1 run before it" in seen
    assert "The account is moved" in seen


def test_workers_leave_what_waits_alone_until_the_pause_ends(make_run, administrator, valkey):
    run = make_run()
    maintenance.pause_launches(actor=administrator, reason="The account is moved")
    jobs.launch()
    run.refresh_from_db()
    assert (run.status, run.claimed_at) == (Status.QUEUED, None)
    # Nothing asks for it again and again meanwhile.
    assert queueing.waiting("launch") == 0


def test_the_end_of_a_pause_sends_what_has_waited(
    make_run, administrator, valkey, django_capture_on_commit_callbacks
):
    make_run()
    maintenance.pause_launches(actor=administrator, reason="The account is moved")
    with django_capture_on_commit_callbacks(execute=True):
        maintenance.resume_launches(actor=administrator)
    assert queueing.waiting("launch") == 1
