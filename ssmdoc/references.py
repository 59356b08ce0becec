"""References `{{ … }}` in a document's values: finding them, and putting values in their place.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-variables.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ssmdoc.findings import Path

Kind = Literal["parameter", "output", "variable", "global", "automation", "ssm", "other"]

GLOBAL_VARIABLES = ("ACCOUNT_ID", "REGION", "DATE", "DATE_TIME", "AWS_PARTITION")
AUTOMATION_VARIABLES = ("EXECUTION_ID",)

# Inputs, by action, whose text is another language: braces that name nothing there are that language's own.
LITERAL_INPUTS: Mapping[str, tuple[str, ...]] = {
    "aws:executeScript": ("Script",),
    "aws:createStack": ("TemplateBody", "StackPolicyBody"),
    "aws:runCommand": ("Parameters",),
    "aws:runInstances": ("UserData",),
    "aws:invokeLambdaFunction": ("Payload",),
    "aws:executeStateMachine": ("input",),
}

PATTERN = re.compile(r"\{\{([^{}]*)\}\}")
_WHOLE = re.compile(r"\s*\{\{([^{}]*)\}\}\s*\Z")
_PARAMETER = re.compile(r"[A-Za-z0-9_]+\Z")
_OUTPUT = re.compile(r"([A-Za-z0-9_]+)\.([^\s.][^\n]*)\Z")
_NAMESPACED = re.compile(r"(variable|global|automation|ssm):\s*(\S+)\Z")


class UnresolvedReference(LookupError):
    """A reference that names nothing known; says which."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One ``{{ expression }}``.

    `kind` says what the expression names: a ``parameter``; the ``output`` of a step; a document
    ``variable``; a ``global:`` or ``automation:`` system variable; an ``ssm:`` parameter; or ``other``,
    which is literal text (CSS, awk, f-strings). `name` is the parameter, variable or step, `output` the
    step's output. `path` leads from the value that was searched to the string that holds the reference,
    `start` and `end` are offsets in that string, and `whole` is true when the string is nothing but the
    reference.
    """

    expression: str
    kind: Kind
    name: str
    output: str
    text: str
    whole: bool
    start: int = 0
    end: int = 0
    path: Path = ()


def parse(expression: str, *, text: str = "", whole: bool = False) -> Reference:
    """What stands between the braces, understood."""
    inner = expression.strip()
    kind: Kind = "other"
    name, output = inner, ""
    if _PARAMETER.match(inner):
        kind = "parameter"
    elif namespaced := _NAMESPACED.match(inner):
        kind, name = namespaced.group(1), namespaced.group(2)  # type: ignore[assignment]
    elif found := _OUTPUT.match(inner):
        kind, name, output = "output", found.group(1), found.group(2)
    return Reference(inner, kind, name, output, text or f"{{{{ {inner} }}}}", whole)


def find(value: Any) -> list[Reference]:
    """Every reference in a value and in all that it holds (map keys are not searched), in reading order."""
    return list(_find(value, ()))


def _find(value: Any, path: Path) -> Iterator[Reference]:
    if isinstance(value, str):
        if "{{" not in value:
            return
        whole = bool(_WHOLE.match(value))
        for match in PATTERN.finditer(value):
            found = parse(match.group(1), text=match.group(), whole=whole)
            yield Reference(
                found.expression,
                found.kind,
                found.name,
                found.output,
                match.group(),
                whole,
                match.start(),
                match.end(),
                path,
            )
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _find(inner, (*path, key))
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield from _find(inner, (*path, index))


def whole(value: Any) -> Reference | None:
    """The reference that a string consists of (spaces around it do not count), or None."""
    match = _WHOLE.match(value) if isinstance(value, str) else None
    return parse(match.group(1), text=match.group().strip(), whole=True) if match else None


def render(value: Any) -> str:
    """A value as Automation writes it into a longer text: strings as they are, lists and maps as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)


def substitute(value: Any, lookup: Callable[[Reference], Any], literal_unresolved: bool = False) -> Any:
    """`value` with every reference replaced by what `lookup` returns for it; the argument is not changed.

    A string that is nothing but one reference becomes the value itself, of whatever type; a reference inside
    a longer text is written into it (see `render`). `lookup` raises LookupError for what it does not know:
    then the text stays as it is when `literal_unresolved` is true or the expression can name nothing (kind
    ``other``), and otherwise UnresolvedReference is raised.
    """

    def resolve(reference: Reference) -> tuple[bool, Any]:
        if reference.kind == "other":
            return False, None
        try:
            return True, lookup(reference)
        except UnresolvedReference:
            if literal_unresolved:
                return False, None
            raise
        except LookupError as error:
            if literal_unresolved:
                return False, None
            raise UnresolvedReference(f"{reference.text} refers to nothing that is known here.") from error

    def put(match: re.Match[str]) -> str:
        found, result = resolve(parse(match.group(1), text=match.group()))
        return render(result) if found else match.group()

    def walk(part: Any) -> Any:
        if isinstance(part, str):
            if "{{" not in part:
                return part
            single = whole(part)
            if single is not None:
                found, result = resolve(single)
                return result if found else part
            return PATTERN.sub(put, part)
        if isinstance(part, dict):
            return {key: walk(inner) for key, inner in part.items()}
        if isinstance(part, (list, tuple)):
            return [walk(inner) for inner in part]
        return part

    return walk(value)
