"""`manage.py create_administrator USERNAME`: the first person of a portal, who adds the others."""

import sys
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.services import create_user, ensure_standard_groups
from common.errors import Invalid


class Command(BaseCommand):
    """Adds a person to the Administrators; makes the standard groups where they are missing."""

    help = "Add a person who may administer the portal."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the person; the password never stands on the command line, where other processes see it."""
        parser.add_argument("username")
        parser.add_argument("--full-name", default="", help="the name to greet them by")
        parser.add_argument("--email", default="")
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password from standard input, one line"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask for the password and add the person."""
        password = self._read_line() if options["password_stdin"] else self._ask()
        groups = ensure_standard_groups()
        try:
            user = create_user(
                actor=None,
                username=options["username"],
                password=password,
                full_name=options["full_name"],
                email=options["email"],
                groups=[groups["Administrators"]],
            )
        except Invalid as error:
            raise CommandError(f"{error.message} {' '.join(error.fields.values())}".strip()) from None
        self.stdout.write(f"{user} may now sign in and administer the portal.")

    def _read_line(self) -> str:
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise CommandError("Standard input held no password.")
        return password

    def _ask(self) -> str:
        password = getpass("Password: ")
        if password != getpass("Once more: "):
            raise CommandError("The two passwords differ: nothing was changed.")
        return password
