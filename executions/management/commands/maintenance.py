"""`manage.py maintenance on|off|status`: the maintenance switch, for whoever has a shell on the machine."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common.errors import Invalid
from executions import maintenance


class Command(BaseCommand):
    """Pauses all launches, or resumes them; everything that runs goes on either way."""

    help = "Pause all launches, resume them, or say whether they are paused."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say which way the switch is thrown, and why."""
        parser.add_argument("switch", choices=("on", "off", "status"))
        parser.add_argument("--reason", default="", help="with “on”: why, for everybody to read")

    def handle(self, *args: Any, **options: Any) -> None:
        """Throw the switch, and say how it stands."""
        if options["switch"] == "on":
            try:
                maintenance.pause_launches(actor=None, reason=options["reason"])
            except Invalid as error:
                raise CommandError(f"{error.message} {' '.join(error.fields.values())}") from None
        elif options["switch"] == "off":
            maintenance.resume_launches(actor=None)
        pause = maintenance.launches_paused()
        if pause is None:
            self.stdout.write("Launches go on as usual.")
        else:
            self.stdout.write(
                f"Launches are paused by {pause.by} since {pause.since:%Y-%m-%d %H:%M} UTC: {pause.reason}"
            )
