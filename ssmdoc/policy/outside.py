"""The finding that the rules of what is allowed have in common."""

from __future__ import annotations

from ssmdoc.document import Parsed
from ssmdoc.findings import Finding
from ssmdoc.model import Step
from ssmdoc.policy.values import Possible
from ssmdoc.suggestions import listed


def outside(
    parsed: Parsed, step: Step, found: Possible, allowed: list[str], *, id: str, verb: str, noun: str
) -> Finding:
    """What a step names, or may name, outside of what is allowed; at the place where it is written.

    Arguments: `verb` and `noun` say what the step does with what: it ``uses`` an ``instance type``.
    """
    names = listed(allowed, "or")
    if found.text:
        whence = f" by {found.source}" if found.source else ""
        message = (
            f'Step "{step.name}" {verb} the {noun} {found.text[:60]}{whence}, '
            "which the policy does not allow."
        )
        hint = f"Use {names}."
    else:
        message = (
            f'Step "{step.name}" takes the {noun} from {found.source}, '
            "which may be one that the policy does not allow."
        )
        hint = f"Limit it by allowedValues to {names}, or write the {noun} out."
    return parsed.finding(id, "error", message, found.path, hint=hint, text=found.text)
