"""The other process of `benchmarks.watchers`: appends events to runs, gives and takes rights.

Reads one JSON object a line: {"append": [run, …], "every": seconds} appends an event to each of the runs, one
after the other at that pace; {"grant": group} and {"revoke": group} give the right to see every delegation
to a group, and take it. Answers each with a JSON list of [run, number, when]: when the event, or the
right, was committed, in seconds of the machine's monotonic clock.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any
from uuid import UUID

import django

django.setup()

from django.contrib.auth.models import Group  # noqa: E402
from django.db import transaction  # noqa: E402

from accounts.models import Delegation  # noqa: E402
from common import access  # noqa: E402
from executions.events import Fact, append  # noqa: E402


def appended(runs: list[str], every: float) -> list[tuple[str, int, float]]:
    """Append to each run in its turn; the moment is the one at which the event has been committed."""
    begun = time.monotonic()
    numbers: list[int] = []
    moments: list[float] = []

    def committed() -> None:
        moments.append(time.monotonic())

    for place, run in enumerate(runs):
        time.sleep(max(0.0, begun + place * every - time.monotonic()))
        with transaction.atomic():
            # Before whatever `append` has done after the commit: that is part of what is measured.
            transaction.on_commit(committed)
            numbers.append(append(UUID(run), [Fact("status", "Something has happened")]))
    return list(zip(runs, numbers, moments, strict=True))


def changed(verb: Any, group: str) -> list[tuple[str, int, float]]:
    """Give or take the right to see every delegation."""
    holder = Group.objects.get(name=group)
    with transaction.atomic():
        for delegation in Delegation.objects.all():
            verb("view", delegation, holder)
    return [("", 0, time.monotonic())]


def main() -> None:
    """Do what each line says."""
    for line in sys.stdin:
        said = json.loads(line)
        if "append" in said:
            answer = appended(said["append"], said["every"])
        elif "revoke" in said:
            answer = changed(access.revoke, said["revoke"])
        else:
            answer = changed(access.grant, said["grant"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
