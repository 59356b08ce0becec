"""Rules as small objects, and what a rule sees of a document."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from ssmdoc import graph, references
from ssmdoc.document import Parsed
from ssmdoc.findings import MAX_FINDINGS, Finding, Path, Severity
from ssmdoc.graph import Graph
from ssmdoc.model import Document
from ssmdoc.references import Reference

GUIDE = "https://docs.aws.amazon.com/systems-manager/latest/userguide/"


@dataclass(frozen=True, slots=True)
class Fault:
    """One breach of a rule: where, and what to say. `text` narrows the place to a part of the value."""

    path: Path
    message: str
    hint: str = ""
    at_key: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class RawStep:
    """A step's data as written, whatever its shape, and where it stands."""

    data: dict[str, Any]
    path: Path

    @property
    def name(self) -> str:
        name = self.data.get("name")
        return name if isinstance(name, str) else ""

    @property
    def action(self) -> str:
        action = self.data.get("action")
        return action if isinstance(action, str) else ""

    @property
    def inputs(self) -> dict[str, Any]:
        inputs = self.data.get("inputs")
        return inputs if isinstance(inputs, dict) else {}

    @property
    def called(self) -> str:
        """The step in a sentence."""
        return f'Step "{self.name}"' if self.name else "A step"

    @property
    def within(self) -> str:
        """The step in the middle of a sentence."""
        return f"{self.called[0].lower()}{self.called[1:]}"


@dataclass(frozen=True, slots=True)
class Use:
    """A reference where it is used; `literal` when the text around it is of another language."""

    reference: Reference
    path: Path
    step: RawStep | None
    literal: bool


class Context:
    """A document that is being checked, with what several rules want to know of it."""

    def __init__(self, parsed: Parsed, document: Document) -> None:
        self.parsed = parsed
        self.document = document
        self.data = document.data

    @cached_property
    def steps(self) -> tuple[RawStep, ...]:
        """Every step that is a map, inner steps of loops included, in reading order."""
        return tuple(_raw_steps(self.data.get("mainSteps"), ("mainSteps",)))

    @cached_property
    def named(self) -> dict[str, RawStep]:
        """The first step of each name."""
        found: dict[str, RawStep] = {}
        for step in self.steps:
            if step.name:
                found.setdefault(step.name, step)
        return found

    @cached_property
    def graph(self) -> Graph:
        return graph.build(self.document)

    @cached_property
    def uses(self) -> tuple[Use, ...]:
        """Every reference in assumeRole and in steps."""
        found = [
            Use(item, ("assumeRole", *item.path), None, False)
            for item in references.find(self.data.get("assumeRole"))
        ]
        for step in self.steps:
            literal = literal_inputs(step)
            for key, value in step.data.items():
                if key == "inputs":
                    continue
                found += [
                    Use(item, (*step.path, key, *item.path), step, key == "description")
                    for item in references.find(value)
                ]
            for key, value in step.inputs.items():
                if key == "Steps" and step.action == "aws:loop":
                    continue
                found += [
                    Use(item, (*step.path, "inputs", key, *item.path), step, key in literal)
                    for item in references.find(value)
                ]
        return tuple(found)


def literal_inputs(step: RawStep) -> tuple[str, ...]:
    """The inputs of a step whose text is of another language."""
    return references.LITERAL_INPUTS.get(step.action, ())


def texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Every text in a value, with its path; `path` is where the value stands."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from texts(inner, (*path, index))


def _raw_steps(value: Any, path: Path) -> Iterator[RawStep]:
    for index, item in enumerate(value if isinstance(value, list) else []):
        if isinstance(item, dict):
            step = RawStep(item, (*path, index))
            yield step
            if step.action == "aws:loop":
                yield from _raw_steps(step.inputs.get("Steps"), (*step.path, "inputs", "Steps"))


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that a document must keep, or had better keep."""

    id: str
    severity: Severity
    description: str
    source: str
    faults: Callable[[Context], Iterator[Fault]]

    def evaluate(self, context: Context) -> Iterator[Finding]:
        """The rule's first findings in a document, `MAX_FINDINGS` at most."""
        for fault in islice(self.faults(context), MAX_FINDINGS):
            yield context.parsed.finding(
                self.id,
                self.severity,
                fault.message,
                fault.path,
                hint=fault.hint,
                at_key=fault.at_key,
                text=fault.text,
            )


class Rules:
    """The rules of one module, in the order in which they are written."""

    def __init__(self) -> None:
        self.all: list[Rule] = []

    def add(
        self, id: str, severity: Severity, description: str, page: str
    ) -> Callable[[Callable[[Context], Iterator[Fault]]], Callable[[Context], Iterator[Fault]]]:
        """Registers the decorated function as a rule; `page` is its page in AWS's user guide."""

        def register(faults: Callable[[Context], Iterator[Fault]]) -> Callable[[Context], Iterator[Fault]]:
            self.all.append(Rule(id, severity, description, GUIDE + page, faults))
            return faults

        return register
