"""Events of AWS services on the default bus of EventBridge, and their delivery to the targets of rules.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from moto.events.models import EventBus, Rule, events_backends
from moto.moto_api._internal import mock_random
from moto.sqs.models import sqs_backends

from sandbox.iam.context import context_values
from sandbox.iam.policy import Decision, MalformedPolicy, Request, parse_policy
from sandbox.iam.trust import Service, is_named

log = logging.getLogger(__name__)

SERVICE = Service("events.amazonaws.com")


def put(
    *,
    account_id: str,
    region: str,
    source: str,
    detail_type: str,
    resources: Sequence[str],
    detail: Mapping[str, Any],
    at: datetime,
) -> None:
    """Put an event of a service (`source` is such as `aws.ssm`) on the default bus of an account and Region.

    Nothing is raised: like AWS, whoever causes an event does not learn what became of it.
    """
    event: Any = {
        "version": "0",
        "id": str(mock_random.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": account_id,
        "time": at.timestamp(),
        "ingestion-time": at.timestamp(),
        "region": region,
        "resources": list(resources),
        "detail": dict(detail),
    }
    for rule in _rules(account_id, region):
        rule.send_to_targets(copy.deepcopy(event))


def is_heard(account_id: str, region: str) -> bool:
    """Whether there is any rule that an event on this default bus could match."""
    return bool(_rules(account_id, region))


def _rules(account_id: str, region: str) -> list[Rule]:
    backend = _existing(events_backends, account_id, region)
    bus: EventBus | None = backend.event_buses.get("default") if backend else None
    return list(bus.rules.values()) if bus else []


def _existing(backends: Mapping[Any, Any], account_id: str, region: str) -> Any:
    """A service's backend, None when nobody has used it: asking moto for one makes it."""
    of_account = backends.get(account_id)
    return of_account.get(region) if of_account is not None else None


def install() -> None:
    """Let rules deliver as AWS does: not when disabled, and to a queue only if its policy lets them."""

    def send_to_targets(self: Rule, original_event: Any, transform_input: bool = True) -> None:
        if self.state == "DISABLED":
            return
        allowed = copy.copy(self)
        for target in self.targets:
            if not _delivers_to(self, target["Arn"]):
                continue
            allowed.targets = [target]
            try:
                deliver(allowed, copy.deepcopy(original_event), transform_input)
            except Exception:
                # A target that is gone, or of a kind that moto does not know, must not keep others waiting.
                log.exception("an event was not delivered to %s", target["Arn"])

    deliver = Rule.send_to_targets
    Rule.send_to_targets = send_to_targets  # type: ignore[method-assign]


def _delivers_to(rule: Rule, target_arn: str) -> bool:
    """Whether the target takes events of this rule.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sqs-permissions
    """
    _, _, service, region, account_id, name = target_arn.split(":", 5)
    if service != "sqs":
        return True
    queues = _existing(sqs_backends, account_id, region)
    queue = queues.queues.get(name) if queues else None
    if queue is None or (account_id, region) != (rule.account_id, rule.region_name):
        return False
    context = context_values({"aws:SourceArn": rule.arn, "aws:SourceAccount": rule.account_id})
    request = Request("sqs:SendMessage", target_arn, context)
    try:
        policy = parse_policy(queue.policy or "")
    except MalformedPolicy:
        return False
    decisions = {
        statement.evaluate(request) for statement in policy.statements if is_named(statement, SERVICE)
    }
    return Decision.ALLOW in decisions and Decision.DENY not in decisions
