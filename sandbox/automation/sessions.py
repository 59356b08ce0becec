"""Clients that steps act through: as the service role or as the caller, against this same server."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.authorization import assume_role_as_service
from sandbox.automation.clients import client_of
from sandbox.automation.clock import Clock
from sandbox.automation.records import Execution
from sandbox.identity import Principal

ROLE_REFRESH = timedelta(minutes=45)
CALLER_SESSION = timedelta(hours=12)


def automation_session_name(execution_id: str) -> str:
    """The role session name under which Automation acts for a run."""
    return f"Automation-{execution_id}"


def assume(execution: Execution, role_arn: str) -> Principal:
    """A fresh session of the run's service role. AccessDenied when it is absent or does not trust us."""
    return assume_role_as_service(
        role_arn,
        service="ssm.amazonaws.com",
        session_name=automation_session_name(execution.id),
        source_account=execution.account_id,
        source_arn=execution.arn,
    )


@dataclass
class _Acting:
    renew_at: datetime
    credentials: Mapping[str, str | None]
    clients: dict[str, Any]


class Sessions:
    """Gives the client of a service for a run; sessions and clients are kept and renewed before they end."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._acting: dict[str, _Acting] = {}

    def client(self, execution: Execution, service: str) -> Any:
        """A client of `service` that acts as the run's role or caller; AccessDenied when that may not be.

        A service `lambda:300` is one whose client waits 300 seconds for an answer, and asks once.
        """
        with self._lock:
            acting = self._acting.get(execution.id)
        if acting is None or self._clock.now() >= acting.renew_at:
            acting = self._begin(execution)
        with self._lock:
            self._acting[execution.id] = acting
        if service not in acting.clients:
            acting.clients[service] = client_of(acting.credentials, execution.region, service)
        return acting.clients[service]

    def role_keys(self, execution: Execution) -> Mapping[str, str] | None:
        """The credentials of the run's service role, as keyword arguments of a boto3.Session.

        None when the run has no service role; AccessDenied when it may not be assumed.
        """
        if not execution.role_arn:
            return None
        given = assume(execution, execution.role_arn).credentials()
        return {name: value for name, value in given.items() if value}

    def forget(self, execution: Execution) -> None:
        """Drop what is kept for a run that has ended."""
        with self._lock:
            self._acting.pop(execution.id, None)

    def _begin(self, execution: Execution) -> _Acting:
        principal = assume(execution, execution.role_arn) if execution.role_arn else execution.caller
        assert principal is not None, "a run has either a role or a caller to act as"
        renew = ROLE_REFRESH if execution.role_arn else CALLER_SESSION
        return _Acting(self._clock.now() + renew, principal.credentials(), {})
