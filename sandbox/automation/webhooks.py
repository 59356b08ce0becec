"""Calls of webhooks: to loopback, and to hosts that the sandbox was told of; nowhere else."""

from __future__ import annotations

import http.client
import ipaddress
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from sandbox import settings

SECONDS = 25.0
MOST_BYTES = 100_000
_DEFAULT_PORTS = {"http": 80, "https": 443}


class WebhookError(Exception):
    """A webhook could not be called; the text says why."""


@dataclass(frozen=True)
class Answer:
    """What a webhook answered: its HTTP status, and its text up to a limit."""

    status: int
    text: str


def post(url: str, headers: Mapping[str, str], body: str) -> Answer:
    """POST `body` to a webhook. Redirects are not followed: the answer is then the redirect.

    Errors: WebhookError when the URL is none, leads where it may not, or nobody answers in time.
    """
    parts = urlsplit(url)
    try:
        host, port = parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise WebhookError(f"The URL is not valid: {error}.") from error
    if not host or not port or parts.username is not None:
        raise WebhookError("The URL must be https://HOST/… without a user name.")
    loopback = _is_loopback(host)
    if not loopback and host not in settings.current().webhook_hosts:
        raise WebhookError(
            f"The sandbox sends webhooks to loopback only: start it with --webhook-hosts {host} to allow it."
        )
    if not loopback and parts.scheme != "https":
        raise WebhookError("The protocol must be HTTPS.")
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    # http.client takes no proxy from the environment and follows nothing.
    connection = (
        http.client.HTTPSConnection(host, port, timeout=SECONDS, context=ssl.create_default_context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, port, timeout=SECONDS)
    )
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    return _exchange(connection, target, {"Content-Type": "application/json", **headers}, body)


def _exchange(
    connection: http.client.HTTPConnection, target: str, headers: Mapping[str, str], body: str
) -> Answer:
    deadline = time.monotonic() + SECONDS
    try:
        connection.request("POST", target, body.encode(), dict(headers))
        response = connection.getresponse()
        return Answer(response.status, _text(response, deadline))
    except TimeoutError as error:
        raise WebhookError(f"There was no answer within {SECONDS:.0f} seconds.") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        # The error's text may quote what was sent, and headers hold secrets: only its kind is told.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise WebhookError(f"It could not be reached: {reason}.") from error
    finally:
        connection.close()


def _text(response: http.client.HTTPResponse, deadline: float) -> str:
    """The body up to the limit. Errors: TimeoutError when it drips in for too long."""
    body = b""
    while len(body) < MOST_BYTES and (part := response.read1(MOST_BYTES - len(body))):
        body += part
        if time.monotonic() > deadline:
            raise TimeoutError
    return body.decode(errors="replace")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
