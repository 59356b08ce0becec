"""The document of what the sandbox has: current, complete, and its evidence is there."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import coverage
from sandbox.coverage import behaviours, document, events, keys
from ssmdoc.completion import vocabulary
from tests.sandbox.conftest import Sandbox
from tests.sandbox.coverage.world import World

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "sandbox-coverage.md"
BEHAVIOURS = (*keys.KEYS, *behaviours.RUNS, *behaviours.API, *events.TYPES)


def test_the_tables_are_current():
    text = PAGE.read_text(encoding="utf-8")
    told = "Run `python -m sandbox.coverage docs/sandbox-coverage.md` and commit it."
    assert coverage.render(text) == text, told


def test_an_unknown_part_is_not_dropped_in_silence():
    with pytest.raises(KeyError):
        coverage.render("<!-- generated: nothing -->\n<!-- end: nothing -->")


def test_every_test_that_is_named_is_there():
    found = {f"{file}::{name}" for file in {_file(test) for test in _named()} for name in _tests_of(file)}
    assert set(_named()) <= found


def _named() -> Iterator[str]:
    for each in BEHAVIOURS:
        yield from each.shown


def _file(test: str) -> str:
    return test.partition("::")[0]


def _tests_of(file: str) -> Iterator[str]:
    tree = ast.parse((ROOT / "tests" / "sandbox" / file).read_text(encoding="utf-8"))
    return (node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_whatever_is_said_to_be_done_or_to_differ_is_shown():
    assert all(each.shown for each in BEHAVIOURS if each.state != "absent")
    assert all(each.told for each in BEHAVIOURS if each.state == "differs")


def test_each_key_of_the_language_has_its_line():
    words = vocabulary()["keys"]
    told = {each.name.partition("`")[2].partition("`")[0] for each in keys.KEYS}
    assert told == {word["label"] for kind in ("document", "step") for word in words[kind]}


def test_each_operation_on_automations_and_documents_has_its_lines():
    operations = document.operations()
    assert {name for name, *_ in document.members()} == set(operations)
    assert set(behaviours.ABSENT_OPERATIONS) < set(operations)


@pytest.fixture
def heard(sandbox: Sandbox) -> Iterator[Any]:
    """Reads the types of the events of Systems Manager that came since the test began."""
    sqs, bus, name = sandbox.client("sqs"), sandbox.client("events"), "every-event"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        },
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    bus.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.ssm"]}))
    bus.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])

    def read() -> set[str]:
        found = set()
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.add(str(json.loads(message["Body"])["detail-type"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    yield read
    bus.remove_targets(Rule=name, Ids=["queue"])
    bus.delete_rule(Name=name)
    sqs.delete_queue(QueueUrl=url)


def test_no_other_event_of_systems_manager_is_told(sandbox, heard):
    world = World(sandbox)
    assert world.ended
    assert world.commands
    assert world.calendars
    world.ssm.put_parameter(Name="told-of-by-nobody", Value="1", Type="String")
    assert heard() == {each.name for each in events.TYPES if each.state == "done"}
