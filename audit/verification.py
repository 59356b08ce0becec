"""Checking the whole record, and keeping what was seen."""

from dataclasses import dataclass
from datetime import datetime

from audit.models import AuditHead
from audit.services import first_break
from common.clock import now


@dataclass(frozen=True)
class Verification:
    """What checking the record showed.

    Attributes:
        at: when; None when it was never checked.
        number: the newest entry that the check reached.
        broken: the number of the first entry that is missing or was changed; None when none is.
        newest: the newest entry now.
    """

    at: datetime | None
    number: int
    broken: int | None
    newest: int


def verify() -> Verification:
    """Check every entry against the one before it, and keep the outcome for the audit page."""
    head = AuditHead.objects.filter(pk=1).first()
    reached = head.number if head is not None else 0
    broken = first_break()
    AuditHead.objects.filter(pk=1).update(verified_at=now(), verified_number=reached, broken_number=broken)
    return last()


def last() -> Verification:
    """Return what the last verification showed."""
    head = AuditHead.objects.filter(pk=1).first() or AuditHead()
    return Verification(head.verified_at, head.verified_number, head.broken_number, head.number)
