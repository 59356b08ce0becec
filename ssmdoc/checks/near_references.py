"""What is written like a reference, but in the notation of another language."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ssmdoc.checks.resolving import outputs_of
from ssmdoc.checks.rule import Context, Fault, Rules, literal_inputs, texts

RULES = Rules()

_VARIABLES = "automation-variables.html"
_NAME = r"\s*([A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)?)\s*"
# ${Name} of CloudFormation, {Name} of Python, $(Name) of shells, [[Name]], and braces that were lost.
_FORMS = re.compile(rf"\$?(?<!\{{)\{{{_NAME}\}}(?!\}})|\$\({_NAME}\)|\[\[{_NAME}\]\]|\A{_NAME}\}}\}}\s*\Z")
_THREE = re.compile(rf"\s*\{{\{{\{{{_NAME}\}}\}}\}}\s*\Z")
_PSEUDO = re.compile(r"\$\{AWS::(\w+)\}")
_PSEUDO_NAMES = {"AccountId": "ACCOUNT_ID", "Region": "REGION", "Partition": "AWS_PARTITION"}


@RULES.add("reference-form", "warning", "References are written with two braces: {{ name }}.", _VARIABLES)
def _forms(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        literal = literal_inputs(step)
        for key, value in step.inputs.items():
            if key in literal or (key == "Steps" and step.action == "aws:loop"):
                continue
            for path, text in texts(value, (*step.path, "inputs", key)):
                if len(text) < 1_000:
                    yield from _written_otherwise(context, path, text)


def _written_otherwise(context: Context, path: tuple[str | int, ...], text: str) -> Iterator[Fault]:
    if "{" not in text and "}" not in text and "$(" not in text and "[[" not in text:
        return
    found = _THREE.match(text) or next(
        (match for match in _FORMS.finditer(text) if _known(context, _named(match))), None
    )
    if found and _known(context, _named(found)):
        name = _named(found)
        message = f"`{found.group().strip()[:60]}` is no reference, and stays as it is."
        yield Fault(path, message, "Write {{ " + name[:60] + " }}.", text=found.group().strip())
    pseudo = _PSEUDO.search(text)
    if pseudo:
        message = f"`{pseudo.group()[:60]}` is CloudFormation's, and stays as it is."
        right = _PSEUDO_NAMES.get(pseudo.group(1), "")
        hint = "Write {{ global:" + right + " }}." if right else ""
        yield Fault(path, message, hint, text=pseudo.group())


def _named(match: re.Match[str]) -> str:
    return next((name for name in match.groups() if name), "")


def _known(context: Context, name: str) -> bool:
    step, dot, output = name.partition(".")
    if not dot:
        return name in context.document.parameters
    return step in context.named and output in outputs_of(context.named[step])
