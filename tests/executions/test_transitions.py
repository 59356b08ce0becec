"""How runs move from state to state."""

from datetime import timedelta

import pytest

from audit.models import AuditEntry
from aws.errors import AwsError
from common.clock import now
from executions import launching
from executions.events import Fact
from executions.models import FINAL, Execution, Status
from executions.transitions import LEGAL, move

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_two_workers_that_read_the_same_state_one_wins(make_run, valkey):
    run = make_run()
    first, second = Execution.objects.get(pk=run.pk), Execution.objects.get(pk=run.pk)

    assert move(first, Status.STARTING, Fact("sending", "A worker sends it"))
    assert not move(second, Status.STARTING, Fact("sending", "Another sends it"))

    run.refresh_from_db()
    assert run.status == Status.STARTING
    assert [event.message for event in run.events.all()] == ["A worker sends it"]
    assert run.last_event == 1


def test_a_final_state_is_never_left(make_run, valkey):
    for state in FINAL:
        assert LEGAL[state] == frozenset()
    run = make_run(status=Status.SUCCESS)
    with pytest.raises(ValueError, match="does not go from"):
        move(run, Status.PENDING, Fact("status", "Again"))


def test_every_state_has_its_row_in_the_table():
    assert set(LEGAL) == set(Status)


def test_a_run_that_ends_says_when(make_run, valkey):
    run = make_run(status=Status.IN_PROGRESS)
    assert move(run, Status.SUCCESS, Fact("status", "Done"))
    run.refresh_from_db()
    assert run.ended_at is not None


def test_state_event_and_audit_entry_stand_or_fall_together(make_run, valkey, operator, monkeypatch):
    run = make_run()

    def fails(**_):
        raise RuntimeError("the record is full")

    monkeypatch.setattr("audit.services.record", fails)
    with pytest.raises(RuntimeError):
        move(run, Status.CANCELLED, Fact("cancelled", "No"), actor=operator, action="run.cancelled")
    run.refresh_from_db()
    assert run.status == Status.QUEUED
    assert not run.events.exists()
    assert not AuditEntry.objects.filter(action="run.cancelled").exists()


def test_what_a_person_caused_is_in_the_record(make_run, valkey, operator):
    move(make_run(), Status.CANCELLED, Fact("cancelled", "No"), actor=operator, action="run.cancelled")
    assert AuditEntry.objects.get(action="run.cancelled").actor_id == operator.pk


def refused(**facts):
    return AwsError(
        **{
            "aws_code": "AccessDeniedException",
            "message": "No",
            "operation": "StartAutomationExecution",
            "retryable": False,
            **facts,
        }
    )


@pytest.mark.parametrize(
    "late",
    [
        lambda run: launching._not_started(run, refused(), heard=False),
        lambda run: launching._not_started(run, refused(), heard=True),
        lambda run: launching._not_started(
            run, refused(aws_code="ThrottlingException", retryable=True), heard=False
        ),
    ],
    ids=["failed", "lost", "postponed"],
)
def test_a_worker_that_was_held_up_does_not_end_a_run_that_another_is_sending(make_run, valkey, late):
    run = make_run(status=Status.STARTING, claimed_at=now() - timedelta(seconds=61))
    other = Execution.objects.get(pk=run.pk)
    assert launching._claim(other)

    late(run)

    run.refresh_from_db()
    assert (run.status, run.claimed_at) == (Status.STARTING, other.claimed_at)
