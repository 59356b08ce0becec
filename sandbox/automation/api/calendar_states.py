"""GetCalendarState, and what a change calendar must be to be kept.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCalendarState.html
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sandbox.automation import calendars
from sandbox.automation.api import sharing
from sandbox.automation.api.errors import (
    InvalidDocument,
    InvalidDocumentContent,
    InvalidDocumentType,
    UnsupportedCalendarException,
    ValidationException,
)

CHANGE_CALENDAR = "ChangeCalendar"


def check(content: str) -> None:
    """Raise InvalidDocumentContent when a text is no change calendar."""
    try:
        calendars.read(content)
    except calendars.Unsupported as error:
        raise InvalidDocumentContent(f"The change calendar cannot be read. {error}") from error


def state(request: Mapping[str, Any], account_id: str, region: str, now: dt.datetime) -> dict[str, Any]:
    """Whether all the calendars that are named are open, at a given moment or now."""
    moment = _moment(request["AtTime"]) if request.get("AtTime") else now
    found = [_calendar(name, account_id, region) for name in request["CalendarNames"]]
    if not found:
        raise ValidationException("CalendarNames must name one calendar at least.")
    word, change = calendars.state_of(found, moment)
    answer = {"State": word, "AtTime": _worded(moment)}
    return answer | ({"NextTransitionTime": _worded(change)} if change else {})


def _calendar(name: str, account_id: str, region: str) -> calendars.Calendar:
    visible = sharing.find(name, account_id, region)
    if visible is None:
        raise InvalidDocument(f"Document with name {name} does not exist.")
    document = visible.version(None)
    if document.document_type != CHANGE_CALENDAR:
        raise InvalidDocumentType(
            f"{name} is a document of type {document.document_type}, no {CHANGE_CALENDAR}."
        )
    try:
        return calendars.read(document.content)
    except calendars.Unsupported as error:
        raise UnsupportedCalendarException(f"The calendar {name} cannot be read. {error}") from error


def _moment(written: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(written)
    except ValueError as error:
        raise ValidationException(f"AtTime is no ISO 8601 date and time: {written}") from error
    return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _worded(moment: dt.datetime) -> str:
    return f"{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
