"""The JSON Schema of documents, and the quick judgement that is made of its parts."""

import copy
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import ssmdoc
from ssmdoc import actions, schema

FOLDER = os.environ.get("SSM_CORPUS", "")
PUBLISHED = Draft202012Validator(schema.document_schema())
SLEEP = {"name": "rest", "action": "aws:sleep", "inputs": {"Duration": "PT1S"}}

needs_corpus = pytest.mark.skipif(not FOLDER, reason="SSM_CORPUS names no folder of published documents")


def document(*steps: Any, **more: Any) -> dict[str, Any]:
    return {"schemaVersion": "0.3", "mainSteps": list(steps), **more}


def step(action: str, **inputs: Any) -> dict[str, Any]:
    return {"name": "first", "action": action, "inputs": inputs}


def told(data: Any) -> list[tuple[tuple[Any, ...], str]]:
    found = list(schema.faults(data))
    assert PUBLISHED.is_valid(data) == (not found)
    return [(fault.path, fault.message) for fault in found]


def corpus() -> Iterator[tuple[dict[str, Any], Any]]:
    folder = Path(FOLDER)
    for entry in json.loads((folder / "index.json").read_text()):
        yield entry, ssmdoc.parse((folder / "documents" / entry["file"]).read_text()).data


def test_the_schema_is_one_of_draft_2020_12() -> None:
    Draft202012Validator.check_schema(schema.document_schema())
    assert schema.document_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_schema_is_the_callers_own() -> None:
    schema.document_schema()["properties"].clear()
    assert "mainSteps" in schema.document_schema()["properties"]


def test_it_has_a_part_for_every_action_with_every_input_described() -> None:
    definitions = schema.document_schema()["$defs"]
    for spec in actions.SPECS.values():
        part = definitions[spec.name.removeprefix("aws:")]
        assert spec.source in part["markdownDescription"]
        assert set(part["properties"]) == {item.name for item in spec.inputs}
        assert all(value["description"] for value in part["properties"].values())


def test_its_own_example_satisfies_it() -> None:
    for example in schema.document_schema()["examples"]:
        assert told(example) == []


def test_the_command_writes_the_schema() -> None:
    written = subprocess.run(
        [sys.executable, "-m", "ssmdoc.schema"], capture_output=True, check=True, timeout=60
    )
    assert json.loads(written.stdout) == schema.document_schema()


@pytest.mark.parametrize(
    "data",
    [
        document(SLEEP, description=None, assumeRole=None, parameters=None),
        document(SLEEP, parameters={"1st": {"type": "String", "default": None}}),
        document(SLEEP, parameters={"Ids": {"type": "List<AWS::EC2::Instance::Id>", "default": []}}),
        document(SLEEP, emergencyChange=False, autoApprovable=True, templateInformation="#", files={}),
        document({**SLEEP, "isEnd": "true", "isCritical": "false", "timeoutSeconds": "600"}),
        document({**SLEEP, "timeoutSeconds": "{{ Seconds }}", "onFailure": "step:rest"}),
        document(step("aws:shareSQLMedia", anything=1)),
        document(step("aws:changeInstanceState", InstanceIds="{{ Ids }}", DesiredState="{{ State }}")),
        document(step("aws:loop", Iterators="{{ Ids }}", Steps=[SLEEP])),
        document(step("aws:loop", LoopCondition="{{ x }}", MaxIterations="{{ n }}", Steps=[SLEEP])),
        document({"name": "wait", "action": "aws:pause"}),
        document(
            step(
                "aws:branch", Choices=[{"NextStep": "a", "Not": {"Variable": "{{ x }}", "NumericEquals": 1}}]
            )
        ),
    ],
)
def test_what_aws_accepts_has_no_fault(data: Any) -> None:
    assert told(data) == []


