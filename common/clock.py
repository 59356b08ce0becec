"""The portal's clock: one place to ask for the time."""

from datetime import datetime

from django.utils import timezone


def now() -> datetime:
    """Return the present moment, with its zone (UTC)."""
    return timezone.now()
