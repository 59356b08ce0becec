"""Change calendars: iCalendar texts, and whether they are open or closed at a moment.

https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-change-calendar.html
"""

import datetime as dt
import re
import zoneinfo
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from dateutil import rrule  # type: ignore[import-untyped]

OPEN, CLOSED = "OPEN", "CLOSED"
# How far ahead a next change of state is looked for, as for events that recur once a year.
HORIZON = dt.timedelta(days=400)
DURATION = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)
PROPERTY = re.compile(r"(?P<name>[\w-]+)(?P<parameters>(?:;[\w-]+=(?:\"[^\"]*\"|[^\";:]*))*):(?P<value>.*)")


class Unsupported(ValueError):
    """The text is no calendar that can be read; the message says what is wrong."""


@dataclass(frozen=True)
class Event:
    """One event, and when it recurs (`recurrence` is a rule of dateutil's in the event's own time zone)."""

    start: dt.datetime
    length: dt.timedelta
    recurrence: Any = None
    left_out: frozenset[dt.datetime] = frozenset()

    def between(
        self, earliest: dt.datetime, latest: dt.datetime
    ) -> Iterator[tuple[dt.datetime, dt.datetime]]:
        """Starts and ends, in UTC, of all its occurrences that touch this span."""
        starts: Sequence[dt.datetime] = [self.start]
        if self.recurrence is not None:
            zone = self.start.tzinfo
            # In the time of the wall, as people mean it: nine o'clock stays nine o'clock.
            first, last = (
                moment.astimezone(zone).replace(tzinfo=None) for moment in (earliest - self.length, latest)
            )
            found = self.recurrence.between(first, last, inc=True)
            starts = [each.replace(tzinfo=zone) for each in found]
        for start in starts:
            end = start.astimezone(dt.UTC) + self.length
            if start not in self.left_out and start.astimezone(dt.UTC) <= latest and end > earliest:
                yield start.astimezone(dt.UTC), end


@dataclass(frozen=True)
class Calendar:
    """Open except during its events, or (`open_by_default` false) closed except during them."""

    open_by_default: bool
    events: tuple[Event, ...] = field(default_factory=tuple)

    def is_open(self, moment: dt.datetime) -> bool:
        """Whether changes may be made at this moment."""
        in_event = any(
            start <= moment < end for each in self.events for start, end in each.between(moment, moment)
        )
        return in_event != self.open_by_default

    def changes(self, after: dt.datetime) -> set[dt.datetime]:
        """Moments after this one at which an event begins or ends."""
        latest = after + HORIZON
        return {
            moment
            for each in self.events
            for span in each.between(after, latest)
            for moment in span
            if after < moment <= latest
        }


def state_of(calendars: Sequence[Calendar], moment: dt.datetime) -> tuple[str, dt.datetime | None]:
    """OPEN when all of them are, else CLOSED; and when that changes next, None when not for a year."""
    now = _state(calendars, moment)
    moments = sorted(set().union(*(each.changes(moment) for each in calendars)))
    return now, next((each for each in moments if _state(calendars, each) != now), None)


def _state(calendars: Sequence[Calendar], moment: dt.datetime) -> str:
    return OPEN if all(each.is_open(moment) for each in calendars) else CLOSED


def read(text: str) -> Calendar:
    """The calendar that an iCalendar 2.0 text holds. Errors: Unsupported."""
    lines = [_property(line) for line in _unfolded(text)]
    kinds = {value for name, _, value in lines if name == "X-CALENDAR-TYPE"}
    if len(kinds) != 1 or not kinds <= {"DEFAULT_OPEN", "DEFAULT_CLOSED"}:
        raise Unsupported("It needs the property X-CALENDAR-TYPE, as DEFAULT_OPEN or DEFAULT_CLOSED.")
    if lines[0][::2] != ("BEGIN", "VCALENDAR") or lines[-1][::2] != ("END", "VCALENDAR"):
        raise Unsupported("It must begin with BEGIN:VCALENDAR and end with END:VCALENDAR.")
    return Calendar(kinds == {"DEFAULT_OPEN"}, tuple(_events(lines)))


