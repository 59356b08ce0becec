"""Stored secrets are sealed anew, so that an old key of CREDENTIAL_KEYS can be dropped."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction

from audit.services import record
from aws import vault
from aws.models import AwsTarget, CallerIdentity
from common.errors import PortalError

BATCH = 100

Keyed = AwsTarget | CallerIdentity


@dataclass
class Rotation:
    """What became of the stored secrets.

    Attributes:
        renewed: sealed anew with the newest key (in a dry run: would be).
        current: sealed with the newest key before.
        changed: replaced or removed by somebody while they were looked at, and left alone.
        unopened: whose they are that no present key opens.
    """

    renewed: int
    current: int
    changed: int
    unopened: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether the older keys can be dropped now."""
        return not (self.changed or self.unopened)


def rotate_credentials(*, dry_run: bool = False) -> Rotation:
    """Seal every stored secret with the newest of CREDENTIAL_KEYS; a dry run only counts.

    Each batch is a transaction with its audit entry. A secret that somebody replaces meanwhile is not
    overwritten. Doing it again, or in two processes at once, does no harm.
    """
    seen: Counter[str] = Counter()
    unopened: list[str] = []
    for model, noun in ((AwsTarget, "target"), (CallerIdentity, "identity")):
        for batch in _batches(model):
            with transaction.atomic():
                outcomes = {row: _renew(row, dry_run) for row in batch}
                seen.update(outcomes.values())
                unopened += [f"{noun} {row.pk} ({row})" for row, end in outcomes.items() if end == "unopened"]
                renewed = [row.pk for row, end in outcomes.items() if end == "renewed"]
                if renewed and not dry_run:
                    data = {"of": noun, "ids": renewed}
                    record(actor=None, action="credentials.sealed-anew", obj=None, data=data)
    return Rotation(seen["renewed"], seen["current"], seen["changed"], tuple(unopened))


def _batches(model: type[Keyed]) -> Iterator[list[Keyed]]:
    last = 0
    while True:
        rows = model._default_manager.filter(pk__gt=last, sealed_secret__isnull=False).order_by("pk")
        batch: list[Keyed] = list(rows.select_related(*_OWNERS[model])[:BATCH])
        if not batch:
            return
        yield batch
        last = batch[-1].pk


_OWNERS: dict[type[Keyed], tuple[str, ...]] = {AwsTarget: (), CallerIdentity: ("user", "target")}


def _renew(row: Keyed, dry_run: bool) -> str:
    try:
        fresh = vault.sealed_anew(row.sealed_secret or b"")
    except PortalError:
        return "unopened"
    if fresh is None:
        return "current"
    as_read = type(row)._default_manager.filter(pk=row.pk, sealed_secret=row.sealed_secret)
    if dry_run or as_read.update(sealed_secret=fresh):
        return "renewed"
    return "changed"
