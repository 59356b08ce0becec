"""What two runs of a document have in common, and of which kind their first difference is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ssmdoc import Document

KINDS: Mapping[str, str] = {}

Run = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Comparison:
    """How two runs of the document at `path` compare.

    `kinds` are those of KINDS: for "equal once mended" what cdk-ssm-documents' loader leaves out and made the
    difference; else of which kind the first difference is that remains. `detail` shows it.
    """

    path: str
    result: Literal["equal", "equal once mended", "different", "cdk cannot", "not tried"]
    kinds: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True)
class Difference:
    """The first difference between two runs; `stops` when the simulation gave up there."""

    kind: str
    detail: str
    stops: bool = False


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
    return Comparison(path, "cdk cannot" if left.stops else "different", (left.kind,), left.detail)


def difference(document: Document, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Difference | None:
    """The first difference between a trial's report and what the replay tells, None when there is none."""
    mine, other, gave_up = ours["steps"], theirs["trace"], theirs.get("unrunnable")
    for place in range(max(len(mine), len(other))):
        if gave_up and place >= len(other) - 1:
            break
        if kind := _kind(document, mine, other, place):
            return Difference(kind, " ".join(_sides(mine, other, place)))
    if gave_up:
        return Difference("gave up", gave_up, stops=True)
    if (ours["status"] == "Success") != (theirs["status"] == "SUCCESS"):
        return Difference("end", f"ours: {ours['status']}; cdk: {theirs['status']}")
    return None


def _kind(document: Document, mine: Run, other: Run, place: int) -> str:
    if place >= len(other):
        return "stopped"
    if place >= len(mine) or mine[place]["step"] != other[place]["step"]:
        return "order"
    step = document.step(mine[place]["step"])
    if (mine[place]["status"] == "Success") != ("failed" not in other[place]):
        return "step status"
    for output in step.outputs if step else ():
        found = mine[place]["outputs"].get(output.name)
        if not same(_without_transport(found), other[place]["outputs"].get(output.name)):
            return "output"
    return ""


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
