"""How many automations run at once, and how often the API may be called."""

import json
import time
from collections.abc import Callable
from typing import Any

import botocore.exceptions
import pytest

from sandbox import settings
from sandbox.automation.api.errors import ThrottlingException
from sandbox.automation.api.throttling import Throttle
from sandbox.automation.clock import SystemClock
from sandbox.automation.engine import Engine
from sandbox.automation.runner import Runner

PAUSE = {"name": "hold", "action": "aws:pause", "inputs": {}}
NAP = {"name": "nap", "action": "aws:sleep", "inputs": {"Duration": "PT0S"}}
RUNS = 1_000
QUOTA = 100


def make(client: Any, name: str, *steps: dict[str, Any]) -> str:
    content = json.dumps({"schemaVersion": "0.3", "mainSteps": list(steps)})
    client.create_document(Name=name, DocumentType="Automation", DocumentFormat="JSON", Content=content)
    return name


def started(client: Any, name: str) -> str:
    return str(client.start_automation_execution(DocumentName=name)["AutomationExecutionId"])


def refused(call: Any, /, **parameters: Any) -> tuple[str, str, int]:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**parameters)
    error = caught.value.response
    return error["Error"]["Code"], error["Error"]["Message"], error["ResponseMetadata"]["HTTPStatusCode"]


def test_limits_are_read_by_their_names():
    given = settings.read_limits("running=3, rate-control-pending=0")
    assert given == settings.Limits(running=3, rate_control_pending=0)
    assert settings.read_limits("") == settings.Limits(100, 5_000, 25, 1_000)
    environ = {"SANDBOX_LIMITS": "running=3", "SANDBOX_RATE_LIMITS": "aws"}
    told = settings.read_settings(environ, port=0)
    assert (told.limits.running, told.rate_limits) == (3, "aws")
    told = settings.read_settings(environ, port=0, limits="running=4", rate_limits="off")
    assert (told.limits.running, told.rate_limits) == (4, "off")
    with pytest.raises(settings.SettingsError, match="off or aws"):
        settings.read_settings({"SANDBOX_RATE_LIMITS": "some"}, port=0)


@pytest.mark.parametrize("text", ["running", "running=0", "running=-1", "walking=3", "pending=few"])
def test_what_is_no_limit_is_refused_with_the_names(text):
    with pytest.raises(settings.SettingsError, match=r"running, pending, rate-control-running"):
        settings.read_limits(text)


def test_a_bucket_holds_a_burst_and_fills_again():
    seconds = [0.0]
    throttle = Throttle(now=lambda: seconds[0])

    def taken(operation: str, account: str = "1", region: str = "here") -> bool:
        try:
            throttle.take(account, region, operation)
        except ThrottlingException:
            return False
        return True

    assert [taken("StartAutomationExecution") for _ in range(3)] == [True, True, False]
    assert [taken("GetAutomationExecution") for _ in range(7)] == [True] * 6 + [False]
    # Others' calls, and other APIs, are counted by themselves; what is not Automation's is not counted.
    assert taken("StartAutomationExecution", account="2") and taken(
        "StartAutomationExecution", region="there"
    )
    assert all(taken("CreateDocument") for _ in range(50))
    seconds[0] = 0.9
    assert not taken("StartAutomationExecution")
    seconds[0] = 1.0
    assert [taken("StartAutomationExecution") for _ in range(2)] == [True, False]
    seconds[0] = 100.0
    assert [taken("StartAutomationExecution") for _ in range(3)] == [True, True, False]


def test_calls_beyond_the_rate_are_throttled_when_that_is_asked_for(launch_sandbox):
    client = launch_sandbox("--rate-limits", "aws").client("ssm", retries={"total_max_attempts": 1})
    name = make(client, "Throttled", NAP)
    assert started(client, name)

    def hurry() -> None:
        # Not to be throttled they would have to take eighteen seconds.
        for _ in range(20):
            started(client, name)

    assert refused(hurry) == ("ThrottlingException", "Rate exceeded", 400)
    # The other operations have rates of their own.
    assert client.describe_automation_executions()["AutomationExecutionMetadataList"]


@pytest.mark.parametrize("workers", [1, 16])
def test_a_thousand_starts_under_the_quota_all_end_in_their_order(trial, workers):
    ended: list[str] = []
    clock = SystemClock()
    engine = Engine(
        store=trial.store, clock=clock, client=lambda *_: None, on_end=lambda run: ended.append(run.id)
    )
    runner = Runner(engine, trial.store, clock, workers=workers)
    holding = [trial.begin({"mainSteps": [PAUSE]}) for _ in range(QUOTA)]
    queued = [trial.begin({"mainSteps": [NAP]}) for _ in range(RUNS - QUOTA)]
    for run in (*holding, *queued):
        runner.submit(run)
    wait_until(lambda: all(run.status == "Waiting" for run in holding))
    assert {run.status for run in queued} == {"Pending"}
    for run in holding:
        run.stop_requested = "Cancel"
        runner.wake(run)
    wait_until(lambda: len(ended) == RUNS)
    runner.stop()
    assert {run.status for run in queued} == {"Success"}
    assert set(ended) == {run.id for run in (*holding, *queued)}
    if workers == 1:
        assert [each for each in ended if each not in {run.id for run in holding}] == [
            run.id for run in queued
        ]


def wait_until(true: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it never became true")
