"""What changes in a trial's world by itself while a run waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends

from sandbox.calls import Call
from sandbox.fixtures.generation import Wish

ALARM_STATES = ("OK", "ALARM", "INSUFFICIENT_DATA")


def move(account_id: str, call: Call, wishes: Sequence[Wish]) -> bool:
    """Let what the call looks at become what its step waits for, where nothing in the account could.

    An alarm follows measurements of what runs outside of the sandbox: nobody takes them here, so that it goes
    where the document expects it to go. Tells whether something changed.
    """
    wanted = next((wish.value for wish in reversed(wishes) if wish.value in ALARM_STATES), None)
    if (call.service, call.operation) != ("cloudwatch", "DescribeAlarms") or wanted is None:
        return False
    alarms: Any = cloudwatch_backends[account_id][call.region].alarms
    named = call.params.get("AlarmNames") or list(alarms)
    changed = [alarms[name] for name in named if name in alarms and alarms[name].state_value != wanted]
    for alarm in changed:
        alarm.update_state("The trial's run waits for it", "{}", wanted)
    return bool(changed)
