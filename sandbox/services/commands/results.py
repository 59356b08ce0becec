"""What commands give, as an account's root has scripted it: the rules, and what of a command each is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.ssm.models import SimpleSystemManagerBackend

from sandbox.errors import AwsError

STATUSES = ("Success", "Failed", "TimedOut", "InProgress", "Pending")
MOST_RULES = 1_000
_TEXTS = ("DocumentName", "InstanceId", "Contains", "StandardOutput", "StandardError")


@dataclass
class Rule:
    """What a command gives on an instance.

    It is for commands of `document_name`, on `instance_id`, with `contains` somewhere in their parameters;
    None is any. `status` InProgress never ends by itself, Pending is never taken by the instance. `seconds`
    is how long the command takes; `times` how often the rule still counts (None: always).
    """

    document_name: str | None = None
    instance_id: str | None = None
    contains: str | None = None
    status: str = "Success"
    response_code: int = 0
    output: str = ""
    error_output: str = ""
    seconds: float = 0.0
    times: int | None = None

    def suits(self, request: Mapping[str, Any], instance_id: str) -> bool:
        name = request["DocumentName"].rpartition(":document/")[2]
        texts = [text for values in (request.get("Parameters") or {}).values() for text in values]
        return (
            self.times != 0
            and self.document_name in (None, name)
            and self.instance_id in (None, instance_id)
            and (self.contains is None or any(self.contains in text for text in texts))
        )


def read(body: Mapping[str, Any]) -> Rule:
    """A rule from its JSON form. Errors: AwsError that says what is wrong with it."""
    known = {*_TEXTS, "Status", "ResponseCode", "Seconds", "Times"}
    if strange := sorted(set(body) - known):
        raise _invalid(f"A command result has no {', '.join(strange)}; it takes {', '.join(sorted(known))}.")
    for name in _TEXTS:
        if body.get(name) is not None and not isinstance(body[name], str):
            raise _invalid(f"{name} must be a text.")
    code, seconds, times = body.get("ResponseCode"), body.get("Seconds", 0), body.get("Times")
    status = body.get("Status") or ("Failed" if code else "Success")
    if status not in STATUSES:
        raise _invalid(f"Status must be one of {', '.join(STATUSES)}, not {status!r}.")
    if code is not None and (not isinstance(code, int) or isinstance(code, bool)):
        raise _invalid("ResponseCode must be a whole number.")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 <= seconds <= 172_800:
        raise _invalid("Seconds must be a number from 0 to 172800.")
    if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
        raise _invalid("Times must be a whole number from 1.")
    return Rule(
        document_name=body.get("DocumentName"),
        instance_id=body.get("InstanceId"),
        contains=body.get("Contains"),
        status=status,
        response_code=code if code is not None else int(status == "Failed"),
        output=body.get("StandardOutput") or "",
        error_output=body.get("StandardError") or "",
        seconds=seconds,
        times=times,
    )


def write(rule: Rule) -> dict[str, Any]:
    """The JSON form of a rule."""
    form = {
        "DocumentName": rule.document_name,
        "InstanceId": rule.instance_id,
        "Contains": rule.contains,
        "Status": rule.status,
        "ResponseCode": rule.response_code,
        "StandardOutput": rule.output,
        "StandardError": rule.error_output,
        "Seconds": rule.seconds,
        "Times": rule.times,
    }
    return {name: value for name, value in form.items() if value is not None}


def rules_of(backend: SimpleSystemManagerBackend) -> list[Rule]:
    """The rules of an account and Region, the newest first; they are kept with moto's own state."""
    rules: list[Rule] = vars(backend).setdefault("command_results", [])
    return rules


def add(backend: SimpleSystemManagerBackend, rule: Rule) -> None:
    """Let a rule count before all others. Errors: AwsError when there are too many."""
    rules = rules_of(backend)
    if len(rules) >= MOST_RULES:
        raise _invalid(f"There are {MOST_RULES} command results, the limit: delete them first.")
    rules.insert(0, rule)


def take(backend: SimpleSystemManagerBackend, request: Mapping[str, Any], instance_id: str) -> Rule:
    """What a command gives on an instance: success and no output unless a rule says otherwise."""
    for rule in rules_of(backend):
        if rule.suits(request, instance_id):
            if rule.times is not None:
                rule.times -= 1
            return rule
    return Rule()


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
