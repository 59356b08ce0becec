"""IAM's SimulatePrincipalPolicy: what a user's or role's own policies say of actions, without doing them.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.models import iam_backends
from moto.iam.responses import IamResponse

from sandbox.authorization import decided
from sandbox.calls import current_call
from sandbox.errors import AwsError
from sandbox.iam.context import context_values
from sandbox.iam.policy import Decision, Request
from sandbox.identity import Principal, current_principal

_WORDS = {
    Decision.ALLOW: "allowed",
    Decision.DENY: "explicitDeny",
    Decision.NEUTRAL: "implicitDeny",
}
_KNOWN = frozenset({"PolicySourceArn", "ActionNames", "ResourceArns", "ContextEntries"})


def install() -> None:
    """Let moto's IAM answer the call, which it has not."""
    IamResponse.simulate_principal_policy = _simulate_principal_policy  # type: ignore[attr-defined]


def _simulate_principal_policy(self: IamResponse) -> ActionResult:
    params = current_call.get().params
    absent = sorted(name for name, value in params.items() if name not in _KNOWN and value)
    if absent:
        raise AwsError("NotImplemented", f"The sandbox simulates without {', '.join(absent)}.", 501)
    subject = _subject(str(params.get("PolicySourceArn", "")), current_principal())
    context = context_values(
        {entry["ContextKeyName"]: entry.get("ContextKeyValues", []) for entry in params["ContextEntries"]}
        if params.get("ContextEntries")
        else {}
    )
    results = [
        _result(subject, Request(action, resource, context))
        for action in params.get("ActionNames", [])
        for resource in params.get("ResourceArns") or ["*"]
    ]
    return ActionResult({"EvaluationResults": results, "IsTruncated": False})


def _result(subject: Principal, request: Request) -> Mapping[str, Any]:
    return {
        "EvalActionName": request.action,
        "EvalResourceName": request.resource,
        "EvalDecision": _WORDS[decided(subject, request)],
        "MatchedStatements": [],
        "MissingContextValues": [],
    }


def _subject(arn: str, asker: Principal) -> Principal:
    """The user or role of the asker's account whose policies are meant."""
    entities = iam_backends[asker.account_id][asker.partition]
    for user in list(entities.users.values()):
        if user.arn == arn:
            return Principal(asker.account_id, asker.partition, arn, "user", user.name, "", "")
    for role in list(entities.roles.values()):
        if role.arn == arn:
            return Principal(
                account_id=asker.account_id,
                partition=asker.partition,
                arn=arn,
                kind="role-session",
                name=role.name,
                access_key_id="",
                secret_access_key="",
                role_arn=arn,
                user_id=f"{role.id}:simulated",
            )
    raise AwsError("NoSuchEntity", f"The user or role with ARN {arn} cannot be found.", 404)
