"""`manage.py rotate_credentials`: seal stored AWS keys anew, so that an old key can be dropped."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from aws.services.credentials import rotate_credentials


class Command(BaseCommand):
    """Seals every stored secret with the newest key of CREDENTIAL_KEYS; exits 1 when some were not."""

    help = "Seal every stored AWS key with the newest of CREDENTIAL_KEYS. Nothing is printed of any secret."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say whether to change anything."""
        parser.add_argument("--dry-run", action="store_true", help="count, and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seal anew, and say what was seen."""
        dry_run = options["dry_run"]
        seen = rotate_credentials(dry_run=dry_run)
        self.stdout.write(
            f"{seen.renewed} {'would be' if dry_run else 'were'} sealed with the newest key, "
            f"{seen.current} had been before."
        )
        if seen.unopened:
            self.stderr.write("No key of CREDENTIAL_KEYS opens:")
            for whose in seen.unopened:
                self.stderr.write(f"  {whose}")
            raise CommandError(
                "Put back the key that sealed them, or have these AWS keys entered again.",
                returncode=1,
            )
        if seen.changed:
            raise CommandError(
                f"{seen.changed} changed meanwhile and were left alone: run this once more.", returncode=1
            )
        if dry_run and seen.renewed:
            self.stdout.write("The older keys are still needed.")
        else:
            self.stdout.write("The older keys can be dropped once every process runs with this newest key.")