Line = tuple[str, dict[str, str], str]


def _unfolded(text: str) -> list[str]:
    lines = re.sub(r"\r?\n[ \t]", "", text.strip()).splitlines()
    return [line for line in lines if line.strip()]


def _property(line: str) -> Line:
    match = PROPERTY.fullmatch(line.strip())
    if match is None:
        raise Unsupported(f"The line {line[:60]!r} is none of an iCalendar.")
    parameters = {}
    for each in filter(None, match["parameters"].split(";")):
        name, _, value = each.partition("=")
        parameters[name.upper()] = value.strip('"')
    return match["name"].upper(), parameters, match["value"].strip()


def _events(lines: Sequence[Line]) -> Iterator[Event]:
    event: list[Line] | None = None
    # Alarms and the like within an event have properties of their own.
    depth = 0
    for line in lines:
        name, _, value = line
        if (name, value) == ("BEGIN", "VEVENT"):
            event, depth = [], 0
        elif (name, value) == ("END", "VEVENT"):
            yield _event(event or [])
            event = None
        elif event is not None:
            depth += {"BEGIN": 1, "END": -1}.get(name, 0)
            if depth == 0 and name != "END":
                event.append(line)


def _event(lines: Sequence[Line]) -> Event:
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(line[0], []).append(line)
    if "DTSTART" not in found:
        raise Unsupported("An event has no DTSTART.")
    start = _moment(found["DTSTART"][0])
    whole_days = found["DTSTART"][0][1].get("VALUE") == "DATE"
    if "DTEND" in found:
        length = _moment(found["DTEND"][0]).astimezone(dt.UTC) - start.astimezone(dt.UTC)
    elif "DURATION" in found:
        length = _length(found["DURATION"][0][2])
    else:
        length = dt.timedelta(days=1) if whole_days else dt.timedelta(0)
    recurrence = None
    if "RRULE" in found:
        try:
            recurrence = rrule.rrulestr(
                _local_until(found["RRULE"][0][2], start), dtstart=start.replace(tzinfo=None)
            )
        except (ValueError, TypeError) as error:
            raise Unsupported(f"The recurrence {found['RRULE'][0][2]} cannot be read: {error}") from error
    left_out = frozenset(
        _moment((name, parameters, value))
        for name, parameters, values in found.get("EXDATE", [])
        for value in values.split(",")
    )
    return Event(start, length, recurrence, left_out)


def _local_until(rule: str, start: dt.datetime) -> str:
    """The rule with its end in the event's own time, as its start is given to dateutil."""
    match = re.search(r"UNTIL=(\d{8}T\d{6}Z)", rule)
    if match is None:
        return rule
    until = _moment(("UNTIL", {}, match.group(1))).astimezone(start.tzinfo)
    return rule.replace(match.group(1), f"{until:%Y%m%dT%H%M%S}")


def _moment(line: Line) -> dt.datetime:
    _, parameters, value = line
    try:
        zone: dt.tzinfo = dt.UTC
        if "TZID" in parameters and not value.endswith("Z"):
            zone = zoneinfo.ZoneInfo(parameters["TZID"])
        written = "%Y%m%d" if re.fullmatch(r"\d{8}", value) else "%Y%m%dT%H%M%S"
        return dt.datetime.strptime(value.removesuffix("Z"), written).replace(tzinfo=zone)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError) as error:
        raise Unsupported(f"The time {value} cannot be read: {error}") from error


def _length(value: str) -> dt.timedelta:
    match = DURATION.fullmatch(value)
    if match is None:
        raise Unsupported(f"The duration {value} cannot be read.")
    return dt.timedelta(**{name: int(number) for name, number in match.groupdict().items() if number})
