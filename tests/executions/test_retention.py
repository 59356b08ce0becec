"""Runs that ended long ago are removed; those that go on, and the record, are not."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse

from audit.models import AuditEntry
from audit.services import first_break, record
from common import queueing
from common.clock import now
from executions import jobs, retention
from executions.models import FINAL, Execution, ExecutionEvent, Signal, Status, StepExecution

pytestmark = pytest.mark.django_db


def ago(days: float):
    return now() - timedelta(days=days)


@pytest.fixture
def ended(make_run):
    """Make a run that ended `days` ago."""

    def make(days: float, **fields):
        values = {"status": Status.SUCCESS, "requested_at": ago(days), "ended_at": ago(days), **fields}
        return make_run(**values)

    return make


def test_what_ended_long_ago_is_removed_with_all_that_belongs_to_it(ended, operator):
    old, young = ended(31), ended(29)
    for run in (old, young):
        StepExecution.objects.create(execution=run, aws_step_id="1", position=1, name="a", action="aws:sleep")
        ExecutionEvent.objects.create(execution=run, number=1, kind="launched", message="Execute")
        Signal.objects.create(execution=run, kind="Approve", actor=operator)
    done = retention.purge_runs(days=30)
    assert done.runs == 1
    assert done.rows == {"execution": 1, "stepexecution": 1, "executionevent": 1, "signal": 1}
    for model in (StepExecution, ExecutionEvent, Signal):
        assert [row.execution_id for row in model.objects.all()] == [young.pk]
    assert list(Execution.objects.all()) == [young]


def test_a_run_that_has_not_ended_stays_however_old(make_run):
    for status in set(Status) - FINAL:
        make_run(status=status, requested_at=ago(400))
    # Long asked for, and ended only yesterday.
    make_run(status=Status.SUCCESS, requested_at=ago(400), ended_at=ago(1))
    kept = Execution.objects.count()
    assert retention.purge_runs(days=30).runs == 0
    assert Execution.objects.count() == kept
    assert not AuditEntry.objects.exists()


def test_a_run_that_repeats_a_removed_one_stays(ended):
    old = ended(40)
    repeat = ended(1, again_of=old)
    retention.purge_runs(days=30)
    repeat.refresh_from_db()
    assert repeat.again_of is None


def test_the_record_keeps_what_was_done_and_says_what_was_removed(ended, operator, administrator, client):
    old = ended(40)
    record(actor=operator, action="run.launched", obj=old, data={"document": "launch-instance"})
    retention.purge_runs(days=30)
    assert first_break() is None
    removal = AuditEntry.objects.get(action="runs.purged")
    assert removal.data["removed"] == {"execution": 1}
    assert removal.data["requested_from"] == old.requested_at.isoformat()
    client.force_login(administrator)
    page = client.get(reverse("audit:list") + f"?object=execution:{old.pk}").content.decode()
    assert str(old) in page
    assert "launch-instance" in page


def many(ended, count):
    """Make `count` old runs with a step and two events each, and as many young ones."""
    frozen = ended(100)
    template = {
        field.attname: getattr(frozen, field.attname)
        for field in Execution._meta.fields
        if field.name != "id"
    }
    runs = [
        Execution(**{**template, "requested_at": ago(days), "ended_at": ago(days)})
        for index in range(count)
        for days in (60 + index / 1000, 5)
    ]
    Execution.objects.bulk_create(runs)
    StepExecution.objects.bulk_create(
        StepExecution(
            execution=run, aws_step_id="1", position=1, name="a", action="aws:sleep", status="Success"
        )
        for run in runs
    )
    ExecutionEvent.objects.bulk_create(
        ExecutionEvent(execution=run, number=number, kind="status", message="Success")
        for run in runs
        for number in (1, 2)
    )


def test_many_are_removed_in_batches(ended, valkey):
    many(ended, 700)
    done = retention.purge_runs(days=30, batch=200)
    assert done.runs == 701
    assert Execution.objects.count() == StepExecution.objects.count() == 700
    assert ExecutionEvent.objects.count() == 1400
    batches = AuditEntry.objects.filter(action="runs.purged").order_by("number")
    assert [entry.data["removed"]["execution"] for entry in batches] == [200, 200, 200, 101]
    # The oldest go first.
    begins = [entry.data["requested_from"] for entry in batches]
    assert begins == sorted(begins)


def test_a_batch_costs_the_same_number_of_queries_whatever_is_kept(ended, django_assert_max_num_queries):
    many(ended, 150)
    with django_assert_max_num_queries(30):
        retention.purge_runs(days=30, batch=100, seconds=0)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL reads a small table whole")
def test_the_oldest_come_from_the_index_without_sorting_what_is_kept(db):
    plan = retention.ended_before(30).values_list("pk")[:100].explain()
    assert "USING INDEX" in plan
    assert "TEMP B-TREE" not in plan


def test_a_job_stops_when_its_time_is_up_and_the_next_goes_on(ended, settings, monkeypatch):
    for _ in range(3):
        ended(40)
    monkeypatch.setattr(retention, "BATCH", 2)
    first = retention.purge_runs(days=30, batch=2, seconds=0)
    assert (first.runs, first.complete) == (2, False)
    settings.RETENTION_DAYS = 30
    jobs.purge_runs()
    assert not Execution.objects.exists()


def test_a_worker_that_is_asked_to_end_stops_after_a_batch(ended, monkeypatch):
    for _ in range(3):
        ended(40)
    monkeypatch.setattr(queueing, "stopping", lambda: True)
    assert retention.purge_runs(days=30, batch=1).runs == 1


def test_without_the_setting_everything_is_kept(ended, settings):
    ended(4000)
    assert settings.RETENTION_DAYS == 0
    jobs.purge_runs()
    assert Execution.objects.count() == 1


def test_the_command_says_what_it_would_remove_and_removes_it(ended):
    for days in (40, 50, 1):
        ended(days)

    def said(*words):
        out = StringIO()
        call_command("purge_runs", "--older-than", "30", *words, stdout=out)
        return out.getvalue()

    assert said("--dry-run") == "2 runs ended more than 30 days ago.\n"
    assert Execution.objects.count() == 3
    assert said("--batch", "1").startswith("2 runs removed")
    assert Execution.objects.count() == 1
    with pytest.raises(CommandError, match="1 or more"):
        call_command("purge_runs", "--older-than", "0")
