"""What pages read of the record: the newest first, a page at a time, in a constant number of queries."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from django.db.models import Model, QuerySet

from audit.models import AuditEntry
from common.pages import Page, page_of


def entries(
    query: Mapping[str, str],
    *,
    kept: Mapping[str, str],
    text: str = "",
    who: str = "",
    action: str = "",
    thing: str = "",
    since: date | None = None,
    until: date | None = None,
) -> Page[AuditEntry]:
    """Return a page of the record, the newest entry first.

    Arguments:
        query: the address's parameters, with the page's key.
        kept: the filters, for the neighbouring pages' addresses.
        text: part of the object's name.
        who: the actor's user name.
        action: the action, or how it begins, e.g. "delegation.".
        thing: "type:id" of one object.
        since, until: days, in UTC, both included.
    """
    found: QuerySet[AuditEntry] = AuditEntry.objects.all()
    if text:
        found = found.filter(object_name__icontains=text)
    if who:
        found = found.filter(actor_name=who)
    if action:
        found = found.filter(action__startswith=action)
    if thing:
        kind, _, key = thing.partition(":")
        found = found.filter(object_type=kind, object_id=key)
    if since:
        found = found.filter(at__gte=_midnight(since))
    if until:
        found = found.filter(at__lte=datetime.combine(until, time.max, tzinfo=UTC))
    return page_of(found, ("-number",), query, kept=kept)


def history(obj: Model, limit: int = 10) -> list[AuditEntry]:
    """Return the newest entries about one object."""
    about: dict[str, Any] = {"object_type": obj._meta.model_name, "object_id": str(obj.pk)}
    return list(AuditEntry.objects.filter(**about).order_by("-number")[:limit])


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)
