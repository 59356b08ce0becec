"""A record of every call, in the form of CloudTrail's, and the operation that looks the records up.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import logging.handlers
import threading
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from moto.cloudtrail.responses import CloudTrailResponse

from sandbox.calls import Call
from sandbox.errors import AwsError
from sandbox.events.trail_parts import (
    Outcome,
    category,
    identity,
    refusal,
    request_parameters,
    response_elements,
)
from sandbox.identity import Principal, current_principal, utcnow

MOST_KEPT = 10_000
PAGE = 50
FILE_BYTES = 16 * 1024 * 1024

Record = dict[str, Any]

_lock = threading.Lock()
_records: deque[Record] = deque(maxlen=MOST_KEPT)
_file = logging.getLogger("sandbox.trail")
_file.propagate = False
_file.setLevel(logging.CRITICAL)


def write_to(path: Path) -> None:
    """Append each record to a file, a line of JSON each; what it holds already can be looked up again.

    The file is renamed to `<name>.1` when it has grown to 16 MiB. Errors: OSError.
    """
    path.touch(mode=0o600)
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=FILE_BYTES, backupCount=1, encoding="utf-8")
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in deque(lines, maxlen=MOST_KEPT):
            try:
                _records.append(json.loads(line))
            except ValueError:
                # The process was killed while it wrote this line.
                continue
    _file.addHandler(handler)
    _file.setLevel(logging.INFO)


def record(
    call: Call, principal: Principal, resources: Sequence[str], outcome: Outcome, user_agent: str
) -> None:
    """Note a call that was understood: who made it, upon what (the ARNs it was judged for), how it ended."""
    refused = refusal(call, outcome)
    event: Record = {
        "eventVersion": "1.11",
        "userIdentity": identity(principal),
        "eventTime": utcnow().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": f"{call.signing_name}.amazonaws.com",
        "eventName": call.operation,
        "awsRegion": call.region,
        "sourceIPAddress": outcome.source_address,
        "userAgent": user_agent,
        **({"errorCode": refused[0], "errorMessage": refused[1]} if refused else {}),
        "requestParameters": request_parameters(call),
        "responseElements": response_elements(call, outcome),
        "requestID": outcome.request_id or str(uuid.uuid4()),
        "eventID": str(uuid.uuid4()),
        "readOnly": call.reads_only,
        "resources": [{"ARN": arn} for arn in resources if arn.startswith("arn:")],
        "eventType": "AwsApiCall",
        "managementEvent": category(call) == "Management",
        "recipientAccountId": principal.account_id,
        "eventCategory": category(call),
    }
    with _lock:
        _records.append(event)
    if _file.isEnabledFor(logging.INFO):
        _file.info("%s", json.dumps(event, default=str))


_ATTRIBUTES: Mapping[str, Callable[[Record, str], bool]] = {
    "EventId": lambda event, value: event["eventID"] == value,
    "EventName": lambda event, value: event["eventName"] == value,
    "ReadOnly": lambda event, value: str(event["readOnly"]).lower() == value.lower(),
    "Username": lambda event, value: _username(event) == value,
    "ResourceName": lambda event, value: value in _resource_names(event),
    "EventSource": lambda event, value: event["eventSource"] == value,
    "AccessKeyId": lambda event, value: event["userIdentity"].get("accessKeyId") == value,
}


def _username(event: Record) -> str:
    """The user's name, or the session's of whoever acts in a role."""
    who = event["userIdentity"]
    return "root" if who["type"] == "Root" else str(who.get("userName") or who["arn"].rpartition("/")[2])


def _resource_names(event: Record) -> list[str]:
    arns = [each["ARN"] for each in event["resources"]]
    return [*arns, *(arn.split(":", 5)[5].rpartition("/")[2] for arn in arns)]


def look_up(request: Mapping[str, Any], account_id: str, region: str) -> dict[str, Any]:
    """LookupEvents: the management events of an account and Region, the newest first.

    Errors: AwsError for an attribute, a time or a token that is not valid.
    """
    tests = [_test(each) for each in request.get("LookupAttributes") or []]
    start, end = _moment(request.get("StartTime")), _moment(request.get("EndTime"))
    if start and end and start > end:
        raise AwsError("InvalidTimeRangeException", "StartTime must not be later than EndTime.", 400)
    size = request.get("MaxResults") or PAGE
    if not 1 <= size <= PAGE:
        raise AwsError("InvalidMaxResultsException", f"MaxResults must be 1 to {PAGE}.", 400)
    with _lock:
        kept = list(_records)
    found = [
        event
        for event in reversed(kept)
        if event["eventCategory"] == "Management"
        and (event["recipientAccountId"], event["awsRegion"]) == (account_id, region)
        and (start is None or event["eventTime"] >= start)
        and (end is None or event["eventTime"] <= end)
        and all(test(event) for test in tests)
    ]
    place = _place(found, request.get("NextToken"))
    shown = found[place : place + size]
    more = len(found) > place + size
    return {
        "Events": [_shown(event) for event in shown],
        **({"NextToken": base64.urlsafe_b64encode(shown[-1]["eventID"].encode()).decode()} if more else {}),
    }


def _test(attribute: Mapping[str, str]) -> Callable[[Record], bool]:
    name, value = attribute.get("AttributeKey", ""), attribute.get("AttributeValue", "")
    if name not in _ATTRIBUTES:
        known = ", ".join(_ATTRIBUTES)
        raise AwsError(
            "InvalidLookupAttributesException", f"{name} cannot be looked up here: use one of {known}.", 400
        )
    return lambda event: _ATTRIBUTES[name](event, value)


def _moment(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, OSError, ValueError) as error:
        raise AwsError("InvalidTimeRangeException", f"{seconds} is no time.", 400) from error


def _place(events: Sequence[Record], token: str | None) -> int:
    """Where the page after the event that `token` names begins: records that came since move nothing."""
    if not token:
        return 0
    try:
        last = base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, ValueError):
        last = ""
    for place, event in enumerate(events):
        if event["eventID"] == last:
            return place + 1
    raise AwsError("InvalidNextTokenException", "The token is not valid: start from the first page.", 400)


def _shown(event: Record) -> dict[str, Any]:
    moment = datetime.strptime(event["eventTime"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return {
        "EventId": event["eventID"],
        "EventName": event["eventName"],
        "ReadOnly": str(event["readOnly"]).lower(),
        "AccessKeyId": event["userIdentity"].get("accessKeyId", ""),
        "EventTime": moment.timestamp(),
        "EventSource": event["eventSource"],
        "Username": _username(event),
        "Resources": [{"ResourceName": each["ARN"]} for each in event["resources"]],
        "CloudTrailEvent": json.dumps(event, default=str),
    }


def install() -> None:
    """Add LookupEvents to moto's CloudTrail."""

    def lookup_events(self: CloudTrailResponse) -> str:
        request = json.loads(self.body or "{}")
        return json.dumps(look_up(request, current_principal().account_id, self.region))

    CloudTrailResponse.lookup_events = lookup_events  # type: ignore[attr-defined]
