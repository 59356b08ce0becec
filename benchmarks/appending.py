"""The other process of `benchmarks.watchers`: appends events to runs, gives and takes rights.

Reads one JSON object a line: {"append": [run, …], "every": seconds} appends an event to each of the runs, one
after the other at that pace; {"grant": group} and {"revoke": group} give the right to see every delegation
to a group, and take it. Answers each with a JSON list of [run, number, when]: when the event was begun, or
when the right was given or gone, in seconds of the machine's monotonic clock.
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
    """Append to each run in its turn."""
    begun = time.monotonic()
    done = []
    for place, run in enumerate(runs):
        time.sleep(max(0.0, begun + place * every - time.monotonic()))
        moment = time.monotonic()
        done.append((run, append(UUID(run), [Fact("status", "Something has happened")]), moment))
    return done


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