@pytest.mark.parametrize(
    ("data", "path", "words"),
    [
        ([], (), "A document is a map."),
        ({"schemaVersion": "0.3"}, (), "mainSteps is missing"),
        (document(SLEEP, schemaVersion=0.3), ("schemaVersion",), "the text 0.3"),
        (document(SLEEP, steps=[]), (), "There is no key `steps` here"),
        (document("rest"), ("mainSteps", 0), "A step is a map"),
        (document({"name": "rest", "inputs": {}}), ("mainSteps", 0), "action is missing"),
        (document(step("aws:sleeep")), ("mainSteps", 0, "action"), "one that Automation has"),
        (document(step("aws:sleep")), ("mainSteps", 0, "inputs"), "needs Duration or Timestamp"),
        (
            document(step("aws:createTags", ResourceIds="i-1", Tags=[])),
            ("mainSteps", 0, "inputs", "ResourceIds"),
            "ResourceIds is a list, or a reference.",
        ),
        (
            document(step("aws:loop", Iterators=[1], Steps=[step("aws:deleteImage")])),
            ("mainSteps", 0, "inputs", "Steps", 0, "inputs"),
            "ImageId is missing",
        ),
        (
            document(step("aws:loop", Iterators=[1], MaxIterations=101, Steps=[SLEEP])),
            ("mainSteps", 0, "inputs", "MaxIterations"),
            "MaxIterations is",
        ),
        (
            document(step("aws:branch", Choices=[{"Variable": "{{ x }}", "StringEquals": "a"}])),
            ("mainSteps", 0, "inputs", "Choices", 0),
            "NextStep is missing",
        ),
        (
            document(SLEEP, parameters={"Count": {"type": "Integer", "default": "many"}}),
            ("parameters", "Count", "default"),
            "not of the type Integer",
        ),
        (document(SLEEP, parameters={"a-b": {"type": "String"}}), ("parameters", "a-b"), "A name is"),
    ],
)
def test_a_fault_says_where_and_what(data: Any, path: tuple[Any, ...], words: str) -> None:
    found = told(data)
    assert any(at == path and words in message for at, message in found), found


def test_what_nests_as_deep_as_texts_may_is_judged_and_more_is_refused_before() -> None:
    inner: Any = {"Variable": "x", "StringEquals": "x"}
    for _ in range(94):
        inner = {"Not": inner}
    choice = {"NextStep": "first", **inner}
    found = ssmdoc.parse(json.dumps(document(step("aws:branch", Choices=[choice]))))
    assert told(found.data) == []
    deeper = ssmdoc.parse(json.dumps(document(step("aws:branch", Choices=[{"Not": choice}]))))
    assert [finding.id for finding in deeper.findings] == ["text-depth"]


def test_faults_are_a_hundred_at_most() -> None:
    assert len(list(schema.faults(document(*[{}] * 500)))) == 100


@needs_corpus
def test_what_aws_registered_satisfies_the_schema() -> None:
    refused = {
        entry["file"]: [fault.message for fault in schema.faults(data)]
        for entry, data in corpus()
        if entry["registered_by_aws"]
    }
    assert {file: found for file, found in refused.items() if found} == {}


def damaged(data: Any, chance: random.Random) -> Any:
    """The data with one value, anywhere, removed or replaced."""
    data = copy.deepcopy(data)
    holder, key = None, None
    at = data
    while isinstance(at, (dict, list)) and at and (holder is None or chance.random() < 0.8):
        holder, key = at, chance.choice(list(at) if isinstance(at, dict) else range(len(at)))
        at = holder[key]
    if chance.random() < 0.3:
        del holder[key]  # type: ignore[union-attr]
    else:
        holder[key] = chance.choice([None, 7, -1, True, "", "text", "{{ x }}", [], {}, ["a"], {"a": "b"}])  # type: ignore[index]
    return data


@needs_corpus
def test_the_published_schema_and_the_quick_judgement_agree() -> None:
    chance = random.Random(20)
    refused = 0
    for entry, data in corpus():
        for item in (data, damaged(data, chance), damaged(data, chance)):
            valid = PUBLISHED.is_valid(item)
            assert valid == (not list(schema.faults(item))), entry["file"]
            refused += not valid
    assert refused > 100


@needs_corpus
def test_it_takes_little_processor_time() -> None:
    times = []
    for _, data in corpus():
        before = time.process_time()
        list(schema.faults(data))
        times.append(time.process_time() - before)
    times.sort()
    # Some times the aim of 3 ms and 25 ms, so that only a change in kind fails on a slow machine.
    assert times[len(times) // 2] < 0.015
    assert times[int(len(times) * 0.99)] < 0.125
