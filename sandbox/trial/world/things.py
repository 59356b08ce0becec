"""Things of a trial's world, each made once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError


@dataclass(frozen=True)
class Thing:
    """Something that exists: by its id, name, ARN or URL. What a thing does not have is its id."""

    id: str
    name: str = ""
    arn: str = ""
    url: str = ""

    def facet(self, facet: str) -> str:
        """The thing as a parameter wants it: `id`, `name`, `arn` or `url`."""
        return str(getattr(self, facet) or self.id)


Maker = Callable[["World", str], Thing]
MAKERS: Final[dict[str, Maker]] = {}
"""How each kind of thing is made; the name is a wish, '' for any."""


def makes(kind: str) -> Callable[[Maker], Maker]:
    """Register how things of a kind are made."""

    def register(maker: Maker) -> Maker:
        MAKERS[kind] = maker
        return maker

    return register


@dataclass
class World:
    """The account of a trial. `client` gives a client of a service with an administrator's key."""

    account_id: str
    region: str
    client: Callable[[str], Any] = field(repr=False)
    partition: str = "aws"
    # Whether its instances run Windows.
    windows: bool = False
    things: dict[tuple[str, str], Thing | None] = field(default_factory=dict)
    # What could not be made, and why.
    wanting: dict[str, str] = field(default_factory=dict)

    def thing(self, kind: str, name: str = "") -> Thing | None:
        """The thing of a kind (and of that name), made now when there is none yet; None when it cannot be."""
        from sandbox.trial.world import makers

        key = kind, name
        if key not in self.things:
            self.things[key] = None
            maker = makers.find(kind)
            if maker is not None:
                try:
                    self.things[key] = maker(self, name)
                except (ClientError, BotoCoreError, LookupError) as error:
                    self.wanting[f"{kind} {name}".strip()] = str(error)
        return self.things[key]

    def need(self, kind: str, name: str = "") -> Thing:
        """As `thing`. Errors: LookupError when it cannot be made."""
        found = self.thing(kind, name)
        if found is None:
            raise LookupError(f"there is no {kind} in the trial's account")
        return found

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        place = self.region if region is None else region
        return f"arn:{self.partition}:{service}:{place}:{self.account_id}:{resource}"


def policy(*statements: Mapping[str, Any]) -> str:
    """A policy document of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
