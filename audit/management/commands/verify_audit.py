"""`manage.py verify_audit`: is the record whole?"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.verification import verify


class Command(BaseCommand):
    """Checks every audit entry against the one before it; exits 1, naming the first broken entry, if any."""

    help = "Check that no audit entry was changed or removed."

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, and say what was seen."""
        seen = verify()
        if seen.broken is not None:
            raise CommandError(
                f"The audit record is broken at entry {seen.broken}: it is missing or was changed. "
                "Compare with a backup of the database.",
                returncode=1,
            )
        self.stdout.write(f"The audit record is whole up to entry {seen.number}.")
