"""What a check of a target found: step by step, with the policy statement that would mend it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aws.errors import AwsError


class Outcome(StrEnum):
    """How a step of the check ended."""

    WORKS = "works"
    FAILS = "does not work"
    UNKNOWN = "could not be checked"


@dataclass(frozen=True)
class Remedy:
    """A statement to add, and to which policy, in words."""

    where: str
    statement: Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """One step.

    Attributes:
        what: the thing checked, e.g. an IAM action.
        said: a sentence: what was seen, in AWS's own words where it refused.
        remedies: what to add; where there are several, the first that is lacking.
    """

    what: str
    outcome: Outcome
    said: str = ""
    remedies: tuple[Remedy, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the finding as JSON holds it."""
        return {
            "what": self.what,
            "outcome": str(self.outcome),
            "said": self.said,
            "add": [{"to": remedy.where, "statement": dict(remedy.statement)} for remedy in self.remedies],
        }


def refusal(what: str, error: AwsError, *remedies: Remedy, otherwise: Outcome = Outcome.UNKNOWN) -> Finding:
    """Return the finding that AWS's refusal makes: one of IAM's is mended by `remedies`.

    otherwise: the outcome where it was not IAM that refused.
    """
    if not error.denied:
        return Finding(what, otherwise, f"AWS said: {error.message}")
    if "explicit deny" in error.message:
        said = f"{error.message} A policy forbids it outright: no statement that allows it helps."
        return Finding(what, Outcome.FAILS, said)
    return Finding(what, Outcome.FAILS, error.message, remedies)


def allow(
    actions: str | list[str], resource: str | list[str], condition: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a statement of an identity's policy."""
    statement: dict[str, Any] = {"Effect": "Allow", "Action": actions, "Resource": resource}
    return {**statement, "Condition": dict(condition)} if condition else statement
