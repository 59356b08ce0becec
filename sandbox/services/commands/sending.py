"""SendCommand: which instances a command reaches, and when and how it ends on each of them."""

from __future__ import annotations

import datetime as dt
import heapq
import math
from collections.abc import Iterator, Mapping
from typing import Any

from moto.ec2.models import ec2_backends
from moto.ssm.models import SimpleSystemManagerBackend

from sandbox.authorization import authorise
from sandbox.automation.api.errors import ValidationException
from sandbox.errors import AccessDenied
from sandbox.identity import Principal
from sandbox.services.commands import documents, results
from sandbox.services.commands.errors import DuplicateInstanceId, InvalidInstanceId
from sandbox.services.commands.records import (
    DELIVERY_SECONDS,
    EXECUTION_SECONDS,
    NEVER_RAN,
    Command,
    Invocation,
)
from sandbox.services.resource_groups import INSTANCE, instances_of

CONCURRENCY = "50"
ERRORS_ALLOWED = "0"


def send(
    backend: SimpleSystemManagerBackend, request: Mapping[str, Any], principal: Principal, now: dt.datetime
) -> Command:
    """The command that a checked SendCommand begins. Errors: ApiError.

    Instances of EC2 that run count as managed.
    """
    document = documents.find(backend, request)
    parameters = request.get("Parameters") or {}
    documents.check_parameters(request["DocumentName"], document, parameters)
    execution = _seconds(parameters.get("executionTimeout"))
    total = (request.get("TimeoutSeconds") or DELIVERY_SECONDS) + execution
    instance_ids = _instance_ids(backend, request)
    count = len(instance_ids)
    command = Command(
        request=dict(request),
        requested_at=now,
        expires_at=now + dt.timedelta(seconds=total),
        version=document.version,
        plugin=document.plugin,
        most_errors=_amount(request.get("MaxErrors") or ERRORS_ALLOWED, count),
    )
    slots = [now] * max(1, _amount(request.get("MaxConcurrency") or CONCURRENCY, count))
    for instance_id in instance_ids:
        start = heapq.heappop(slots)
        if command.errors(start) > command.most_errors:
            invocation = Invocation(instance_id, start, start, "Cancelled", "Terminated", NEVER_RAN)
        elif request.get("Targets") and not _may(backend, principal, instance_id):
            invocation = Invocation(instance_id, start, start, "Failed", "AccessDenied", NEVER_RAN)
        else:
            rule = results.take(backend, request, instance_id)
            invocation = _invocation(rule, instance_id, start, execution, command.expires_at)
        command.invocations.append(invocation)
        heapq.heappush(slots, invocation.ends_at)
    return command


def _invocation(
    rule: results.Rule, instance_id: str, start: dt.datetime, execution: int, expires_at: dt.datetime
) -> Invocation:
    limit = start + dt.timedelta(seconds=execution)
    end = start + dt.timedelta(seconds=rule.seconds)
    if rule.status == "Pending":
        return Invocation(
            instance_id, start, expires_at, "TimedOut", "DeliveryTimedOut", NEVER_RAN, delivered=False
        )
    if rule.status in {"InProgress", "TimedOut"} or end > limit:
        end = end if rule.status == "TimedOut" and rule.seconds else limit
        return Invocation(
            instance_id,
            start,
            end,
            "TimedOut",
            "ExecutionTimedOut",
            NEVER_RAN,
            rule.output,
            rule.error_output,
        )
    errors = rule.error_output
    if rule.status == "Failed":
        # The agent adds this to what the script has said.
        told = f"failed to run commands: exit status {rule.response_code}"
        errors = f"{errors.rstrip()}\n{told}" if errors else told
    return Invocation(
        instance_id, start, end, rule.status, rule.status, rule.response_code, rule.output, errors
    )


def _instance_ids(backend: SimpleSystemManagerBackend, request: Mapping[str, Any]) -> list[str]:
    named: list[str] = list(request.get("InstanceIds") or [])
    targets = request.get("Targets") or []
    if len(set(named)) != len(named):
        raise DuplicateInstanceId
    running = dict(_running(backend))
    absent = [each for each in named if each not in running]
    if absent or not (named or targets):
        raise InvalidInstanceId(
            f"Instances [[{', '.join(absent)}]] not in a valid state for account {backend.account_id}"
        )
    if not targets:
        return named
    meeting = [
        each
        for each, tags in running.items()
        if all(_meets(backend, each, tags, target) for target in targets)
    ]
    return [*named, *(each for each in meeting if each not in named)]


def _running(backend: SimpleSystemManagerBackend) -> Iterator[tuple[str, Mapping[str, str]]]:
    ec2 = ec2_backends[backend.account_id][backend.region_name]
    for reservation in list(ec2.reservations.values()):
        for instance in reservation.instances:
            if instance.state == "running":
                yield instance.id, dict(ec2.tags.get(instance.id, {}))


def _meets(
    backend: SimpleSystemManagerBackend, instance_id: str, tags: Mapping[str, str], target: Mapping[str, Any]
) -> bool:
    key, values = target.get("Key", ""), target.get("Values") or []
    if key.startswith("tag:"):
        return tags.get(key[4:]) in values
    if key == "tag-key":
        return any(value in tags for value in values)
    if key.lower() == "instanceids":
        return instance_id in values
    if key == "resource-groups:Name":
        groups = (instances_of(name, backend.account_id, backend.region_name) for name in values)
        return any(instance_id in group for group in groups)
    if key == "resource-groups:ResourceTypeFilters":
        return INSTANCE in values
    raise ValidationException(
        "The sandbox resolves targets by tag:NAME, tag-key, InstanceIds, resource-groups:Name and "
        f"resource-groups:ResourceTypeFilters, not by {key or 'nothing'}."
    )


def _may(backend: SimpleSystemManagerBackend, principal: Principal, instance_id: str) -> bool:
    tags = ec2_backends[backend.account_id][backend.region_name].tags.get(instance_id, {})
    context: dict[str, str] = {}
    for key, value in tags.items():
        context[f"ssm:resourceTag/{key}"] = context[f"aws:ResourceTag/{key}"] = value
    place = f"arn:{principal.partition}:ec2:{backend.region_name}:{backend.account_id}"
    try:
        authorise(principal, "ssm:SendCommand", f"{place}:instance/{instance_id}", context)
    except AccessDenied:
        return False
    return True


def _amount(text: str, whole: int) -> int:
    """A number, or a percentage of the targets; MaxErrors' percentages are rounded down."""
    if text.endswith("%"):
        return math.floor(whole * int(text[:-1]) / 100)
    return int(text)


def _seconds(given: list[str] | None) -> int:
    text = (given or [""])[0]
    return int(text) if text.isdecimal() and int(text) else EXECUTION_SECONDS
