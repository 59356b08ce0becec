"""What leaves the language: calls of AWS's services, and scripts."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator

from ssmdoc import actions, apis, references
from ssmdoc.checks.rule import Context, Fault, RawStep, Rules
from ssmdoc.nodes import Node
from ssmdoc.suggestions import meant

RULES = Rules()

_API = "automation-action-executeAwsApi.html"
_SCRIPT = "automation-action-executeScript.html"
_OWN_INPUTS = ("Service", "Api", "PropertySelector", "DesiredValues")


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


@RULES.add("api-input", "warning", "A call has the inputs that its operation requires, and no others.", _API)
def _api_inputs(context: Context) -> Iterator[Fault]:
    for step, name, api in _calls(context):
        service = apis.service(name)
        operation = service.operation(api) if service else None
        if service is None or operation is None:
            continue
        known = {member.lower(): member for member in operation.members}
        given = {key.lower() for key in step.inputs}
        for required in operation.required:
            if required.lower() not in given:
                message = f"{service.name} {operation.name} requires the input {required}."
                yield Fault((*step.path, "inputs"), message, f"{step.called} lacks {required}.", True)
        for key in step.inputs:
            if key not in _OWN_INPUTS and key.lower() not in known:
                message = f"{service.name} {operation.name} has no input `{key[:60]}`."
                yield Fault((*step.path, "inputs", key), message, meant(key, operation.members), True)


def _scripts(context: Context) -> Iterator[tuple[RawStep, str]]:
    for step in context.steps:
        runtime, script = step.inputs.get("Runtime"), step.inputs.get("Script")
        if step.action != "aws:executeScript" or not isinstance(script, str) or not isinstance(runtime, str):
            continue
        if runtime.startswith("python"):
            yield step, script


def _parse(script: str) -> ast.Module | SyntaxError | None:
    """The script's syntax tree or what is wrong with it; None when it is beyond what Python can tell."""
    # A reference is some value by the time that Python reads the script.
    source = references.PATTERN.sub(lambda found: "_".ljust(len(found.group()), "_"), script)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except SyntaxError as error:
        return error
    except (ValueError, RecursionError, MemoryError):
        return None


@RULES.add("script-syntax", "warning", "A Python script compiles.", _SCRIPT)
def _syntax(context: Context) -> Iterator[Fault]:
    for step, script in _scripts(context):
        found = _parse(script)
        if isinstance(found, SyntaxError):
            path = (*step.path, "inputs", "Script")
            line = found.lineno or 1
            lines = script.splitlines()
            text = lines[line - 1] if 0 < line <= len(lines) else ""
            node = context.parsed.root.at(path) if context.parsed.root else None
            near = text.strip() if node and _stands_once(context, node, text.strip()) else ""
            whose = f"{step.called[0].lower()}{step.called[1:]}"
            message = f"The script of {whose} does not compile: {found.msg}, on its line {line}."
            yield Fault(path, message, text=near)


def _stands_once(context: Context, node: Node, text: str) -> bool:
    return bool(text) and context.parsed.source.text.count(text, node.start, node.end) == 1


@RULES.add("script-handler", "warning", "A Python script defines its Handler.", _SCRIPT)
def _handlers(context: Context) -> Iterator[Fault]:
    for step, script in _scripts(context):
        handler = step.inputs.get("Handler")
        if not isinstance(handler, str) or not handler or "{{" in handler or "Attachment" in step.inputs:
            continue
        tree = _parse(script)
        if not isinstance(tree, ast.Module):
            continue
        name = handler.rpartition(".")[2]
        defined = _defined(tree)
        if name not in defined:
            hint = meant(name, defined) or f"Define `def {name[:60]}(events, context):` in the script."
            yield Fault(
                (*step.path, "inputs", "Handler"), f"The script defines no function `{name[:60]}`.", hint
            )


def _defined(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name)
    return names
