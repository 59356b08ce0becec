"""AWS's limits on calls: kept by all together, lowered when AWS throttles, never in anybody's way alone."""

import pytest
import redis

from aws.errors import AwsError
from aws.models import AwsTarget
from aws.quotas import START, Quotas

GET = "GetAutomationExecution"


@pytest.fixture
def target():
    return AwsTarget(account_id="111122223333", region="eu-west-1", start_rate=1.0, read_rate=4.0)


def test_calls_are_spread_over_time_for_all_who_share_an_account(valkey, target):
    first, second = Quotas(target), Quotas(target)
    assert first.take(START, within=9) == 0
    assert 0 < second.take(START, within=9) <= 1
    assert 1 < first.take(START, within=9) <= 2


def test_who_is_not_ready_to_wait_takes_nothing_and_hears_when_to_come_again(valkey, target):
    quotas = Quotas(target)
    quotas.take(START)
    assert -1 <= quotas.take(START) < 0
    assert -1 <= quotas.take(START) < 0, "asking alone may not push the next call away"


def test_apis_accounts_and_regions_have_buckets_of_their_own(valkey, target):
    Quotas(target).take(START)
    assert Quotas(target).take(GET) == 0
    assert Quotas(AwsTarget(account_id="111122223333", region="eu-west-2")).take(START) == 0
    assert Quotas(AwsTarget(account_id="444455556666", region="eu-west-1")).take(START) == 0
    assert [Quotas(target).take("DescribeDocument") for _ in range(50)] == [0.0] * 50


@pytest.mark.parametrize(
    ("api", "late", "made_up"), [(GET, 0.1, True), (GET, 10, False), (START, 0.1, False)]
)
def test_a_reader_that_was_late_makes_up_for_it(valkey, target, api, late, made_up):
    quotas = Quotas(target)
    quotas.take(api)
    key = f"portal:quota:111122223333:eu-west-1:{api}"
    seconds, microseconds = valkey.time()
    was_due = seconds + microseconds / 1e6 - late
    valkey.hset(key, "next", was_due)
    assert quotas.take(api) == 0
    # The next one is due as if this one had come when it was due; otherwise, counted from now.
    next_due = was_due + 1 / quotas.rate(api)
    assert (float(valkey.hget(key, "next")) == pytest.approx(next_due, abs=1e-4)) is made_up


def test_a_throttle_lowers_the_rate_once_a_second_and_no_further_than_a_tenth(valkey, target):
    quotas = Quotas(target)
    for _ in range(5):
        quotas.slow_down(GET)
    # Cut once to 0.7 of four calls a second: the throttled call's own turn, then the next.
    first = quotas.take(GET, within=9)
    assert 0.25 < quotas.take(GET, within=9) - first < 0.36
    key = f"portal:quota:111122223333:eu-west-1:{GET}"
    for _ in range(20):
        valkey.hset(key, "cut", float(valkey.hget(key, "cut")) - 1.5)
        quotas.slow_down(GET)
    assert float(valkey.hget(key, "part")) == pytest.approx(0.1)


def test_the_rate_comes_back_by_itself(valkey, target):
    quotas = Quotas(target)
    quotas.slow_down(GET)
    key = f"portal:quota:111122223333:eu-west-1:{GET}"
    valkey.hset(key, "cut", float(valkey.hget(key, "cut")) - 60)
    first = quotas.take(GET, within=9)
    assert quotas.take(GET, within=9) - first == pytest.approx(0.25, abs=0.05)


def test_a_wait_that_is_too_long_is_an_error_that_says_so(valkey, target):
    quotas = Quotas(target)
    for _ in range(30):
        quotas.take(START, within=100)
    with pytest.raises(AwsError, match="use all that AWS takes") as refusal:
        quotas.wait(START)
    assert refusal.value.retryable


def test_without_the_queue_a_process_keeps_the_limits_alone(target, monkeypatch):
    def gone():
        raise redis.ConnectionError("no queue")

    monkeypatch.setattr("common.queueing.connection", gone)
    quotas = Quotas(target)
    quotas.slow_down(START)
    assert quotas.take(START) == 0
    assert quotas.take(START) < 0
