"""Adding to the record, and checking that nobody changed it."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Model

from audit.models import AuditEntry, AuditHead
from common.clock import now
from common.context import origin


def record(
    *, actor: Model | None, action: str, obj: Model | None, data: Mapping[str, Any] | None = None
) -> AuditEntry:
    """Add an entry, in the caller's transaction: what is rolled back was not done.

    Arguments:
        actor: the person who acts; None for the portal itself.
        action: "noun.verb-in-the-past", e.g. "delegation.created".
        obj: what it was done to; None for the portal as a whole.
        data: facts worth keeping; never a secret, and only what JSON holds.
    """
    here = origin()
    with transaction.atomic():
        AuditHead.objects.get_or_create(pk=1)
        head = AuditHead.objects.select_for_update().get(pk=1)
        entry = AuditEntry(
            number=head.number + 1,
            at=now(),
            actor_id=actor.pk if actor is not None else None,
            actor_name=str(actor)[:150] if actor is not None else "the portal",
            action=action,
            object_type=(obj._meta.model_name or "") if obj is not None else "portal",
            object_id=str(obj.pk) if obj is not None else "portal",
            object_name=str(obj)[:255] if obj is not None else "the portal",
            data=dict(data or {}),
            channel=here.channel,
            address=here.address,
            request_id=here.request_id,
            previous=head.digest,
        )
        entry.digest = entry.expected_digest()
        entry.save(force_insert=True)
        head.number, head.digest = entry.number, entry.digest
        head.save()
    return entry


def first_break() -> int | None:
    """Return the number of the first entry that is missing or was changed; None when the chain is whole.

    Entries that are added meanwhile are left for the next time: the head read at first says how far to go.
    """
    anything = AuditEntry.objects.exists()
    head = AuditHead.objects.filter(pk=1).first()
    if head is None:
        return 1 if anything else None
    previous, expected = "", 1
    entries = AuditEntry.objects.filter(number__lte=head.number).order_by("number")
    for entry in entries.iterator(chunk_size=1000):
        if entry.number != expected or entry.previous != previous or entry.digest != entry.expected_digest():
            return expected
        previous, expected = entry.digest, expected + 1
    return None if (head.number, head.digest) == (expected - 1, previous) else expected
