"""Checks a target: what works, and which IAM permission is missing. Nothing is changed in AWS."""

from collections.abc import Iterator

from aws.checking import permissions, roles, way_in
from aws.checking.findings import Finding, Outcome, Remedy
from aws.models import AwsTarget

__all__ = ["Finding", "Outcome", "Remedy", "check"]


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
