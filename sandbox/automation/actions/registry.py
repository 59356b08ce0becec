"""What an action is to the engine."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from sandbox.automation.context import StepContext
from sandbox.automation.outcomes import InvalidInputs, Outcome
from ssmdoc.specs import BY_NAME


@dataclass(frozen=True)
class Action:
    """An action of the Automation language.

    `run` is called once a turn: it returns Done or Wait, or raises StepFailed; after a Wait it is called
    again with the same memo. `timeout_seconds` is AWS's default for the action (None: no limit of its own),
    `longest_seconds` what a document may set it to. `late` are inputs whose references `run` resolves itself.
    A `quick` action's turns only compute, so that no other run needs to go on meanwhile. `stop` ends what a
    step has begun elsewhere, by the memo of its last turn, when the step does not come to its own end:
    cancelled, stopped, or out of time. It may call AWS, and raises what `StepContext.call` raises.

    `inputs` are those of the specification that `run` heeds. `differs` tells, by input, what is not as in
    AWS, and `note` what else is not: docs/sandbox-coverage.md is made from them (see `sandbox.coverage`).
    """

    name: str
    run: Callable[[StepContext], Outcome]
    timeout_seconds: int | None = None
    longest_seconds: int | None = None
    late: frozenset[str] = frozenset()
    quick: bool = False
    stop: Callable[[StepContext], None] | None = None
    inputs: frozenset[str] = frozenset()
    differs: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    @property
    def absent(self) -> frozenset[str]:
        """The inputs that AWS's action has and this one has not."""
        return frozenset(each.name for each in BY_NAME[self.name].inputs) - self.inputs


def heeding(action: Action) -> Action:
    """`action`, failing each step that gives it an input which it has not: none is ignored in silence."""
    absent = action.absent

    def run(context: StepContext) -> Outcome:
        for name in sorted(absent & set(context.inputs)):
            raise InvalidInputs(
                f"The sandbox does not emulate the input {name} of {action.name}: leave it out, give the "
                "step's result in a fixture, or try it on AWS."
            )
        return action.run(context)

    return replace(action, run=run) if absent else action
