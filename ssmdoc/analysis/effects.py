"""What a step does to the account: reading, changing or destroying, or only steering the run."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ssmdoc.analysis import names, reference, steps
from ssmdoc.analysis.needs import Call
from ssmdoc.model import Document, Step
from ssmdoc.specs import BY_NAME, Effect

_ORDER: tuple[Effect, ...] = ("flow", "read", "change", "destroy")
_READS = re.compile(
    r"(?:Describe|Get|List|Search|Lookup|Head|BatchGet|Query|Scan|Select|Check|Validate|Simulate|Assume)"
)
_DESTROYS = re.compile(
    r"(?:Batch|Admin|Schedule|Force)?(?:Delete|Terminate|Remove|Destroy|Purge|Deregister|Release|Revoke|Cancel)"
    r"|Schedule\w*Deletion\Z"
)
# What takes a destruction back.
_SAVES = ("CancelKeyDeletion", "DeleteFunctionConcurrency", "DeleteAlarmMuteRule")
# Reading that the reference counts as writing, because it makes something of its own beside what it reads.
_READING = ("Assume", "StartQuery", "StopQuery")
_OUTSIDE = re.compile(
    r"^\s*(?:import|from)\s+(?:requests|urllib|urllib3|http|socket|subprocess|smtplib|attachments|paramiko)\b",
    re.MULTILINE,
)


def effect(step: Step, document: Document | None = None) -> Effect:
    """Whether a step reads, changes, destroys or only steers the run; what is unknown counts as changing.

    `document` tells what parameters can be. A loop steers: its inner steps have effects of their own.
    """
    spec = BY_NAME.get(step.action)
    if step.action == "aws:executeScript":
        return _script(document, step)
    if step.action in steps.API_ACTIONS or step.action == "aws:changeInstanceState":
        made, _ = steps.calls(document, step)
        return strongest(call_effect(call) for call in made) if made else "change"
    return spec.effect if spec else "change"


def call_effect(call: Call) -> Effect:
    """What one call does."""
    if call.operation in _SAVES:
        return "change"
    if call.operation.startswith(_READING):
        return "read"
    if _DESTROYS.match(call.operation):
        return "destroy"
    actions = [reference.action(name) for name in names.iam_actions(call.service, call.operation)]
    known = [action for action in actions if action is not None]
    if not known:
        return "read" if _READS.match(call.operation) else "change"
    return "read" if all(action.level in ("Read", "List") for action in known) else "change"


def strongest(effects: Iterable[Effect]) -> Effect:
    """The one that matters most of several; ``flow`` of none."""
    return max(effects, key=_ORDER.index, default="flow")


def _script(document: Document | None, step: Step) -> Effect:
    made, unknown = steps.calls(document, step)
    found = strongest(call_effect(call) for call in made)
    source = step.inputs.get("Script")
    outside = isinstance(source, str) and _OUTSIDE.search(source) is not None
    return strongest([found, "change"]) if unknown or outside else found
