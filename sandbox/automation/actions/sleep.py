"""aws:sleep (https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-sleep.html)."""

import datetime as dt

from sandbox.automation.actions.registry import Action
from sandbox.automation.context import StepContext
from sandbox.automation.outcomes import Done, InvalidInputs, Outcome, Wait
from ssmdoc import durations

LONGEST_SECONDS = 604_799


def run(context: StepContext) -> Outcome:
    until = _until(context)
    return Done() if context.now >= until else Wait(until, "sleeping")


def _until(context: StepContext) -> dt.datetime:
    if duration := context.inputs.get("Duration"):
        try:
            seconds = durations.seconds(str(duration))
        except ValueError as error:
            raise InvalidInputs(f"The input Duration is not an ISO 8601 duration: {error}") from error
        end = context.started_at + dt.timedelta(seconds=seconds)
    elif timestamp := context.inputs.get("Timestamp"):
        try:
            end = dt.datetime.fromisoformat(str(timestamp))
        except ValueError as error:
            raise InvalidInputs(
                f"The input Timestamp is not an ISO 8601 date and time: {timestamp}"
            ) from error
        end = end if end.tzinfo else end.replace(tzinfo=dt.UTC)
    else:
        raise InvalidInputs("aws:sleep needs one of the inputs Duration and Timestamp.")
    if (end - context.started_at).total_seconds() > LONGEST_SECONDS:
        raise InvalidInputs(f"aws:sleep delays by {LONGEST_SECONDS} seconds (7 days) at most.")
    return end


ACTION = Action("aws:sleep", run, quick=True, inputs=frozenset({"Duration", "Timestamp"}))
