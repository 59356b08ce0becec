"""The 23 actions, each described by one object: see `ssmdoc.specs.model.ActionSpec`."""

from __future__ import annotations

from ssmdoc.specs import apis, code, compute, flow, images, runs, stacks
from ssmdoc.specs.model import ActionSpec, Effect, InputSpec, OutputSpec

__all__ = ["BY_NAME", "ActionSpec", "Effect", "InputSpec", "OutputSpec"]

BY_NAME = {
    spec.name: spec
    for spec in sorted(
        (spec for module in (apis, code, compute, flow, images, runs, stacks) for spec in module.SPECS),
        key=lambda spec: spec.name,
    )
}
