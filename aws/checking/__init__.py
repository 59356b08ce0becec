"""Checks a target: what works, and which IAM permission is missing. Nothing is changed in AWS."""

from collections.abc import Iterator
from datetime import timedelta

from aws.checking import permissions, roles, way_in
from aws.checking.findings import Finding, Outcome, Remedy
from aws.models import AwsTarget, TargetCheck
from common.clock import now

__all__ = ["Finding", "Outcome", "Remedy", "check", "keep", "unanswered"]

# A check that was asked for so long ago and has no answer has lost its job.
STALE = timedelta(seconds=90)


def check(target: AwsTarget) -> Iterator[Finding]:
    """Yield what is found, step by step: some twenty calls, a second or so apart where AWS allows no more.

    Where the way in is closed, nothing further can be asked, and is not told of.
    """
    way = way_in.go(target)
    yield from way.findings
    if way.arn:
        yield from permissions.systems_manager(target, way)
        yield from roles.service_roles(target, way)
        yield from permissions.events_queue(target, way)


def keep(target_id: int) -> None:
    """Make the check that somebody asked for, and keep what it found; one asked for anew stays open."""
    asked = TargetCheck.objects.select_related("target").filter(target=target_id, checked_at=None).first()
    if asked is None:
        return
    found = [finding.as_json() for finding in check(asked.target)]
    unchanged = TargetCheck.objects.filter(target=target_id, asked_at=asked.asked_at)
    unchanged.update(checked_at=now(), findings=found)


def unanswered() -> list[int]:
    """Return the targets whose check was lost on the way to a worker."""
    waiting = TargetCheck.objects.filter(checked_at=None, asked_at__lt=now() - STALE)
    return list(waiting.order_by("asked_at").values_list("target", flat=True)[:100])
