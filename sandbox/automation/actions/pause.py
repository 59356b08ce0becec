"""aws:pause (https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-pause.html)."""

from sandbox.automation.actions.registry import Action
from sandbox.automation.context import StepContext
from sandbox.automation.outcomes import Done, Outcome, Wait


def run(context: StepContext) -> Outcome:
    if any(signal.type == "Resume" for signal in context.signals):
        return Done()
    return Wait(None, "waiting for a Resume signal", status="Waiting")


# Whoever is to resume the run reads the Message among the step's inputs.
ACTION = Action(
    "aws:pause",
    run,
    timeout_seconds=604_800,
    longest_seconds=2_592_000,
    quick=True,
    inputs=frozenset({"Message"}),
)
