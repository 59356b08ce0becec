"""ISO 8601 durations as `aws:sleep` takes them.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-sleep.html
"""

from __future__ import annotations

import re

_NUMBER = r"[0-9]+(?:[.,][0-9]+)?"
_DURATION = re.compile(
    rf"P(?!\Z)(?:(?P<weeks>{_NUMBER})W)?(?:(?P<days>{_NUMBER})D)?"
    rf"(?:T(?!\Z)(?:(?P<hours>{_NUMBER})H)?(?:(?P<minutes>{_NUMBER})M)?(?:(?P<seconds>{_NUMBER})S)?)?\Z",
    re.IGNORECASE,
)
_SECONDS = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


def seconds(iso8601: str) -> float:
    """The length of a duration such as ``PT10M``, ``P1D`` or ``PT0.5S`` in seconds.

    Raises ValueError with a sentence for anything else. Months and years have no fixed length and are
    refused.
    """
    match = _DURATION.match(iso8601.strip()) if isinstance(iso8601, str) and len(iso8601) <= 100 else None
    if match is None:
        raise ValueError(
            f"{str(iso8601)[:100]!r} is not a duration. "
            "Write hours, minutes and seconds like PT1H30M or PT45S, days like P2D."
        )
    return float(
        sum(
            _SECONDS[unit] * float(said.replace(",", ".")) for unit, said in match.groupdict().items() if said
        )
    )
