"""Following runs: what AWS says becomes events, one tracker a target, and calls go where they tell most."""

from datetime import timedelta

import pytest

from aws.errors import AwsError
from aws.gateway import RemoteExecution
from common import queueing
from common.clock import now
from executions import looking, tracking, wakeups
from executions.following import Subject
from executions.leases import Lease, LeaseLost
from executions.looking import Looker
from executions.models import Execution, Status, TrackingLease
from executions.reconciling import reconcile
from executions.sweeping import CLOSER_LOOK_EVERY, Sweeper
from tests.executions.remote import Account, remote, remote_step, words

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account(monkeypatch):
    """The AWS of these tests, which every way in leads to."""
    made = Account()
    monkeypatch.setattr("executions.following.as_portal", lambda *_, **__: made)
    return made


@pytest.fixture
def subject(frozen, valkey):
    """The frozen delegation's target, under lease."""
    lease = Lease.take(frozen.target_id)
    assert lease is not None
    return Subject(frozen.target_id, lease)


@pytest.fixture
def make_runs(make_run, account):
    """Make runs that AWS knows, `number` of them, with the same fields."""

    def make(number: int, prefix: str = "run", **fields) -> list[Execution]:
        made = [
            make_run(**{"status": Status.IN_PROGRESS, "aws_execution_id": f"{prefix}-{each}", **fields})
            for each in range(number)
        ]
        account.states |= {run.aws_execution_id: str(run.status) for run in made}
        return made

    return make


def one_pass(sweeper: Sweeper) -> None:
    """Let the sweeper account for all runs once."""
    sweeper.step()
    while not sweeper.between_passes:
        sweeper.step()


def look_at_all(subject: Subject) -> None:
    """Give a full look to every run that is behind."""
    looker = Looker(subject)
    while Execution.objects.filter(behind_since__isnull=False).exclude(pk__in=looker._resting).exists():
        looker.step()


# Lists


def test_many_runs_are_followed_by_lists_and_what_changed_gets_a_full_look(make_runs, account, subject):
    make_runs(120)
    account.states["run-7"] = "Success"
    one_pass(Sweeper(subject))
    # The one that has ended is not in the list of unfinished ones.
    assert account.calls == {"listed": 3, "described": 1}
    changed = Execution.objects.get(aws_execution_id="run-7")
    assert changed.status == Status.SUCCESS
    assert not Execution.objects.filter(observed_at=None).exists()
    assert list(Execution.objects.filter(behind_since__isnull=False)) == [changed]
    look_at_all(subject)
    assert account.calls["execution"] == 1
    changed.refresh_from_db()
    assert changed.behind_since is None
    assert changed.outputs == {"launch.InstanceIds": ["i-1"]}


def test_runs_that_ended_together_are_found_in_a_list(make_runs, account, subject):
    make_runs(200)
    account.states |= dict.fromkeys(account.states, "Cancelled")
    one_pass(Sweeper(subject))
    assert account.calls == {"listed": 1 + 4}
    assert Execution.objects.filter(status=Status.CANCELLED, ended_at__isnull=False).count() == 200


def test_a_crowded_account_is_not_listed_to_its_end(make_runs, account, subject):
    account.states |= {f"foreign-{number}": "InProgress" for number in range(2000)}
    make_runs(40)
    one_pass(Sweeper(subject))
    assert account.calls == {"listed": 4 + 1, "described": 4}
    assert not Execution.objects.filter(observed_at=None).exists()


def test_a_page_that_aws_turns_away_is_asked_for_again(make_runs, account, subject):
    make_runs(120)
    sweeper = Sweeper(subject)
    sweeper.step()
    account.refuse_next("listed", "ThrottlingException")
    with pytest.raises(AwsError):
        sweeper.step()
    while not sweeper.between_passes:
        sweeper.step()
    assert account.calls == {"listed": 4}
    assert not Execution.objects.filter(observed_at=None).exists()


def test_a_list_that_aws_has_forgotten_is_not_the_end(make_runs, account, subject):
    make_runs(120)
    sweeper = Sweeper(subject)
    sweeper.step()
    account.refuse_next("listed", "InvalidNextToken")
    one_pass(sweeper)
    assert not Execution.objects.filter(observed_at=None).exists()


def test_in_a_long_pass_those_at_work_are_looked_at_more_often(make_runs, account, subject):
    make_runs(750, prefix="waiting", status=Status.PENDING)
    (busy,) = make_runs(1, prefix="busy")
    sweeper = Sweeper(subject)
    for _ in range(CLOSER_LOOK_EVERY):
        sweeper.step()
    busy.refresh_from_db()
    assert busy.observed_at is not None
    assert not sweeper.between_passes


