"""aws:loop: its two forms, its limits, and what refers to its turns."""

from __future__ import annotations

from collections.abc import Iterator

from ssmdoc import references
from ssmdoc.checks.rule import Context, Fault, Rules
from ssmdoc.checks.types import type_of
from ssmdoc.model import whole_number

RULES = Rules()

_LOOP = "automation-action-loop.html"
MAX_ITERATIONS = 100


@RULES.add("loop-form", "warning", "A loop repeats for each item, or while a condition holds.", _LOOP)
def _forms(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        if step.action != "aws:loop":
            continue
        at = (*step.path, "inputs")
        both = step.inputs.get("Iterators") is not None and step.inputs.get("LoopCondition") is not None
        if both:
            message = f"{step.called} has both Iterators and LoopCondition."
            yield Fault((*at, "LoopCondition"), message, "Keep one of the two.", True)
        elif step.inputs.get("LoopCondition") is not None and step.inputs.get("MaxIterations") is None:
            message = f"{step.called} repeats while a condition holds, without MaxIterations."
            yield Fault(at, message, f"Say how often at most: {MAX_ITERATIONS} or fewer.", True)
        given = step.inputs.get("Iterators")
        reference = references.whole(given)
        kind = type_of(context, reference) if reference else ""
        if kind in ("String", "Integer", "Boolean") or (
            given and not references.find(given) and isinstance(given, str)
        ):
            message = f"{step.called} repeats for each item of a list, and `{str(given)[:60]}` is none."
            yield Fault((*at, "Iterators"), message, "Refer to a StringList, MapList or StringMap.")
        if step.inputs.get("Steps") == []:
            yield Fault((*at, "Steps"), f"{step.called} repeats no steps.", "Add a step under Steps.")


@RULES.add("loop-iterations", "error", "A loop repeats 1 to 100 times.", _LOOP)
def _limits(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        most = whole_number(step.inputs.get("MaxIterations")) if step.action == "aws:loop" else None
        if most is not None and not 1 <= most <= MAX_ITERATIONS:
            path = (*step.path, "inputs", "MaxIterations")
            yield Fault(path, f"MaxIterations is a number from 1 to {MAX_ITERATIONS}.")


@RULES.add("loop-current", "warning", "CurrentIteratorValue is for loops with Iterators, inside them.", _LOOP)
def _current_values(context: Context) -> Iterator[Fault]:
    for use in context.uses:
        loop = context.named.get(use.reference.name) if use.reference.kind == "output" else None
        if loop is None or loop.action != "aws:loop" or use.literal or use.step is None:
            continue
        output = use.reference.output
        if not output.startswith(("CurrentIteratorValue", "CurrentIteration")):
            continue
        if use.step.path[: len(loop.path)] != loop.path:
            message = f"{use.reference.text[:60]} is known only inside the loop."
            yield Fault(use.path, message, text=use.reference.text)
        elif output.startswith("CurrentIteratorValue") and loop.inputs.get("Iterators") is None:
            message = f'Loop "{loop.name[:60]}" has no Iterators, so that it has no current value.'
            yield Fault(
                use.path, message, "Refer to CurrentIteration, or to a variable.", text=use.reference.text
            )


@RULES.add("loop-nested", "warning", "A loop does not stand inside a loop.", _LOOP)
def _nested(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        if step.action == "aws:loop" and "Steps" in step.path:
            message = f"{step.called} is a loop inside a loop, which Automation does not run."
            yield Fault((*step.path, "action"), message, "Move the inner loop to a document of its own.")
        if step.action == "aws:loop" and references.whole(step.inputs.get("Steps")):
            yield Fault(
                (*step.path, "inputs", "Steps"), "Steps are written out: no reference stands for them."
            )
