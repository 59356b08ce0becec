"""What actions say of their inputs is true: those that they heed do something, and none is passed over."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from sandbox.automation import webhooks
from sandbox.automation.actions import REGISTRY, execute_script
from sandbox.scripts import Job, Result
from ssmdoc.specs import BY_NAME
from tests.sandbox.coverage.action_cases import CASES
from tests.sandbox.coverage.rehearsal import Case, Rehearsal, Trace

Rehearse = Callable[..., Trace]


@pytest.fixture
def rehearse(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rehearse]:
    """Run a step of an action; scripts and webhooks are noted, too, and not run."""

    def run(action: str, inputs: Mapping[str, Any], answers: Mapping[str, list[Any]] | None = None) -> Trace:
        case = CASES[action]
        rehearsal = Rehearsal(answers or case.answers)

        def run_script(job: Job) -> Result:
            rehearsal.note("script", dataclasses.asdict(job))
            return Result("returned", payload="{}")

        def post(url: str, headers: Mapping[str, str], body: str) -> webhooks.Answer:
            rehearsal.note("webhook", {"url": url, "headers": headers, "body": body})
            return webhooks.Answer(200, "ok")

        with monkeypatch.context() as patch:
            patch.setattr(execute_script.runner, "run", run_script)
            patch.setattr(webhooks, "post", post)
            return rehearsal.trace(action, inputs, case.approver)

    yield run


def test_each_action_of_the_language_is_there_and_tried():
    assert set(REGISTRY) == set(BY_NAME) == set(CASES)


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_each_input_is_tried_and_what_differs_is_an_input(name):
    action, spec = REGISTRY[name], {each.name for each in BY_NAME[name].inputs}
    assert action.inputs <= spec
    assert set(CASES[name].tried) == action.inputs
    assert set(action.differs) <= action.inputs


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_what_an_action_heeds_arrives_or_steers(name, rehearse):
    case = CASES[name]
    for given, value in case.tried.items():
        base = case.base_for(given)
        without, trace = rehearse(name, base), rehearse(name, {**base, given: value})
        if given in case.shown:
            assert value in trace.shown[given]
            continue
        assert trace != without, f"{name} takes no notice of {given}"
        if given in case.arriving:
            assert trace.carries(value), f"{given} of {name} arrives nowhere: {trace}"
            assert not without.carries(value), "the base must be another"
        if given in case.quoted:
            assert trace.quotes(value), f"{given} of {name} arrives nowhere: {trace}"


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_what_an_action_has_not_fails_the_step_by_its_name(name, rehearse):
    for given in REGISTRY[name].absent:
        trace = rehearse(name, {**CASES[name].base, given: "value"})
        assert trace.status == "Failed"
        assert trace.calls == []
        assert f"does not emulate the input {given} of {name}" in str(trace.message)


@pytest.mark.parametrize("name", [name for name in sorted(BY_NAME) if BY_NAME[name].open_inputs])
def test_the_inputs_of_the_operation_are_handed_on(name, rehearse):
    trace = rehearse(name, {**CASES[name].base, "InstanceIds": ["i-7"]})
    assert trace.carries(["i-7"])


@pytest.mark.parametrize("name", sorted(name for name in BY_NAME if BY_NAME[name].implied))
def test_the_outputs_that_need_no_declaration_come(name, rehearse):
    case: Case = CASES[name]
    trace = rehearse(name, case.base)
    assert trace.status == ("Waiting" if name == "aws:pause" else "Success"), trace
    given = set(trace.outputs)
    if case.outputs:
        given |= set(rehearse(name, case.base, case.outputs).outputs)
    assert set(BY_NAME[name].outputs) <= given


def test_a_step_that_says_nothing_has_the_time_that_aws_gives_it():
    for name, spec in BY_NAME.items():
        if spec.timeout_seconds is not None:
            assert REGISTRY[name].timeout_seconds == spec.timeout_seconds, name
