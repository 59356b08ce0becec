"""Signature Version 4: read it from a request, calculate it again, compare.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, unquote

from botocore.utils import normalize_url_path

from sandbox.errors import InvalidCredentials

ALGORITHM = "AWS4-HMAC-SHA256"
TIMESTAMP = "%Y%m%dT%H%M%SZ"
MAX_CLOCK_SKEW = timedelta(minutes=15)
MAX_PRESIGNED_SECONDS = 7 * 24 * 3600
_UNRESERVED = "-_.~"


@dataclass(frozen=True)
class HttpRequest:
    """A request as it came over the wire: path and query still encoded, header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Signed:
    """What a signed request claims. `expires` is set for a presigned URL only."""

    access_key_id: str
    date: str
    region: str
    service: str
    timestamp: str
    signed_headers: tuple[str, ...]
    signature: str
    session_token: str | None
    expires: timedelta | None = None

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def read_signature(request: HttpRequest) -> Signed:
    """The signature of a request, from its Authorization header or, presigned, from its query.

    Errors: InvalidCredentials with MissingAuthenticationToken when there is none, IncompleteSignature when it
    does not have AWS's form.
    """
    authorization = request.headers.get("authorization")
    if authorization:
        return _from_header(authorization, request.headers)
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    if query.get("X-Amz-Algorithm") == ALGORITHM:
        return _from_query(query)
    raise InvalidCredentials("MissingAuthenticationToken", "Request is missing Authentication Token")


def _from_header(authorization: str, headers: Mapping[str, str]) -> Signed:
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != ALGORITHM:
        raise _incomplete(f"Unsupported algorithm '{algorithm}': sign with {ALGORITHM}.")
    fields = dict(piece.strip().partition("=")[::2] for piece in rest.split(","))
    missing = [name for name in ("Credential", "SignedHeaders", "Signature") if not fields.get(name)]
    if missing:
        raise _incomplete(
            "".join(f"Authorization header requires '{name}' parameter. " for name in missing)
            + f"Authorization={authorization}"
        )
    return _signed(
        credential=fields["Credential"],
        timestamp=headers.get("x-amz-date", ""),
        signed_headers=fields["SignedHeaders"],
        signature=fields["Signature"],
        session_token=headers.get("x-amz-security-token"),
        expires=None,
    )


def _from_query(query: Mapping[str, str]) -> Signed:
    seconds = query.get("X-Amz-Expires", "")
    if not seconds.isdigit() or not 1 <= int(seconds) <= MAX_PRESIGNED_SECONDS:
        raise _incomplete(f"X-Amz-Expires must be a number from 1 to {MAX_PRESIGNED_SECONDS}.")
    return _signed(
        credential=query.get("X-Amz-Credential", ""),
        timestamp=query.get("X-Amz-Date", ""),
        signed_headers=query.get("X-Amz-SignedHeaders", ""),
        signature=query.get("X-Amz-Signature", ""),
        session_token=query.get("X-Amz-Security-Token"),
        expires=timedelta(seconds=int(seconds)),
    )


def _signed(
    *,
    credential: str,
    timestamp: str,
    signed_headers: str,
    signature: str,
    session_token: str | None,
    expires: timedelta | None,
) -> Signed:
    pieces = credential.split("/")
    if len(pieces) != 5 or pieces[4] != "aws4_request" or not all(pieces):
        raise _incomplete(
            f"Credential must have 5 slash-delimited elements and end in aws4_request, got '{credential}'."
        )
    if not _is_timestamp(timestamp):
        raise _incomplete(f"Date must be in ISO-8601 'basic format'. Got '{timestamp}'.")
    names = tuple(signed_headers.lower().split(";"))
    if "host" not in names:
        raise _incomplete("'Host' must be a 'SignedHeader' in the AWS Authorization.")
    if not timestamp.startswith(pieces[1]):
        raise _mismatch(
            f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date: {timestamp}."
        )
    return Signed(
        access_key_id=pieces[0],
        date=pieces[1],
        region=pieces[2],
        service=pieces[3],
        timestamp=timestamp,
        signed_headers=names,
        signature=signature,
        session_token=session_token,
        expires=expires,
    )


