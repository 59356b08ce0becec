"""Where moto's services leave out, or get wrong, what steps of an automation rely on: one module a service.

The server calls `install()` once, before it builds its applications, and builds these with `application`.
"""

import importlib
from typing import Any

from moto.moto_server.werkzeug_app import create_backend_app

from sandbox.services import (
    accounts,
    alarms,
    buckets,
    images,
    instances,
    parameters,
    queues,
    resource_groups,
)
from sandbox.services.functions import responses as functions

__all__ = ["application", "install"]

# Big, and reached through their own service only: imported and put in place when that is first called.
_LATE = {
    "athena": ["sandbox.services.queries"],
    "iam": ["sandbox.services.simulation"],
    "cloudformation": ["sandbox.services.state_machines", "sandbox.services.stacks"],
    "rds": ["sandbox.services.option_groups"],
    "stepfunctions": ["sandbox.services.state_machines"],
}
_installed: set[str] = set()


def install() -> None:
    """Put our responses in the place of moto's."""
    accounts.install()
    alarms.install()
    buckets.install()
    functions.install()
    images.install()
    instances.install()
    parameters.install()
    queues.install()
    resource_groups.install()


def application(backend: Any) -> Any:
    """The WSGI application of one of moto's backends, with what late modules put in its place."""
    for name in _LATE.get(backend, ()):
        if name not in _installed:
            importlib.import_module(name).install()
            _installed.add(name)
    return create_backend_app(backend)
