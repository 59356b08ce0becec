"""The parts of an analysis: what a step needs, and what cannot be told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ssmdoc.specs import Effect


@dataclass(frozen=True, slots=True)
class Need:
    """One IAM action and where it is needed.

    `resources` are ARNs as a policy takes them; `conditions` are a statement's Condition, and empty for
    none. `why` is a sentence. `certain` is false where the action is needed only in some cases (a key that
    AWS does not manage, a role that does not exist yet) or is none that the Service Authorization Reference
    names.
    """

    action: str
    resources: tuple[str, ...] = ("*",)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """A call of AWS that a step makes. `arguments` are as written; `open` says that there may be more.

    `region` is where it goes when that is not where the document runs: a name, or ``*`` when only the run
    knows. `foreign` says that it is made with the keys of some other role, whose permissions it takes.
    """

    service: str
    operation: str
    arguments: Mapping[str, Any]
    source: str
    open: bool = False
    region: str = ""
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class StepNeeds:
    """What one step needs. `line` is the step's in the document; `children` are the documents that it runs;
    `unknown` says, a sentence each, what cannot be told."""

    step: str
    line: int
    effect: Effect
    needs: tuple[Need, ...]
    children: tuple[str, ...]
    unknown: tuple[str, ...]
