"""`manage.py walkthrough`: the proof that the delegated launch works, against the running portal."""

import shutil
import textwrap
from itertools import zip_longest
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from automation_portal.walkthrough import Row, Walkthrough
from common.errors import PortalError


class Command(BaseCommand):
    """Performs the walkthrough; ends with 1 when anything differs from what was expected."""

    help = "Performs the delegated launch from end to end: a table of what was expected and what was seen."

    def handle(self, *args: Any, **options: Any) -> None:
        """Perform it, printing each row of the table as it is seen."""
        columns = max(shutil.get_terminal_size((120, 24)).columns, 80)
        # Step, expected and seen share what the number, the mark and the rules leave.
        share = columns - 4 - 9 - 3 * 3
        widths = (share * 26 // 100, share * 32 // 100, share - share * 26 // 100 - share * 32 // 100)
        rule = "─" * columns
        rows: list[Row] = []
        self._line("", ("step", "expected", "seen"), widths, "")
        try:
            for row in Walkthrough().rows():
                rows.append(row)
                self.stdout.write(rule)
                self._line(row.number, (row.what, row.expected, row.seen), widths, self._mark(row))
        except PortalError as error:
            raise CommandError(error.message) from error
        self.stdout.write(rule)
        differing = [row for row in rows if not row.as_expected]
        self.stdout.write(f"{len(rows) - len(differing)} of {len(rows)} steps as expected")
        if differing:
            raise CommandError(f"{len(differing)} differ: {'; '.join(row.what for row in differing)}")

    def _mark(self, row: Row) -> str:
        return self.style.SUCCESS("ok") if row.as_expected else self.style.ERROR("DIFFERS")

    def _line(
        self, number: str, cells: tuple[str, str, str], widths: tuple[int, int, int], mark: str
    ) -> None:
        wrapped = [textwrap.wrap(cell, width) or ["—"] for cell, width in zip(cells, widths, strict=True)]
        for index, parts in enumerate(zip_longest(*wrapped, fillvalue="")):
            texts = " │ ".join(f"{part:<{width}}" for part, width in zip(parts, widths, strict=True))
            first = index == 0
            self.stdout.write(f"{number if first else '':<3} {texts} │ {mark if first else ''}".rstrip())