def test_a_new_run_is_asked_about_at_once(make_runs, account, subject):
    make_runs(200, observed_at=now())
    sweeper = Sweeper(subject)
    sweeper.step()
    (fresh,) = make_runs(1, prefix="fresh", status=Status.PENDING)
    account.states["fresh-0"] = "InProgress"
    sweeper.ring()
    sweeper.step()
    fresh.refresh_from_db()
    assert fresh.status == Status.IN_PROGRESS


def test_what_an_event_spoke_of_comes_first_but_the_pass_goes_on(make_runs, account, subject):
    make_runs(200)
    sweeper = Sweeper(subject)
    sweeper.step()
    for _ in range(10):
        sweeper.confirm(["run-1"])
        sweeper.step()
    # Four of five, by their ids.
    assert account.calls == {"listed": 1 + 2, "described": 8}


def test_many_events_at_once_are_confirmed_by_a_list(make_runs, account, subject):
    make_runs(200, prefix="waiting", status=Status.PENDING)
    make_runs(90, prefix="busy")
    sweeper = Sweeper(subject)
    sweeper.step()
    account.states |= dict.fromkeys((f"busy-{number}" for number in range(80)), "Waiting")
    account.states |= dict.fromkeys((f"busy-{number}" for number in range(80, 90)), "Success")
    sweeper.confirm(f"busy-{number}" for number in range(90))
    for _ in range(3):
        sweeper.step()
    assert account.calls == {"listed": 1 + 2, "described": 1}
    assert Execution.objects.filter(status=Status.WAITING).count() == 80
    assert Execution.objects.filter(status=Status.SUCCESS).count() == 10


def test_in_a_long_pass_what_events_spoke_of_is_gathered(make_runs, account, subject):
    make_runs(600)
    sweeper = Sweeper(subject)
    sweeper.step()
    sweeper.confirm(["run-1"])
    sweeper.step()
    assert account.calls == {"listed": 2}
    sweeper.confirm(f"run-{number}" for number in range(10))
    sweeper.step()
    assert account.calls == {"listed": 2, "described": 1}


def test_thousands_of_changes_take_few_queries(make_runs, account, subject, django_assert_max_num_queries):
    make_runs(50)
    account.states |= dict.fromkeys(account.states, "Waiting")
    sweeper = Sweeper(subject)
    # A transaction, the lease, the runs, one update for each change, the events.
    with django_assert_max_num_queries(50 + 12):
        sweeper.step()
    assert Execution.objects.filter(status=Status.WAITING, last_event=1).count() == 50


# Full looks


def test_those_that_somebody_looks_at_come_first_then_those_that_have_ended(make_runs, account, subject):
    long_ago = now() - timedelta(minutes=5)
    make_runs(3, prefix="old", behind_since=long_ago)
    make_runs(1, prefix="ended", status=Status.SUCCESS, ended_at=now(), behind_since=now())
    (watched,) = make_runs(1, prefix="watched", behind_since=now())
    wakeups.watched([watched.pk])
    looker = Looker(subject)
    looker.step()
    looker.step()
    assert account.looked_at == ["watched-0", "ended-0"]


def test_the_few_runs_there_are_get_full_looks_all_the_time(make_runs, account, subject):
    make_runs(3)
    sweeper, looker = Sweeper(subject), Looker(subject)
    for _ in range(3):
        assert sweeper.step() > 0
        looker.step()
    assert account.calls == {"execution": 3}
    assert sorted(account.looked_at) == ["run-0", "run-1", "run-2"]


def test_one_run_that_aws_will_not_show_does_not_keep_others_waiting(make_runs, account, subject):
    make_runs(1, prefix="denied", behind_since=now() - timedelta(minutes=1))
    make_runs(1, prefix="fine", behind_since=now())
    account.refuse_next("execution", "AccessDeniedException")
    looker = Looker(subject)
    with pytest.raises(AwsError):
        looker.step()
    looker.step()
    assert account.looked_at == ["fine-0"]


def test_a_run_that_aws_no_longer_knows_ends_as_lost(make_run, account, subject):
    long_ago = now() - timedelta(minutes=5)
    run = make_run(status=Status.IN_PROGRESS, aws_execution_id="gone", observed_at=long_ago)
    fresh = make_run(status=Status.PENDING, aws_execution_id="fresh", claimed_at=now())
    looker = Looker(subject)
    looker.step()
    looker.step()
    run.refresh_from_db()
    fresh.refresh_from_db()
    assert run.status == Status.LOST
    assert "There is no such execution" in run.failure
    assert fresh.status == Status.PENDING


