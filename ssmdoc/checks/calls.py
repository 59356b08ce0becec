"""Calls of AWS's services against the models that botocore brings along."""

from __future__ import annotations

from collections.abc import Iterator

from ssmdoc import actions, apis, shapes
from ssmdoc.apis import Operation, Service
from ssmdoc.checks.rule import Context, Fault, RawStep, Rules
from ssmdoc.findings import Path
from ssmdoc.selectors import OUTPUT_TYPES, SelectorError
from ssmdoc.selectors import compile as compile_selector
from ssmdoc.suggestions import listed, meant

RULES = Rules()

_API = "automation-action-executeAwsApi.html"
_OUTPUTS = "automation-action-outputs-inputs.html"
_PROPERTY = "automation-action-waitForAwsResourceProperty.html"
_OWN_INPUTS = ("Service", "Api", "PropertySelector", "DesiredValues")
# The types that an output may be declared to have, by the kind of shape that its selector leads to.
_OUTPUT_TYPES = {
    "string": ("String", "StringList"),
    "timestamp": ("String",),
    "boolean": ("Boolean", "String"),
    **dict.fromkeys(("integer", "long", "float", "double"), ("Integer", "String")),
    "list": ("StringList", "MapList"),
    **dict.fromkeys(("structure", "map"), ("StringMap",)),
}
# What to do where a name is asked of that has none.
_NO_NAMES = {
    "list": "A list stands before it: take one of its items by [0], or each of them by [*].",
    "string": "A text stands before it, which no selector looks into.",
}
_ANSWERS = {
    "string": "text",
    "timestamp": "a time",
    "boolean": "true or false",
    **dict.fromkeys(("integer", "long", "float", "double"), "a number"),
    "list": "a list",
    **dict.fromkeys(("structure", "map"), "a map"),
}


def _calls(context: Context) -> Iterator[tuple[RawStep, str, str]]:
    for step in context.steps:
        service, api = step.inputs.get("Service"), step.inputs.get("Api")
        if step.action not in actions.API_ACTIONS or not isinstance(service, str) or not isinstance(api, str):
            continue
        if "{{" not in service and "{{" not in api:
            yield step, service.strip(), api.strip()


@RULES.add("api-unknown", "warning", "Service and Api name an operation of AWS.", _API)
def _unknown_apis(context: Context) -> Iterator[Fault]:
    for step, name, api in _calls(context):
        service = apis.service(name)
        if service is None:
            path = (*step.path, "inputs", "Service")
            yield Fault(path, f"No service `{name[:60]}` is known.", meant(name, apis.names()))
        elif service.operation(api) is None:
            message = f"No operation `{api[:60]}` of {service.name} is known."
            yield Fault((*step.path, "inputs", "Api"), message, meant(api, service.operations))


def operations(context: Context) -> Iterator[tuple[RawStep, Service, Operation]]:
    """The calls whose operation is known."""
    for step, name, api in _calls(context):
        service = apis.service(name)
        operation = service.operation(api) if service else None
        if service is not None and operation is not None:
            yield step, service, operation


@RULES.add(
    "api-input", "warning", "A call's inputs are those that its operation takes, of the types it takes.", _API
)
def _api_inputs(context: Context) -> Iterator[Fault]:
    for step, service, operation in operations(context):
        shape = {"members": operation.members, "required": operation.required}
        given = {key: value for key, value in step.inputs.items() if key not in _OWN_INPUTS}
        for found in shapes.structure(service, shape, given, ()):
            message = found.message
            # What a structure says of its members is said here of an operation's inputs.
            if message.startswith("The value"):
                message = message.replace("The value", f"{service.name} {operation.name}", 1)
                message = message.replace("has no member", "has no input", 1)
            yield Fault(
                (*step.path, "inputs", *found.path), message, found.hint, found.at_key or not found.path
            )


def _selectors(step: RawStep) -> Iterator[tuple[str, str, Path]]:
    """A call's selectors, each with the type that it is declared to select, and where it stands."""
    outputs = step.data.get("outputs")
    for index, output in enumerate(outputs if isinstance(outputs, list) else []):
        if isinstance(output, dict) and isinstance(output.get("Selector"), str):
            yield output["Selector"], str(output.get("Type") or ""), (*step.path, "outputs", index)
    if isinstance(step.inputs.get("PropertySelector"), str):
        yield step.inputs["PropertySelector"], "", (*step.path, "inputs")


def _selected(context: Context) -> Iterator[tuple[RawStep, Operation, shapes.Selected, str, Path]]:
    for step, service, operation in operations(context):
        for text, kind, path in _selectors(step):
            if "{{" in text:
                continue
            try:
                selector = compile_selector(text)
            except SelectorError:
                continue
            yield step, operation, shapes.selected(service, operation.output, selector), kind, path


@RULES.add("api-selector", "warning", "A selector leads to something that the response has.", _OUTPUTS)
def _selector_members(context: Context) -> Iterator[Fault]:
    for _, operation, found, _, path in _selected(context):
        # AWS's SDKs add it to every response.
        if found.missing and found.missing != "ResponseMetadata":
            message = f"The response of {operation.name} has no `{found.missing[:60]}` there."
            few = f"There are {listed(found.known)}." if 0 < len(found.known) <= 12 else ""
            few = _NO_NAMES.get(found.within, few)
            key = "PropertySelector" if path[-1] == "inputs" else "Selector"
            yield Fault((*path, key), message, meant(found.missing, found.known) or few)


@RULES.add("api-output-type", "warning", "An output's Type is that of what its Selector selects.", _OUTPUTS)
def _output_types(context: Context) -> Iterator[Fault]:
    for _, operation, found, kind, path in _selected(context):
        allowed = _OUTPUT_TYPES.get(found.kind)
        if kind in OUTPUT_TYPES and allowed and kind not in allowed:
            message = f"{operation.name} answers with {_ANSWERS[found.kind]} there, which is no {kind}."
            yield Fault((*path, "Type"), message, f"Declare {listed(allowed, 'or')}.")


@RULES.add("api-desired-value", "warning", "DesiredValues are values that the property can have.", _PROPERTY)
def _desired_values(context: Context) -> Iterator[Fault]:
    for step, operation, found, _, path in _selected(context):
        values = step.inputs.get("DesiredValues")
        if path[-1] != "inputs" or not found.values or not isinstance(values, list):
            continue
        # The models write some values in another case than the services answer with.
        known = {value.lower() for value in found.values}
        for index, value in enumerate(values):
            if isinstance(value, str) and "{{" not in value and value.lower() not in known:
                message = f"{operation.name} never answers with `{value[:60]}` there."
                few = f"It answers with {listed(found.values, 'or')}." if len(found.values) <= 12 else ""
                yield Fault((*path, "DesiredValues", index), message, meant(value, found.values) or few)
