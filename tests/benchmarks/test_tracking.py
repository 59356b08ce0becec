"""The benchmark of tracking: what it counts, and what it takes for shown."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.tracked import delays
from benchmarks.tracking import Sample, throttled
from executions.events import Fact, append
from executions.models import ExecutionEvent, Status
from tests.executions.conftest import frozen as frozen
from tests.executions.conftest import make_run as make_run

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(("runs", "seconds"), [(5000, 100 / 3), (5001, 101 / 3), (1, 1 / 3)])
def test_the_limit_allows_three_pages_a_second(runs, seconds):
    assert Sample(runs, 0.0).allowed == pytest.approx(seconds)


def test_only_throttled_calls_since_the_warm_up_count(tmp_path):
    def record(seconds: int, **fields) -> str:
        at = (AT + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return json.dumps({"eventTime": at, **fields}) + "\n"

    trail = tmp_path / "trail.jsonl"
    trail.with_name("trail.jsonl.1").write_text(record(7, errorCode="ThrottlingException"))
    trail.write_text(
        record(-1, errorCode="ThrottlingException")
        + record(5, errorCode="ThrottlingException")
        + record(6, errorCode="AccessDenied", errorMessage="no ThrottlingException")
    )
    assert throttled(trail, AT) == 2


@pytest.mark.django_db
def test_a_change_is_shown_by_its_first_event_and_never_without_one(make_run, valkey):
    run = make_run(aws_execution_id="a", status=Status.IN_PROGRESS)
    for seconds, fact in enumerate(
        [
            Fact("status", "", {"status": "InProgress"}),
            Fact("step-started", "", {"step": "nap0"}),
            Fact("step-ended", "", {"step": "nap0"}),
            Fact("status", "", {"status": "Success"}),
        ]
    ):
        number = append(run.pk, [fact])
        ExecutionEvent.objects.filter(number=number).update(at=AT + timedelta(seconds=seconds))
    assert delays([("a", "nap0", AT), ("a", "", AT)]) == [1, 3]
    assert delays([("a", "nap1", AT)])[0] > timedelta(days=365).total_seconds()
