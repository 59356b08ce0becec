"""References that resolve."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ssmdoc import actions
from ssmdoc.checks.rule import Context, Fault, RawStep, Rules, Use, literal_inputs, texts
from ssmdoc.references import AUTOMATION_VARIABLES, GLOBAL_VARIABLES
from ssmdoc.suggestions import listed, meant

RULES = Rules()

_PAGE = "automation-variables.html"
_NESTED = re.compile(r"\{\{\s*\{\{")


def outputs_of(step: RawStep) -> tuple[str, ...]:
    """The names of a step's outputs, declared or implied by its action."""
    declared = step.data.get("outputs")
    names = [
        item["Name"]
        for item in (declared if isinstance(declared, list) else [])
        if isinstance(item, dict) and isinstance(item.get("Name"), str)
    ]
    spec = actions.SPECS.get(step.action)
    return (*names, *(spec.outputs if spec else ()))


def _unresolved(context: Context, use: Use) -> tuple[str, str] | None:
    """Why a reference resolves to nothing, and what to write instead; None when it resolves."""
    found = use.reference
    if found.kind == "parameter" and found.name not in context.document.parameters:
        known = list(context.document.parameters)
        return f"There is no parameter `{found.name[:60]}`.", meant(found.name, known) or _declare(known)
    if found.kind == "variable" and found.name.split(".")[0] not in context.document.variables:
        hint = meant(found.name, context.document.variables) or "Declare it under variables."
        return f"There is no variable `{found.name[:60]}`.", hint
    if found.kind == "global" and found.name not in GLOBAL_VARIABLES:
        hint = meant(found.name, GLOBAL_VARIABLES) or f"There are {listed(GLOBAL_VARIABLES)}."
        return f"There is no system variable `global:{found.name[:60]}`.", hint
    if found.kind == "automation" and found.name not in AUTOMATION_VARIABLES:
        return f"There is no `automation:{found.name[:60]}`.", "There is automation:EXECUTION_ID."
    if found.kind == "output":
        return unresolved_output(context, found.name, found.output)
    return None


def _declare(known: list[str]) -> str:
    return (
        f"Parameters are {listed(known)}." if known and len(known) <= 12 else "Declare it under parameters."
    )


def unresolved_output(context: Context, name: str, output: str) -> tuple[str, str] | None:
    """Why `name.output` is the output of no step, and what to write instead; None when it is one."""
    step = context.named.get(name)
    if step is None:
        return f'There is no step "{name[:60]}".', meant(
            name, context.named
        ) or "Name a step of this document."
    if output in outputs_of(step) or step.action not in actions.SPECS:
        return None
    known = outputs_of(step)
    hint = meant(output, known) or (
        f"It has {listed(known)}." if known else "Declare it under the step's outputs."
    )
    return f'Step "{name[:60]}" has no output `{output[:60]}`.', hint


@RULES.add(
    "reference-unresolved", "error", "A reference names a parameter, variable or output that exists.", _PAGE
)
def _references(context: Context) -> Iterator[Fault]:
    for use in context.uses:
        fault = None if use.literal else _unresolved(context, use)
        if fault:
            yield Fault(use.path, fault[0], fault[1], text=use.reference.text)


@RULES.add(
    "reference-literal",
    "warning",
    "Braces in scripts and commands that resemble references are meant so.",
    _PAGE,
)
def _literal_references(context: Context) -> Iterator[Fault]:
    for use in context.uses:
        fault = _unresolved(context, use) if use.literal else None
        if fault and not (use.path and use.path[-1] == "description"):
            message = f"{use.reference.text[:60]} stays as it is: {fault[0][0].lower()}{fault[0][1:]}"
            yield Fault(use.path, message, fault[1], text=use.reference.text)


@RULES.add("reference-ssm", "error", "ssm: parameters are referred to in defaults of parameters only.", _PAGE)
def _ssm_references(context: Context) -> Iterator[Fault]:
    for use in context.uses:
        if use.reference.kind == "ssm" and not use.literal:
            hint = "Make it the default of a parameter, and refer to that parameter."
            message = f"{use.reference.text[:80]} can stand in a parameter's default only."
            yield Fault(use.path, message, hint, text=use.reference.text)


@RULES.add("reference-role", "error", "assumeRole refers to a parameter, if to anything.", _PAGE)
def _role_reference(context: Context) -> Iterator[Fault]:
    for use in context.uses:
        if use.path == ("assumeRole",) and use.reference.kind in ("output", "variable"):
            message = f"{use.reference.text[:80]} is not known when the run starts."
            yield Fault(use.path, message, "Refer to a parameter.", text=use.reference.text)


@RULES.add("reference-nested", "error", "A reference does not stand inside a reference.", _PAGE)
def _nested(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        literal = literal_inputs(step)
        for path, text in texts(step.inputs, (*step.path, "inputs")):
            key = path[len(step.path) + 1]
            found = None if key in literal or key == "Steps" else _NESTED.search(text)
            if found:
                yield Fault(path, "A reference cannot stand inside another one.", text=found.group())


@RULES.add(
    "reference-early", "warning", "A step refers to outputs of steps that can have run before it.", _PAGE
)
def _too_early(context: Context) -> Iterator[Fault]:
    later: dict[str, frozenset[str]] = {}
    for use in context.uses:
        name = use.reference.name
        source = context.named.get(name) if use.reference.kind == "output" and not use.literal else None
        if use.step is None or source is None or use.step.name not in context.named:
            continue
        if name not in later:
            later[name] = context.graph.from_(name)
        if use.step.name not in later[name] or (name == use.step.name and source.action != "aws:loop"):
            message = f'Step "{name[:60]}" never runs before {use.step.within}.'
            yield Fault(use.path, message, "Refer to a step that runs before.", text=use.reference.text)


@RULES.add(
    "document-output",
    "error",
    "An output of the document is the output of a step.",
    "documents-schemas-features.html",
)
def _document_outputs(context: Context) -> Iterator[Fault]:
    outputs = context.data.get("outputs")
    for index, item in enumerate(outputs if isinstance(outputs, list) else []):
        if not isinstance(item, str):
            continue
        name, dot, output = item.strip().removeprefix("{{").removesuffix("}}").strip().partition(".")
        if not dot:
            yield Fault(
                ("outputs", index), f"`{item[:60]}` is not the output of a step.", "Write step.Output."
            )
            continue
        fault = unresolved_output(context, name, output)
        if fault:
            yield Fault(("outputs", index), fault[0], fault[1])
