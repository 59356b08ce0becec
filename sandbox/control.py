"""What of the sandbox itself can be set over the wire: addresses below /_sandbox/, signed like every call.

Only an account's root may use them, and sets its own account and the Region that it signs for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.errors import AccessDenied, AwsError
from sandbox.identity import Principal
from sandbox.json_bodies import read_object
from sandbox.services.commands import control as commands

PREFIX = "/_sandbox/"

Handler = Callable[[str, Mapping[str, Any], Principal, str], Mapping[str, Any]]
_HANDLERS: Mapping[str, Handler] = {"command-results": commands.answer}


def answer(method: str, path: str, body: bytes, principal: Principal, region: str) -> bytes:
    """Do what a signed request asks for; returns the JSON of the answer.

    Errors: AccessDenied unless the principal is a root, AwsError when the request is wrong.
    """
    handler = _HANDLERS.get(path.removeprefix(PREFIX))
    if handler is None:
        known = ", ".join(f"{PREFIX}{name}" for name in _HANDLERS)
        raise AwsError("UnknownOperationException", f"{path} is not served; {known} is.", 404)
    if principal.kind != "root":
        raise AccessDenied(f"User: {principal.arn} is not authorized: {path} is for the account's root.")
    return json.dumps(handler(method, read_object(body), principal, region)).encode()
