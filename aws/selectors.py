"""What pages read of aws: a constant number of queries, starting from what the person may see."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Count, Q

from aws.checking import Outcome
from aws.models import AwsTarget, CallerIdentity, ServiceRole, TargetCheck
from common import access
from common.pages import Page, page_of


def targets(
    actor: AbstractBaseUser, query: Mapping[str, str], *, text: str = "", state: str = ""
) -> Page[AwsTarget]:
    """Return a page of targets by name, each with `role_count`.

    Arguments:
        text: part of the name, the account id or the Region.
        state: "enabled" or "disabled"; empty for both.
    """
    found = access.visible(actor, "view", AwsTarget.objects.annotate(role_count=Count("service_roles")))
    if text:
        found = found.filter(
            Q(name__icontains=text) | Q(account_id__startswith=text) | Q(region__icontains=text)
        )
    if state:
        found = found.filter(enabled=state == "enabled")
    return page_of(found, ("name",), query, kept={"q": text, "state": state})


def check_of(target: AwsTarget) -> dict[str, Any]:
    """Return what target_check.html shows of the last check of a target."""
    check = TargetCheck.objects.filter(target=target).first()
    found = check.findings if check is not None else []
    amiss = [row for row in found if row["outcome"] != Outcome.WORKS]
    failing = sum(row["outcome"] == Outcome.FAILS for row in amiss)
    return {
        "check": check,
        "works": len(found) - len(amiss),
        "amiss": amiss,
        "failing": failing,
        "unknown": len(amiss) - failing,
    }


@dataclass(frozen=True)
class RoleRow:
    """A service role of the list, and who may bind it, in words."""

    role: ServiceRole
    users: tuple[str, ...]


def roles(
    actor: AbstractBaseUser, query: Mapping[str, str], *, text: str = "", target: str = ""
) -> tuple[Page[ServiceRole], list[RoleRow]]:
    """Return a page of service roles by name, and its rows with who may bind each.

    Arguments:
        text: part of the name or the ARN.
        target: a target's id; empty for all.
    """
    found = access.visible(actor, "view", ServiceRole.objects.select_related("target"))
    if text:
        found = found.filter(Q(name__icontains=text) | Q(arn__icontains=text))
    if target.isdecimal():
        found = found.filter(target=int(target))
    page = page_of(found, ("name", "pk"), query, kept={"q": text, "target": target})
    granted = access.grants_on(page.rows)
    rows = [
        RoleRow(role, tuple(str(grant.holder) for grant in granted[role.pk] if "use" in grant.permissions))
        for role in page.rows
    ]
    return page, rows


def bindable_roles(actor: AbstractBaseUser, target: AwsTarget) -> list[ServiceRole]:
    """Return the service roles of `target` that the actor may bind."""
    return list(access.visible(actor, "use", ServiceRole.objects.filter(target=target)).order_by("name"))


@dataclass(frozen=True)
class OwnIdentity:
    """A target where a person acts as themselves, and the identity that they have there, if any."""

    target: AwsTarget
    identity: CallerIdentity | None


def own_identities(user: AbstractBaseUser) -> list[OwnIdentity]:
    """Return where the person needs an AWS identity of their own, and where they have one, by target."""
    held = {row.target_id: row for row in CallerIdentity.objects.filter(user=user.pk)}
    needed = access.visible(user, "identify", AwsTarget.objects.filter(enabled=True))
    wanted = AwsTarget.objects.filter(Q(pk__in=needed.values("pk")) | Q(pk__in=list(held)))
    return [OwnIdentity(target, held.get(target.pk)) for target in wanted.order_by("name")]


def identities_in(target: AwsTarget) -> list[CallerIdentity]:
    """Return the people's identities in a target, by user name."""
    rows = CallerIdentity.objects.filter(target=target).select_related("user")
    return list(rows.order_by("user__username")[:200])
