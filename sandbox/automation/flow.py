"""How a document leads from step to step, and what a step passes on."""

import functools
import itertools
from typing import Any

from sandbox.automation.outcomes import Done, StepFailed
from sandbox.automation.records import Execution
from ssmdoc import Document, SelectorError, Step, parse, selectors


class Plan:
    """A document with its steps, those in loops included, found by name and put in order."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._steps: dict[str, Step] = {}
        self._loops: dict[str, str] = {}
        self._next: dict[str, str] = {}
        self._gather(document.steps, None)

    def _gather(self, steps: tuple[Step, ...], loop: str | None) -> None:
        for step in steps:
            if step.name not in self._steps:
                self._steps[step.name] = step
                if loop:
                    self._loops[step.name] = loop
        for step, after in itertools.pairwise(steps):
            self._next.setdefault(step.name, after.name)
        for step in steps:
            self._gather(step.steps, step.name)

    def step(self, name: str) -> Step | None:
        """The step called `name`, at any depth, or None."""
        return self._steps.get(name)

    def loop_of(self, name: str) -> str | None:
        """The loop that the step called `name` stands in, or None."""
        return self._loops.get(name)

    def following(self, step: Step) -> str | None:
        """What comes after `step` when it succeeds; None when the run, or the turn of its loop, ends."""
        return None if step.is_end else step.next_step or self._next.get(step.name)


@functools.lru_cache(maxsize=512)
def plan(text: str, document_format: str) -> Plan:
    """The document that a text holds. ValueError when it holds none, which CreateDocument has refused."""
    document = parse(text, format="YAML" if document_format == "YAML" else "JSON").document
    if document is None:
        raise ValueError("The text of this automation is not an Automation document.")
    return Plan(document)


def parsed(text: str, document_format: str) -> Document:
    """The document of `plan`."""
    return plan(text, document_format).document


def plan_of(execution: Execution) -> Plan:
    """The document that an execution runs, with its steps in order."""
    return plan(execution.document_text, execution.document_format)


def document_of(execution: Execution) -> Document:
    """The document that an execution runs."""
    return plan_of(execution).document


def defines(document: Document, step: Step, key: str) -> bool:
    """Whether the document itself gives the step this key, so that it is more than a default."""
    data: Any = document.data
    for part in step.path:
        data = data[part]
    return bool(data.get(key))


def selected(step: Step, done: Done) -> dict[str, Any]:
    """The outputs that the step declares, selected from what the action gave."""
    payload = done.outputs if done.payload is None else done.payload
    selected = {}
    for output in step.outputs:
        if not output.selector:
            continue
        try:
            found = selectors.select(output.selector, payload)
            selected[output.name] = selectors.coerce_output(found, output.type)
        except selectors.SelectorMissing:
            continue
        except SelectorError as error:
            raise StepFailed(
                f"The output {output.name} could not be read: {error}",
                stage="PostVerification",
                type="Verification",
            ) from error
    return selected
