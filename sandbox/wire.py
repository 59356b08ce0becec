"""Error responses in the shape of each AWS protocol.

https://smithy.io/2.0/aws/protocols/index.html
"""

from __future__ import annotations

import json
import re
from uuid import uuid4
from xml.sax.saxutils import escape

from sandbox.errors import AccessDenied, AwsError, InvalidCredentials

Response = tuple[int, list[tuple[str, str]], bytes]
"""Status, headers and body."""

_NOT_IN_XML = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_EC2_CODES = {
    "InvalidClientTokenId": ("AuthFailure", 401),
    "SignatureDoesNotMatch": ("AuthFailure", 401),
    "ExpiredToken": ("RequestExpired", 400),
    "AccessDenied": ("UnauthorizedOperation", 403),
}
_EC2_UNVALIDATED = "AWS was not able to validate the provided access credentials"
_S3_CODES = {"InvalidClientTokenId": "InvalidAccessKeyId", "MissingAuthenticationToken": "AccessDenied"}
_JSON_CODES = {
    "InvalidClientTokenId": "UnrecognizedClientException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
    "ExpiredToken": "ExpiredTokenException",
    "IncompleteSignature": "IncompleteSignatureException",
    "MissingAuthenticationToken": "MissingAuthenticationTokenException",
    "AccessDenied": "AccessDeniedException",
}


def error_response(error: AwsError, *, service: str, protocol: str) -> Response:
    """Render `error` for a botocore service name and protocol (query, ec2, json, rest-json, rest-xml)."""
    request_id = str(uuid4())
    if protocol == "ec2":
        status, content_type, body = _ec2(error, request_id)
    elif protocol == "query":
        status, content_type, body = _query(error, request_id)
    elif protocol == "rest-xml":
        status, content_type, body = _rest_xml(error, service, request_id)
    else:
        return _json(error, protocol, request_id)
    headers = [
        ("Content-Type", content_type),
        ("x-amzn-RequestId", request_id),
        ("x-amz-request-id", request_id),
    ]
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode(errors="replace")
    return status, headers, _NOT_IN_XML.sub(b"?", text)


def answerable(status: int, headers: list[tuple[str, str]], body: bytes) -> Response:
    """A response of moto's as AWS would give it.

    Its messages quote what was sent, also characters that no XML may hold: every client stumbles over them.
    Errors: AwsError in place of a page for people, which no AWS client can read.
    """
    kind = next((value for name, value in headers if name.lower() == "content-type"), "")
    if status >= 400 and kind.startswith("text/html"):
        raise AwsError("UnknownOperationException", "There is no such operation.", status)
    if status >= 400 and "xml" in kind:
        body = _NOT_IN_XML.sub(b"?", body)
        headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
    return status, headers, body


def _ec2(error: AwsError, request_id: str) -> tuple[int, str, str]:
    code, status = _EC2_CODES.get(error.code, (error.code, error.status))
    message = error.message
    if isinstance(error, AccessDenied):
        message = f"You are not authorized to perform this operation. {message}"
    elif isinstance(error, InvalidCredentials) and code == "AuthFailure":
        message = _EC2_UNVALIDATED
    return (
        status,
        "text/xml;charset=UTF-8",
        f"<Response><Errors><Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error></Errors>"
        f"<RequestID>{request_id}</RequestID></Response>",
    )


def _query(error: AwsError, request_id: str) -> tuple[int, str, str]:
    fault = "Receiver" if error.status >= 500 else "Sender"
    return (
        error.status,
        "text/xml",
        f"<ErrorResponse><Error><Type>{fault}</Type><Code>{escape(error.code)}</Code>"
        f"<Message>{escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
    )


def _rest_xml(error: AwsError, service: str, request_id: str) -> tuple[int, str, str]:
    if service != "s3":
        return _query(error, request_id)
    code = _S3_CODES.get(error.code, error.code)
    return (
        error.status,
        "application/xml",
        f"<Error><Code>{escape(code)}</Code><Message>{escape(error.message)}</Message>"
        f"<RequestId>{request_id}</RequestId><HostId>{request_id}</HostId></Error>",
    )


def _json(error: AwsError, protocol: str, request_id: str) -> Response:
    code = _JSON_CODES.get(error.code, error.code)
    # The two JSON protocols differ here: an IAM error is 400 in one and 403 in the other.
    status = (
        400 if protocol == "json" and isinstance(error, AccessDenied | InvalidCredentials) else error.status
    )
    headers = [
        ("Content-Type", "application/json" if protocol == "rest-json" else "application/x-amz-json-1.1"),
        ("x-amzn-ErrorType", code),
        ("x-amzn-RequestId", request_id),
    ]
    body = {"__type": code, "message": error.message, "Message": error.message}
    return status, headers, json.dumps(body).encode()
