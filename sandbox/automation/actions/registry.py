"""What an action is to the engine."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.automation.context import StepContext
from sandbox.automation.outcomes import Outcome


@dataclass(frozen=True)
class Action:
    """An action of the Automation language.

    `run` is called once a turn: it returns Done or Wait, or raises StepFailed; after a Wait it is called
    again with the same memo. `timeout_seconds` is AWS's default for the action (None: no limit of its own),
    `longest_seconds` what a document may set it to. `late` are inputs whose references `run` resolves itself.
    A `quick` action's turns only compute, so that no other run needs to go on meanwhile.
    """

    name: str
    run: Callable[[StepContext], Outcome]
    timeout_seconds: int | None = None
    longest_seconds: int | None = None
    late: frozenset[str] = frozenset()
    quick: bool = False
