"""StartExecutionPreview and GetExecutionPreview: what running a document would do, by its steps' effects.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_AutomationExecutionPreview.html
"""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import ssmdoc
from sandbox.automation.api import targeting
from sandbox.automation.api.errors import ApiError, ResourceNotFoundException, ValidationException
from sandbox.automation.api.starting import find_document, parameters
from sandbox.automation.clients import client_of
from sandbox.automation.clock import Clock
from sandbox.automation.fleets import Fleet
from sandbox.automation.flow import parsed
from sandbox.automation.ids import ids
from sandbox.automation.values import system_values, with_system_values
from sandbox.identity import Principal

MOST_KEPT = 1_000
# Others do the work of these steps, and only they know what they change.
ORCHESTRATED = frozenset(
    {
        "aws:executeAutomation",
        "aws:executeStateMachine",
        "aws:invokeLambdaFunction",
        "aws:invokeWebhook",
        "aws:runCommand",
    }
)
SCRIPT = "aws:executeScript"
IMPACTS = {"flow": "NonMutating", "read": "NonMutating", "change": "Mutating", "destroy": "Mutating"}
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Previews:
    """Makes previews and keeps the latest of them, until the sandbox stops."""

    clock: Clock
    _kept: dict[Key, dict[str, Any]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, request: Mapping[str, Any], principal: Principal, region: str) -> str:
        """The id of a preview of what the request would run. Raises ValidationException when it could not."""
        preview_id, now = ids.execution_id(), self.clock.now()
        system = system_values(
            account_id=principal.account_id,
            region=region,
            partition=principal.partition,
            execution_id=preview_id,
            now=now,
        )
        try:
            preview = _preview(request, principal, region, system)
        except ApiError as error:
            raise ValidationException(str(error.message)) from error
        answer = {
            "ExecutionPreviewId": preview_id,
            "EndedAt": now,
            "Status": "Success",
            "ExecutionPreview": {"Automation": preview},
        }
        with self._lock:
            self._kept[principal.account_id, region, preview_id] = answer
            while len(self._kept) > MOST_KEPT:
                del self._kept[next(iter(self._kept))]
        return preview_id

    def get(self, preview_id: str, account_id: str, region: str) -> dict[str, Any]:
        """The preview with this id. Raises ResourceNotFoundException when there is none, or not any more."""
        with self._lock:
            found = self._kept.get((account_id, region, preview_id))
        if found is None:
            raise ResourceNotFoundException(f"There is no execution preview {preview_id}.")
        return found


def _preview(
    request: Mapping[str, Any], principal: Principal, region: str, system: Mapping[str, str]
) -> dict[str, Any]:
    stored = find_document(
        request["DocumentName"], request.get("DocumentVersion"), principal.account_id, region
    )
    document = parsed(stored.content, stored.document_format)
    inputs = (request.get("ExecutionInputs") or {}).get("Automation") or {}
    given = with_system_values(inputs.get("Parameters") or {}, system)
    targeted = targeting.target_parameters(inputs, document)
    parameters(document, given, may_lack=targeted)
    preview: dict[str, Any] = {
        "StepPreviews": dict(Counter(_impacts(document))),
        "Regions": [region],
        "TargetPreviews": [],
        "TotalAccounts": 1,
    }
    if targeting.runs_on_many(inputs):
        fleet = targeting.fleet_of(
            inputs,
            lambda own: parameters(document, {**given, **own}),
            partial(client_of, principal.credentials(), region),
            stored.target_type,
        )
        preview |= _of_places(fleet) if fleet.crosses_accounts else _of_targets(fleet, stored.target_type)
    return preview


def _impacts(document: ssmdoc.Document) -> Iterator[str]:
    """What AWS calls the effect of each step; what cannot be told of a script is undetermined too."""
    for step, needs in zip(document.walk(), ssmdoc.analysis.analyse(document).steps, strict=True):
        unsure = step.action == SCRIPT and needs.unknown
        yield "Undetermined" if unsure or step.action in ORCHESTRATED else IMPACTS[needs.effect]


def _of_places(fleet: Fleet) -> dict[str, Any]:
    places = [member.place for member in fleet.members if member.place]
    return {
        "Regions": list(dict.fromkeys(place.region for place in places)),
        "TotalAccounts": len({place.account_id for place in places}),
    }


def _of_targets(fleet: Fleet, target_type: str | None) -> dict[str, Any]:
    count = sum(1 for _ in fleet.members)
    kind = (target_type or "").lstrip("/")
    return {"TargetPreviews": [{"Count": count, "TargetType": kind}] if count and kind else []}
