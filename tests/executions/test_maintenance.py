"""The maintenance switch: nothing is launched, nothing is lost, and everybody reads why."""

import pytest

from audit.models import AuditEntry
from common.errors import Invalid, NotFound
from executions import maintenance
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
