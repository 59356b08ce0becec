"""`manage.py purge_runs --older-than DAYS`: remove runs that ended long ago; the audit keeps their story."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand

from executions.retention import BATCH, ended_before, purge_runs


def at_least_one(text: str) -> int:
    """Return a whole number of 1 or more."""
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise ArgumentTypeError("give a whole number, 1 or more")
    return int(text)


class Command(BaseCommand):
    """Removes ended runs with their steps, events and answers, in short transactions."""

    help = "Remove the runs that ended more than DAYS days ago. Others, and the audit, are never touched."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say how old is old enough."""
        parser.add_argument("--older-than", type=at_least_one, required=True, metavar="DAYS")
        parser.add_argument("--dry-run", action="store_true", help="count, and remove nothing")
        parser.add_argument(
            "--batch", type=at_least_one, default=BATCH, metavar="N", help=f"runs a transaction ({BATCH})"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Remove them, and say how many."""
        days = options["older_than"]
        if options["dry_run"]:
            self.stdout.write(f"{ended_before(days).count()} runs ended more than {days} days ago.")
            return
        done = purge_runs(days=days, batch=options["batch"])
        others = ", ".join(f"{count} {name}" for name, count in sorted(done.rows.items()))
        self.stdout.write(f"{done.runs} runs removed{f' ({others})' if others else ''}.")
