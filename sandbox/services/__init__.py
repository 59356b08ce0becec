"""Where moto's services leave out, or get wrong, what steps of an automation rely on: one module a service.

The server calls `install()` once, before it builds its applications.
"""

from sandbox.services import (
    accounts,
    alarms,
    images,
    instances,
    parameters,
    resource_groups,
    stacks,
    state_machines,
)
from sandbox.services.functions import responses as functions

__all__ = ["install"]


def install() -> None:
    """Put our responses in the place of moto's."""
    accounts.install()
    alarms.install()
    functions.install()
    images.install()
    instances.install()
    parameters.install()
    resource_groups.install()
    stacks.install()
    state_machines.install()
