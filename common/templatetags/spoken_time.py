"""Times and durations in words, as pages show them."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def exact(moment: datetime) -> str:
    """`24 Nov 2026, 00:10:41 UTC` in the reader's time zone."""
    local = timezone.localtime(moment)
    return f"{local.day} {local:%b %Y, %H:%M:%S} {local.tzname()}"


def machine(moment: datetime) -> str:
    """The moment for a `datetime` attribute: ISO 8601 with milliseconds."""
    return moment.isoformat(timespec="milliseconds")


def spoken(seconds: float) -> str:
    """A duration as its two largest units: `1 min 4 s`, `2 h 3 min`; under ten seconds with a tenth."""
    if 0 < seconds < 0.1:
        return "< 0.1 s"
    if 0 < seconds < 10 and not float(seconds).is_integer():
        return f"{seconds:.1f} s"
    rest = max(0, int(seconds))
    parts: list[str] = []
    for unit, size in UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
        if len(parts) == 2:
            break
    return " ".join(parts) or "0 s"
