"""Runs outlive the process: a sandbox with a state directory goes on with them when it is started again."""

import json
import signal
import time
from typing import Any

from tests.sandbox.conftest import is_written, wait_until

PAUSE = {"name": "hold", "action": "aws:pause", "inputs": {}}


def nap(name: str, duration: str) -> dict[str, Any]:
    return {"name": name, "action": "aws:sleep", "inputs": {"Duration": duration}}


def start(client: Any, name: str, *steps: dict[str, Any], document: Any = None, **more: Any) -> str:
    content = json.dumps({"schemaVersion": "0.3", "mainSteps": list(steps), **(document or {})})
    client.create_document(Name=name, DocumentType="Automation", DocumentFormat="JSON", Content=content)
    return str(client.start_automation_execution(DocumentName=name, **more)["AutomationExecutionId"])


def children(client: Any, parent: str, *statuses: str) -> list[str]:
    """The children of an execution, the oldest first, once they have these statuses."""
    filters = [{"Key": "ParentExecutionId", "Values": [parent]}]
    for _ in range(500):
        found = client.describe_automation_executions(Filters=filters)["AutomationExecutionMetadataList"][
            ::-1
        ]
        if [run["AutomationExecutionStatus"] for run in found] == list(statuses):
            return [run["AutomationExecutionId"] for run in found]
        time.sleep(0.02)
    raise AssertionError(found)


def test_what_ran_ended_or_waited_is_there_after_a_restart(launch_sandbox, finish, tmp_path):
    first = launch_sandbox("--state", str(tmp_path))
    client = first.client("ssm")
    token = "00000000-0000-4000-8000-000000000001"
    ended = start(client, "Ended", nap("short", "PT0S"), ClientToken=token)
    finish(ended, client=client)
    paused = start(client, "Paused", PAUSE, nap("after", "PT0S"))
    finish(paused, "Waiting", client=client)
    asleep = start(client, "Asleep", nap("long", "PT2S"), nap("after", "PT0S"))
    finish(asleep, "InProgress", client=client)
    on_targets = start(
        client,
        "OnTargets",
        PAUSE,
        TargetMaps=[{"Item": ["a"]}, {"Item": ["b"]}],
        document={"parameters": {"Item": {"type": "String"}}},
    )
    finish(on_targets, "InProgress", client=client)
    children(client, on_targets, "Waiting")
    first.process.send_signal(signal.SIGTERM)
    assert first.process.wait(timeout=20) == 0

    client = launch_sandbox("--state", str(tmp_path)).client("ssm")
    again = client.start_automation_execution(DocumentName="Ended", ClientToken=token)
    assert again["AutomationExecutionId"] == ended
    assert finish(ended, client=client)["AutomationExecutionStatus"] == "Success"
    client.send_automation_signal(
        AutomationExecutionId=paused, SignalType="Resume", Payload={"StepName": ["hold"]}
    )
    assert finish(paused, client=client)["AutomationExecutionStatus"] == "Success"
    assert finish(asleep, client=client)["AutomationExecutionStatus"] == "Success"
    for statuses in (["Waiting"], ["Success", "Waiting"]):
        child = children(client, on_targets, *statuses)[-1]
        client.send_automation_signal(
            AutomationExecutionId=child, SignalType="Resume", Payload={"StepName": ["hold"]}
        )
    assert finish(on_targets, client=client)["AutomationExecutionStatus"] == "Success"


def test_a_killed_sandbox_keeps_what_it_had_written(launch_sandbox, finish, tmp_path):
    first = launch_sandbox("--state", str(tmp_path))
    client = first.client("ssm")
    paused = start(client, "Paused", PAUSE)
    finish(paused, "Waiting", client=client)
    wait_until(lambda: is_written(paused, tmp_path))
    first.process.kill()
    first.process.wait()
    client = launch_sandbox("--state", str(tmp_path)).client("ssm")
    assert finish(paused, "Waiting", client=client)["CurrentStepName"] == "hold"