def test_of_many_runs_too_the_unknown_ones_end_as_lost(make_runs, make_run, account, subject):
    make_runs(20)
    long_ago = now() - timedelta(minutes=5)
    run = make_run(status=Status.IN_PROGRESS, aws_execution_id="gone", observed_at=long_ago)
    one_pass(Sweeper(subject))
    look_at_all(subject)
    run.refresh_from_db()
    assert (run.status, run.behind_since) == (Status.LOST, None)


def test_a_run_older_than_awss_history_says_what_is_known(make_run, account, subject):
    long_ago = now() - timedelta(days=looking.HISTORY_DAYS + 1)
    run = make_run(status=Status.WAITING, aws_execution_id="gone", observed_at=long_ago)
    Looker(subject).step()
    run.refresh_from_db()
    assert run.status == Status.LOST
    assert "keeps automations for 30 days" in run.failure
    assert f"It was Waiting on {long_ago:%Y-%m-%d}" in run.failure


def test_steps_that_aws_no_longer_tells_are_waited_for_no_longer(make_run, account, subject):
    run = make_run(status=Status.SUCCESS, aws_execution_id="gone", ended_at=now(), behind_since=now())
    Looker(subject).step()
    run.refresh_from_db()
    assert run.is_settled
    assert words(run) == ["AWS no longer tells the run's last steps and outputs"]


def test_an_answer_older_than_the_lists_leaves_an_ended_run_behind(make_runs, account, subject):
    (run,) = make_runs(1, status=Status.SUCCESS, ended_at=now(), behind_since=now())
    account.states["run-0"] = "InProgress"
    looker = Looker(subject)
    looker.step()
    run.refresh_from_db()
    assert (run.status, run.is_settled) == (Status.SUCCESS, False)
    # It is looked at again, but not at once.
    assert looker.step() > 0


# Leases and jobs


def test_one_tracker_follows_a_target_until_its_lease_ends(frozen, valkey):
    target = frozen.target_id
    assert Lease.take(target)
    assert Lease.take(target) is None
    TrackingLease.objects.update(until=now() - timedelta(seconds=1))
    assert Lease.take(target)


def test_a_tracker_that_was_too_slow_writes_nothing(make_runs, account, subject, monkeypatch):
    (run,) = make_runs(1)

    def taken_over(aws_id: str) -> RemoteExecution:
        TrackingLease.objects.update(holder="another")
        return remote("Success", remote_step(), aws_id=aws_id)

    monkeypatch.setattr(account, "execution", taken_over)
    with pytest.raises(LeaseLost):
        Looker(subject).step()
    run.refresh_from_db()
    assert (run.status, run.observed_at, run.last_event) == (Status.IN_PROGRESS, None, 0)
    with pytest.raises(LeaseLost):
        subject.lease.renew()
    subject.lease.give_back()
    assert TrackingLease.objects.get().holder == "another"


def test_a_lease_that_ran_out_unnoticed_counts_as_lost(make_runs, account, subject):
    make_runs(20)
    TrackingLease.objects.update(until=now())
    with pytest.raises(LeaseLost):
        Sweeper(subject).step()


def test_a_target_without_runs_is_left_alone(frozen, valkey):
    tracking.follow(frozen.target_id)
    assert queueing.waiting("tracking") == 0
    assert TrackingLease.objects.get().until is None


@pytest.mark.parametrize(
    "fields",
    [
        {"status": Status.IN_PROGRESS},
        # The crash came between the news of its end and the full look.
        {"status": Status.SUCCESS, "ended_at": now(), "behind_since": now()},
    ],
)
def test_whatever_is_not_settled_is_followed_again_after_a_crash(make_run, valkey, fields):
    make_run(aws_execution_id="a", **fields)
    reconcile()
    assert queueing.waiting("tracking") == 1


def test_what_is_settled_is_not(make_run, valkey):
    make_run(aws_execution_id="a", status=Status.SUCCESS, ended_at=now())
    reconcile()
    assert queueing.waiting("tracking") == 0


def test_what_a_person_did_to_a_run_is_looked_at_in_full(make_run, valkey):
    run = make_run(aws_execution_id="a", status=Status.WAITING)
    tracking.ensure(run.target_id, about=run)
    run.refresh_from_db()
    assert run.behind_since is not None
