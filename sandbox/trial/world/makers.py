"""All makers, from the modules that hold them."""

from __future__ import annotations

from sandbox.trial.world import compute, data, identity, operations  # noqa: F401 - each registers its makers
from sandbox.trial.world.things import MAKERS, Maker


def find(kind: str) -> Maker | None:
    """The maker of a kind, None when there is none."""
    return MAKERS.get(kind)
