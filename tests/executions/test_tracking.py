"""Following runs: what AWS says becomes events, one tracker a target, at most three calls a second."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from aws.errors import AwsError
from aws.gateway import RemoteExecution, RemoteStep, RemoteSummary
from common import queueing
from common.clock import now
from executions import observing, tracking
from executions.models import Execution, Status, TrackingLease

pytestmark = pytest.mark.django_db(transaction=True)

BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def remote_step(name: str = "launch", status: str = "InProgress", **fields) -> RemoteStep:
    values = {
        "step_id": str(uuid.uuid5(uuid.NAMESPACE_DNS, name)),
        "name": name,
        "action": "aws:runInstances",
        "status": status,
        "failure": "",
        "inputs": {"ImageId": "ami-1"},
        "outputs": {},
        "started_at": BEGAN,
        "ended_at": None,
        **fields,
    }
    return RemoteStep(**values)


def remote(status: str = "InProgress", *steps: RemoteStep, **fields) -> RemoteExecution:
    values = {
        "aws_id": "a",
        "status": status,
        "failure": "",
        "outputs": {},
        "current_step": "launch",
        "executed_by": "arn:aws:iam::123456789012:user/automation-portal",
        "started_at": BEGAN,
        "ended_at": None,
        "steps": steps,
        **fields,
    }
    return RemoteExecution(**values)


def words(run: Execution) -> list[str]:
    return [event.message for event in run.events.all()]


def observe(run: Execution, *args, **fields) -> bool:
    run.refresh_from_db()
    return observing.apply(run, remote(*args, **fields), now())


def test_what_aws_reports_becomes_numbered_events(make_run, valkey):
    run = make_run(status=Status.PENDING, aws_execution_id="a")
    assert observe(run, "InProgress", remote_step())
    denied = "You are not authorized to perform this operation."
    assert observe(run, "Failed", remote_step(status="Failed", failure=denied), failure="Step launch failed.")
    run.refresh_from_db()
    assert words(run) == [
        "Step “launch” (aws:runInstances) started",
        "The run is InProgress",
        f"Step “launch”: Failed. {denied}",
        "The run is Failed. Step launch failed.",
    ]
    assert run.last_event == 4
    assert run.ended_at is not None
    assert run.steps.get().failure == denied


def test_nothing_is_written_when_nothing_has_changed(make_run, valkey):
    run = make_run(status=Status.PENDING, aws_execution_id="a")
    observe(run, "InProgress", remote_step())
    assert not observe(run, "InProgress", remote_step())
    assert len(words(run)) == 2


def test_of_two_trackers_with_the_same_news_one_writes_it(make_run, valkey):
    run = make_run(status=Status.PENDING, aws_execution_id="a")
    first, second = Execution.objects.get(pk=run.pk), Execution.objects.get(pk=run.pk)
    assert observing.apply(first, remote("InProgress", remote_step()), now())
    assert not observing.apply(second, remote("InProgress", remote_step()), now())
    assert len(words(run)) == 2


def test_an_ended_run_is_not_revived(make_run, valkey):
    run = make_run(status=Status.CANCELLED, aws_execution_id="a")
    assert not observe(run, "InProgress", remote_step())


def test_a_state_that_aws_has_added_since_counts_as_in_progress(make_run, valkey):
    run = make_run(status=Status.PENDING, aws_execution_id="a")
    observe(run, "ThinkingItOver")
    run.refresh_from_db()
    assert run.status == Status.IN_PROGRESS


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.time = 0.0

    def wait(self, seconds: float) -> None:
        self.time += seconds

    sleep = wait

    def monotonic(self) -> float:
        return self.time


class Account:
    """AWS as far as a tracker asks it, with the moment of each call."""

    def __init__(self, clock: Clock, *runs: Execution) -> None:
        self.clock = clock
        self.states = {run.aws_execution_id: "InProgress" for run in runs}
        self.calls: list[tuple[float, str]] = []

    def execution(self, aws_id: str) -> RemoteExecution:
        self.calls.append((self.clock.time, "execution"))
        if aws_id not in self.states:
            raise AwsError(
                aws_code="AutomationExecutionNotFoundException",
                message="There is no such execution",
                operation="GetAutomationExecution",
                retryable=False,
            )
        return remote(self.states[aws_id], aws_id=aws_id, current_step="")

    def summaries(self, since: datetime) -> Iterator[RemoteSummary]:
        for number, (aws_id, status) in enumerate(self.states.items()):
            if number % 50 == 0:
                self.calls.append((self.clock.time, "summaries"))
            yield RemoteSummary(aws_id, status, "", "", BEGAN, None)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def turn(account: Account, clock: Clock, target_id: int, monkeypatch) -> bool:
    monkeypatch.setattr(tracking, "as_portal", lambda *_, **__: account)
    holder = "tests"
    TrackingLease.objects.update_or_create(
        target_id=target_id, defaults={"holder": holder, "until": now() + timedelta(minutes=5)}
    )
    return tracking.Turn(target_id, holder, clock).run()


def test_many_runs_are_followed_by_their_summaries(make_run, clock, monkeypatch, valkey):
    runs = [make_run(status=Status.IN_PROGRESS, aws_execution_id=f"run-{number}") for number in range(60)]
    account = Account(clock, *runs)
    account.states["run-7"] = "Success"
    turn(account, clock, runs[0].target_id, monkeypatch)
    assert [kind for _, kind in account.calls].count("execution") == 1
    assert Execution.objects.get(aws_execution_id="run-7").status == Status.SUCCESS
    assert not Execution.objects.filter(observed_at=None).exists()


@pytest.mark.parametrize("number", [1, 3, 60])
def test_aws_is_never_called_more_than_three_times_a_second(make_run, clock, monkeypatch, valkey, number):
    runs = [make_run(status=Status.PENDING, aws_execution_id=f"run-{each}") for each in range(number)]
    account = Account(clock, *runs)
    turn(account, clock, runs[0].target_id, monkeypatch)
    moments = [moment for moment, _ in account.calls]
    assert moments
    for start in moments:
        assert sum(start <= moment < start + 0.999 for moment in moments) <= 3


def test_a_run_that_aws_no_longer_knows_ends_as_lost(make_run, clock, monkeypatch, valkey):
    long_ago = now() - timedelta(minutes=5)
    run = make_run(status=Status.IN_PROGRESS, aws_execution_id="gone", observed_at=long_ago)
    fresh = make_run(status=Status.PENDING, aws_execution_id="fresh", claimed_at=now())
    turn(Account(clock), clock, run.target_id, monkeypatch)
    run.refresh_from_db()
    fresh.refresh_from_db()
    assert run.status == Status.LOST
    assert "There is no such execution" in run.failure
    assert fresh.status == Status.PENDING


def test_the_page_learns_why_aws_cannot_be_asked(make_run, clock, monkeypatch, valkey):
    run = make_run(status=Status.IN_PROGRESS, aws_execution_id="a")

    class Denied(Account):
        def execution(self, aws_id: str) -> RemoteExecution:
            raise AwsError(
                aws_code="AccessDeniedException",
                message="User is not authorized to perform: ssm:GetAutomationExecution",
                operation="GetAutomationExecution",
                retryable=False,
            )

    assert not turn(Denied(clock), clock, run.target_id, monkeypatch)
    assert "ssm:GetAutomationExecution" in TrackingLease.objects.get().failure


def test_one_tracker_follows_a_target_until_its_lease_ends(frozen, valkey):
    target = frozen.target_id
    assert tracking.take_lease(target, "first")
    assert not tracking.take_lease(target, "second")
    TrackingLease.objects.update(until=now() - timedelta(seconds=1))
    assert tracking.take_lease(target, "second")


def test_a_tracker_that_was_too_slow_stops(make_run, clock, monkeypatch, valkey):
    run = make_run(status=Status.IN_PROGRESS, aws_execution_id="a")
    account = Account(clock, run)

    def taken_over(aws_id: str) -> RemoteExecution:
        TrackingLease.objects.update(holder="another")
        clock.time += 4
        return remote("InProgress", aws_id=aws_id, current_step="")

    monkeypatch.setattr(account, "execution", taken_over)
    assert not turn(account, clock, run.target_id, monkeypatch)
    assert TrackingLease.objects.get().holder == "another"


def test_a_target_without_runs_is_left_alone(frozen, valkey):
    tracking.follow(frozen.target_id)
    assert queueing.waiting("tracking") == 0
    assert TrackingLease.objects.get().until is None
