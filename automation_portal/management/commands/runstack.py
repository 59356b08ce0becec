"""`manage.py runstack`: run the whole instance, as `make run` does after its set-up."""

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Gives its process to the supervisor, which must not hold Django's memory for as long as it runs."""

    help = "Runs web, workers, tracker, cron, queue and sandbox of this instance until Ctrl-C."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Replace this process by the supervisor."""
        os.chdir(settings.BASE_DIR)
        os.execv(sys.executable, [sys.executable, "-m", "automation_portal.stack"])  # noqa: S606
