"""How long a document can run: the longest path in time from its first step to an end.

Documented, each on its action's page of
https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-actions.html: executeScript ends
after 600 seconds, invokeLambdaFunction after 300 and executeAwsApi after 25, and a longer timeoutSeconds does
not lift that; the default timeout of changeInstanceState and waitForAwsResourceProperty is 3600 seconds, of
approve and pause 604800 (2592000 at most); a sleep takes 604799 seconds at most; a loop makes 100 iterations
at most. An attempt that fails may use up its time, so a step counts maxAttempts times.

Assumed, because no page says: one hour for every other action that waits (commands, instances, images,
stacks, child automations, state machines), 25 seconds for those that make one call. A cancellation is left
out: its steps end within two minutes, and the run with them. Retries of throttled calls, which an account may
switch on for up to an hour a step, are left out as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ssmdoc import actions, durations, graph, references
from ssmdoc.model import Document, Parameter, Step, Variable, whole_number

HOUR = 3600
MAX_SLEEP = 604_799
MAX_WAIT = 2_592_000
MAX_ITERATIONS = 100

# What ends the action however long its timeoutSeconds is.
_CEILINGS = {
    "aws:executeScript": 600,
    "aws:invokeLambdaFunction": 300,
    "aws:executeAwsApi": 25,
    "aws:approve": MAX_WAIT,
    "aws:pause": MAX_WAIT,
}
_AT_ONCE = ("aws:branch", "aws:updateVariable")
_ONE_CALL = ("aws:assertAwsResourceProperty", "aws:createTags", "aws:invokeWebhook")
# Keeps sums of absurd numbers (a JSON integer may have a thousand digits) within what a float holds.
_ENDLESS = 10**12


@dataclass(frozen=True, slots=True)
class Limit:
    """The longest that something takes: seconds, and a sentence where they rest on an assumption."""

    seconds: float
    assumed: str = ""


@dataclass(frozen=True, slots=True)
class Longest:
    """The longest path in time.

    `seconds` is None when steps lead back to earlier ones without a bound; `steps` are then the steps of
    that circle, otherwise those of the path (the body of a loop after its loop). `certain` is true when every
    figure on the path is documented or written in the document; `assumptions` has a sentence for each that is
    not.
    """

    seconds: float | None
    steps: tuple[str, ...]
    certain: bool = True
    assumptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Span:
    """A step, or a path that begins with it: its time (None is without bound), steps and assumptions."""

    seconds: float | None
    steps: tuple[str, ...]
    assumptions: tuple[str, ...] = ()


def longest(document: Document) -> Longest:
    """The longest path in time through a document. Never raises."""
    found = _sequence(document, document.steps, None)
    return Longest(found.seconds, found.steps, not found.assumptions, found.assumptions)


def limit(document: Document, step: Step) -> Limit:
    """The longest that one attempt of a step takes; of a loop, what its timeoutSeconds allows."""
    if step.action == "aws:sleep":
        return _sleep(document, step)
    given = _number(document, step.timeout_seconds)
    usual = _default(document, step)
    if step.timeout_seconds is None:
        return usual
    if given is None:
        said = (
            f'"{step.name}" takes its timeoutSeconds from {step.timeout_seconds}, which is not known before.'
        )
        return Limit(usual.seconds, said)
    seconds = min(given.seconds, _CEILINGS.get(step.action, _ENDLESS))
    return Limit(seconds, f'"{step.name}": {given.assumed}' if given.assumed else "")


def _default(document: Document, step: Step) -> Limit:
    spec = actions.SPECS.get(step.action)
    if spec and spec.timeout_seconds is not None:
        return Limit(spec.timeout_seconds)
    if step.action in _AT_ONCE:
        return Limit(0)
    if step.action == "aws:loop":
        return Limit(_ENDLESS)
    if step.action in _ONE_CALL:
        return Limit(25, f'"{step.name}": no page gives {step.action} a time; 25 seconds are assumed.')
    if step.action == "aws:createStack" and "TimeoutInMinutes" in step.inputs:
        minutes = _number(document, step.inputs["TimeoutInMinutes"])
        if minutes is not None:
            return Limit(
                min(minutes.seconds * 60, _ENDLESS), minutes.assumed and f'"{step.name}": {minutes.assumed}'
            )
    said = f'"{step.name}": no page gives {step.action} a default timeout; an hour is assumed.'
    return Limit(HOUR, said)


def _sleep(document: Document, step: Step) -> Limit:
    written = step.inputs.get("Duration")
    known = _known(document, written)
    try:
        seconds = min(durations.seconds(known) if isinstance(known, str) else MAX_SLEEP, MAX_SLEEP)
    except ValueError:
        known = None
    if known is not None and known == written:
        return Limit(seconds)
    if known is not None:
        return Limit(seconds, f'"{step.name}" sleeps for {written}, {known} by default.')
    return Limit(MAX_SLEEP, f'"{step.name}" sleeps until a time that is not known before, 7 days at most.')


def _known(document: Document, value: Any) -> Any:
    """A value as written, or the default of the parameter or variable that it refers to; None if unknown."""
    found = references.find(value)
    if not found:
        return value
    reference = references.whole(value)
    if reference is None:
        return None
    definition: Parameter | Variable | None = None
    if reference.kind == "parameter":
        definition = document.parameters.get(reference.name)
    elif reference.kind == "variable":
        definition = document.variables.get(reference.name)
    default = definition.default if definition else None
    return None if default is None or references.find(default) else default or None


def _number(document: Document, value: Any) -> Limit | None:
    """A number of seconds, minutes or times; assumed where it is only a default that a launch may change."""
    known = whole_number(_known(document, value))
    if known is None:
        return None
    said = f"{value} is {known} unless a launch gives another number." if references.find(value) else ""
    return Limit(float(min(max(known, 0), _ENDLESS)), said)


def _iterations(document: Document, loop: Step) -> Limit:
    unknown = f'"{loop.name}": how often it repeats is not known before; {MAX_ITERATIONS} times are the most.'
    if "Iterators" in loop.inputs:
        items = _known(document, loop.inputs["Iterators"])
        if not isinstance(items, list):
            return Limit(MAX_ITERATIONS, unknown)
        said = unknown if items is not loop.inputs["Iterators"] or references.find(items) else ""
        return Limit(min(len(items), MAX_ITERATIONS), said)
    if "MaxIterations" not in loop.inputs:
        return Limit(MAX_ITERATIONS)
    most = _number(document, loop.inputs["MaxIterations"])
    if most is None:
        return Limit(MAX_ITERATIONS, unknown)
    return Limit(min(most.seconds, MAX_ITERATIONS), most.assumed and f'"{loop.name}": {most.assumed}')


def _step(document: Document, step: Step) -> _Span:
    attempts = min(step.max_attempts, _ENDLESS)
    most = limit(document, step)
    if step.action != "aws:loop":
        said = (most.assumed,) if most.assumed else ()
        return _Span(min(most.seconds * attempts, _ENDLESS), (step.name,), said)
    body = _sequence(document, step.steps, step)
    times = _iterations(document, step)
    total = most.seconds if body.seconds is None else min(body.seconds * times.seconds, most.seconds)
    if total >= _ENDLESS and body.seconds is None:
        return _Span(None, body.steps)
    assumptions = (*body.assumptions, *(item.assumed for item in (times, most) if item.assumed))
    return _Span(min(total * attempts, _ENDLESS), (step.name, *body.steps), assumptions)


def _sequence(document: Document, steps: Sequence[Step], loop: Step | None) -> _Span:
    """The longest path through steps that follow one another, each loop among them taken as one step."""
    here: dict[str, Step] = {}
    for step in steps:
        here.setdefault(step.name, step)
    if not here:
        return _Span(0, ())
    ways = _ways(steps, loop, here)
    order, circle = _order(steps[0].name, ways)
    if circle:
        return _Span(None, circle)
    best: dict[str, _Span] = {}
    follow: dict[str, str] = {}
    total: dict[str, float] = {}
    for name in order:
        own = best[name] = _step(document, here[name])
        if own.seconds is None:
            return own
        after = max(ways[name], key=lambda target: total[target], default=None)
        total[name] = own.seconds + (total[after] if after else 0)
        if after:
            follow[name] = after
    path = [steps[0].name]
    while path[-1] in follow:
        path.append(follow[path[-1]])
    return _Span(
        total[path[0]],
        tuple(name for step in path for name in best[step].steps),
        tuple(said for step in path for said in best[step].assumptions),
    )


def _ways(steps: Sequence[Step], loop: Step | None, here: dict[str, Step]) -> dict[str, list[str]]:
    """Where each step leads on its own level; a jump out of a loop's body is a way of the loop."""
    home = {name: name for name in here}
    for name, step in here.items():
        for inner in _inside(step):
            home.setdefault(inner.name, name)
    ways: dict[str, dict[str, None]] = {name: {} for name in here}
    for index, step in enumerate(steps):
        if here[step.name] is not step:
            continue
        following = steps[index + 1] if index + 1 < len(steps) else None
        for edge in graph.successors(step, following, loop):
            if edge.kind not in ("loop", "cancel") and edge.target in home:
                ways[step.name][home[edge.target]] = None
        for inner in _inside(step):
            for target in _jumps(inner):
                if home.get(target, step.name) != step.name:
                    ways[step.name][home[target]] = None
    return {name: list(targets) for name, targets in ways.items()}


def _inside(step: Step) -> list[Step]:
    found = list(step.steps)
    for inner in found:
        found.extend(inner.steps)
    return found


def _jumps(step: Step) -> list[str]:
    return [edge.target for edge in graph.successors(step, None) if edge.kind not in ("loop", "cancel")]


def _order(start: str, ways: dict[str, list[str]]) -> tuple[list[str], tuple[str, ...]]:
    """The steps that `start` leads to, each after those that it leads to; or a circle that bounds nothing."""
    done: list[str] = []
    finished: set[str] = set()
    path = [start]
    on_path = {start}
    pending = [iter(ways[start])]
    while pending:
        target = next(pending[-1], None)
        if target is None:
            pending.pop()
            name = path.pop()
            on_path.discard(name)
            finished.add(name)
            done.append(name)
        elif target in on_path:
            return [], tuple(path[path.index(target) :])
        elif target not in finished:
            path.append(target)
            on_path.add(target)
            pending.append(iter(ways[target]))
    return done, ()
