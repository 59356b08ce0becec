"""What a rate-controlled execution runs on, as plain data: waves of members, each with a child of its own.

https://docs.aws.amazon.com/systems-manager/latest/userguide/running-automations-scale.html
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Self

from sandbox.automation.records import Execution, StepExecution

MAX_CONCURRENCY = "10"
MAX_ERRORS = "0"


@dataclass(frozen=True)
class Place:
    """An account and Region to run in, and the TargetLocation of the request that names it."""

    account_id: str
    region: str
    location: dict[str, Any]


@dataclass(eq=False)
class Member:
    """One target, or one place: its step in the parent, and the child once there is one.

    `parameters` are the typed values that the child has beside the parent's.
    """

    target: str
    step: StepExecution
    parameters: dict[str, Any] = field(default_factory=dict)
    place: Place | None = None
    child_id: str | None = None


@dataclass(eq=False)
class Wave:
    """Members that share a concurrency and an error threshold: numbers, or percentages of the members.

    `ramped`: the first runs alone, and each that ends makes room for two until the concurrency is reached.
    """

    members: list[Member]
    max_concurrency: str
    max_errors: str
    ramped: bool = True

    @property
    def running(self) -> int:
        return sum(bool(member.step.started_at) and not member.step.finished for member in self.members)

    @property
    def errors(self) -> int:
        """How many have begun and ended in any way but well."""
        return sum(
            bool(member.step.started_at) and member.step.finished and member.step.status != "Success"
            for member in self.members
        )

    @property
    def room(self) -> int:
        """How many may run at this moment."""
        most = max(1, portion(self.max_concurrency, len(self.members)))
        ended = sum(bool(member.step.started_at) and member.step.finished for member in self.members)
        return min(most, ended + 1) if self.ramped else most

    @property
    def allowed_errors(self) -> int:
        return portion(self.max_errors, len(self.members))

    @property
    def failed(self) -> bool:
        return self.errors > self.allowed_errors

    @property
    def waiting(self) -> list[Member]:
        """Those that have not begun, in their order."""
        return [member for member in self.members if member.step.status == "Pending"]


@dataclass(eq=False)
class Fleet:
    """All that a rate-controlled execution runs on. `given` are the request's members that say so."""

    waves: list[Wave]
    given: dict[str, Any]

    @property
    def members(self) -> Iterator[Member]:
        return (member for wave in self.waves for member in wave.members)

    @property
    def crosses_accounts(self) -> bool:
        """Whether it runs in places, and not on targets where it was started."""
        return bool(self.given.get("TargetLocations"))


@dataclass(eq=False)
class RateControlled(Execution):
    """An execution whose steps are not the document's: each runs the document once more, as a child."""

    fleet: Fleet = field(kw_only=True)

    @classmethod
    def of(cls, execution: Execution, fleet: Fleet) -> Self:
        """The execution that was prepared, with the members of the fleet for its steps."""
        members = {each.name: getattr(execution, each.name) for each in fields(execution) if each.init}
        members |= {"steps": [member.step for member in fleet.members], "upcoming": None}
        return cls(**members, fleet=fleet)


@dataclass(eq=False)
class OnTarget(Execution):
    """A child of a rate-controlled execution: the document, run on one of the targets."""

    target: str = field(kw_only=True)


def portion(written: str, whole: int) -> int:
    """The number that `written` stands for: itself, or so many per cent of the whole, rounded down."""
    return whole * int(written[:-1]) // 100 if written.endswith("%") else int(written)
