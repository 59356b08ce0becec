"""The longest path in time, from what is documented, written or assumed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

import ssmdoc
from ssmdoc import timing

CORPUS = os.environ.get("SSM_CORPUS")


def longest(steps: str, head: str = "") -> timing.Longest:
    document = ssmdoc.parse(f"schemaVersion: '0.3'\n{head}\nmainSteps:\n{steps}").document
    assert document is not None
    return timing.longest(document)


SLEEP = "  - {{name: {0}, action: 'aws:sleep', inputs: {{Duration: PT{1}S}}}}\n"


def test_steps_add_up() -> None:
    found = longest(SLEEP.format("one", 10) + SLEEP.format("two", 5))
    assert found == timing.Longest(15, ("one", "two"))


@pytest.mark.parametrize(
    ("step", "seconds", "certain"),
    [
        ("action: 'aws:executeScript'", 600, True),
        ("action: 'aws:executeScript', timeoutSeconds: 60, maxAttempts: 3", 180, True),
        ("action: 'aws:executeScript', timeoutSeconds: 6000", 600, True),
        ("action: 'aws:executeAwsApi', timeoutSeconds: '600'", 25, True),
        ("action: 'aws:invokeLambdaFunction'", 300, True),
        ("action: 'aws:waitForAwsResourceProperty'", 3600, True),
        ("action: 'aws:changeInstanceState', timeoutSeconds: 90000", 90000, True),
        ("action: 'aws:approve'", 604_800, True),
        ("action: 'aws:pause', timeoutSeconds: 99999999", 2_592_000, True),
        ("action: 'aws:runCommand'", 3600, False),
        ("action: 'aws:runCommand', timeoutSeconds: 70", 70, True),
        ("action: 'aws:createTags'", 25, False),
        ("action: 'aws:createStack', inputs: {TimeoutInMinutes: 5}", 300, True),
        ("action: 'aws:branch', inputs: {Choices: []}", 0, True),
        ("action: 'aws:sleep', inputs: {Timestamp: '2030-01-01T00:00:00Z'}", 604_799, False),
        ("action: 'aws:sleep', inputs: {Duration: P30D}", 604_799, True),
        ("action: 'aws:sleep', inputs: {Duration: '{{ Pause }}'}", 120, False),
        ("action: 'aws:sleep', inputs: {Duration: '{{ Unknown }}'}", 604_799, False),
        ("action: 'aws:sleep', inputs: {Duration: nonsense}", 604_799, False),
        ("action: 'aws:runCommand', timeoutSeconds: '{{ Timeout }}'", 50, False),
        ("action: 'aws:executeScript', timeoutSeconds: '{{ Unknown }}'", 600, False),
    ],
)
def test_what_one_step_takes_at_most(step: str, seconds: float, certain: bool) -> None:
    head = "parameters: {Pause: {type: String, default: PT2M}, Timeout: {type: Integer, default: 50}}"
    found = longest(f"  - {{name: one, {step}}}", head)
    assert (found.seconds, found.certain) == (seconds, certain)
    assert bool(found.assumptions) is not certain


def test_a_branch_counts_its_longest_way_and_a_failure_the_steps_that_follow_it() -> None:
    found = longest(
        "  - {name: choose, action: 'aws:branch', inputs: {Choices: [{NextStep: long, Variable: a, "
        "StringEquals: b}], Default: short}}\n"
        "  - {name: short, action: 'aws:sleep', isEnd: true, inputs: {Duration: PT1S}}\n"
        "  - {name: long, action: 'aws:sleep', isEnd: true, onFailure: 'step:clean', "
        "inputs: {Duration: PT1M}}\n"
        "  - {name: clean, action: 'aws:sleep', inputs: {Duration: PT1H}}\n"
    )
    assert found == timing.Longest(3660, ("choose", "long", "clean"))


LOOP = """
  - name: again
    action: aws:loop
    inputs:
      {0}
      Steps:
        - {{name: first, action: 'aws:sleep', inputs: {{Duration: PT10S}}}}
        - {{name: second, action: 'aws:sleep', inputs: {{Duration: PT5S}}}}
