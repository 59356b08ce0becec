"""Calls on what belongs to another account: there its owner's policy must allow them too.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from moto.s3.models import s3_backends

from sandbox.calls import Call
from sandbox.errors import AccessDenied
from sandbox.iam.checks import Check
from sandbox.iam.context import context_values
from sandbox.iam.policy import Decision, MalformedPolicy, Request, parse_policy, strongest
from sandbox.iam.trust import is_named
from sandbox.identity import Principal

# Services that say themselves what of another account can be named: shared documents, roles, members of an
# organization, functions.
_THEIR_OWN_MATTER = frozenset(("ssm", "sts", "iam", "ec2", "organizations", "account", "lambda"))
_OWNED = re.compile(r"arn:[\w-]+:[\w-]+:[\w-]*:(?P<account>\d{12}):.+")
_BUCKET = re.compile(r"arn:[\w-]+:s3:::(?P<bucket>[^/]+)(?:/.*)?", re.DOTALL)


def refuse(call: Call, principal: Principal, checks: Sequence[Check], context: Mapping[str, Any]) -> None:
    """Raise AccessDenied when a call acts on what another account has not opened to the principal.

    Of resource-based policies only those of buckets are evaluated; what else there is stays closed.
    """
    if call.service in _THEIR_OWN_MATTER or call.operation == "CreateBucket":
        return
    for check in checks:
        resource = check.resources[0]
        if not isinstance(resource, str) or check.action == "iam:PassRole":
            continue
        keys = context_values({**context, **check.context})
        if _is_foreign(resource, principal) and not _is_opened(check.action, resource, principal, keys):
            raise AccessDenied(
                f"User: {principal.arn} is not authorized to perform: {check.action} on resource: {resource} "
                f"because no resource-based policy allows the {check.action} action"
            )


def _is_foreign(resource: str, principal: Principal) -> bool:
    if match := _BUCKET.fullmatch(resource):
        _, owner = s3_backends.bucket_accounts.get(match["bucket"], ("", principal.account_id))
        return bool(owner != principal.account_id)
    owned = _OWNED.fullmatch(resource)
    return owned is not None and owned["account"] != principal.account_id


def _is_opened(action: str, resource: str, principal: Principal, keys: Mapping[str, Sequence[str]]) -> bool:
    match = _BUCKET.fullmatch(resource)
    if match is None:
        return False
    partition, owner = s3_backends.bucket_accounts[match["bucket"]]
    bucket = s3_backends[owner][partition].buckets.get(match["bucket"])
    try:
        policy = parse_policy((bucket.policy or b"").decode() if bucket is not None else "")
    except MalformedPolicy:
        return False
    named = (statement for statement in policy.statements if is_named(statement, principal))
    request = Request(action, resource, keys)
    return strongest(statement.evaluate(request) for statement in named) is Decision.ALLOW
