"""What changed between two documents, in words and as data."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

import ssmdoc
from ssmdoc import diff

CORPUS = os.environ.get("SSM_CORPUS")
BASE = """schemaVersion: '0.3'
description: Restarts an instance.
assumeRole: '{{ Role }}'
parameters:
  Role: {type: String}
  InstanceId: {type: String, default: i-1}
variables:
  Count: {type: Integer, default: 0}
mainSteps:
  - name: stop
    action: aws:changeInstanceState
    nextStep: wait
    inputs: {InstanceIds: ['{{ InstanceId }}'], DesiredState: stopped}
  - name: wait
    action: aws:sleep
    inputs: {Duration: PT1M}
  - name: look
    action: aws:executeAwsApi
    inputs: {Service: ec2, Api: DescribeInstances}
    outputs:
      - {Name: State, Selector: $.Reservations, Type: String}
  - name: report
    action: aws:executeScript
    inputs:
      Runtime: python3.11
      Handler: main
      InputPayload: {state: '{{ look.State }}'}
      Script: |
        def main(events, context):
            return events
outputs: [report.OutputPayload]
"""


def changes(new: str, old: str = BASE) -> list[str]:
    return diff.compare(ssmdoc.parse(old), ssmdoc.parse(new)).sentences


def test_nothing_changed() -> None:
    assert changes(BASE) == []
    data = json.dumps(ssmdoc.parse(BASE).data)
    assert changes(data) == [], "the notation does not count"


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("Restarts an", "Starts an", 'The document: description changed from "Restarts an instance." to '),
        ("assumeRole: '{{ Role }}'\n", "", 'The assumeRole was removed; it was "{{ Role }}".'),
        (
            "  Role: {type: String}",
            "  Role: {type: String}\n  New: {type: Integer}",
            "Parameter New was added",
        ),
        ("  InstanceId: {type: String, default: i-1}\n", "", "Parameter InstanceId was removed."),
        ("default: i-1", "default: i-2", 'Parameter InstanceId: default changed from "i-1" to "i-2".'),
        (", default: i-1", "", 'Parameter InstanceId: default was removed; it was "i-1".'),
        ("default: 0", "default: 1", "Variable Count: default changed from 0 to 1."),
        ("PT1M", "PT2M", 'Step wait: inputs.Duration changed from "PT1M" to "PT2M".'),
        ("{Duration: PT1M}", "{Duration: PT1M}\n    isEnd: true", "Step wait: isEnd was added: true."),
        ("return events", "return 1", "Step report: inputs.Script changed: 1 line out, 1 in."),
        ("$.Reservations", "$.R", "Step look: outputs.State changed"),
        ("outputs: [report.OutputPayload]\n", "", "Output report.OutputPayload was removed."),
    ],
)
def test_each_change_is_one_sentence(before: str, after: str, says: str) -> None:
    assert before in BASE
    (sentence,) = changes(BASE.replace(before, after))
    assert sentence.startswith(says)


def test_steps_come_and_go() -> None:
    step = "  - {name: tag, action: 'aws:createTags', inputs: {ResourceIds: [i-1], Tags: []}}\n"
    assert "Step tag was added (aws:createTags)." in changes(
        BASE.replace("  - name: look", step + "  - name: look")
    )
    assert "Step tag was removed (aws:createTags)." in changes(
        BASE, BASE.replace("  - name: look", step + "  - name: look")
    )


def test_a_renamed_step_is_recognised_and_what_refers_to_it_has_not_changed() -> None:
    renamed = BASE.replace("name: look", "name: inspect").replace("look.State", "inspect.State")
    assert changes(renamed) == ["Step inspect was called look."]
    both = renamed.replace("name: wait", "name: pause").replace("nextStep: wait", "nextStep: pause")
    assert changes(both) == ["Step pause was called wait.", "Step inspect was called look."]
    output = BASE.replace("name: report", "name: tell").replace("[report.", "[tell.")
    assert changes(output) == ["Step tell was called report."]
    other = renamed.replace("DescribeInstances", "DescribeImages")
    assert changes(other) == [
        "Step inspect was called look.",
        'Step inspect: inputs.Api changed from "DescribeInstances" to "DescribeImages".',
        "Permission ec2:DescribeImages is needed now, by inspect.",
    ]


def test_a_jump_to_a_renamed_step_is_the_same_jump_whatever_the_name() -> None:
    old = BASE.replace("name: wait", "name: step").replace("nextStep: wait", "onFailure: 'step:step'")
    new = old.replace("name: step", "name: rest").replace("step:step", "step:rest")
    assert changes(new, old) == ["Step rest was called step."]


def test_steps_without_a_name_are_neither_paired_with_new_ones_nor_renamed() -> None:
    nameless = BASE.replace("name: wait", "name: ''")
    assert changes(BASE, nameless) == ["Step wait was added (aws:sleep).", "Step  was removed (aws:sleep)."]
    assert changes(nameless, nameless) == []


def test_a_step_that_says_something_else_is_another_one() -> None:
    new = BASE.replace("name: wait", "name: rest").replace("PT1M", "PT9H")
    assert "Step rest was added (aws:sleep)." in changes(new)
    assert "Step wait was removed (aws:sleep)." in changes(new)


def moved(*names: str) -> str:
    data = dict(ssmdoc.parse(BASE).data or {})
    steps = {step["name"]: step for step in data["mainSteps"]}
    data["mainSteps"] = [steps[name] for name in names]
    return json.dumps(data)


def test_the_fewest_moves_are_told() -> None:
    assert changes(moved("stop", "look", "report", "wait")) == [
        "Step wait stands after report; it stood after stop."
    ]
    assert changes(moved("report", "stop", "wait", "look")) == [
        "Step report stands first; it stood after look."
    ]
    loop = BASE.replace(
        "  - name: wait\n    action: aws:sleep\n    inputs: {Duration: PT1M}\n",
        "  - name: each\n    action: aws:loop\n    inputs:\n      Iterators: [a]\n      Steps:\n"
        "        - {name: wait, action: 'aws:sleep', inputs: {Duration: PT1M}}\n",
    )
    assert changes(loop) == [
        "Step each was added (aws:loop).",
        "Step wait stands first in the loop each; it stood after stop.",
    ]


def test_steps_inside_loops_are_compared_by_themselves() -> None:
    loop = """schemaVersion: '0.3'
