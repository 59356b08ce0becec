"""What a line of the tables says: whether something is there, what differs, and where that is shown."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

State = Literal["done", "differs", "absent"]


@dataclass(frozen=True)
class Behaviour:
    """A behaviour of AWS's. `told` is what differs, or where the figures are ours, what we chose.

    `shown` are the tests that show it, as `file::test` below tests/sandbox.
    """

    name: str
    state: State
    told: str
    shown: tuple[str, ...]


def shown(file: str, *tests: str) -> tuple[str, ...]:
    """The tests of one file, whose names are given without their `test_`."""
    return tuple(f"{file}::test_{test}" for test in tests)


def done(name: str, *tests: tuple[str, ...], told: str = "") -> Behaviour:
    """A behaviour that is AWS's; `told` is what we chose where AWS documents nothing."""
    return Behaviour(name, "done", told, sum(tests, ()))


def differs(name: str, told: str, *tests: tuple[str, ...]) -> Behaviour:
    """A behaviour that is there and not AWS's in what is told."""
    return Behaviour(name, "differs", told, sum(tests, ()))


def absent(name: str, told: str, *tests: tuple[str, ...]) -> Behaviour:
    """A behaviour that is not there; `told` is what happens in its place."""
    return Behaviour(name, "absent", told, sum(tests, ()))


def state_of(told: str | None, *, there: bool) -> State:
    """`absent` for what is not there, `differs` where there is something to tell, else `done`."""
    if not there:
        return "absent"
    return "differs" if told else "done"


def table(heads: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    rows = [list(heads), *map(list, lines)]
    rows.insert(1, ["---"] * len(rows[0]))
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |\n" for row in rows)
