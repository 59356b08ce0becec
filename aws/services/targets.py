"""Targets: the accounts and Regions that automations run in, and how the portal gets in."""

import re
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from audit.services import record
from aws import jobs
from aws.models import AwsTarget, KeyedCredentials, TargetCheck
from aws.services.faults import faults as row_faults
from aws.services.faults import other_account
from aws.vault import seal
from common import access
from common.clock import now
from common.errors import Invalid
from common.queueing import enqueue_after_commit


def partition_of(region: str) -> str:
    """Return the AWS partition that a Region belongs to.

    https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
    """
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def _target_faults(target: AwsTarget) -> dict[str, str]:
    found = row_faults(target)
    if target.role_arn and (fault := other_account(target.role_arn, target)):
        found.setdefault("role_arn", fault)
    if target.external_id and not target.role_arn:
        found.setdefault("external_id", "An external id is named when a role is assumed: give the role too.")
    if not settings.LAB_TARGETS_ALLOWED:
        if target.access_key_id or target.sealed_secret:
            found["access_key_id"] = (
                "Only a demonstration keeps keys: give the portal's processes an AWS identity of their own."
            )
        if target.endpoint_url:
            found["endpoint_url"] = "Only a demonstration may use another address than AWS's own."
    elif target.endpoint_url and not re.match(r"https?://[\w.\[\]:-]+/?\Z", target.endpoint_url):
        found["endpoint_url"] = "Write an address such as http://127.0.0.1:8001."
    if fault := _queue_fault(target):
        found.setdefault("events_queue_url", fault)
    if bool(target.access_key_id) != (target.sealed_secret is not None):
        found.setdefault("secret_access_key", "Give the key's id and its secret together, or neither.")
    return found


_SQS_HOST = re.compile(
    r"(?:vpce-[a-z0-9-]+\.)?sqs(?:-fips)?\.(?P<region>[a-z0-9-]+)\.(?:vpce\.)?amazonaws\.com(?:\.cn)?"
)
_QUEUE_PATH = re.compile(r"/(?P<account>\d{12})/[A-Za-z0-9_-]{1,80}")


def _queue_fault(target: AwsTarget) -> str:
    """Return why the target's queue of events cannot be one; "" when it can, or there is none.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html
    """
    if not target.events_queue_url:
        return ""
    region, account = target.region, target.account_id
    example = f"https://sqs.{region}.amazonaws.com/{account}/automation-portal-events"
    parts = urlsplit(target.events_queue_url)
    path = _QUEUE_PATH.fullmatch(parts.path)
    if path is None or parts.query or parts.fragment:
        return f"Write a standard queue's URL, such as {example}."
    if path["account"] != account:
        return f"This queue is in account {path['account']}, not {account}."
    own = urlsplit(target.endpoint_url)
    if target.endpoint_url and (parts.scheme, parts.netloc) == (own.scheme, own.netloc):
        return ""
    # The request that goes there carries credentials: nowhere but to AWS itself.
    host = _SQS_HOST.fullmatch(parts.netloc)
    if parts.scheme != "https" or host is None:
        return f"Write a standard queue's URL, such as {example}."
    return "" if host["region"] == region else f"This queue is in {host['region']}, not {region}."


def _put_key(row: KeyedCredentials, access_key_id: str, secret_access_key: str) -> None:
    """Keep a key on `row`; without a new secret the one of the same key stays."""
    access_key_id, secret_access_key = access_key_id.strip(), secret_access_key.strip()
    if secret_access_key:
        row.sealed_secret = seal({"secret_access_key": secret_access_key})
    elif access_key_id != row.access_key_id:
        row.sealed_secret = None
    row.access_key_id = access_key_id


def _target_facts(target: AwsTarget) -> dict[str, Any]:
    """Return what the audit record keeps of a target: never a secret."""
    names = ("name", "account_id", "region", "role_arn", "external_id", "endpoint_url", "access_key_id")
    rates = ("start_rate", "read_rate", "events_queue_url")
    return {name: getattr(target, name) for name in (*names, *rates)}


