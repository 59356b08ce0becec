"""The benchmark of the sandbox measures what it says; no test here depends on how fast anything is."""

from __future__ import annotations

import json

import pytest

from benchmarks import sandbox
from benchmarks.sandbox import Bar


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict]:
    """The exit status and the JSON of a small run."""
    with pytest.MonkeyPatch.context() as patch:
        said: list[str] = []
        patch.setattr("builtins.print", lambda text, **_: said.append(text))
        sizes = {"documents": 2, "runs": 4, "starts": 12, "quota": 3}
        given = [word for name, number in sizes.items() for word in (f"--{name}", str(number))]
        status = sandbox.main(["--json", *given])
    return status, json.loads(said[0])


def test_it_ends_with_1_exactly_when_a_bar_is_missed(report):
    status, result = report
    assert result["bars"]
    assert status == (0 if all(bar["passed"] for bar in result["bars"]) else 1)


def test_starts_beyond_the_quota_wait_in_order_and_all_end(report):
    _, result = report
    queueing = result["queueing"]
    assert queueing["starts"] == 12
    assert queueing["waited"] == 12 - 3
    assert queueing["most_at_once"] == 3
    assert (queueing["lost"], queueing["overtaken"], queueing["unsuccessful"]) == (0, 0, 0)


def test_what_runs_at_once_is_measured_while_all_of_it_runs(report):
    _, result = report
    concurrency = result["concurrency"]
    assert concurrency["at_once"] == 4
    assert concurrency["median_overhead"] <= concurrency["p99_overhead"]
    assert concurrency["peak_memory"] > 0


def test_throughput_is_not_compared_unless_asked(report):
    _, result = report
    assert result["throughput"]["documents"] == 2
    assert result["throughput"]["per_second"] > 0
    assert result["throughput"]["cdk_per_second"] is None


def test_a_bar_is_a_limit_in_the_sense_that_it_names():
    assert Bar("memory", 400, 400).passed
    assert not Bar("memory", 401, 400).passed
    assert Bar("ratio", 5, 5, "at least").passed
    assert not Bar("ratio", 4.9, 5, "at least").passed
    assert str(Bar("ratio", 4.9, 5, "at least", "times")) == "MISS  ratio: 4.90 times, at least 5"


def test_numbers_that_are_not_positive_are_refused(capsys):
    assert sandbox.main(["--runs", "0"]) == 2
    assert "must be positive" in capsys.readouterr().err
