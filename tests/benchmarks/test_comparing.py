"""Of which kind the first difference between two runs of a document is."""

import json
from pathlib import Path
from typing import Any

import pytest

import ssmdoc
from benchmarks.comparing import KINDS, Comparison, compare, difference

SELECTOR = {"Name": "Id", "Selector": "$.Id", "Type": "String"}
STEPS = [
    {"name": "choose", "action": "aws:branch", "isEnd": True, "inputs": {"Choices": []}},
    {"name": "look", "action": "aws:executeAwsApi", "inputs": {"Service": "ec2"}, "outputs": [SELECTOR]},
]


def document() -> ssmdoc.Document:
    found = ssmdoc.parse(json.dumps({"schemaVersion": "0.3", "mainSteps": STEPS})).document
    assert found is not None
    return found


def mine(name: str, status: str = "Success", message: str = "", **more: Any) -> dict[str, Any]:
    step = {"step": name, "action": "aws:executeAwsApi", "status": status, "message": message, "outputs": {}}
    return {**step, **more}


def ours(*steps: dict[str, Any], status: str = "Success", calls: Any = ()) -> dict[str, Any]:
    return {"steps": list(steps), "status": status, "calls": list(calls)}


def theirs(*steps: dict[str, Any], status: str = "SUCCESS", **more: Any) -> dict[str, Any]:
    return {"trace": [{"outputs": {}, **each} for each in steps], "status": status, "mends": [], **more}


def test_runs_of_the_same_steps_and_outputs_are_equal() -> None:
    told = theirs({"step": "look", "outputs": {"Id": "i-1"}})

    assert difference(document(), ours(mine("look", outputs={"Id": "i-1"})), told) is None


@pytest.mark.parametrize(
    ("run", "told", "kind", "result"),
    [
        (ours(mine("look")), theirs({"step": "choose"}), "order", "different"),
        (ours(mine("choose"), mine("look")), theirs({"step": "choose"}), "isEnd", "different"),
        (ours(mine("look"), mine("choose")), theirs({"step": "look"}), "stopped", "different"),
        (ours(mine("look", outputs={"Id": "1"})), theirs({"step": "look"}), "output", "different"),
        (
            ours(mine("look")),
            theirs({"step": "look", "failed": "Did not find desired response (True)"}),
            "desired values",
            "different",
        ),
        (
            ours(mine("look")),
            theirs({"step": "look", "failed": "Did not find desired response ({{ssm:/a}})"}),
            "ssm",
            "different",
        ),
        (
            ours(mine("look")),
            theirs({"step": "look", "failed": "$.Id but not found in response"}),
            "missing output",
            "different",
        ),
        (
            ours(mine("look", "Failed", "Parameter validation failed: Unknown"), status="Failed"),
            theirs({"step": "look"}, unrunnable="The trial made no call"),
            "call refused",
            "different",
        ),
        (
            ours(mine("look", "Failed", "not found"), status="Failed"),
            theirs({"step": "look"}, unrunnable="The trial made no call"),
            "no answer",
            "not tried",
        ),
        (ours(mine("look")), theirs({"step": "look"}, unrunnable="no such thing"), "gave up", "cdk cannot"),
        (ours(mine("look")), theirs({"step": "look"}, status="FAILED"), "end", "different"),
    ],
)
def test_the_first_difference_is_named(
    run: dict[str, Any], told: dict[str, Any], kind: str, result: str
) -> None:
    found = difference(document(), run, told)

    assert found is not None
    assert (found.kind, found.result) == (kind, result)


def test_what_is_put_back_is_named_and_steps_made_up_as_a_whole_are_no_comparison() -> None:
    run = ours(mine("look", outputs={"Id": "1"}))
    plain, mended = theirs({"step": "look"}), theirs({"step": "look", "outputs": {"Id": "1"}})
    made_up = {"step": "look", "source": "made up", "service": "automation"}

    put_back = compare("a.json", document(), run, plain, {**mended, "mends": ["references"]})
    guessed = compare("b.json", document(), {**run, "calls": [made_up]}, plain, plain)

    assert put_back == Comparison("a.json", "equal once mended", ("references",))
    assert (guessed.result, "look" in guessed.detail) == ("not tried", True)


def test_the_documentation_has_each_kind() -> None:
    told = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text(encoding="utf-8")

    assert [kind for kind in KINDS if f"| {kind} | {KINDS[kind]} |" not in told] == []
