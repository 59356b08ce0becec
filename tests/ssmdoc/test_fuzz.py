"""Whatever the text, reading and judging it ends with findings, within a moment."""

import json
import time
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import ssmdoc
from ssmdoc import references, selectors
from tests.ssmdoc.test_check import GOOD

KEYS = st.sampled_from(
    [
        "schemaVersion",
        "mainSteps",
        "parameters",
        "name",
        "action",
        "inputs",
        "outputs",
        "Choices",
        "Steps",
        "default",
    ]
) | st.text(max_size=8)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(
        ["{{ a }}", "{{ a.b }}", "aws:branch", "aws:loop", "aws:executeAwsApi", "aws:executeScript", "$..a"]
    )
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=30,
)
TEXTS = json.dumps(GOOD, indent=1), yaml.safe_dump(GOOD, sort_keys=False)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_answered(text: str) -> None:
    for notation in (None, "JSON", "YAML"):
        for finding in ssmdoc.check(text, format=notation):
            assert finding.line >= 1
            assert finding.column >= 1


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_any_data_is_answered(value: Any) -> None:
    text = json.dumps(value)
    parsed = ssmdoc.parse(text, format="JSON")
    assert parsed.data == json.loads(text)
    ssmdoc.check(text, format="JSON")


@settings(max_examples=200, deadline=None)
@given(
    VALUES,
    st.integers(0, len(GOOD["mainSteps"]) - 1),
    st.sampled_from(["inputs", "outputs", "action", "onFailure"]),
)
def test_any_value_in_a_step_is_answered(value: Any, index: int, key: str) -> None:
    data = json.loads(json.dumps(GOOD))
    data["mainSteps"][index][key] = value
    text = json.dumps(data)
    ssmdoc.check(text)
    document = ssmdoc.parse(text).document
    assert document is not None
    ssmdoc.graph.build(document)
    ssmdoc.policy.evaluate(ssmdoc.parse(text), {"required_tags": ["Owner"]})


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_documents_are_answered(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(TEXTS))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    ssmdoc.check(text[:start] + data.draw(st.text(max_size=5)) + text[end:])


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_both_notations_carry_the_same_values(value: Any) -> None:
    text = json.dumps({"a": value})
    assert ssmdoc.parse(text, format="JSON").data == {"a": json.loads(text)["a"]}
    dumped = yaml.safe_dump({"a": json.loads(text)["a"]}, allow_unicode=True)
    read = ssmdoc.parse(dumped)
    if not any(finding.severity == "error" for finding in read.findings):
        assert set(read.data or {}) == {"a"}


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="$.[]()'?@=&|!<>*:,ab01 ", max_size=40), VALUES)
def test_any_selector_is_answered(selector: str, value: Any) -> None:
    try:
        selectors.select(selector, value)
    except ssmdoc.SelectorError as error:
        assert str(error)


@settings(max_examples=100, deadline=None)
@given(VALUES)
def test_what_holds_no_reference_is_left_as_it_is(value: Any) -> None:
    if not references.find(value):
        assert references.substitute(value, lambda reference: reference.name) == value


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from([*GOOD["parameters"], "Absent"]), VALUES))
def test_any_launch_values_are_answered(values: dict[str, Any]) -> None:
    document = ssmdoc.parse(TEXTS[0]).document
    assert document is not None
    wire, errors = ssmdoc.parameters.validate(document, values)
    assert not set(wire) & set(errors)
    assert all(isinstance(item, str) for items in wire.values() for item in items)
    assert all(sentence.endswith(".") for sentence in errors.values())


def _document(steps: list[dict[str, Any]], **more: Any) -> str:
    return json.dumps({"schemaVersion": "0.3", **more, "mainSteps": steps})


def _call(name: str, **inputs: Any) -> dict[str, Any]:
    return {"name": name, "action": "aws:executeAwsApi", "inputs": {"Service": "sqs", **inputs}}


HOSTILE = {
    "creating steps": _document(
        [{"name": f"s{n:04}", "action": "aws:runInstances", "inputs": {"ImageId": "a"}} for n in range(800)]
    ),
    "references": _document(
        [_call("call", Api="SendMessage", X=[f"{{{{ p{n:04}y }}}}" for n in range(2000)])],
        parameters={f"p{n:04}x": {"type": "String"} for n in range(800)},
    ),
    "jumps": _document(
        [{"name": f"s{n:04}", "action": "aws:pause", "onFailure": f"step:s{n:04}x"} for n in range(900)]
    ),
    "keys": _document([{f"nextst{n}": 1 for n in range(4000)}]),
    "patterns": _document(
        [],
        parameters={
            f"p{n:03}": {"type": "String", "default": "a" * 60 + "!", "allowedPattern": "(a|a)+$"}
            for n in range(200)
        },
    ),
    "scripts": _document(
        [
            {
                "name": f"s{n:03}",
                "action": "aws:executeScript",
                "inputs": {"Runtime": "python3.11", "Handler": "h", "Script": script * 2000},
            }
            for n, script in enumerate(
                ("(", "not ", "-", "a.", "a()", "lambda:", "password = 'a-", "A1b", "{{ ")
            )
        ]
    ),
    "calls": _document([_call(f"s{n:04}", Api=f"SendMessagez{n}") for n in range(600)]),
    "aliases": "mainSteps:\n  - &a {name: abc, action: aws:loop, inputs: {Steps: [{name: abd}]}}\n"
    + "  - *a\n" * 6000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_documents_cost_little(text: str) -> None:
    before = time.process_time()
    ssmdoc.check(text)
    ssmdoc.policy.evaluate(ssmdoc.parse(text), {"required_tags": ["Owner", "CostCentre"]})
    # They take at most half a second of an idle core; the room is for slow and crowded machines.
    assert time.process_time() - before < 3
