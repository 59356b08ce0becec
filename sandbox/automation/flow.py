"""How a document leads from step to step, and what a step passes on."""

import functools
from typing import Any

from sandbox.automation.outcomes import Done, StepFailed
from sandbox.automation.records import Execution
from ssmdoc import Document, SelectorError, Step, parse, selectors


@functools.lru_cache(maxsize=256)
def parsed(text: str, document_format: str) -> Document:
    """The document that a text holds. ValueError when it holds none, which CreateDocument has refused."""
    document = parse(text, format="YAML" if document_format == "YAML" else "JSON").document
    if document is None:
        raise ValueError("The text of this automation is not an Automation document.")
    return document


def document_of(execution: Execution) -> Document:
    """The document that an execution runs."""
    return parsed(execution.document_text, execution.document_format)


def following(document: Document, step: Step) -> str | None:
    """The step that comes after `step` when it succeeds, or None when the run ends with it."""
    if step.is_end:
        return None
    if step.next_step:
        return step.next_step
    names = [each.name for each in document.steps]
    if step.name not in names[:-1]:
        return None
    return names[names.index(step.name) + 1]


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
