"""aws:loop (https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-loop.html).

The engine runs the steps of a turn; here is decided whether there is another turn, and what it is about.
"""

import json
from typing import Any

from sandbox.automation.actions.branch import holds
from sandbox.automation.actions.registry import Action
from sandbox.automation.context import StepContext
from sandbox.automation.outcomes import Done, InvalidInputs, Outcome, Repeat
from ssmdoc import SelectorError, selectors
from ssmdoc.model import whole_number

MOST_ITERATIONS = 100
ITEM_TYPES = ("Boolean", "Integer", "String", "StringMap")


def run(context: StepContext) -> Outcome:
    _check_form(context)
    over = _items_turn if context.inputs.get("Iterators") is not None else _condition_turn
    return over(context)


def _check_form(context: StepContext) -> None:
    step = context.step
    both = [name for name in ("Iterators", "LoopCondition") if context.inputs.get(name) is not None]
    if len(both) != 1:
        raise InvalidInputs(f"The loop {step.name} needs either Iterators or LoopCondition.")
    if "Steps" in step.path:
        raise InvalidInputs(f"The loop {step.name} stands inside another loop, which is not supported.")
    if not step.steps:
        raise InvalidInputs(f"The loop {step.name} has no Steps to repeat.")


def _items_turn(context: StepContext) -> Outcome:
    if "items" not in context.memo:
        context.memo["items"] = _items(context)
    items = context.memo["items"]
    turn = context.memo.get("turn", 0)
    if turn == len(items):
        return _done(turn, {"CurrentIteratorValue": items[-1]} if items else {})
    context.memo["turn"] = turn + 1
    return Repeat({"CurrentIteration": turn + 1, "CurrentIteratorValue": items[turn]})


def _condition_turn(context: StepContext) -> Outcome:
    most = _most(context)
    turn = context.memo.get("turn", 0)
    # The condition is looked at after a turn: there is always a first one.
    if turn and (turn == most or not holds(context.resolve(context.inputs["LoopCondition"]))):
        return _done(turn, {})
    context.memo["turn"] = turn + 1
    return Repeat({"CurrentIteration": turn + 1})


def _done(turns: int, outputs: dict[str, Any]) -> Done:
    return Done(outputs={"CurrentIteration": turns, **outputs} if turns else {})


def _items(context: StepContext) -> list[Any]:
    given = context.inputs["Iterators"]
    if isinstance(given, str):
        given = _written_list(given)
    if not isinstance(given, list):
        raise InvalidInputs(f"Iterators of the loop {context.step.name} must be a list, not {given!r}.")
    if len(given) > MOST_ITERATIONS:
        raise InvalidInputs(f"A loop has {MOST_ITERATIONS} iterators at most, not {len(given)}.")
    kind = context.inputs.get("IteratorDataType") or "String"
    if kind not in ITEM_TYPES:
        raise InvalidInputs(f"IteratorDataType must be one of {', '.join(ITEM_TYPES)}, not {kind}.")
    try:
        return [selectors.coerce_output(item, kind) for item in given]
    except SelectorError as error:
        raise InvalidInputs(f"An item of Iterators is not of the IteratorDataType {kind}: {error}") from error


def _written_list(text: str) -> Any:
    """The list that a text spells in JSON; a text that stands for nothing, as of an output, is no item."""
    if not text.strip():
        return []
    try:
        return json.loads(text)
    except ValueError:
        return text


def _most(context: StepContext) -> int:
    given = context.inputs.get("MaxIterations")
    if given is None:
        return MOST_ITERATIONS
    most = whole_number(given)
    if most is None or not 1 <= most <= MOST_ITERATIONS:
        raise InvalidInputs(f"MaxIterations must lie between 1 and {MOST_ITERATIONS}, not {given!r}.")
    return most


ACTION = Action(
    "aws:loop",
    run,
    late=frozenset({"Steps", "LoopCondition"}),
    quick=True,
    inputs=frozenset({"IteratorDataType", "Iterators", "LoopCondition", "MaxIterations", "Steps"}),
)
