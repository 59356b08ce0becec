"""Limits of AWS that a document as a whole keeps: its time, its parameters, its outputs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ssmdoc import timing
from ssmdoc.checks.rule import Context, Fault, Rules
from ssmdoc.model import Parameter

RULES = Rules()

_RUNNING = "automation-authoring-runbooks.html"
_VARIABLES = "automation-variables.html"
# Automation in the caller's own context ends after 12 hours.
CALLER_SECONDS = 12 * 3600
MAX_PARAMETERS = 200
_CONSENT = re.compile(r"acknowledg|consent|i_?agree|confirm", re.IGNORECASE)


@RULES.add("document-hours", "warning", "A document without an assumeRole ends within 12 hours.", _RUNNING)
def _hours(context: Context) -> Iterator[Fault]:
    if context.document.assume_role is not None or not context.document.steps:
        return
    found = timing.longest(context.document)
    if found.seconds is not None and found.seconds <= CALLER_SECONDS:
        return
    names = {step.name: step for step in context.document.walk()}
    steps = [names[name] for name in found.steps if name in names]
    if not steps:
        return
    longest = max(steps, key=lambda step: timing.limit(context.document, step).seconds * step.max_attempts)
    if found.seconds is None:
        message = (
            "The document can go round without end, but names no assumeRole: AWS ends it after 12 hours."
        )
    else:
        hours = found.seconds / 3600
        message = (
            f"The document can run for {hours:,.0f} hours, but names no assumeRole: AWS ends it after 12."
        )
    hint = f'Name an assumeRole, or give "{longest.name[:60]}" a timeoutSeconds that is shorter.'
    yield Fault((*longest.path, "name"), message, hint)


@RULES.add("document-parameters", "error", "A document has 200 parameters at most.", _RUNNING)
def _parameters(context: Context) -> Iterator[Fault]:
    count = len(context.document.parameters)
    if count > MAX_PARAMETERS:
        message = f"The document has {count} parameters; a start takes {MAX_PARAMETERS}."
        yield Fault(("parameters",), message, "Join some of them into a StringMap.", at_key=True)


@RULES.add("definition-unused", "warning", "Every parameter and variable is used.", _VARIABLES)
def _unused(context: Context) -> Iterator[Fault]:
    if not context.document.steps:
        return
    used = {(use.reference.kind, use.reference.name.split(".")[0]) for use in context.uses}
    for name, parameter in context.document.parameters.items():
        if ("parameter", name) not in used and not _asks_consent(parameter):
            yield Fault(
                ("parameters", name),
                f"Nothing refers to the parameter `{name[:60]}`.",
                "Refer to it by {{ " + name[:60] + " }}, or remove it.",
                at_key=True,
            )
    for name in context.document.variables:
        if ("variable", name) not in used:
            yield Fault(
                ("variables", name),
                f"Nothing reads the variable `{name[:60]}`.",
                "Refer to it by {{ variable:" + name[:60] + " }}, or remove it.",
                at_key=True,
            )


def _asks_consent(parameter: Parameter) -> bool:
    """Whether a person has to write a certain word before the run starts: that is all its use."""
    fixed = len(parameter.allowed_values or ()) == 1 or parameter.allowed_pattern is not None
    return parameter.required and fixed and bool(_CONSENT.search(parameter.name))
