"""Judge files of Automation documents, as the portal would when they are published."""

import argparse
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

import ssmdoc
from ssmdoc import files, reports, text

HELP = """\
Checks Automation documents without calling AWS.

A file is judged whatever it holds. A folder is searched to the bottom for .json, .yaml and .yml files, of
which those that are Automation documents (schemaVersion 0.3) are judged. One line a finding:

    path:line:column: severity id message

The severity is error, warning or info. With --json a list with one object a document is printed:

    [{"path": "…", "findings": [{"id": "…", "severity": "error", "line": 1, "column": 1, "message": "…",
      "hint": "…"}]}]

and in each object "iam" (with --iam) and "graph" (with --graph). Without --json these are lines as well:

    path: iam ACTION
    path: iam possible ACTION
    path: iam unknown STEP: what cannot be told
    path: graph STEP -> STEP next|branch|failure|cancel|loop (condition)

Exit status: 0 when no document has an error, 1 when one has, 2 when a path or a policy cannot be read or the
command was called wrongly."""


class Command(BaseCommand):
    """`manage.py checkdoc PATH…`"""

    help = HELP
    # Neither the database nor anything else of the portal is needed.
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH", help="a file or a folder")
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.add_argument(
            "--policy",
            action="append",
            default=[],
            metavar="FILE",
            help="judge by the organisation's rules in this JSON or YAML file as well; may be repeated",
        )
        parser.add_argument("--iam", action="store_true", help="tell the IAM actions that a document needs")
        parser.add_argument("--graph", action="store_true", help="tell where each step leads")

    def handle(self, *args: Any, **options: Any) -> None:
        for stream in (sys.stdout, sys.stderr):
            # A terminal that knows no `…` is no reason to say nothing.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        rule_sets = [_rules(path) for path in options["policy"]]
        found = files.find(options["paths"])
        judged = []
        try:
            for file in found.files:
                report = reports.judge(file, rule_sets, iam=options["iam"], steps=options["graph"])
                judged.append(report)
                for line in () if options["json"] else report.lines():
                    self.stdout.write(line)
            if options["json"]:
                self.stdout.write(json.dumps([report.as_dict() for report in judged], indent=2))
            self.stdout.flush()
        except BrokenPipeError:
            # Whoever reads has seen enough; Python must not try to write the rest when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        for problem in found.problems:
            self.stderr.write(reports.one_line(problem))
        if not judged and not found.problems:
            self.stderr.write("There is no Automation document there.")
        if found.problems:
            sys.exit(2)
        if any(report.errors for report in judged):
            sys.exit(1)


def _rules(path: str) -> dict[str, Any]:
    """The rule set that a file holds. Raises CommandError when it cannot be used."""
    if not path:
        raise CommandError("An empty path names no policy.", returncode=2)
    name = reports.one_line(files.shown(path))
    try:
        with Path(path).open("rb") as file:
            # A device may have no end.
            data = file.read(text.MAX_READ_BYTES + 1)
        if len(data) > text.MAX_READ_BYTES:
            raise CommandError(f"{name} is larger than {text.MAX_READ_BYTES // 1024} KB.", returncode=2)
        read = text.read(data.decode("utf-8"))
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.", returncode=2) from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{name} is not UTF-8.", returncode=2) from error
    for finding in read.findings:
        if finding.severity == "error":
            raise CommandError(f"{name}:{finding.line}:{finding.column}: {finding.message}", returncode=2)
    if not isinstance(read.data, dict):
        raise CommandError(
            f"{name} holds no rules: write a map like require_assume_role: true.", returncode=2
        )
    faults = ssmdoc.policy.validate_rules(read.data)
    if faults:
        said = reports.one_line("; ".join(f"{rule}: {fault}" for rule, fault in faults.items()))
        raise CommandError(f"{name} cannot be used. {said}", returncode=2)
    return read.data
