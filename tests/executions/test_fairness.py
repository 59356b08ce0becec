"""Whose run is sent next, where a waiting run stands, and how many there may be."""

import random
from datetime import timedelta

import pytest

from accounts.models import Delegation, User
from aws.models import AwsTarget
from common import queueing
from common.clock import now
from common.errors import Conflict
from executions import fairness, launching, maintenance, services
from executions.models import Execution, Status
from executions.reconciling import reconcile
from tests.executions.conftest import work
from tests.support import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def others(frozen, administrator):
    """More delegations of the same target."""
    return [
        factories.make_delegation(
            frozen.version, frozen.target, frozen.service_role, administrator, name=f"Another {n}"
        )
        for n in range(2)
    ]


def take_all(target: AwsTarget) -> list[Execution]:
    """Take every due run, as one worker after the other would."""
    taken = []
    while True:
        here = Execution.objects.filter(launching.due(now()), target=target.pk)
        turns = fairness.turns(here, target.pk)
        if not turns:
            return taken
        key = fairness.take(here, target.pk, turns.lines[0])
        assert key is not None
        taken.append(Execution.objects.get(pk=key))


def test_a_bulk_of_launches_does_not_hold_up_another_persons_one(make_run, frozen, operator, administrator):
    bulk = [make_run(operator=operator) for _ in range(20)]
    single = make_run(operator=administrator)
    assert fairness.position(single).ahead <= 1
    order = take_all(frozen.target)
    assert order.index(single) <= 1
    assert [run for run in order if run != single] == bulk


def test_a_persons_delegations_take_turns_as_well(make_run, frozen, others):
    first = [make_run() for _ in range(5)]
    second = make_run(delegation=others[0])
    order = take_all(frozen.target)
    assert order.index(second) <= 1
    assert [run for run in order if run != second] == first


def test_who_was_served_last_waits_for_the_others(make_run, frozen, operator, administrator):
    make_run(operator=operator)
    take_all(frozen.target)
    again, other = make_run(operator=operator), make_run(operator=administrator)
    assert take_all(frozen.target) == [other, again]


@pytest.mark.parametrize("seed", range(8))
def test_the_position_told_is_the_number_of_runs_that_are_sent_before(make_run, frozen, others, seed):
    dice = random.Random(seed)
    people = [User.objects.create_user(f"person{n}") for n in range(3)]
    for _ in range(dice.randrange(3)):
        make_run(operator=dice.choice(people), delegation=dice.choice([frozen, *others]))
    take_all(frozen.target)
    Execution.objects.update(status=Status.PENDING)
    runs = [
        make_run(operator=dice.choice(people), delegation=dice.choice([frozen, *others])) for _ in range(14)
    ]
    told = {run.pk: fairness.position(run).ahead for run in runs}
    assert told == {run.pk: place for place, run in enumerate(take_all(frozen.target))}


def test_the_wait_follows_from_the_rate_that_aws_allows(make_run, frozen):
    AwsTarget.objects.update(start_rate=0.5)
    runs = [make_run() for _ in range(4)]
    last = Execution.objects.select_related("target", "delegation").get(pk=runs[-1].pk)
    assert fairness.position(last) == fairness.Position(ahead=3, seconds=6.0)


def test_a_run_that_a_worker_took_is_left_to_it_and_comes_again_when_the_worker_died(make_run, frozen):
    run = make_run()
    assert take_all(frozen.target) == [run]
    assert take_all(frozen.target) == []
    Execution.objects.update(retry_at=now())
    assert take_all(frozen.target) == [run]


def test_an_interrupted_launch_is_settled_before_any_turn(make_run, frozen):
    make_run()
    old = make_run(status=Status.STARTING, claimed_at=now() - timedelta(seconds=61))
    here = Execution.objects.filter(launching.due(now()))
    assert fairness.turns(here, frozen.target.pk).interrupted == old.pk


def test_no_more_run_at_once_than_the_delegation_allows(operator, delegation, values, valkey):
    Delegation.objects.update(max_concurrent=1)
    delegation.refresh_from_db()
    first = services.launch(actor=operator, delegation=delegation, values=values)
    second = services.launch(actor=operator, delegation=delegation, values=values)
    work("launch")
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == (Status.PENDING, Status.QUEUED)
    assert fairness.position(second).at_limit == 1
    work("tracking", "launch")
    second.refresh_from_db()
    assert second.status in {Status.PENDING, Status.SUCCESS}, "the end of the first makes room at once"


