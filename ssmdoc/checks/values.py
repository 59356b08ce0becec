"""Literal values that no run can use: of inputs that actions hand on to a service, of roles, of variables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ssmdoc import actions, apis, parameters, references, shapes
from ssmdoc.checks.rule import Context, Fault, RawStep, Rules, literal_inputs, texts
from ssmdoc.model import Parameter, whole_number
from ssmdoc.suggestions import listed, meant

RULES = Rules()

_ACTIONS = "automation-actions.html"
_VARIABLES = "automation-variables.html"
_DEFINITIONS = "documents-syntax-data-elements-parameters.html"

# Actions that hand inputs on, under the same names, to an operation.
_HANDED_ON = {
    "aws:runInstances": ("ec2", "RunInstances"),
    "aws:runCommand": ("ssm", "SendCommand"),
    "aws:createStack": ("cloudformation", "CreateStack"),
    "aws:deleteStack": ("cloudformation", "DeleteStack"),
    "aws:executeAutomation": ("ssm", "StartAutomationExecution"),
    "aws:createTags": ("ec2", "CreateTags"),
}
_ROLE = re.compile(r"arn:[\w-]+:iam::[^:]*:role/\S+\Z")
_MAPS = {
    "aws:runCommand": "Parameters",
    "aws:executeAutomation": "RuntimeParameters",
    "aws:executeScript": "InputPayload",
}
# The types of parameter that a limit is for.
_LIMITED = {
    "Chars": ("String", "StringList", "StringMap", "MapList"),
    "Items": ("StringList", "MapList"),
    "Value": ("Integer",),
}
# Command documents that run commands, and the parameters that they have.
_SHELLS = ("AWS-RunShellScript", "AWS-RunPowerShellScript")
_SHELL_PARAMETERS = ("commands", "workingDirectory", "executionTimeout")
_OPEN = re.compile(r"\{\{(?![^{}]*\}\})|(?<!\{)\{[^{}]*\}\}")


def _open(value: Any) -> bool:
    return isinstance(value, str) and "{{" in value


@RULES.add(
    "input-value", "warning", "What an action hands on to a service is what the service takes.", _ACTIONS
)
def _handed_on(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        name, api = _HANDED_ON.get(step.action, ("", ""))
        service = apis.service(name) if name else None
        operation = service.operation(api) if service else None
        spec = actions.SPECS.get(step.action)
        if service is None or operation is None or spec is None:
            continue
        for key, value in step.inputs.items():
            # A command's parameters may be single values where the operation has lists of them.
            if key == "Parameters" and name == "ssm":
                continue
            # Texts and numbers are judged by the action's own spec.
            if key in operation.members and spec.input(key) and isinstance(value, (dict, list)):
                shape = {"members": {key: operation.members[key]}}
                for found in shapes.structure(service, shape, {key: value}, ("inputs",)):
                    yield Fault((*step.path, *found.path), found.message, found.hint, found.at_key)


@RULES.add("input-parameters", "warning", "A document is given the parameters that it has.", _ACTIONS)
def _parameters(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        key = _MAPS.get(step.action, "")
        given, at = step.inputs.get(key), (*step.path, "inputs", key)
        # A text may be a map's JSON.
        if isinstance(given, list) or (isinstance(given, str) and not given.lstrip().startswith("{")):
            yield Fault(at, f"{key} is a map of names and values.")
        if not isinstance(given, dict) or step.inputs.get("DocumentName") not in _SHELLS:
            continue
        for name in given:
            if name not in _SHELL_PARAMETERS:
                message = f"{step.inputs['DocumentName']} has no parameter `{str(name)[:60]}`."
                hint = meant(str(name), _SHELL_PARAMETERS) or f"It has {listed(_SHELL_PARAMETERS)}."
                yield Fault((*at, name), message, hint, True)
        if not given.get("commands"):
            yield Fault(at, f"{step.called} gives no commands to run.", at_key=True)


@RULES.add("input-empty", "warning", "A list of whom or what to act on is not empty.", _ACTIONS)
def _empty(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        for key in ("Approvers", "InstanceIds", "ResourceIds", "DesiredValues", "Targets"):
            if step.inputs.get(key) == []:
                yield Fault((*step.path, "inputs", key), f"{key} is an empty list.", "Name at least one.")


@RULES.add("input-count", "warning", "The least is not more than the most.", _ACTIONS)
def _counts(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        least, most = (whole_number(step.inputs.get(key)) for key in ("MinInstanceCount", "MaxInstanceCount"))
        if least is not None and most is not None and least > most:
            message = f"MinInstanceCount is {least}, and MaxInstanceCount {most}."
            yield Fault(
                (*step.path, "inputs", "MinInstanceCount"), message, "Raise the most, or lower the least."
            )
        approvers, needed = (
            step.inputs.get("Approvers"),
            whole_number(step.inputs.get("MinRequiredApprovals")),
        )
        # One reference may stand for many people.
        literal = isinstance(approvers, list) and not any(_open(person) for person in approvers)
        if literal and needed is not None and needed > len(approvers or []):
            message = f"{needed} people must approve, and {len(approvers or [])} may."
            yield Fault((*step.path, "inputs", "MinRequiredApprovals"), message, "Name more Approvers.")


@RULES.add(
    "reference-broken", "warning", "Double braces hold a reference, and both pairs are there.", _VARIABLES
)
def _broken(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        literal = literal_inputs(step)
        for path, text in texts(step.inputs, (*step.path, "inputs")):
            key = path[len(step.path) + 1]
            if key in literal or key == "Steps" or "\n" in text:
                continue
            # Braces of JSON inside a text may stand side by side.
            found = _OPEN.search(text) if not text.lstrip().startswith(('{"', "[")) else None
            if found and "{{" not in references.PATTERN.sub("", text) and not found.group().startswith("{ "):
                continue
            if found:
                hint = "Write {{ name }} with two braces on either side."
                yield Fault(path, "A brace of this reference is missing.", hint, text=found.group())
                continue
            for reference in references.find(text):
                if reference.kind == "other":
                    message = f"{reference.text[:60]} is no reference, and stays as it is."
                    hint = "A reference is {{ parameter }}, {{ step.Output }} or {{ variable:name }}."
                    yield Fault(path, message, hint, text=reference.text)


@RULES.add(
    "role-value", "warning", "assumeRole is the ARN of a role, or a parameter that takes one.", _VARIABLES
)
def _role(context: Context) -> Iterator[Fault]:
    role = context.document.assume_role
    if role is None:
        return
    name = context.document.assume_role_parameter
    if name is not None:
        kind = context.document.parameters[name].type
        if parameters.base_type(kind) != "String":
            message = f"assumeRole refers to {name[:60]}, which is a {kind[:60]}."
            yield Fault(("parameters", name, "type"), message, "Make it an AWS::IAM::Role::Arn.")
    elif not references.find(role) and not _ROLE.match(role.strip()):
        message = f"`{role[:60]}` is not the ARN of a role."
        yield Fault(
            ("assumeRole",), message, "Write it like arn:aws:iam::123456789012:role/AutomationServiceRole."
        )


@RULES.add(
    "variable-value",
    "warning",
    "A variable gets values of its type.",
    "automation-action-update-variable.html",
)
def _variable(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        name, value = step.inputs.get("Name"), step.inputs.get("Value")
        variable = (
            context.document.variables.get(_bare(name)) if step.action == "aws:updateVariable" else None
        )
        if (
            variable is None
            or value is None
            or references.find(value)
            or variable.type not in parameters.TYPES
        ):
            continue
        try:
            parameters.convert(Parameter(variable.name, variable.type), value)
        except parameters.Invalid as error:
            message = f"The variable {variable.name[:60]} is a {variable.type}. {error}"
            yield Fault((*step.path, "inputs", "Value"), message)


def _bare(name: Any) -> str:
    found = references.whole(name)
    return (found.expression if found else str(name)).strip().removeprefix("variable:").split(".")[0]


@RULES.add("definition-value", "warning", "A definition's values fit its type and one another.", _DEFINITIONS)
def _definitions(context: Context) -> Iterator[Fault]:
    for name, parameter in context.document.parameters.items():
        data = context.data["parameters"][name]
        at = ("parameters", name)
        if data.get("description") is not None and not isinstance(data["description"], str):
            yield Fault((*at, "description"), "The description of a parameter is text.")
        if data.get("displayType") is not None and data["displayType"] not in ("textfield", "textarea"):
            yield Fault((*at, "displayType"), "displayType is textfield or textarea.")
        for least, most in (("minChars", "maxChars"), ("minItems", "maxItems"), ("minValue", "maxValue")):
            low, high = whole_number(data.get(least)), whole_number(data.get(most))
            if low is not None and high is not None and low > high:
                yield Fault((*at, least), f"{least} is {low}, and {most} {high}: no value fits.")
            for key in (least, most):
                kinds = _LIMITED[key[3:]]
                if data.get(key) is not None and parameters.base_type(parameter.type) not in kinds:
                    message = f"{key} limits nothing here: it is for a {listed(kinds, 'or')}."
                    yield Fault((*at, key), message, at_key=True)
        plain = Parameter(name, parameter.type)
        if parameters.base_type(parameter.type) not in ("Integer", "Boolean"):
            continue
        for index, value in enumerate(parameter.allowed_values or ()):
            try:
                parameters.convert(plain, value)
            except parameters.Invalid:
                message = f"`{str(value)[:60]}` is no {parameter.type}, so that nobody can choose it."
                yield Fault((*at, "allowedValues", index), message)


@RULES.add(
    "document-file",
    "warning",
    "An attached file has a checksum by sha256.",
    "documents-schemas-features.html",
)
def _files(context: Context) -> Iterator[Fault]:
    files = context.data.get("files")
    for name, value in files.items() if isinstance(files, dict) else ():
        checksums = value.get("checksums") if isinstance(value, dict) else None
        known = checksums if isinstance(checksums, dict) else {}
        if not any(key.lower() == "sha256" and isinstance(known[key], str) for key in known):
            hint = "Write checksums, and under it sha256 with the file's hash."
            yield Fault(("files", name), f"The file {str(name)[:60]} has no checksum.", hint, True)


@RULES.add("output-of-nothing", "warning", "Outputs are declared of actions that have a response.", _ACTIONS)
def _outputs(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        if step.action in ("aws:sleep", "aws:branch", "aws:pause", "aws:updateVariable") and _declares(step):
            message = f"{step.called} has no response to select outputs from."
            yield Fault((*step.path, "outputs"), message, "Remove them.", True)


def _declares(step: RawStep) -> bool:
    return isinstance(step.data.get("outputs"), list) and bool(step.data["outputs"])