def _is_timestamp(text: str) -> bool:
    # strptime alone takes one digit for two.
    if not re.fullmatch(r"\d{8}T\d{6}Z", text, re.ASCII):
        return False
    try:
        _moment(text)
    except ValueError:
        return False
    return True


def check_signature(request: HttpRequest, signed: Signed, secret: str, now: datetime) -> None:
    """Verify time and signature of `request` with the stored `secret`.

    Errors: InvalidCredentials with SignatureDoesNotMatch, also for a date more than 15 minutes away, or an
    altered body.
    """
    _check_time(signed, now)
    unsigned = sorted(n for n in request.headers if n.startswith("x-amz-") and n not in signed.signed_headers)
    if unsigned:
        raise _mismatch(
            f"There were headers present in the request which were not signed: {', '.join(unsigned)}"
        )
    if not hmac.compare_digest(calculate(request, signed, secret).encode(), signed.signature.encode()):
        raise _mismatch(
            "The request signature we calculated does not match the signature you provided. Check your AWS "
            "Secret Access Key and signing method. Consult the service documentation for details."
        )


def calculate(request: HttpRequest, signed: Signed, secret: str) -> str:
    """The signature, in hexadecimal, that the holder of `secret` would give to this request."""
    canonical = "\n".join(
        (
            request.method,
            _canonical_path(request.path, signed.service),
            _canonical_query(request.query, presigned=signed.expires is not None),
            "".join(f"{name}:{_header(request.headers, name)}\n" for name in signed.signed_headers),
            ";".join(signed.signed_headers),
            _payload_hash(request, signed),
        )
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{secret}".encode()
    for piece in signed.scope.split("/"):
        key = _hmac(key, piece)
    return _hmac(key, f"{ALGORITHM}\n{signed.timestamp}\n{signed.scope}\n{digest}").hex()


def _check_time(signed: Signed, now: datetime) -> None:
    at = _moment(signed.timestamp)
    lifetime = signed.expires or MAX_CLOCK_SKEW
    if now > at + lifetime:
        raise _mismatch(
            f"Signature expired: {signed.timestamp} is now earlier than {_stamp(now - lifetime)}."
        )
    if at > now + MAX_CLOCK_SKEW:
        raise _mismatch(
            f"Signature not yet current: {signed.timestamp} is later than {_stamp(now + MAX_CLOCK_SKEW)}."
        )


def _moment(timestamp: str) -> datetime:
    return datetime.strptime(timestamp, TIMESTAMP).replace(tzinfo=UTC)


def _stamp(moment: datetime) -> str:
    return moment.strftime(TIMESTAMP)


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _header(headers: Mapping[str, str], name: str) -> str:
    return " ".join(headers.get(name, "").split())


def _canonical_path(path: str, service: str) -> str:
    if service == "s3":
        return quote(unquote(path), safe=f"/{_UNRESERVED}") or "/"
    return quote(normalize_url_path(path), safe=f"/{_UNRESERVED}")


def _canonical_query(query: str, *, presigned: bool) -> str:
    pairs = []
    for piece in query.split("&") if query else ():
        name, _, value = piece.partition("=")
        if presigned and name == "X-Amz-Signature":
            continue
        pairs.append((quote(unquote(name), safe=_UNRESERVED), quote(unquote(value), safe=_UNRESERVED)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _payload_hash(request: HttpRequest, signed: Signed) -> str:
    declared = request.headers.get("x-amz-content-sha256")
    if signed.service == "s3":
        if signed.expires is not None and declared is None:
            return "UNSIGNED-PAYLOAD"
        if declared is not None and not re.fullmatch(r"[0-9a-f]{64}", declared):
            # Unsigned or chunk-signed bodies: the headers are still signed, the chunks' own signatures are
            # not checked.
            return declared
    actual = hashlib.sha256(request.body).hexdigest()
    if declared is not None and declared != actual:
        raise _mismatch("The provided 'x-amz-content-sha256' header does not match what was computed.")
    return actual


def _incomplete(message: str) -> InvalidCredentials:
    return InvalidCredentials("IncompleteSignature", message, 400)


def _mismatch(message: str) -> InvalidCredentials:
    return InvalidCredentials("SignatureDoesNotMatch", message)