"""


@pytest.mark.parametrize(
    ("written", "seconds", "certain"),
    [
        ("Iterators: [a, b, c]", 45, True),
        ("Iterators: '{{ Names }}'", 30, False),
        ("Iterators: '{{ other.Names }}'", 1500, False),
        ("MaxIterations: 4", 60, True),
        ("MaxIterations: '{{ Most }}'", 30, False),
        ("LoopCondition: {Variable: a, StringEquals: b}", 1500, True),
        ("MaxIterations: 100000", 1500, True),
    ],
)
def test_a_loop_repeats_its_body(written: str, seconds: float, certain: bool) -> None:
    head = "parameters: {Names: {type: StringList, default: [a, b]}, Most: {type: Integer, default: 2}}"
    found = longest(LOOP.format(written), head)
    assert (found.seconds, found.certain) == (seconds, certain)
    assert found.steps == ("again", "first", "second")


def test_a_loops_own_timeout_bounds_it() -> None:
    text = LOOP.format("MaxIterations: 50").replace(
        "action: aws:loop", "action: aws:loop\n    timeoutSeconds: 60"
    )
    assert longest(text).seconds == 60


def test_a_jump_out_of_a_loop_goes_on_outside() -> None:
    text = LOOP.format("MaxIterations: 2").replace("PT5S}", "PT5S}, nextStep: after") + (
        "  - {name: never, action: 'aws:sleep', isEnd: true, inputs: {Duration: PT1S}}\n"
        "  - {name: after, action: 'aws:sleep', inputs: {Duration: PT100S}}\n"
    )
    found = longest(text)
    assert found.seconds == 130
    assert found.steps[-1] == "after"


def test_a_way_back_has_no_bound() -> None:
    found = longest(
        SLEEP.format("start", 1)
        + SLEEP.format("one", 1)
        + "  - {name: two, action: 'aws:sleep', nextStep: one, inputs: {Duration: PT1S}}\n"
    )
    assert found == timing.Longest(None, ("one", "two"))


def test_a_cancellation_does_not_count() -> None:
    found = longest(
        "  - {name: one, action: 'aws:sleep', onCancel: 'step:two', isEnd: true, inputs: {Duration: PT1S}}\n"
        + SLEEP.format("two", 999)
    )
    assert found.seconds == 1


@pytest.mark.parametrize(
    "steps",
    [
        "  []",
        "  - {name: one, action: 'aws:runCommand', timeoutSeconds: "
        + "9" * 400
        + ", maxAttempts: "
        + "9" * 400
        + "}",
        "  - {name: one, action: 'aws:nonsense', timeoutSeconds: -5, nextStep: nowhere}",
        "  - {name: one, action: 'aws:loop', inputs: {Steps: [], Iterators: {a: b}, MaxIterations: x}}",
        "  - {name: one, action: 'aws:loop', inputs: 5}\n  - {name: one, action: 'aws:loop'}",
    ],
)
def test_nonsense_is_borne(steps: str) -> None:
    assert longest(steps) is not None


def test_many_steps_are_quick() -> None:
    steps = "".join(SLEEP.format(f"step{number}", 1) for number in range(1500))
    document = ssmdoc.parse(f"schemaVersion: '0.3'\nmainSteps:\n{steps}").document
    assert document is not None
    begun = time.perf_counter()
    assert timing.longest(document).seconds == 1500
    assert time.perf_counter() - begun < 0.5


@pytest.mark.skipif(not CORPUS, reason="SSM_CORPUS names no folder of documents.")
def test_every_document_of_the_corpus_has_a_longest_path() -> None:
    for path in sorted(Path(str(CORPUS), "documents").rglob("*.*")):
        document = ssmdoc.parse(path.read_text(errors="replace")).document
        if document is not None and document.steps:
            assert timing.longest(document).steps
