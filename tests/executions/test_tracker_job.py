"""One tracker process follows several targets: one whose AWS does not answer holds up no other."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest

from tests.executions.test_killed_worker import Story
from tests.support.stack import ROOT, eventually


@pytest.fixture
def story(tmp_path, account, laboratory, portal_key, valkey_server, valkey) -> Story:
    given = {"laboratory": asdict(laboratory), "key": asdict(portal_key), "url": account._endpoint_url}
    told = Story(tmp_path, valkey_server, given)
    assert told.process("-m", "django", "migrate", "--verbosity", "0").returncode == 0
    told.part("prepare")
    return told


@pytest.fixture
def tracker(story) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "rqworker", "tracking"], cwd=ROOT, env=story.environment
    )
    yield process
    process.kill()
    process.wait()


def test_a_dead_target_holds_up_no_other_and_the_tracker_ends_soon_when_asked(story, tracker, tmp_path):
    story.given |= story.part("launch")
    # The dead target's job comes first.
    story.part("add_a_dead_target")
    story.part("send")
    database = sqlite3.connect(tmp_path / "portal.sqlite3")

    def rows(question: str) -> list[Any]:
        return [row[0] for row in database.execute(question)]

    def all_is_well() -> bool:
        ended = rows("SELECT status FROM executions_execution WHERE ended_at IS NOT NULL")
        failures = rows("SELECT failure FROM executions_trackinglease")
        return ended == ["Success"] and any("AWS did not answer" in failure for failure in failures)

    eventually(all_is_well, seconds=60, what="the living target's run to end, the dead one's failure to show")
    tracker.terminate()
    assert tracker.wait(30) == 0
    assert rows("SELECT until FROM executions_trackinglease WHERE until IS NOT NULL") == []
