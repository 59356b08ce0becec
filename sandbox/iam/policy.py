"""Policy documents and their evaluation: default deny, explicit deny wins.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any

from sandbox.iam.arns import ContextValues, UnresolvedVariable, arn_like, like
from sandbox.iam.conditions import Undetermined, holds, texts


class Decision(Enum):
    """What one or several policies say about a request."""

    DENY = "deny"
    ALLOW = "allow"
    NEUTRAL = "neutral"


class MalformedPolicy(ValueError):
    """The text is no policy document."""


@dataclass(frozen=True)
class UnknownResource:
    """The resource of a call that the sandbox cannot name, though AWS could.

    Allowed only by a Resource that covers all of the service's; denied by any Resource that might be it.
    """

    service: str
    partition: str = "aws"
    region: str = ""
    account_id: str = ""


Resource = str | UnknownResource


@dataclass(frozen=True)
class Request:
    """What is asked: an action such as `ec2:RunInstances`, a resource's ARN (or `*`), and context keys."""

    action: str
    resource: Resource = "*"
    context: ContextValues = field(default_factory=dict)


@dataclass(frozen=True)
class Statement:
    """One statement of a policy. `principals` is a trust policy's raw element, None in identity policies."""

    effect: Decision
    actions: tuple[str, ...] | None
    not_actions: tuple[str, ...] | None
    resources: tuple[str, ...] | None
    not_resources: tuple[str, ...] | None
    condition: Mapping[str, Any]
    principals: Any = None
    not_principals: Any = None

    def evaluate(self, request: Request, *, ignore_resource: bool = False) -> Decision:
        """This statement's effect on `request`, or NEUTRAL when it does not apply.

        Trust policies have no resource: pass `ignore_resource`.
        """
        try:
            applies = (
                self._covers_action(request.action)
                and (ignore_resource or self._covers_resource(request))
                and holds(self.condition, request.context)
            )
        except (Undetermined, UnresolvedVariable):
            # What is not understood never opens a door, and never takes a bar away.
            applies = self.effect is Decision.DENY
        return self.effect if applies else Decision.NEUTRAL

    def _covers_action(self, action: str) -> bool:
        if self.actions is not None:
            return any(like(pattern, action, {}, ignore_case=True) for pattern in self.actions)
        return not any(like(pattern, action, {}, ignore_case=True) for pattern in self.not_actions or ())

    def _covers_resource(self, request: Request) -> bool:
        covering = self.effect is Decision.DENY
        if self.resources is not None:
            return any(_matches(pattern, request, maybe=covering) for pattern in self.resources)
        if self.not_resources is None:
            return covering
        # NotResource turns certainty around: a possible match is what may take the resource out.
        return not any(_matches(pattern, request, maybe=not covering) for pattern in self.not_resources)


def _matches(pattern: str, request: Request, *, maybe: bool) -> bool:
    """Whether `pattern` covers the resource; an unknown one certainly, or possibly if `maybe` will do."""
    resource = request.resource
    if pattern == "*":
        return True
    if isinstance(resource, str):
        if resource == "*":
            return set(pattern) == {"*"}
        return arn_like(pattern, resource, request.context)
    segments = pattern.split(":", 5)
    segments += ["*"] * (6 - len(segments))
    known = ("arn", resource.partition, resource.service, resource.region, resource.account_id)
    for wanted, found in zip(segments, known, strict=False):
        # IAM's and S3's ARNs leave Region or account out, so an empty segment may be meant.
        if not (like(wanted, found, request.context) or (maybe and wanted == "")):
            return False
    return maybe or set(segments[5]) == {"*"}


@dataclass(frozen=True)
class Policy:
    """A parsed policy document."""

    statements: tuple[Statement, ...]

    def evaluate(self, request: Request) -> Decision:
        """DENY when any statement denies, else ALLOW when any allows, else NEUTRAL."""
        return strongest(statement.evaluate(request) for statement in self.statements)


def strongest(decisions: Iterable[Decision]) -> Decision:
    """The joint decision of several: a deny beats an allow, an allow beats silence."""
    result = Decision.NEUTRAL
    for decision in decisions:
        if decision is Decision.DENY:
            return decision
        if decision is Decision.ALLOW:
            result = decision
    return result


@lru_cache(maxsize=2048)
def parse_policy(text: str) -> Policy:
    """Parse a policy document's JSON text. Errors: MalformedPolicy, naming what is wrong."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise MalformedPolicy(f"not JSON: {error}") from error
    if not isinstance(document, dict) or "Statement" not in document:
        raise MalformedPolicy("no Statement")
    statements = document["Statement"]
    return Policy(
        tuple(_statement(s) for s in (statements if isinstance(statements, list) else [statements]))
    )


def _statement(raw: Any) -> Statement:
    if not isinstance(raw, dict):
        raise MalformedPolicy("a statement is not an object")
    effect = {"Allow": Decision.ALLOW, "Deny": Decision.DENY}.get(raw.get("Effect", ""))
    if effect is None:
        raise MalformedPolicy("Effect is neither Allow nor Deny")
    if ("Action" in raw) == ("NotAction" in raw):
        raise MalformedPolicy("a statement needs either Action or NotAction")
    if "Resource" in raw and "NotResource" in raw:
        raise MalformedPolicy("a statement cannot have both Resource and NotResource")
    condition = raw.get("Condition") or {}
    if not isinstance(condition, dict) or not all(isinstance(keys, dict) for keys in condition.values()):
        raise MalformedPolicy("Condition is not an object of objects")
    return Statement(
        effect=effect,
        actions=_patterns(raw, "Action"),
        not_actions=_patterns(raw, "NotAction"),
        resources=_patterns(raw, "Resource"),
        not_resources=_patterns(raw, "NotResource"),
        condition=condition,
        principals=raw.get("Principal"),
        not_principals=raw.get("NotPrincipal"),
    )


def _patterns(raw: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    return tuple(texts(raw[name])) if name in raw else None
