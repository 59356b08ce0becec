"""Athena's queries that do not exist.

https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryExecution.html
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from moto.athena.models import AthenaBackend

from sandbox.errors import AwsError


def install() -> None:
    """Refuse a query's id that is not known, where moto fails."""
    for name in ("get_query_execution", "get_query_results", "stop_query_execution"):
        setattr(AthenaBackend, name, _of_known_query(getattr(AthenaBackend, name)))


def _of_known_query(ask: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(ask)
    def asked(self: AthenaBackend, exec_id: str, *rest: Any, **more: Any) -> Any:
        if exec_id not in self.executions:
            raise AwsError("InvalidRequestException", f"QueryExecution {exec_id} was not found", 400)
        return ask(self, exec_id, *rest, **more)

    return asked
