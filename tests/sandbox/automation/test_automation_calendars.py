"""Change calendars: how they are kept, and whether they are open."""

import datetime as dt
import json
import uuid
from typing import Any

import botocore.exceptions
import pytest

from sandbox.automation import calendars


def calendar(*events: str, kind: str = "DEFAULT_OPEN") -> str:
    lines = ["BEGIN:VCALENDAR", "PRODID:-//AWS//Change Calendar 1.0//EN", "VERSION:2.0"]
    lines += [f"X-CALENDAR-TYPE:{kind}", "X-WR-CALDESC:", *events, "END:VCALENDAR"]
    return "\r\n".join(lines)


def event(*lines: str) -> str:
    alarm = ("BEGIN:VALARM", "TRIGGER:-PT15M", "DTSTART:19990101T000000Z", "END:VALARM")
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uuid.uuid4()}", *lines, *alarm, "END:VEVENT"])


FREEZE = event("SUMMARY:a fold", "  ed line", "DTSTART:20300110T080000Z", "DTEND:20300110T170000Z")


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def state(text: str, at: str) -> tuple[str, str | None]:
    word, change = calendars.state_of([calendars.read(text)], moment(at))
    return word, change.isoformat() if change else None


@pytest.mark.parametrize(
    ("at", "open_one", "change"),
    [
        ("2030-01-10T07:59:59+00:00", "OPEN", "2030-01-10T08:00:00+00:00"),
        ("2030-01-10T08:00:00+00:00", "CLOSED", "2030-01-10T17:00:00+00:00"),
        ("2030-01-10T17:00:00+00:00", "OPEN", None),
        ("2028-01-01T00:00:00+00:00", "OPEN", None),
    ],
)
def test_an_event_closes_an_open_calendar_and_opens_a_closed_one(at, open_one, change):
    other = {"OPEN": "CLOSED", "CLOSED": "OPEN"}[open_one]
    assert state(calendar(FREEZE), at) == (open_one, change)
    assert state(calendar(FREEZE, kind="DEFAULT_CLOSED"), at) == (other, change)


def test_events_that_touch_are_one_change():
    second = event("DTSTART:20300110T170000Z", "DURATION:P1DT2H")
    assert state(calendar(FREEZE, second), "2030-01-10T09:00:00+00:00") == (
        "CLOSED",
        "2030-01-11T19:00:00+00:00",
    )


def test_events_recur_by_the_clock_on_the_wall():
    weekly = event(
        "DTSTART;TZID=Europe/Berlin:20300104T220000",
        "DTEND;TZID=Europe/Berlin:20300105T020000",
        "RRULE:FREQ=WEEKLY;UNTIL=20300401T000000Z",
        "EXDATE;TZID=Europe/Berlin:20300118T220000",
    )
    text = calendar(weekly)
    # In winter one hour, in summer two hours ahead of UTC.
    assert state(text, "2030-01-11T20:59:00+00:00") == ("OPEN", "2030-01-11T21:00:00+00:00")
    assert state(text, "2030-01-12T00:59:00+00:00") == ("CLOSED", "2030-01-12T01:00:00+00:00")
    assert state(text, "2030-01-18T22:00:00+00:00") == ("OPEN", "2030-01-25T21:00:00+00:00")
    assert state(text, "2030-03-30T12:00:00+00:00") == ("OPEN", None)
    assert state(text, "2030-03-29T21:30:00+00:00") == ("CLOSED", "2030-03-30T01:00:00+00:00")


def test_whole_days_are_days():
    text = calendar(event("DTSTART;VALUE=DATE:20301224", "RRULE:FREQ=YEARLY"))
    assert state(text, "2031-12-24T23:59:59+00:00") == ("CLOSED", "2031-12-25T00:00:00+00:00")
    assert state(text, "2031-12-25T00:00:00+00:00")[0] == "OPEN"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "open",
        calendar(kind="SOMETIMES"),
        calendar(event("SUMMARY:no start")),
        calendar(event("DTSTART:tomorrow")),
        calendar(event("DTSTART;TZID=Moon/Sea:20300104T220000")),
        calendar(event("DTSTART:20300110T080000Z", "DURATION:long")),
        calendar(event("DTSTART:20300110T080000Z", "RRULE:FREQ=NEVER")),
    ],
)
def test_what_is_no_calendar_says_why(text):
    with pytest.raises(calendars.Unsupported):
        calendars.read(text)


