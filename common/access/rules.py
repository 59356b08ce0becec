"""What the door judges by: who asks, what may be granted, and the rules of each model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.db.models import Model, Q

CAPABILITIES: Mapping[str, str] = {
    "author": "write new documents",
    "administer": "manage people, targets, service roles, policies and delegations",
    "audit": "read the record of who did what",
}


class Actor(Protocol):
    """A person who asks: the portal's user."""

    pk: Any
    is_active: bool

    @property
    def is_authenticated(self) -> bool:
        """Whether the person has signed in."""
        ...


@dataclass(frozen=True)
class Decision:
    """The door's answer.

    Attributes:
        allowed: the actor may do it.
        visible: the actor may know that the object exists.
        reasons: sentences: why it is allowed, or what would have to be granted.
    """

    allowed: bool
    visible: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rules:
    """How the door judges one model.

    Attributes:
        model: the model judged.
        noun: what a person calls one of them, e.g. "document".
        permissions: object permission → what it lets one do, in words.
        implied_by: permission → the object permissions that imply it (itself is always among them).
        capabilities: permission → the capability that gives it on every object of the model.
        through: for a model that has no permissions of its own: permission → filters that say who has it,
            each a (words, function from actor to Q) pair: a `Through`, or any other function where
            `access_in_bulk` is never asked of the model.
    """

    model: type[Model]
    noun: str
    permissions: Mapping[str, str]
    implied_by: Mapping[str, frozenset[str]] = field(default_factory=dict)
    capabilities: Mapping[str, str] = field(default_factory=dict)
    through: Mapping[str, tuple[tuple[str, Callable[[Actor], Q]], ...]] = field(default_factory=dict)

    @property
    def grantable(self) -> bool:
        """Whether the model has object permissions of its own."""
        return not self.through

    def granting(self, permission: str) -> frozenset[str]:
        """Return the object permissions that give `permission`."""
        if permission not in self.permissions:
            raise LookupError(f"The {self.noun} has no permission {permission!r}")
        return self.implied_by.get(permission, frozenset()) | {permission}


_rules: dict[type[Model], Rules] = {}


def register(rules: Rules) -> Rules:
    """Make the door judge `rules.model` by these rules."""
    _rules[rules.model] = rules
    return rules


def rules_for(model: type[Model]) -> Rules:
    """Return the rules of `model`. Raises LookupError for a model the door does not know: default deny."""
    try:
        return _rules[model]
    except KeyError:
        raise LookupError(f"The access door has no rules for {model.__name__}") from None