def test_two_workers_that_found_room_for_one_do_not_both_use_it(operator, delegation, values, valkey):
    first, second = (services.launch(actor=operator, delegation=delegation, values=values) for _ in range(2))
    Delegation.objects.update(max_concurrent=1)
    # Both were taken before either was claimed.
    launching.launch(first.pk)
    launching.launch(second.pk)
    second.refresh_from_db()
    assert (second.status, second.retry_at) == (Status.QUEUED, None)


def test_no_more_are_launched_in_a_day_than_the_delegation_allows(operator, frozen, valkey):
    Delegation.objects.update(max_per_day=2)
    frozen.refresh_from_db()
    values = {"ImageId": "ami-12345678"}
    first = services.launch(actor=operator, delegation=frozen, values=values)
    withdrawn = services.launch(actor=operator, delegation=frozen, values=values)
    services.cancel(actor=operator, execution=withdrawn)
    services.launch(actor=operator, delegation=frozen, values=values)
    with pytest.raises(Conflict, match="2 times within 24 hours") as refusal:
        services.launch(actor=operator, delegation=frozen, values=values)
    again = (first.requested_at + timedelta(hours=24)).strftime("%Y-%m-%d %H:%M")
    assert again in refusal.value.message
    Execution.objects.filter(pk=first.pk).update(requested_at=now() - timedelta(hours=24))
    services.launch(actor=operator, delegation=frozen, values=values)


def test_the_limit_of_a_day_is_asked_again_at_the_moment_of_launch(operator, delegation, values, valkey):
    runs = [services.launch(actor=operator, delegation=delegation, values=values) for _ in range(2)]
    Delegation.objects.update(max_per_day=1)
    work("launch")
    statuses = [Execution.objects.get(pk=run.pk).status for run in runs]
    assert statuses == [Status.PENDING, Status.REFUSED]


def test_while_launches_are_paused_nothing_is_taken(
    operator, administrator, administrators, delegation, values, valkey
):
    run = services.launch(actor=operator, delegation=delegation, values=values)
    maintenance.pause_launches(actor=administrator, reason="AWS is being mended")
    work("launch")
    run.refresh_from_db()
    assert (run.status, run.retry_at) == (Status.QUEUED, None)
    # A worker that had taken it before sends nothing either.
    launching.launch(run.pk)
    run.refresh_from_db()
    assert run.status == Status.QUEUED
    maintenance.resume_launches(actor=administrator)
    work("default", "launch")
    run.refresh_from_db()
    assert run.status == Status.PENDING


def test_one_worker_waits_for_awss_limits_and_the_others_are_free(operator, delegation, values, valkey):
    AwsTarget.objects.update(start_rate=0.1)
    delegation.refresh_from_db()
    runs = [services.launch(actor=operator, delegation=delegation, values=values) for _ in range(2)]
    pacer = queueing.Role("pacer", 60)
    assert pacer.play()
    work("launch")
    statuses = [Execution.objects.get(pk=run.pk).status for run in runs]
    assert statuses == [Status.PENDING, Status.QUEUED]
    assert queueing.waiting("launch") == 0
    # Whoever waited has died.
    pacer.give_up()
    Execution.objects.update(requested_at=now() - timedelta(minutes=1))
    reconcile()
    assert queueing.waiting("launch") == 1


def test_one_runs_fault_holds_up_no_other(operator, delegation, values, valkey, monkeypatch):
    broken, sound = (services.launch(actor=operator, delegation=delegation, values=values) for _ in range(2))
    check = launching.check_still_allowed

    def fail_for_one(execution):
        if execution.pk == broken.pk:
            raise RuntimeError("a fault of the portal's own")
        check(execution)

    monkeypatch.setattr(launching, "check_still_allowed", fail_for_one)
    work("launch")
    statuses = [Execution.objects.get(pk=run.pk).status for run in (broken, sound)]
    assert statuses == [Status.QUEUED, Status.PENDING]
    # Nor does one that was interrupted, which has no turn to wait for.
    Execution.objects.filter(pk=broken.pk).update(
        status=Status.STARTING, claimed_at=now() - timedelta(minutes=2)
    )
    launching.serve()
    broken.refresh_from_db()
    assert broken.status == Status.STARTING


def test_a_role_is_kept_by_one_and_lost_by_who_does_not_renew_it(valkey):
    first, second = queueing.Role("test", 60), queueing.Role("test", 60)
    assert first.play()
    assert first.play()
    assert not second.play()
    second.give_up()
    assert not second.play()
    valkey.delete("portal:role:test")
    assert second.play()
    assert not first.play()
    assert 0 < valkey.pttl("portal:role:test") <= 60_000
