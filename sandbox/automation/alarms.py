"""Alarms that stop executions: those of an AlarmConfiguration, when they go off or cannot be found.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_AlarmConfiguration.html
"""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.automation.records import Execution
from sandbox.automation.store import Store
from sandbox.services import alarms


@dataclass(frozen=True)
class AlarmWatch:
    """Looks at the alarms of executions; `wake` has one looked at that was told to stop."""

    store: Store
    wake: Callable[[Execution], None]

    def look(self, account_id: str, region: str) -> None:
        """Judge every execution of an account and Region: alarms there have changed."""
        for execution in self.store.within(account_id, region):
            if execution.alarm_configuration:
                self.judge(execution)

    def judge(self, execution: Execution) -> None:
        """Stop the execution when its alarm has gone off, or is unknown and that is not to be ignored."""
        configuration = execution.alarm_configuration
        if configuration is None:
            return
        name = configuration["Alarms"][0]["Name"]
        state = alarms.state_of(name, execution.account_id, execution.region)
        unknown = state is None and not configuration.get("IgnorePollAlarmFailure")
        if state != "ALARM" and not unknown:
            return
        with self.store.changing(execution):
            if execution.finished or execution.triggered_alarms:
                return
            execution.triggered_alarms = [{"Name": name, "State": state or "UNKNOWN"}]
            execution.stop_requested, execution.status = "Cancel", "Cancelling"
        self.wake(execution)
