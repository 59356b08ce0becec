"""Processes that share their parent's memory: all run, whoever ends is replaced, all end together."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.stack import COMPILED, ROOT, eventually

# Each leaves a file named by its process; "short" ends by itself, "deaf" finishes what it is at.
SCRIPT = """
import os, pathlib, signal, sys, time
from common.siblings import Siblings

folder = pathlib.Path(sys.argv[1])
loaded = ["by the parent"]

def tell(name):
    (folder / f"{name} {os.getpid()}").write_text(loaded[0])

def patient():
    tell("patient")
    time.sleep(600)

def busy():
    asked = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
    tell("busy")
    while not asked:
        time.sleep(0.01)
    tell("finished")

def short():
    tell("short")

Siblings({"patient": patient, "busy": busy, "short": short}).run()
"""


class Family:
    """A running parent, and what its children left in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.parent = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(folder)],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **COMPILED},
            start_new_session=True,
        )

    def told(self, name: str) -> set[int]:
        """The processes that said so."""
        return {int(path.name.partition(" ")[2]) for path in self.folder.glob(f"{name} *")}

    def first(self, name: str) -> int:
        found: set[int] = eventually(lambda: self.told(name), seconds=20, what=f"{name} to begin")
        return min(found)


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Family]:
    found = Family(tmp_path)
    yield found
    if found.parent.poll() is None:
        os.killpg(found.parent.pid, signal.SIGKILL)
        found.parent.wait()


def test_whoever_ends_is_started_again_and_the_others_stay(family: Family) -> None:
    patient, busy = family.first("patient"), family.first("busy")
    os.kill(patient, signal.SIGKILL)
    eventually(lambda: len(family.told("patient")) == 2, seconds=20, what="another in its place")
    # So is one that has nothing to do; its end is not the end of the others.
    eventually(lambda: len(family.told("short")) >= 2, seconds=20, what="the short one once more")
    assert family.told("busy") == {busy}
    assert {path.read_text() for path in family.folder.iterdir()} == {"by the parent"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_end_all_finish_and_none_comes_back(family: Family, number: signal.Signals) -> None:
    patient, busy = family.first("patient"), family.first("busy")
    family.parent.send_signal(number)
    assert family.parent.wait(20) == 0
    assert family.told("finished") == {busy}
    assert family.told("patient") == {patient}
    for pid in (patient, busy):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.skipif(not Path("/proc/self/comm").exists(), reason="the system does not tell a process's name")
def test_each_has_its_name_in_the_list_of_processes(family: Family) -> None:
    assert Path(f"/proc/{family.first('busy')}/comm").read_text() == "busy\n"
