"""/_sandbox/command-results: what commands give. POST adds a result, GET tells all, DELETE forgets them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.ssm.models import ssm_backends

from sandbox.errors import AwsError
from sandbox.identity import Principal
from sandbox.services.commands import results


def answer(method: str, body: Mapping[str, Any], principal: Principal, region: str) -> Mapping[str, Any]:
    """Change or tell the results of the account and Region. Errors: AwsError."""
    backend = ssm_backends[principal.account_id][region]
    if method == "POST":
        results.add(backend, results.read(body))
    elif method == "DELETE":
        results.rules_of(backend).clear()
    elif method != "GET":
        raise AwsError("MethodNotAllowed", "Use POST, GET or DELETE.", 405)
    return {"CommandResults": [results.write(rule) for rule in results.rules_of(backend)]}
