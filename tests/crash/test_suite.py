"""The crash suite's quick part, and that the suite would see what it looks for."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.crash import proxy
from tests.crash.batch import Line
from tests.crash.engines import Proxy
from tests.crash.points import POINTS, QUICK
from tests.crash.suite import chosen
from tests.support.stack import COMPILED, ROOT

CALLS = 12
SAID = {
    "throttling": {"ThrottlingException"},
    "500": {"InternalServerError"},
    "timeouts": {"ReadTimeoutError"},
    "dropped": {"ConnectionClosedError", "ResponseStreamingError", "IncompleteReadError"},
}
LINE = Line(
    "a point", "sqlite", 3, kills=3, strikes=0, automations=3, lost=0, doubled=0, final=3, seconds=1.0
)


@pytest.mark.timeout(600)
def test_no_run_is_lost_or_launched_twice_whatever_dies():
    played = subprocess.run(
        [
            *(sys.executable, "-m", "tests.crash", "--json", "--database", "sqlite", "--runs", "3"),
            *("--points", ",".join(QUICK), "--faults", "none"),
        ],
        cwd=ROOT,
        env=dict(os.environ) | COMPILED,
        capture_output=True,
        text=True,
        timeout=570,
        check=False,
    )
    assert played.returncode == 0, played.stdout + played.stderr
    lines = json.loads(played.stdout)["lines"]
    assert [line["name"] for line in lines] == [name for name in POINTS if name in QUICK]
    assert all(line["kills"] for line in lines)


@pytest.mark.parametrize(
    "fault",
    [
        {"automations": 4},
        {"automations": 2},
        {"lost": 1},
        {"doubled": 1},
        {"final": 2},
        {"kills": 0},
        {"problems": ["The audit chain is broken."]},
    ],
)
def test_a_line_with_a_fault_does_not_hold(fault):
    assert LINE.holds
    assert not replace(LINE, **fault).holds


def test_points_are_chosen_by_words():
    assert len(chosen("all", POINTS)) == len(POINTS) >= 12
    assert chosen("none", POINTS) == []
    assert chosen("after Stop, after Send", POINTS) == ["cancel: after Stop", "signal: after Send"]


@pytest.mark.parametrize("kind", proxy.KINDS)
def test_the_proxy_spoils_a_share_of_the_calls_as_boto3_knows_it(kind, account, tmp_path):
    way = Proxy(tmp_path, account._endpoint_url, (kind,), seed=1)
    way.start()
    ssm = boto3.client(
        "ssm",
        endpoint_url=way.url,
        region_name="us-east-1",
        aws_access_key_id=account._root.access_key_id,
        aws_secret_access_key=account._root.secret_access_key,
        # Where no answer comes, little is waited for it; elsewhere a slow machine is no fault.
        config=Config(retries={"total_max_attempts": 1}, read_timeout=1 if kind == "timeouts" else 60),
    )
    try:
        outcomes = [outcome(ssm) for _ in range(CALLS)]
    finally:
        way.stop()
    spoilt = [said for said in outcomes if said]
    assert way.faults >= 1
    assert len(spoilt) >= way.faults if kind == "timeouts" else len(spoilt) == way.faults < CALLS
    assert set(spoilt) <= SAID[kind]


def outcome(ssm):
    """Call, and return the error's name; "" when there is an answer."""
    try:
        ssm.describe_automation_executions()
    except ClientError as error:
        return error.response["Error"]["Code"]
    except BotoCoreError as error:
        return type(error).__name__
    return ""
