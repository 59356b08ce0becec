"""Trust policies: who may assume a role.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sandbox.iam.conditions import texts
from sandbox.iam.policy import Decision, Policy, Request, Statement
from sandbox.identity import Principal


@dataclass(frozen=True)
class Service:
    """An AWS service that asks for a role, such as `ssm.amazonaws.com`."""

    name: str


class Naming(Enum):
    """How a trust policy names whoever asks: by itself, by its account only, or not at all."""

    DIRECT = "direct"
    ACCOUNT = "account"
    NOT = "not"


@dataclass(frozen=True)
class Trust:
    """What a trust policy says: its decision, and whether it names the asker itself.

    An asker of the role's own account who is named itself needs no identity policy; everybody else does.
    """

    decision: Decision
    naming: Naming


def evaluate_trust(policy: Policy, request: Request, asker: Principal | Service) -> Trust:
    """Evaluate a role's trust policy for `asker`."""
    naming = Naming.NOT
    for statement in policy.statements:
        named = _named(statement, asker)
        if named is Naming.NOT:
            continue
        decision = statement.evaluate(request, ignore_resource=True)
        if decision is Decision.DENY:
            return Trust(Decision.DENY, named)
        if decision is Decision.ALLOW and naming is not Naming.DIRECT:
            naming = named
    return Trust(Decision.NEUTRAL if naming is Naming.NOT else Decision.ALLOW, naming)


def is_named(statement: Statement, asker: Principal | Service) -> bool:
    """Whether a resource policy's statement is about `asker`."""
    return _named(statement, asker) is not Naming.NOT


def _named(statement: Statement, asker: Principal | Service) -> Naming:
    if statement.not_principals is not None:
        # NotPrincipal beside Allow trusts the whole world; AWS advises against it, we refuse it.
        excluded = _naming(statement.not_principals, asker) is not Naming.NOT
        return Naming.DIRECT if statement.effect is Decision.DENY and not excluded else Naming.NOT
    return _naming(statement.principals, asker)


def _naming(element: Any, asker: Principal | Service) -> Naming:
    if element == "*":
        return Naming.ACCOUNT
    if not isinstance(element, dict):
        return Naming.NOT
    if isinstance(asker, Service):
        return Naming.DIRECT if asker.name in texts(element.get("Service", [])) else Naming.NOT
    named = {_naming_of(name, asker) for name in texts(element.get("AWS", []))}
    return next((n for n in (Naming.DIRECT, Naming.ACCOUNT) if n in named), Naming.NOT)


def _naming_of(name: str, asker: Principal) -> Naming:
    if name in (asker.arn, asker.role_arn):
        return Naming.ACCOUNT if asker.kind == "root" else Naming.DIRECT
    if name in ("*", asker.account_id):
        return Naming.ACCOUNT
    account = re.fullmatch(r"arn:[\w-]+:iam::(\d{12}):root", name)
    return Naming.ACCOUNT if account and account.group(1) == asker.account_id else Naming.NOT
