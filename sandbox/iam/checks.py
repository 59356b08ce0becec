"""What a call needs: one check for each action and resource that AWS would evaluate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sandbox.iam.policy import Resource


@dataclass(frozen=True)
class Check:
    """An action on a resource. `resources` are names of the same one; messages show the first."""

    action: str
    resources: tuple[Resource, ...] = ("*",)
    context: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