@transaction.atomic
def create_target(
    *,
    actor: AbstractBaseUser,
    name: str,
    account_id: str,
    region: str,
    role_arn: str = "",
    external_id: str = "",
    endpoint_url: str = "",
    access_key_id: str = "",
    secret_access_key: str = "",
    start_rate: float = 1.0,
    read_rate: float = 3.0,
    events_queue_url: str = "",
) -> AwsTarget:
    """Add an AWS account and Region that automations may run in.

    Arguments:
        actor: an administrator.
        role_arn: a role of that account that the portal assumes; empty to act as its own identity.
        external_id: what the role's trust policy demands.
        endpoint_url, access_key_id, secret_access_key: in a demonstration only.
        start_rate, read_rate: calls a second that AWS takes there; see aws.quotas.
        events_queue_url: the SQS queue that EventBridge delivers Automation's events to; empty without one.

    Raises Invalid with a sentence for each field refused.
    """
    access.require_capability(actor, "administer")
    target = AwsTarget(
        name=name.strip(),
        account_id=account_id.strip(),
        region=region.strip(),
        partition=partition_of(region.strip()),
        role_arn=role_arn.strip(),
        external_id=external_id.strip(),
        endpoint_url=endpoint_url.strip(),
        start_rate=start_rate,
        read_rate=read_rate,
        events_queue_url=events_queue_url.strip(),
    )
    _put_key(target, access_key_id, secret_access_key)
    faults = _target_faults(target)
    if faults:
        raise Invalid("This target cannot be added like this.", fields=faults)
    target.save()
    record(actor=actor, action="target.created", obj=target, data=_target_facts(target))
    return target


@transaction.atomic
def update_target(
    *,
    actor: AbstractBaseUser,
    target: AwsTarget,
    name: str,
    account_id: str,
    region: str,
    role_arn: str = "",
    external_id: str = "",
    endpoint_url: str = "",
    access_key_id: str = "",
    secret_access_key: str = "",
    start_rate: float | None = None,
    read_rate: float | None = None,
    events_queue_url: str | None = None,
) -> AwsTarget:
    """Change a target. Its account and Region stay once something was published there or names a role of it.

    Arguments:
        secret_access_key: empty to keep the stored secret of the same key.
        start_rate, read_rate, events_queue_url: None to keep them.

    Raises Invalid with a sentence for each field refused.
    """
    access.require_capability(actor, "administer")
    current = AwsTarget.objects.select_for_update().get(pk=target.pk)
    before, had_secret = _target_facts(current), current.sealed_secret
    current.name, current.account_id, current.region = name.strip(), account_id.strip(), region.strip()
    current.partition = partition_of(current.region)
    current.role_arn, current.external_id = role_arn.strip(), external_id.strip()
    current.endpoint_url = endpoint_url.strip()
    if start_rate is not None:
        current.start_rate = start_rate
    if read_rate is not None:
        current.read_rate = read_rate
    if events_queue_url is not None:
        current.events_queue_url = events_queue_url.strip()
    _put_key(current, access_key_id, secret_access_key)
    faults = _target_faults(current)
    for field in ("account_id", "region"):
        if getattr(current, field) != before[field] and _in_use(current):
            faults[field] = "Documents or service roles of this target depend on it: add another target."
    if faults:
        raise Invalid("This target cannot be changed like this.", fields=faults)
    after = _target_facts(current)
    changed = {key: {"from": before[key], "to": after[key]} for key in after if before[key] != after[key]}
    if had_secret != current.sealed_secret:
        changed["secret"] = {"replaced": current.sealed_secret is not None}
    if changed:
        current.save()
        record(actor=actor, action="target.changed", obj=current, data=changed)
    return current


def _in_use(target: AwsTarget) -> bool:
    names = ("service_roles", "publications", "delegations", "executions")
    return any(getattr(target, name).exists() for name in names)


@transaction.atomic
def set_target_enabled(*, actor: AbstractBaseUser, target: AwsTarget, enabled: bool) -> None:
    """Let automations start in a target, or stop new ones; those that run there go on."""
    access.require_capability(actor, "administer")
    if AwsTarget.objects.filter(pk=target.pk, enabled=not enabled).update(enabled=enabled):
        record(actor=actor, action="target.enabled" if enabled else "target.disabled", obj=target)
    target.enabled = enabled


@transaction.atomic
def ask_check(*, actor: AbstractBaseUser, target: AwsTarget) -> None:
    """Have a job find out what works in a target and what is missing; see aws.checking."""
    access.require_capability(actor, "administer")
    fresh: dict[str, Any] = {"asked_at": now(), "checked_at": None, "findings": []}
    TargetCheck.objects.update_or_create(target=target, defaults=fresh)
    record(actor=actor, action="target.check-asked", obj=target)
    enqueue_after_commit("default", jobs.check_target, target.pk)
