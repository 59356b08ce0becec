"""The tables, each between two comments in the document that name it."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import botocore.session

from sandbox.automation.actions import REGISTRY
from sandbox.automation.api.members import OPERATIONS
from sandbox.automation.api.validation import input_shape
from sandbox.automation.calls import loader
from sandbox.coverage import behaviours, events, keys
from sandbox.coverage.rows import Behaviour, State, state_of, table
from ssmdoc.specs import BY_NAME

_PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end: \2 -->)", re.DOTALL)
# Systems Manager's operations on automations and documents; the others of its operations are moto's.
_OURS = re.compile(r"Automation|Document|Calendar|ExecutionPreview|ChangeRequestExecution")


def render(text: str) -> str:
    """The text with its generated parts anew. Raises KeyError when it names a part that is none."""
    return _PART.sub(lambda found: f"{found[1]}\n{_PARTS[found[2]]()}\n{found[3]}", text)


def inputs() -> Iterator[tuple[str, str, State, str]]:
    """Each input of each action: action, input, state, and what differs."""
    for name, spec in BY_NAME.items():
        action = REGISTRY[name]
        for each in spec.inputs:
            told = action.differs.get(each.name, "")
            there = each.name not in action.absent
            yield name, each.name, state_of(told, there=there), told if there else _REFUSED_INPUT


def members() -> Iterator[tuple[str, str, State, str]]:
    """Each member of each request: operation, member, state, and what differs."""
    for name in operations():
        heeded = OPERATIONS.get(name)
        for member in input_shape(name).members:  # type: ignore[attr-defined]
            if heeded is None:
                yield name, member, "absent", behaviours.ABSENT_OPERATIONS[name]
            else:
                told = heeded.differs.get(member, "")
                there = member in heeded.members
                yield name, member, state_of(told, there=there), told if there else _REFUSED_MEMBER


def operations() -> list[str]:
    """The operations on automations and documents, and the others that the sandbox has beside moto's."""
    session = botocore.session.Session()
    session.register_component("data_loader", loader())
    model = session.get_service_model("ssm")
    return [name for name in sorted(model.operation_names) if name in OPERATIONS or _OURS.search(name)]


_REFUSED_INPUT = "A step that gives it fails with a message that names it."
_REFUSED_MEMBER = "A request that gives it is refused with a message that names it."


def _counts() -> str:
    def line(name: str, states: Iterator[State] | list[State]) -> list[str]:
        counted = Counter(states)
        return [name, *(str(counted[state]) for state in ("done", "differs", "absent"))]

    return table(
        ("", "done", "differs", "absent"),
        [
            line("inputs of the 23 actions", [state for _, _, state, _ in inputs()]),
            line("members of requests", [state for _, _, state, _ in members()]),
            line("keys of documents and steps", [each.state for each in keys.KEYS]),
            line("behaviours of runs", [each.state for each in behaviours.RUNS]),
            line("behaviours of the API", [each.state for each in behaviours.API]),
            line("events", [each.state for each in events.TYPES]),
        ],
    )


def _actions() -> str:
    rows = []
    for name, spec in BY_NAME.items():
        action = REGISTRY[name]
        seconds = action.timeout_seconds
        rows.append(
            (
                f"[`{name}`]({spec.source})",
                ", ".join(f"`{output}`" for output in spec.outputs),
                f"{seconds:,} s" if seconds else "",
                action.note,
            )
        )
    return table(
        ("action", "outputs without declaration: all done", "timeout unless given", "what differs"), rows
    )


def _inputs() -> str:
    rows = [(f"`{action}`", f"`{name}`", state, told) for action, name, state, told in inputs()]
    rows += [
        (f"`{name}`", "the operation's own", "done", "") for name, spec in BY_NAME.items() if spec.open_inputs
    ]
    return table(("action", "input", "state", "what differs"), sorted(rows))


def _requests() -> str:
    rows = [(f"`{operation}`", f"`{name}`", state, told) for operation, name, state, told in members()]
    return table(("operation", "member", "state", "what differs"), rows)


def _notes() -> str:
    noted = ((name, OPERATIONS[name].note) for name in operations() if name in OPERATIONS)
    return table(("operation", "what differs"), ((f"`{name}`", note) for name, note in noted if note))


def _behaviours(found: tuple[Behaviour, ...]) -> Callable[[], str]:
    return lambda: table(
        ("", "state", "what differs, or what was chosen", "shown by"),
        ((each.name, each.state, each.told, ", ".join(map(_link, each.shown))) for each in found),
    )


def _link(test: str) -> str:
    path, _, name = test.partition("::")
    return f"[{name.removeprefix('test_').replace('_', ' ')}](../tests/sandbox/{path})"


_PARTS: Mapping[str, Callable[[], str]] = {
    "counts": _counts,
    "actions": _actions,
    "inputs": _inputs,
    "requests": _requests,
    "notes": _notes,
    "keys": _behaviours(keys.KEYS),
    "runs": _behaviours(behaviours.RUNS),
    "api": _behaviours(behaviours.API),
    "events": _behaviours(events.TYPES),
}
