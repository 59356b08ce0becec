"""The policies and tags that moto's IAM holds for a principal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.identity import Principal


@dataclass(frozen=True)
class PolicySet:
    """Texts of a principal's policies: those that grant, and the boundary that limits (None: no boundary)."""

    identity: tuple[str, ...]
    boundary: str | None = None


def policies_of(principal: Principal) -> PolicySet:
    """Inline and managed policies of a user with its groups, or of a session's role.

    Of a deleted one none remain.
    """
    entity = _entity(principal)
    if entity is None:
        return PolicySet(())
    holders = [entity, *_groups(principal)] if principal.kind == "user" else [entity]
    return PolicySet(
        identity=tuple(text for holder in holders for text in _attached(holder)),
        boundary=_boundary(principal, getattr(entity, "permissions_boundary_arn", None)),
    )


def tags_of(principal: Principal) -> dict[str, str]:
    """The principal's tags: the user's, or the role's with the session's on top (`aws:PrincipalTag/…`)."""
    entity = _entity(principal)
    if entity is None:
        return dict(principal.session_tags)
    if principal.kind == "user":
        tags = _backend(principal).tagger.get_tag_dict_for_resource(entity.arn)
    else:
        tags = {key: tag["Value"] for key, tag in _by_key(entity.tags).items()}
    return {**tags, **principal.session_tags}


def role_of(arn: str) -> Any | None:
    """moto's role with this ARN, None when there is none."""
    from moto.iam.models import iam_backends

    _, partition, service, _, account_id, _ = arn.split(":", 5) if arn.count(":") >= 5 else [""] * 6
    if service != "iam" or account_id not in iam_backends or partition not in iam_backends[account_id]:
        return None
    return next(
        (role for role in list(iam_backends[account_id][partition].roles.values()) if role.arn == arn), None
    )


def _by_key(tags: Any) -> Mapping[str, Mapping[str, str]]:
    return tags if isinstance(tags, Mapping) else {tag["Key"]: tag for tag in tags or []}


def _backend(principal: Principal) -> Any:
    from moto.iam.models import iam_backends

    return iam_backends[principal.account_id][principal.partition]


def _entity(principal: Principal) -> Any | None:
    if principal.kind == "user":
        return _backend(principal).users.get(principal.name)
    if principal.kind == "role-session" and principal.role_arn:
        role = role_of(principal.role_arn)
        # A role made anew under an old name is another role: sessions of the old one hold nothing.
        return role if role is not None and principal.user_id.startswith(f"{role.id}:") else None
    return None


def _groups(principal: Principal) -> Iterable[Any]:
    groups = list(_backend(principal).groups.values())
    return [group for group in groups if any(user.name == principal.name for user in group.users)]


def _attached(holder: Any) -> Iterable[str]:
    for text in list(holder.policies.values()):
        # Of a role that CloudFormation makes, moto keeps the template's map.
        yield text if isinstance(text, str) else json.dumps(text)
    for managed in list(holder.managed_policies.values()):
        yield _default_version(managed)


def _default_version(managed: Any) -> str:
    return str(next(v.document for v in managed.versions if v.version_id == managed.default_version_id))


def _boundary(principal: Principal, arn: str | None) -> str | None:
    # A role that CloudFormation makes without one has an empty text in moto.
    if not arn:
        return None
    managed = _backend(principal).managed_policies.get(arn)
    # A boundary whose policy is gone allows nothing.
    return _default_version(managed) if managed else '{"Version": "2012-10-17", "Statement": []}'
