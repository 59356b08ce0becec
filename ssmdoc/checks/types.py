"""Types: what a reference stands for against what its place takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ssmdoc import actions, parameters, references
from ssmdoc.checks.rule import Context, Fault, Rules
from ssmdoc.findings import Path
from ssmdoc.operators import NUMERIC, TEXT
from ssmdoc.references import Reference
from ssmdoc.suggestions import listed, meant

RULES = Rules()

_VARIABLES = "automation-variables.html"
_BRANCH = "automation-branch-condition.html"
# The types of reference that an input's type takes; lists and maps are never made of anything else.
_TAKES = {
    "Integer": ("Integer", "String"),
    "Boolean": ("Boolean", "String"),
    "StringMap": ("StringMap", "String"),
    "String": ("String", "Integer", "Boolean", "StringMap"),
    "StringList": ("StringList", "String"),
    "MapList": ("MapList", "StringList", "StringMap", "String"),
}


def type_of(context: Context, reference: Reference) -> str:
    """The type of what a reference stands for, empty where nobody can tell."""
    if reference.kind == "parameter" and reference.name in context.document.parameters:
        return parameters.base_type(context.document.parameters[reference.name].type)
    if reference.kind == "variable":
        variable = context.document.variables.get(reference.name)
        return variable.type if variable else ""
    if reference.kind in ("global", "automation"):
        return "String"
    if reference.kind != "output":
        return ""
    step = context.document.step(reference.name)
    declared = step.output(reference.output) if step else None
    if declared is not None:
        return declared.type or ""
    spec = actions.SPECS.get(step.action) if step else None
    return next((item.type for item in spec.implied if item.name == reference.output), "") if spec else ""


@RULES.add(
    "reference-type",
    "warning",
    "A reference stands for a value of the type that its place takes.",
    _VARIABLES,
)
def _types(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        spec = actions.SPECS.get(step.action)
        for item in spec.inputs if spec else ():
            found = references.whole(step.inputs.get(item.name))
            kind = type_of(context, found) if found else ""
            takes = _TAKES.get(item.type, ())
            # A list of one stands for the one: AWS-UpdateLinuxAmi gives InstanceId its launch's InstanceIds.
            one = found is not None and kind == "StringList" and found.output == f"{item.name}s"
            if found and kind in parameters.TYPES and takes and kind not in takes and not one:
                message = f"{item.name} is a {item.type}, and {found.text[:60]} stands for a {kind}."
                yield Fault((*step.path, "inputs", item.name), message, f"Refer to a {takes[0]}.")


# Operators that compare what is of one kind: what they compare, in words, and the types that it can have.
_COMPARES = (
    (NUMERIC, "numbers", ("Integer", "String")),
    (TEXT, "texts", ("String", "Integer", "StringList")),
    (("BooleanEquals",), "true and false", ("Boolean", "String")),
)


@RULES.add("branch-type", "warning", "An operator compares what is of its type.", _BRANCH)
def _operators(context: Context) -> Iterator[Fault]:
    for condition, path in _conditions(context):
        found = references.whole(condition.get("Variable"))
        if found is None:
            variable = condition.get("Variable")
            if not references.find(variable):
                message = (
                    f"The Variable `{str(variable)[:60]}` refers to nothing, so that it is always the same."
                )
                yield Fault((*path, "Variable"), message, "Write a reference: {{ step.Output }}.")
            continue
        kind = type_of(context, found)
        for operators, said, kinds in _COMPARES:
            operator = next((name for name in operators if name in condition), "")
            if operator and kind in parameters.TYPES and kind not in kinds:
                message = f"{operator} compares {said}, and {found.text[:60]} stands for a {kind}."
                yield Fault((*path, operator), message, _advice(kind), True)


@RULES.add("branch-never", "warning", "A choice compares with a value that its parameter can have.", _BRANCH)
def _never(context: Context) -> Iterator[Fault]:
    for condition, path in _conditions(context):
        found = references.whole(condition.get("Variable"))
        parameter = (
            context.document.parameters.get(found.name) if found and found.kind == "parameter" else None
        )
        constant = condition.get("StringEquals", condition.get("NumericEquals"))
        if parameter is None or not parameter.allowed_values or isinstance(constant, (dict, list, bool)):
            continue
        allowed = [references.render(value) for value in parameter.allowed_values]
        if constant is not None and not references.find(constant) and str(constant) not in allowed:
            key = "StringEquals" if "StringEquals" in condition else "NumericEquals"
            message = f"{parameter.name[:60]} is never `{str(constant)[:60]}`: its allowedValues lack it."
            few = f"They are {listed(allowed)}." if len(allowed) <= 12 else ""
            yield Fault((*path, key), message, meant(str(constant), allowed) or few)


def _advice(kind: str) -> str:
    fitting: list[str] = next(([*named] for named, _, kinds in _COMPARES if kinds[0] == kind), [])
    return (
        f"Use {listed(fitting, 'or')}." if fitting else "Select a part of it as an output, and compare that."
    )


def _conditions(context: Context) -> Iterator[tuple[dict[str, Any], Path]]:
    """Every comparison of branches and loops, where it stands."""
    for step in context.steps:
        at = (*step.path, "inputs")
        pending: list[tuple[Any, Path]] = []
        if step.action == "aws:branch" and isinstance(step.inputs.get("Choices"), list):
            pending += [(item, (*at, "Choices", index)) for index, item in enumerate(step.inputs["Choices"])]
        if step.action == "aws:loop":
            pending.append((step.inputs.get("LoopCondition"), (*at, "LoopCondition")))
        while pending:
            value, path = pending.pop(0)
            if not isinstance(value, dict):
                continue
            for word in ("And", "Or"):
                parts = value.get(word)
                pending += [
                    (part, (*path, word, index))
                    for index, part in enumerate(parts if isinstance(parts, list) else [])
                ]
            pending.append((value.get("Not"), (*path, "Not")))
            if "Variable" in value:
                yield value, path