# --- over the wire ---


@pytest.fixture
def name(ssm: Any) -> str:
    name = f"Calendar-{uuid.uuid4()}"
    made = {"Name": name, "DocumentType": "ChangeCalendar", "DocumentFormat": "TEXT"}
    ssm.create_document(Content=calendar(FREEZE), **made)
    return name


def refused(call: Any, /, **parameters: Any) -> str:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


def test_a_calendar_is_a_document_that_tells_its_state(ssm, name):
    answer = ssm.get_calendar_state(CalendarNames=[name], AtTime="2030-01-10T09:00:00-0700")
    assert {key: answer[key] for key in ("State", "AtTime", "NextTransitionTime")} == {
        "State": "CLOSED",
        "AtTime": "2030-01-10T16:00:00Z",
        "NextTransitionTime": "2030-01-10T17:00:00Z",
    }
    assert ssm.get_calendar_state(CalendarNames=[name])["State"] == "OPEN"
    found = ssm.get_document(Name=name)
    assert (found["Content"], found["DocumentFormat"], found["DocumentType"]) == (
        calendar(FREEZE),
        "TEXT",
        "ChangeCalendar",
    )
    update = ssm.update_document
    changed = {"Name": name, "DocumentVersion": "1", "DocumentFormat": "TEXT"}
    assert refused(update, Content=calendar(FREEZE), **changed) == "DuplicateDocumentContent"
    update(Content=calendar(kind="DEFAULT_CLOSED"), **changed)
    ssm.update_document_default_version(Name=name, DocumentVersion="2")
    assert ssm.get_calendar_state(CalendarNames=[name])["State"] == "CLOSED"


def test_asking_needs_the_permission_on_the_calendar(sandbox, name):
    arn = f"arn:aws:ssm:us-east-1:123456789012:document/{name}"
    keys = sandbox.make_user(
        f"asks-{name}", {"Effect": "Allow", "Action": "ssm:GetCalendarState", "Resource": arn}
    )
    asking = sandbox.client("ssm", keys).get_calendar_state
    assert asking(CalendarNames=[name])["State"] == "OPEN"
    assert refused(asking, CalendarNames=[name, "Other"]) == "AccessDeniedException"


def test_all_calendars_must_be_open_for_the_answer_to_be(ssm, name):
    other = f"Calendar-{uuid.uuid4()}"
    later = event("DTSTART:20300110T120000Z", "DTEND:20300110T190000Z")
    ssm.create_document(
        Name=other, DocumentType="ChangeCalendar", DocumentFormat="TEXT", Content=calendar(later)
    )
    both = [name, f"arn:aws:ssm:us-east-1:123456789012:document/{other}"]
    answer = ssm.get_calendar_state(CalendarNames=both, AtTime="2030-01-10T09:00:00Z")
    assert (answer["State"], answer["NextTransitionTime"]) == ("CLOSED", "2030-01-10T19:00:00Z")


def test_what_is_no_calendar_is_refused(ssm, name, make_document):
    nap = {"name": "nap", "action": "aws:sleep", "inputs": {"Duration": "PT0S"}}
    call = ssm.get_calendar_state
    assert refused(call, CalendarNames=["Nowhere"]) == "InvalidDocument"
    assert refused(call, CalendarNames=[make_document(nap)]) == "InvalidDocumentType"
    assert refused(call, CalendarNames=[name], AtTime="noon") == "ValidationException"
    create = {"Name": f"Calendar-{uuid.uuid4()}", "DocumentType": "ChangeCalendar"}
    text = refused(ssm.create_document, Content="open", DocumentFormat="TEXT", **create)
    assert text == "InvalidDocumentContent"
    other = refused(ssm.create_document, Content=json.dumps({"schemaVersion": "1.0"}), **create)
    assert other == "ValidationException"
