"""Alarms of CloudWatch: which state they are in, and word of it to whoever watches them.

moto's alarms change when somebody sets their state, or makes or deletes them; it measures nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend, cloudwatch_backends

Listener = Callable[[str, str], None]

_listeners: list[Listener] = []


def state_of(name: str, account_id: str, region: str) -> str | None:
    """The state of an alarm (OK, ALARM, INSUFFICIENT_DATA), None when there is no such alarm."""
    alarm = cloudwatch_backends[account_id][region].alarms.get(name)
    return str(alarm.state_value) if alarm is not None else None


def listen(listener: Listener) -> None:
    """Call `listener` with the account and Region after alarms there have, or may have, changed."""
    _listeners.append(listener)


def _telling(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def told(self: CloudWatchBackend, *arguments: Any, **options: Any) -> Any:
        result = method(self, *arguments, **options)
        for listener in _listeners:
            listener(self.account_id, self.region_name)
        return result

    return told


def install() -> None:
    """Have word of every change."""
    for name in ("set_alarm_state", "put_metric_alarm", "delete_alarms"):
        setattr(CloudWatchBackend, name, _telling(getattr(CloudWatchBackend, name)))
