"""A worker is killed around StartAutomationExecution: another adopts the run, and nothing runs twice.

The same around the signal that starts a step of a run step by step.
"""

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.support.stack import COMPILED, ROOT


class Story:
    """Processes that share a database, a queue and a sandbox; each part of the story is one of them."""

    def __init__(self, data: Path, redis_url: str, given: dict[str, Any]) -> None:
        self.given = given
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            **COMPILED,
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "automation_portal.settings",
            "DATA_DIR": str(data),
            "REDIS_URL": redis_url,
        }

    def process(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env=self.environment,
            input=json.dumps(self.given),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def part(self, name: str, ends_with: int = 0) -> dict[str, Any]:
        done = self.process("-m", "tests.executions.killed_worker", name)
        assert done.returncode == ends_with, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else {}


@pytest.fixture(scope="module")
def story(tmp_path_factory, account, laboratory, portal_key, valkey_server):
    told = Story(
        tmp_path_factory.mktemp("killed"),
        valkey_server,
        {"laboratory": asdict(laboratory), "key": asdict(portal_key), "url": account._endpoint_url},
    )
    migrated = told.process("-m", "django", "migrate", "--verbosity", "0")
    assert migrated.returncode == 0, migrated.stderr
    told.part("prepare")
    return told


@pytest.mark.parametrize(("death", "started"), [("die_before_the_call", 0), ("die_after_the_call", 1)])
def test_the_run_of_a_killed_worker_is_adopted_and_started_exactly_once(
    story, account, valkey, death, started
):
    ssm = account.client("ssm")

    def automations() -> list[str]:
        rows = ssm.describe_automation_executions(
            Filters=[{"Key": "DocumentNamePrefix", "Values": ["launch-in-a-crash"]}]
        )["AutomationExecutionMetadataList"]
        return [row["AutomationExecutionId"] for row in rows]

    instances_before, automations_before = set(account.instances()), set(automations())
    story.given["run"] = story.part("launch")["run"]
    story.part(death, ends_with=-signal.SIGKILL)
    assert story.part("tell")["status"] == "Starting"
    assert len(set(automations()) - automations_before) == started

    story.part("work")
    assert story.part("tell")["status"] == "Starting", "a claim may not be taken over while it is fresh"

    story.part("a_minute_passes")
    story.part("work")
    told = story.part("tell")
    assert told["status"] == "Success", told["failure"]
    assert set(automations()) - automations_before == {told["aws_execution_id"]}
    assert set(account.instances()) - instances_before == set(told["instances"])
    assert len(told["instances"]) == 1


@pytest.mark.parametrize("death", ["die_before_the_signal", "die_after_the_signal"])
def test_the_step_that_a_killed_worker_was_to_start_begins_exactly_once(story, account, valkey, death):
    before = set(account.instances())
    story.given["run"] = story.part("launch_step_by_step")["run"]
    story.part("ask_to_start")
    story.part(death, ends_with=-signal.SIGKILL)
    story.part("send")
    unsent = [["StartStep", False, ""]]
    assert story.part("tell")["signals"] == unsent, "a claim may not be taken over while it is fresh"

    story.part("a_minute_passes")
    story.part("send")
    assert story.part("tell")["signals"] == [["StartStep", True, ""]]
    story.part("complete")
    told = story.part("tell")
    assert told["status"] == "Success", told["failure"]
    assert set(account.instances()) - before == set(told["instances"])
    assert len(told["instances"]) == 1
