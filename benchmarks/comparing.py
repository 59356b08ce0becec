"""What two runs of a document have in common, and of which kind their first difference is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ssmdoc import Document

# Each kind of difference, with what AWS documents of it; docs/benchmarks.md has the pages.
KINDS: Mapping[str, str] = {
    "references": "references stand for any type and for parts of a text, also in DesiredValues and choices",
    "ssm": "a parameter's {{ssm:NAME}} stands for the value in Parameter Store",
    "parameters": "allowedPattern is a pattern of Java; AWS runs documents whose defaults do not match it",
    "no outputs": "outputs of a step are optional",
    "nextStep": "nextStep names the step that follows",
    "onFailure": "onFailure says what follows a step that fails",
    "globals": "global:REGION, global:ACCOUNT_ID and global:AWS_PARTITION have values",
    "isEnd": "a branch with isEnd ends the run only when none of its choices is true and it has no Default",
    "desired values": "DesiredValues are texts: booleans are written True or False, numbers as their digits",
    "missing output": "a selector that finds nothing leaves the output without a value; the step succeeds",
    "approvers": "Approvers is a required input of aws:approve",
    "call refused": "the call does not fit the API's model, so it is not made",
}

NOT_CALLED = "The trial made no call"
UNFIT = "Parameter validation failed"

Result = Literal["equal", "equal once mended", "different", "cdk cannot", "not tried"]
Run = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Comparison:
    """How two runs of the document at `path` compare.

    `kinds` are those of KINDS: for "equal once mended" what cdk-ssm-documents' loader leaves out and made the
    difference; else of which kind the first difference is that remains. `detail` shows it.
    """

    path: str
    result: Result
    kinds: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True)
class Difference:
    """The first difference between two runs, and what follows of it."""

    kind: str
    detail: str
    result: Result = "different"


def compare(
    path: str,
    document: Document,
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    mended: Mapping[str, Any],
) -> Comparison:
    """Compares a trial's report of a document with what the replay tells of it as it is, and mended."""
    if difference(document, ours, theirs) is None:
        return Comparison(path, "equal")
    left = difference(document, ours, mended)
    mends = tuple(mended["mends"])
    if left is None:
        return Comparison(path, "equal once mended", mends)
    if made_up := [call["step"] for call in ours["calls"] if _stands_for_a_step(call)]:
        return Comparison(path, "not tried", (), f"What these steps give was made up: {', '.join(made_up)}.")
    return Comparison(path, left.result, (left.kind,), left.detail)


def _stands_for_a_step(call: Mapping[str, Any]) -> bool:
    """Whether the sandbox did not run a step, and the trial made up what it gives."""
    return bool(call["source"] == "made up" and call["service"] == "automation")


def difference(document: Document, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Difference | None:
    """The first difference between a trial's report and what the replay tells, None when there is none."""
    mine, other, gave_up = ours["steps"], theirs["trace"], theirs.get("unrunnable")
    for place in range(max(len(mine), len(other))):
        if gave_up and place >= len(other) - 1 and _same_step(mine, other, place):
            # Where it gave up, it has told neither outputs nor how the step ended.
            return _gave_up(mine[place], gave_up)
        if kind := _kind(document, mine, other, place):
            return Difference(kind, " ".join(_sides(mine, other, place)))
    if gave_up:
        return Difference("gave up", gave_up, "cdk cannot")
    if (ours["status"] == "Success") != (theirs["status"] == "SUCCESS"):
        return Difference("end", f"ours: {ours['status']}; cdk: {theirs['status']}")
    return None


def _same_step(mine: Run, other: Run, place: int) -> bool:
    return place < len(mine) and (place >= len(other) or mine[place]["step"] == other[place]["step"])


def _gave_up(step: Mapping[str, Any], why: str) -> Difference:
    if NOT_CALLED not in why:
        return Difference("gave up", why, "cdk cannot")
    if step["status"] == "Failed" and UNFIT in step["message"]:
        return Difference("call refused", step["message"])
    # The trial's call met a fault, so that there is nothing to answer the simulation's with.
    return Difference("no answer", step["message"], "not tried")


def _kind(document: Document, mine: Run, other: Run, place: int) -> str:
    """The kind of the difference at a place, "" when there is none."""
    if place >= len(other):
        return "isEnd" if _is_branch_with_end(document, other[place - 1]["step"]) else "stopped"
    if place >= len(mine) or mine[place]["step"] != other[place]["step"]:
        return "order"
    failed = other[place].get("failed")
    if (mine[place]["status"] == "Success") != (failed is None):
        return _kind_of_failure(mine[place], failed or "")
    step = document.step(mine[place]["step"])
    for output in step.outputs if step else ():
        found, told = (run[place]["outputs"].get(output.name) for run in (mine, other))
        # What the client adds to a response is not recorded.
        transport = "ResponseMetadata" in output.selector
        if not transport and not same(_without_transport(found), _without_transport(told)):
            return "output"
    return ""


def _is_branch_with_end(document: Document, name: str) -> bool:
    step = document.step(name)
    return step is not None and step.action == "aws:branch" and bool(step.is_end)


def _kind_of_failure(mine: Mapping[str, Any], failed: str) -> str:
    if mine["status"] == "Success" and failed.startswith("Did not find desired response"):
        return "ssm" if "({{ssm:" in failed else "desired values"
    if mine["status"] == "Success" and "but not found in response" in failed:
        return "missing output"
    if mine["action"] == "aws:approve" and "required input Approvers" in mine["message"]:
        return "approvers"
    return "step status"


def _without_transport(value: Any) -> Any:
    """A response without what the client adds to it, which is not recorded."""
    if isinstance(value, dict):
        return {name: each for name, each in value.items() if name != "ResponseMetadata"}
    return value


def _sides(mine: Run, other: Run, place: int) -> Iterator[str]:
    for name, run in (("ours", mine), ("cdk", other)):
        if place < len(run):
            each = run[place]
            yield f"{name}: {each['step']} {json.dumps({k: v for k, v in each.items() if k != 'step'})[:600]}"
        else:
            yield f"{name}: ended"


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
