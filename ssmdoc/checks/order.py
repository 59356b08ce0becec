"""What may not have run: outputs that some way leaves out, circles without a way out, jumps into loops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ssmdoc.checks import conditions
from ssmdoc.checks.flow import jumps
from ssmdoc.checks.rule import Context, Fault, RawStep, Rules
from ssmdoc.model import truth

RULES = Rules()

_VARIABLES = "automation-variables.html"
_ACTIONS = "automation-actions.html"
_LOOP = "automation-action-loop.html"


def _ways(context: Context, kinds: Iterable[str]) -> dict[str, list[str]]:
    ways: dict[str, list[str]] = {}
    for edge in context.graph.edges:
        if edge.kind in kinds:
            ways.setdefault(edge.source, []).append(edge.target)
    return ways


def _reached(ways: Mapping[str, list[str]], start: str, without: str = "") -> set[str]:
    """`start` and what ways lead to from it, none of them through `without`."""
    seen = {start}
    pending = [start]
    while pending:
        for target in ways.get(pending.pop(), ()):
            if target not in seen and target != without:
                seen.add(target)
                pending.append(target)
    return seen


@RULES.add(
    "reference-maybe",
    "warning",
    "A step refers to outputs of steps that have run before it on every way without a failure.",
    _VARIABLES,
)
def _may_not_have_run(context: Context) -> Iterator[Fault]:
    nodes = context.graph.nodes
    if not nodes:
        return
    ways = _ways(context, ("next", "branch", "loop"))
    start = nodes[0].id
    reached = _reached(ways, start)
    around: dict[str, set[str]] = {}
    after: dict[str, set[str]] = {}
    certain: dict[str, list[conditions.Way]] | None = None
    for use in context.uses:
        name = use.reference.name
        if use.reference.kind != "output" or use.literal or use.step is None or name not in context.named:
            continue
        step = use.step.name
        # What only a failure leads to may well ask what was there before it.
        if step == name or step not in reached or name not in reached:
            continue
        if name not in around:
            around[name] = set() if name == start else _reached(ways, start, without=name)
            after[name] = _reached(ways, name)
        if step not in around[name] or step not in after[name]:
            continue
        # Two branches by one condition go the same way.
        certain = conditions.ways(context) if certain is None else certain
        if conditions.leads_around(certain, start, step, name):
            message = f'Step "{name[:60]}" does not run on every way to {use.step.within}.'
            hint = "Where it did not run, there is no output: lead every way through it, or branch before."
            yield Fault(use.path, message, hint, text=use.reference.text)


@RULES.add("step-retry", "warning", "A step that fails does not lead to itself.", _ACTIONS)
def _retries(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        if step.name and step.data.get("onFailure") == f"step:{step.name}":
            message = f"{step.called} leads to itself when it fails, again and again."
            yield Fault((*step.path, "onFailure"), message, "Give it maxAttempts to try it more than once.")


@RULES.add("step-circle", "warning", "A document comes to an end.", _ACTIONS)
def _circles(context: Context) -> Iterator[Fault]:
    nodes = context.graph.nodes
    if not nodes:
        return
    ways = _ways(context, ("next", "branch", "loop"))
    back: dict[str, list[str]] = {}
    for source, targets in ways.items():
        for target in targets:
            back.setdefault(target, []).append(source)
    # A loop comes to its own end: only what follows it can lead in a circle.
    onward = _ways(context, ("next", "branch"))
    ends = [node.id for node in nodes if _may_end(context, node.id, onward)]
    ending: set[str] = set()
    for name in ends:
        if name not in ending:
            ending |= _reached(back, name)
    reachable = context.graph.reachable()
    caught = [node.id for node in nodes if node.id in reachable and node.id not in ending]
    found = [context.named[name] for name in caught if name in context.named]
    # The step that leads to itself is at fault, whatever leads to it.
    step = next(
        (step for step in found if step.data.get("nextStep") == step.name), found[0] if found else None
    )
    if step is not None:
        message = f"{step.called} leads in a circle that only a failure ends."
        at = "nextStep" if step.data.get("nextStep") == step.name else "name"
        yield Fault((*step.path, at), message, "Lead one of its ways to a step with isEnd.")


def _may_end(context: Context, name: str, ways: Mapping[str, list[str]]) -> bool:
    step = context.named.get(name)
    # A branch whose conditions all fail ends the run when it says so.
    return name not in ways or step is None or truth(step.data.get("isEnd")) is True


@RULES.add("loop-jump", "error", "A jump from outside does not lead into a loop.", _LOOP)
def _into_loops(context: Context) -> Iterator[Fault]:
    homes = {step.name: _home(step) for step in context.named.values()}
    for step, name, path in jumps(context):
        target = context.named.get(name)
        if target is None or target.path[:-1] == ("mainSteps",):
            continue
        if _home(step)[: len(homes[name])] != homes[name]:
            message = f'Step "{name[:60]}" stands inside a loop, which no jump leads into.'
            yield Fault(path, message, "Lead the way to the loop itself.")


def _home(step: RawStep) -> tuple[str | int, ...]:
    """The list of steps that a step stands in."""
    return step.path[:-1]
