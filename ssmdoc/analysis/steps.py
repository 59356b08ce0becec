"""The calls that each action makes, from its inputs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ssmdoc import apis, references
from ssmdoc.analysis import powershell, scripts
from ssmdoc.analysis.needs import Call
from ssmdoc.model import MISSING, Document, Step
from ssmdoc.operation_names import operation_name
from ssmdoc.specs import BY_NAME

API_ACTIONS = ("aws:executeAwsApi", "aws:waitForAwsResourceProperty", "aws:assertAwsResourceProperty")
_OWN_INPUTS = ("Service", "Api", "PropertySelector", "DesiredValues")
_STATES = {
    "running": "StartInstances",
    "stopped": "StopInstances",
    "terminated": "TerminateInstances",
}
# The names that the SDK gives services whose actions' prefix is another.
_SERVICES = {"states": "stepfunctions"}
# Which of an action's inputs an operation knows by another name.
_RENAMED = {"aws:createImage": {"ImageName": "Name"}}


def calls(document: Document | None, step: Step) -> tuple[tuple[Call, ...], tuple[str, ...]]:
    """(calls, what cannot be told) of one step, without those of a loop's inner steps."""
    if step.action in API_ACTIONS:
        return _api(document, step)
    if step.action == "aws:executeScript":
        return _script(step)
    return tuple(_own(document, step)), tuple(_unknown(step))


def possible(document: Document | None, value: Any) -> list[str]:
    """The texts that a value can be: itself, or what its parameter allows or takes when none is given."""
    found = references.whole(value)
    if found is None:
        return [value] if isinstance(value, str) and "{{" not in value else []
    parameter = document.parameters.get(found.name) if document and found.kind == "parameter" else None
    if parameter is None:
        return []
    if parameter.allowed_values:
        return [item for item in parameter.allowed_values if isinstance(item, str) and item]
    default = parameter.default
    return [default] if default is not MISSING and isinstance(default, str) and default else []


def _api(document: Document | None, step: Step) -> tuple[tuple[Call, ...], tuple[str, ...]]:
    services = possible(document, step.inputs.get("Service"))
    operations = possible(document, step.inputs.get("Api"))
    if not services or not operations:
        return (), ("Which operation is called is only known when the step runs.",)
    arguments = {key: value for key, value in step.inputs.items() if key not in _OWN_INPUTS}
    made = [
        Call(service, _spelt(service, operation), arguments, "The step")
        for service in services
        for operation in operations
    ]
    unknown = []
    if references.whole(step.inputs.get("Service")) or references.whole(step.inputs.get("Api")):
        unknown = ["A parameter decides which operation is called: listed are the values that it names."]
    return tuple(made), tuple(unknown)


def _spelt(service: str, api: str) -> str:
    known = apis.service(service)
    found = known.operation(api) if known else None
    return found.name if found else operation_name(api)


def _script(step: Step) -> tuple[tuple[Call, ...], tuple[str, ...]]:
    source, runtime = step.inputs.get("Script"), str(step.inputs.get("Runtime", ""))
    if not isinstance(source, str) or references.whole(source):
        return (), ("The script is an attached file or a parameter, which is not read.",)
    read = powershell.read(source) if runtime.lower().startswith("powershell") else scripts.read(source)
    made = tuple(
        Call(
            item.service,
            item.operation,
            item.arguments,
            f"Line {item.line} of the script",
            item.open,
            item.target.region,
            item.target.foreign,
        )
        for item in read.calls
    )
    unknown = [f"Line {item.line} of the script: {item.why}." for item in read.untold]
    attached = re.search(r"^\s*(?:from|import)\s+(attachments\S*)", source, re.MULTILINE)
    if attached:
        unknown.append(f"The script imports {attached.group(1)} from an attached file, which is not read.")
    return made, tuple(unknown)


def _own(document: Document | None, step: Step) -> Iterator[Call]:
    inputs = step.inputs
    spec = BY_NAME.get(step.action)
    for action in spec.iam if spec else ():
        prefix, _, operation = action.partition(":")
        reading = operation.startswith(("Describe", "List", "Get"))
        arguments: Mapping[str, Any] = _renamed(step)
        if reading:
            # What is waited for is what was started; only stacks are asked for by the name they are given.
            arguments = {name: value for name, value in arguments.items() if name == "StackName"}
        yield Call(_SERVICES.get(prefix, prefix), operation, arguments, f"{step.action} itself")
    if step.action == "aws:changeInstanceState" and inputs.get("CheckStateOnly") not in (True, "true"):
        states = [state for state in possible(document, inputs.get("DesiredState")) if state in _STATES]
        for state in states or list(_STATES):
            yield Call("ec2", _STATES[state], {"InstanceIds": inputs.get("InstanceIds")}, "The step")
    elif step.action == "aws:createTags":
        kinds = possible(document, inputs.get("ResourceType")) or ["EC2"]
        for kind in kinds:
            if kind == "EC2":
                yield Call("ec2", "CreateTags", {"Resources": inputs.get("ResourceIds")}, "The step")
            else:
                yield Call("ssm", "AddTagsToResource", {"ResourceId": inputs.get("ResourceIds")}, "The step")
    elif step.action == "aws:approve" and inputs.get("NotificationArn"):
        yield Call("sns", "Publish", {"TopicArn": inputs["NotificationArn"]}, "The step")


def _renamed(step: Step) -> Mapping[str, Any]:
    names = _RENAMED.get(step.action, {})
    found = {names.get(key, key): value for key, value in step.inputs.items()}
    if step.action == "aws:executeAutomation":
        found["Parameters"] = found.pop("RuntimeParameters", {})
    return found


def _unknown(step: Step) -> Iterator[str]:
    if step.action == "aws:createStack":
        if not step.inputs.get("RoleARN"):
            yield "The resources of the stack's template need their own permissions."
    elif step.action == "aws:deleteStack":
        if not step.inputs.get("RoleARN"):
            yield "Deleting what the stack made needs the permissions for it."
    elif step.action == "aws:executeAutomation" and not children(step):
        yield "Which document the step runs is only known when it runs."
    elif step.action not in BY_NAME:
        yield f"{step.action} is no action of the user guide: what it calls is not known."


def children(step: Step) -> tuple[str, ...]:
    """The documents that a step runs as automations, where their names are written out."""
    name = step.inputs.get("DocumentName")
    if step.action == "aws:executeAutomation" and isinstance(name, str) and not references.find(name):
        return (name,)
    return ()
