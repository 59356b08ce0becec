"""The permissions that a document needs, step by step: a policy for its role, and what a given one lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from ssmdoc.analysis import comparing, policies, steps
from ssmdoc.analysis.comparing import Comparison, Difference
from ssmdoc.analysis.conditions import conditions
from ssmdoc.analysis.dependent import dependent, entries
from ssmdoc.analysis.effects import effect
from ssmdoc.analysis.names import for_version, iam_actions, known
from ssmdoc.analysis.needs import Call, Need, StepNeeds
from ssmdoc.analysis.resources import Place, arns, path_arn
from ssmdoc.model import Document, Step

__all__ = ["Analysis", "Comparison", "Difference", "Need", "StepNeeds", "analyse"]


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a document needs, with one entry for each step in reading order, those inside loops included."""

    steps: tuple[StepNeeds, ...]

    @property
    def needs(self) -> tuple[Need, ...]:
        """All needs of all steps."""
        return tuple(need for step in self.steps for need in step.needs)

    @property
    def actions(self) -> tuple[str, ...]:
        """The IAM actions that the document surely needs, sorted."""
        return tuple(sorted({need.action for need in self.needs if need.certain}))

    @property
    def possible(self) -> tuple[str, ...]:
        """The actions that it needs in some cases only, sorted."""
        return tuple(sorted({need.action for need in self.needs} - set(self.actions)))

    @property
    def children(self) -> tuple[str, ...]:
        """The documents that it runs, sorted: they need their own permissions."""
        return tuple(sorted({child for step in self.steps for child in step.children}))

    @property
    def unknown(self) -> tuple[str, ...]:
        """What cannot be told, with the step that it is about."""
        return tuple(f"{step.step}: {why}" for step in self.steps for why in step.unknown)

    def policy(self) -> dict[str, Any]:
        """A policy document that grants what is surely needed, in as few statements as it takes. It has none,
        and IAM would not take it, where nothing is needed.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
        """
        return policies.policy([need for need in self.needs if need.certain])

    def compare(self, policy: Mapping[str, Any]) -> Comparison:
        """How a policy document differs from what is surely needed."""
        return comparing.compare([need for need in self.needs if need.certain], policy)

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        document = self.policy()
        return {
            "actions": list(self.actions),
            "possible": list(self.possible),
            "children": list(self.children),
            "unknown": list(self.unknown),
            "steps": [asdict(step) for step in self.steps],
            "policy": document,
            "policy_characters": policies.characters(document),
            "policy_fits": policies.fits(document),
        }


def analyse(document: Document, *, partition: str = "aws", region: str = "*", account: str = "*") -> Analysis:
    """The permissions that a document needs where it runs; `*` is any Region or account. Never raises."""
    place = Place(partition, region, account)
    return Analysis(tuple(_step(document, step, place) for step in document.walk()))


def _step(document: Document, step: Step, place: Place) -> StepNeeds:
    made, unknown = steps.calls(document, step)
    needs: dict[tuple[str, tuple[str, ...], str], Need] = {}
    for call in made:
        for need in _needs(call, place, document.assume_role_parameter is not None):
            needs.setdefault((need.action, need.resources, repr(need.conditions)), need)
    return StepNeeds(
        step.name, step.line, effect(step, document), tuple(needs.values()), steps.children(step), unknown
    )


def _needs(call: Call, place: Place, own_role: bool) -> Iterator[Need]:
    if call.foreign:
        place = replace(place, account="*")
    if call.region:
        place = replace(place, region=call.region)
    for need in (*_named(call, place), *dependent(call, place, own_role)):
        if call.foreign:
            why = f"{need.why} It does so with the keys of another role, which needs the permission."
            yield replace(need, why=why, certain=False)
        else:
            yield need


def _named(call: Call, place: Place) -> Iterator[Need]:
    """The actions that an operation is allowed by."""
    versioned = any(key == "VersionId" for key, _ in entries(call.arguments))
    for name in iam_actions(call.service, call.operation):
        action = for_version(name) if versioned else name
        if action.startswith("apigateway:"):
            found = path_arn(call.service, call.operation, call.arguments, place)
        else:
            found = arns(action, call.arguments, place, call.operation, call.open)
        why = f"{call.source} calls {call.service.lower()}:{call.operation}."
        if found.deciders:
            why += f" {', '.join(found.deciders)} decides which resource it is."
        certain = known(action)
        if not certain:
            why += " The Service Authorization Reference names no such action."
        yield Need(action, found.arns, conditions(action, call, found.arns, place), why, certain)
