"""What trials showed, for people and as JSON (the form is described in docs/sandbox.md)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from sandbox.fixtures.stage import Heard
from sandbox.trial.reasons import FAULTS
from sandbox.trial.running import Outcome, totals

VERSION = 1
MOST_DETAILED = 3
MOST_GROUPS = 15
LONGEST_MESSAGE = 240


def as_data(outcomes: Sequence[Outcome], *, auto: str, seed: int) -> dict[str, Any]:
    """The report as JSON-ready data; new members may come, those that are there stay."""
    return {
        "version": VERSION,
        "fixtures": auto,
        "seed": seed,
        "totals": totals(outcomes),
        "reasons": [
            {"fault": fault, "group": group, "documents": count}
            for (fault, group), count in _grouped(outcomes)
        ],
        "madeUp": [
            {"service": service, "api": api, "calls": count}
            for (service, api), count in sorted(_made_up(outcomes).items())
        ],
        "documents": [_document(each) for each in outcomes],
    }


def _document(outcome: Outcome) -> dict[str, Any]:
    why, seen = outcome.reason, outcome.coverage
    return {
        "document": outcome.document,
        "path": outcome.path,
        "expected": outcome.expected,
        "asExpected": outcome.as_expected,
        "registered": outcome.registered,
        "started": bool(outcome.steps) or outcome.status is not None,
        "status": outcome.status,
        "reason": None
        if why is None
        else {"fault": why.fault, "group": why.group, "step": why.step, "message": why.message},
        "parameters": dict(outcome.values),
        "outputs": dict(outcome.outputs),
        "virtualSeconds": outcome.virtual_seconds,
        "seconds": outcome.seconds,
        "steps": [dict(step) for step in outcome.steps],
        "coverage": None
        if seen is None
        else {
            "steps": list(seen.steps),
            "ran": list(seen.ran),
            "ways": [
                {
                    "source": way.source,
                    "target": way.target,
                    "kind": way.kind,
                    "label": way.label,
                    "covered": way.covered,
                }
                for way in seen.ways
            ],
        },
        "calls": [
            {
                "document": each.document,
                "step": each.step,
                "service": each.service,
                "api": each.api,
                "call": each.count,
                "source": each.source,
                "fault": each.fault,
            }
            for each in outcome.heard
        ],
        "wanting": dict(outcome.wanting),
    }


def as_text(outcomes: Sequence[Outcome], *, auto: str) -> str:
    """The report for people: a line a document, details of few, and the reasons of all."""
    lines = [line for each in outcomes for line in _lines(each, detailed=len(outcomes) <= MOST_DETAILED)]
    lines += ["", *_summary(outcomes), *_reasons(outcomes), *_stood_in(outcomes, auto)]
    return "\n".join(lines) + "\n"


def _lines(outcome: Outcome, *, detailed: bool) -> Iterator[str]:
    mark = "ok  " if outcome.as_expected else "FAIL"
    seen = outcome.coverage
    share = ""
    if seen is not None:
        covered = sum(way.covered for way in seen.ways)
        share = f", {len(seen.ran)} of {len(seen.steps)} steps, {covered} of {len(seen.ways)} ways"
    took = f", {_duration(outcome.virtual_seconds)} of its own time" if outcome.virtual_seconds >= 1 else ""
    yield f"{mark} {outcome.document}: {outcome.status or 'not ended'}{share}{took}"
    why = outcome.reason
    if why is not None and (not outcome.as_expected or detailed):
        step = f" at {why.step}" if why.step else ""
        yield f"       {why.fault}{step}: {_short(why.message)}"
    if detailed and seen is not None:
        yield from _details(outcome)


def _details(outcome: Outcome) -> Iterator[str]:
    seen = outcome.coverage
    assert seen is not None, "asked for documents that ran only"
    for name, value in sorted(outcome.values.items()):
        yield f"       parameter {name} = {_short(', '.join(value))}"
    for step in outcome.steps:
        message = f": {_short(step['message'])}" if step["message"] else ""
        yield f"       {step['status']:<10} {step['step']} ({step['action']}){message}"
    if left := [name for name in seen.steps if name not in seen.ran]:
        yield f"       not run: {', '.join(left)}"
    for way in seen.ways:
        if not way.covered and way.kind != "cancel":
            label = f" ({way.label})" if way.label else ""
            yield f"       not gone: {way.source} -> {way.target}, {way.kind}{label}"
    for each in outcome.heard:
        if each.source == "world":
            yield f"       the world moved for {each.step}: {each.service} {each.api}"
    for name, why in outcome.wanting.items():
        yield f"       not made for it: {name}: {_short(why)}"


def _summary(outcomes: Sequence[Outcome]) -> Iterator[str]:
    count = totals(outcomes)
    made = ", ".join(
        f"{count[name]} with {name}"
        for name in ("nothing made up", "answers made up", "steps made up")
        if count[name]
    )
    share = f" ({100 * count['success'] // max(count['documents'], 1)} %)"
    noun = "document" if count["documents"] == 1 else "documents"
    yield (
        f"{count['documents']} {noun}: {count['registered']} registered, {count['started']} started, "
        f"{count['ended']} ended, {count['success']} Success{share}, {count['as expected']} as expected."
    )
    if count["answers made up"] or count["steps made up"]:
        yield f"Of the successes {made}."


def _reasons(outcomes: Sequence[Outcome]) -> Iterator[str]:
    by_fault: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for (fault, group), count in _grouped(outcomes):
        by_fault[fault].append((group, count))
    for fault, meaning in FAULTS.items():
        groups = by_fault.get(fault, [])
        if groups:
            yield f"{sum(count for _, count in groups):5} {fault}: {meaning}"
            for group, count in groups[:MOST_GROUPS]:
                yield f"{count:10} {group}"
            if len(groups) > MOST_GROUPS:
                rest = groups[MOST_GROUPS:]
                yield f"{sum(count for _, count in rest):10} for {len(rest)} other reasons"


def _stood_in(outcomes: Sequence[Outcome], auto: str) -> Iterator[str]:
    made = _made_up(outcomes)
    if auto == "off" or not made:
        return
    words = {
        "apis": "where the sandbox has no such API, action or document",
        "absent": "where the sandbox has no such API, action or document, or what was asked for is not there",
    }
    total = sum(made.values())
    yield f"{total} answers of {len(made)} APIs were made up, {words[auto]}:"
    for (service, api), count in made.most_common(MOST_GROUPS):
        yield f"{count:10} {service} {api}"


def _grouped(outcomes: Sequence[Outcome]) -> list[tuple[tuple[str, str], int]]:
    found = Counter((each.reason.fault, each.reason.group) for each in outcomes if each.reason is not None)
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def _made_up(outcomes: Sequence[Outcome]) -> Counter[tuple[str, str]]:
    heard: Iterator[Heard] = (call for each in outcomes for call in each.heard)
    return Counter((call.service, call.api) for call in heard if call.source == "made up")


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= LONGEST_MESSAGE else plain[: LONGEST_MESSAGE - 1] + "…"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"
