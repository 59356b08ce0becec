"""How much memory a script's processes use."""

import contextlib
import os
import re
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")


def memory_in_use(pid: int, *, enough: int) -> int:
    """Bytes that the process `pid` and all its descendants hold in memory.

    Memory that they share is counted once when the sum, shared memory counted each time, is over `enough`.
    """
    pids = _family(pid)
    total = sum(_resident(each) for each in pids)
    return sum(_proportional(each) for each in pids) if total > enough else total


def _family(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{parent}/task"):  # noqa: PTH208 - names are all that is wanted
                text = Path(f"/proc/{parent}/task/{thread}/children").read_text(encoding="ascii")
                found.extend(int(child) for child in text.split())
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _proportional(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return _resident(pid)
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else _resident(pid)
