"""The append-only record of who did what to what."""

import hashlib
import json
from typing import Any, NoReturn

from django.conf import settings
from django.db import models


class AuditHead(models.Model):
    """The end of the chain: one row, locked while an entry is added so that the chain has no forks."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    number = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64, default="")
    # What the last verification of the whole chain saw: how far it went, and the first entry that was wrong.
    verified_at = models.DateTimeField(null=True, blank=True)
    verified_number = models.BigIntegerField(default=0)
    broken_number = models.BigIntegerField(null=True, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"audit entry {self.number}"


class AuditEntry(models.Model):
    """One thing that somebody did. Each entry carries the digest of the one before it.

    The actor and the object are named in words as well, so that an entry still reads when they are gone.
    """

    number = models.BigIntegerField(unique=True)
    at = models.DateTimeField(db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
    )
    actor_name = models.CharField(max_length=150)
    action = models.CharField(max_length=64, db_index=True)
    object_type = models.CharField(max_length=64)
    object_id = models.CharField(max_length=64)
    object_name = models.CharField(max_length=255)
    data = models.JSONField(default=dict)
    channel = models.CharField(max_length=16)
    address = models.CharField(max_length=45, blank=True)
    request_id = models.CharField(max_length=32)
    previous = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()
        ordering = ["-number"]
        indexes = [
            models.Index(fields=["object_type", "object_id", "-number"]),
            models.Index(fields=["actor", "-number"]),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.actor_name} {self.action} {self.object_name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the entry; an entry that stands is never changed."""
        if not self._state.adding:
            raise TypeError("An audit entry is never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: an audit entry is never deleted."""
        raise TypeError("An audit entry is never deleted")

    def expected_digest(self) -> str:
        """Return the SHA-256, in hexadecimal, that this entry's content and predecessor give."""
        content = [
            self.number,
            self.at.isoformat(),
            self.actor_id,
            self.actor_name,
            self.action,
            self.object_type,
            self.object_id,
            self.object_name,
            self.data,
            self.channel,
            self.address,
            self.request_id,
            self.previous,
        ]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()
