"""Memory goes back to the system when calls have stopped."""

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import thrift

# What stands last keeps the C library from giving back what lies before it.
HOLDING = """
from pathlib import Path
from sandbox import thrift

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

held = [bytearray(b"x" * 60_000) for _ in range(2_000)]
last = held.pop()
held.clear()
before = resident()
thrift.give_back()
print((before - resident()) // 1_000_000)
"""


def test_what_nothing_needs_any_more_is_given_back():
    said = subprocess.run(
        [sys.executable, "-c", HOLDING],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(said.stdout) > 50


def test_it_happens_once_after_each_time_of_calls(monkeypatch: pytest.MonkeyPatch):
    moment, calls, given = 0.0, 0, []
    monkeypatch.setattr(thrift.time, "monotonic", lambda: moment)
    monkeypatch.setattr(thrift, "give_back", lambda: given.append(moment))
    look = thrift.Thrift(lambda: calls)
    for moment, calls in ((0, 0), (1, 0), (2, 0), (3, 0), (4, 1), (5, 2), (6, 2), (7, 2), (8, 2)):  # noqa: B007
        look()
    assert given == [2, 7]
