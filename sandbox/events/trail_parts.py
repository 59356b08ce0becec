"""The parts of a trail's record: who called, with what parameters, and what came back, without secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import botocore.parsers
from botocore.awsrequest import HeadersDict
from botocore.model import OperationModel, OperationNotFoundError, Shape
from botocore.session import Session as BotocoreSession

from sandbox.calls import Call
from sandbox.identity import Principal, identities

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
LONGEST_TEXT = 2_048
LARGEST_ANSWER = 100 * 1024
# What the models do not mark as sensitive, though it is.
SECRET_NAMES = re.compile(
    r"password|secret(string|binary|key|accesskey)|sessiontoken|authtoken|privatekey|plaintext$",
    re.IGNORECASE,
)
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html
DATA_EVENTS: Mapping[str, re.Pattern[str]] = {
    "s3": re.compile(r".*(Object|Part|MultipartUpload|Objects|ObjectsV2|ObjectVersions|Uploads|Parts)\w*"),
    "lambda": re.compile(r"Invoke\w*"),
    "dynamodb": re.compile(r"(Batch|Transact)?(Get|Put|Update|Delete|Write)(Item|Items)|Query|Scan"),
    "sqs": re.compile(r"(Send|Receive|Delete|Change)Message\w*"),
    "sns": re.compile(r"Publish\w*"),
}


@dataclass(frozen=True)
class Outcome:
    """The answer that a call got; `headers` are by lower-case name."""

    status: int = 200
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    source_address: str = ""

    @property
    def request_id(self) -> str:
        return self.headers.get("x-amzn-requestid") or self.headers.get("x-amz-request-id") or ""


def category(call: Call) -> str:
    """`Data` for a call upon what a resource holds, `Management` for every other."""
    data = DATA_EVENTS.get(call.service)
    return "Data" if data and data.fullmatch(call.operation) else "Management"


def identity(principal: Principal) -> dict[str, Any]:
    """CloudTrail's userIdentity element.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
    """
    element: dict[str, Any] = {
        "type": {"user": "IAMUser", "root": "Root", "role-session": "AssumedRole"}[principal.kind],
        "principalId": principal.user_id,
        "arn": principal.arn,
        "accountId": principal.account_id,
        "accessKeyId": principal.access_key_id,
    }
    session = identities.session(principal.access_key_id)
    if principal.kind == "user":
        element["userName"] = principal.name
    if session is not None:
        context: dict[str, Any] = {
            "attributes": {
                "creationDate": session.issued_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "mfaAuthenticated": "false",
            }
        }
        if principal.role_arn:
            context["sessionIssuer"] = {
                "type": "Role",
                "principalId": principal.user_id.partition(":")[0],
                "arn": principal.role_arn,
                "accountId": principal.account_id,
                "userName": principal.name,
            }
        if principal.source_identity:
            context["sourceIdentity"] = principal.source_identity
        element["sessionContext"] = context
        if session.via_service:
            element["invokedBy"] = "ssm.amazonaws.com"
    return element


def request_parameters(call: Call) -> Any:
    """The request's parameters as CloudTrail writes them; None when there are none."""
    model = _model(call.service, call.operation)
    return _told(call.params, model.input_shape if model else None) or None


def response_elements(call: Call, outcome: Outcome) -> Any:
    """What came back of a call that changed something; None for one that reads, failed, or told too much."""
    model = _model(call.service, call.operation)
    if model is None or model.output_shape is None or model.has_streaming_output:
        return None
    if call.reads_only or outcome.status >= 400:
        return None
    if len(outcome.body) > LARGEST_ANSWER:
        return {"omitted": True, "originalSize": len(outcome.body), "reason": "responseElements too large"}
    parsed = _parsed(call, outcome, model.output_shape)
    parsed.pop("ResponseMetadata", None)
    return _told(parsed, model.output_shape) or None


def refusal(call: Call, outcome: Outcome) -> tuple[str, str] | None:
    """Code and message of the error that a call ended with; None when it succeeded."""
    if outcome.status < 400:
        return None
    model = _model(call.service, call.operation)
    error = _parsed(call, outcome, model.output_shape if model else None).get("Error", {})
    return str(error.get("Code") or outcome.status), str(error.get("Message") or "")


def _parsed(call: Call, outcome: Outcome, shape: Any) -> dict[str, Any]:
    """The answer as a client reads it; nothing when it cannot be read."""
    parser = botocore.parsers.create_parser(call.protocol)
    answer = {"status_code": outcome.status, "headers": HeadersDict(outcome.headers), "body": outcome.body}
    try:
        return dict(parser.parse(answer, shape))
    except (botocore.parsers.ResponseParserError, ValueError, KeyError, TypeError):
        return {}


@cache
def _model(service: str, operation: str) -> OperationModel | None:
    """botocore's model of an operation; None for the few that moto knows beside (S3's PostObject)."""
    try:
        return _session().get_service_model(service).operation_model(operation)
    except OperationNotFoundError:
        return None


@cache
def _session() -> BotocoreSession:
    return BotocoreSession()


def _told(value: Any, shape: Shape | None) -> Any:
    """`value` in plain JSON: names begin with a small letter, secrets are hidden, long texts are cut."""
    if shape is not None and shape.metadata.get("sensitive") and value is not None:
        return HIDDEN
    if isinstance(value, Mapping):
        return _told_members(value, shape)
    if isinstance(value, list):
        return [_told(item, getattr(shape, "member", None)) for item in value]
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        return f"{value[:LONGEST_TEXT]}…"
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _told_members(value: Mapping[str, Any], shape: Any) -> dict[str, Any]:
    if shape is not None and shape.type_name == "map":
        return {str(key): _member(str(key), item, shape.value) for key, item in value.items()}
    members: Mapping[str, Shape] = getattr(shape, "members", {})
    return {key[:1].lower() + key[1:]: _member(key, item, members.get(key)) for key, item in value.items()}


def _member(name: str, value: Any, shape: Shape | None) -> Any:
    return HIDDEN if SECRET_NAMES.search(name) and isinstance(value, str) else _told(value, shape)