mainSteps:
  - name: each
    action: aws:loop
    inputs:
      Iterators: [a]
      Steps:
        - {name: wait, action: 'aws:sleep', inputs: {Duration: PT1M}}
"""
    assert changes(loop.replace("PT1M", "PT2M"), loop) == [
        'Step wait: inputs.Duration changed from "PT1M" to "PT2M".'
    ]
    assert changes(loop.replace("[a]", "[b]"), loop) == [
        'Step each: inputs.Iterators changed from ["a"] to ["b"].'
    ]


def test_a_change_is_data_with_its_line() -> None:
    found = diff.compare(ssmdoc.parse(BASE), ssmdoc.parse(BASE.replace("PT1M", "PT2M")))
    assert found.as_dict() == {
        "changes": [
            {
                "subject": "step",
                "kind": "changed",
                "name": "wait",
                "key": "inputs.Duration",
                "before": "PT1M",
                "after": "PT2M",
                "line": 16,
                "sentence": 'Step wait: inputs.Duration changed from "PT1M" to "PT2M".',
            }
        ]
    }
    assert found.of("step") == found.changes
    assert found.of("parameter") == ()


def test_what_is_no_document_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="two documents"):
        diff.compare(ssmdoc.parse("[]"), ssmdoc.parse(BASE))


@pytest.mark.parametrize(
    "new",
    [
        "{}",
        "mainSteps: 5",
        "mainSteps: [{name: a, action: b}, {name: a}, 5]\nparameters: {a: 5}\noutputs: 6",
        "mainSteps: [{name: a, action: 'aws:loop', inputs: {Steps: [{name: a, action: b}]}, outputs: [5]}]",
        "parameters: [a]\nvariables: {b: }",
    ],
)
def test_faulty_documents_are_compared_as_far_as_they_go(new: str) -> None:
    assert changes(new)
    assert changes(BASE, new)


def test_it_takes_a_moment_only() -> None:
    def many(prefix: str) -> str:
        step = "  - {{name: {0}{1}, action: 'aws:sleep', inputs: {{Duration: PT{1}S}}}}\n"
        steps = "".join(step.format(prefix, number) for number in range(900))
        return f"schemaVersion: '0.3'\nmainSteps:\n{steps}"

    begun = time.perf_counter()
    assert len(changes(many("a"), many("b"))) == 1800
    assert time.perf_counter() - begun < 2


@pytest.mark.skipif(not CORPUS, reason="SSM_CORPUS names no folder of documents.")
def test_documents_of_the_corpus_are_compared_with_themselves_and_each_other() -> None:
    paths = sorted(Path(str(CORPUS), "documents").rglob("*.*"))[::5]
    before: Any = None
    for path in paths:
        parsed = ssmdoc.parse(path.read_text(errors="replace"))
        if parsed.document is None:
            continue
        assert diff.compare(parsed, parsed).changes == ()
        if before is not None:
            assert all(diff.compare(before, parsed).sentences)
        before = parsed
