"""`manage.py check_target NAME`: what works in a target, and which IAM permission is missing."""

import json
import textwrap
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from aws.checking import Finding, Outcome, check
from aws.models import AwsTarget


class Command(BaseCommand):
    """Asks AWS step by step, changing nothing there; exits 1 when something that is needed does not work."""

    help = "Say what works in a target and which IAM permission is missing. Nothing is changed in AWS."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the target, and the form of the answer."""
        parser.add_argument("name", help="the target's name, as the page Targets shows it")
        parser.add_argument("--json", action="store_true", help="print a list of findings for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask, and say what was found as it is found."""
        target = AwsTarget.objects.filter(name=options["name"]).first()
        if target is None:
            names = ", ".join(AwsTarget.objects.values_list("name", flat=True)) or "none yet"
            raise CommandError(f"There is no target “{options['name']}”. Targets: {names}.", returncode=2)
        found: list[Finding] = []
        for finding in check(target):
            found.append(finding)
            if not options["json"]:
                self._tell(finding)
        if options["json"]:
            self.stdout.write(json.dumps([finding.as_json() for finding in found], indent=2))
        failing = sum(finding.outcome is Outcome.FAILS for finding in found)
        if failing:
            raise CommandError(f"{failing} of {len(found)} steps do not work in {target}.", returncode=1)

    def _tell(self, finding: Finding) -> None:
        style = {
            Outcome.WORKS: self.style.SUCCESS,
            Outcome.FAILS: self.style.ERROR,
            Outcome.UNKNOWN: self.style.WARNING,
        }[finding.outcome]
        self.stdout.write(f"{style(f'{finding.outcome:<20}')} {finding.what}")
        for line in textwrap.wrap(finding.said, 100, break_long_words=False):
            self.stdout.write(f"    {line}")
        for number, remedy in enumerate(finding.remedies):
            self.stdout.write(f"    {'or, ' if number else ''}add to {remedy.where}:")
            self.stdout.write(textwrap.indent(json.dumps(remedy.statement, indent=2), "      "))
