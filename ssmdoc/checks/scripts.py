"""Scripts of aws:executeScript: that they compile, define their handler, and may do what they do."""

from __future__ import annotations

from collections.abc import Iterator

from ssmdoc.analysis import powershell, scripts
from ssmdoc.checks.rule import Context, Fault, RawStep, Rules
from ssmdoc.checks.script_reading import read
from ssmdoc.nodes import Node
from ssmdoc.suggestions import meant

RULES = Rules()

_SCRIPT = "automation-action-executeScript.html"
# Runtimes that AWS has announced the end of, and what takes their place.
_DEPRECATED = {
    **dict.fromkeys(("python3.6", "python3.7", "python3.8"), "python3.11"),
    **dict.fromkeys(("PowerShell Core 6.0", "PowerShell 7.0"), "PowerShell 7.4"),
}


def _scripts(context: Context) -> Iterator[tuple[RawStep, str]]:
    for step in context.steps:
        runtime, script = step.inputs.get("Runtime"), step.inputs.get("Script")
        if step.action != "aws:executeScript" or not isinstance(script, str) or not isinstance(runtime, str):
            continue
        if runtime.startswith("python"):
            yield step, script


@RULES.add("script-syntax", "warning", "A Python script compiles.", _SCRIPT)
def _syntax(context: Context) -> Iterator[Fault]:
    for step, script in _scripts(context):
        reading = read(script)
        found = reading.error if reading else None
        if found is not None:
            path = (*step.path, "inputs", "Script")
            line = found.lineno or 1
            lines = script.splitlines()
            text = lines[line - 1] if 0 < line <= len(lines) else ""
            node = context.parsed.root.at(path) if context.parsed.root else None
            near = text.strip() if node and _stands_once(context, node, text.strip()) else ""
            message = f"The script of {step.within} does not compile: {found.msg}, on its line {line}."
            yield Fault(path, message, text=near)


def _stands_once(context: Context, node: Node, text: str) -> bool:
    return bool(text) and context.parsed.source.text.count(text, node.start, node.end) == 1


@RULES.add("script-handler", "warning", "A Python script defines its Handler.", _SCRIPT)
def _handlers(context: Context) -> Iterator[Fault]:
    for step, script in _scripts(context):
        handler = step.inputs.get("Handler")
        if not isinstance(handler, str) or not handler or "{{" in handler or "Attachment" in step.inputs:
            continue
        reading = read(script)
        if reading is None or reading.error is not None:
            continue
        name = handler.rpartition(".")[2]
        if name not in reading.names:
            hint = (
                meant(name, sorted(reading.names))
                or f"Define `def {name[:60]}(events, context):` in the script."
            )
            yield Fault(
                (*step.path, "inputs", "Handler"), f"The script defines no function `{name[:60]}`.", hint
            )


@RULES.add("script-arguments", "warning", "A handler takes the events and the context.", _SCRIPT)
def _arguments(context: Context) -> Iterator[Fault]:
    for step, script in _scripts(context):
        handler = step.inputs.get("Handler")
        reading = read(script)
        if not isinstance(handler, str) or reading is None:
            continue
        name = handler.rpartition(".")[2]
        function = reading.functions.get(name)
        if function is not None and not function.fit:
            message = f"`{name[:60]}` cannot be called with the events and the context."
            hint = f"Define it as `def {name[:60]}(events, context):`."
            yield Fault((*step.path, "inputs", "Handler"), message, hint)


@RULES.add("script-runtime", "warning", "A script's runtime is one that AWS keeps.", _SCRIPT)
def _runtimes(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        runtime = step.inputs.get("Runtime")
        if step.action == "aws:executeScript" and isinstance(runtime, str) and runtime in _DEPRECATED:
            message = f"AWS no longer keeps the runtime {runtime} up to date."
            yield Fault((*step.path, "inputs", "Runtime"), message, f"Use {_DEPRECATED[runtime]}.")


@RULES.add("script-role", "warning", "A document whose scripts call AWS names an assumeRole.", _SCRIPT)
def _roles(context: Context) -> Iterator[Fault]:
    if context.document.assume_role is not None:
        return
    for step in context.steps:
        script = step.inputs.get("Script")
        if step.action == "aws:executeScript" and isinstance(script, str) and _calls_aws(step, script):
            message = f"The script of {step.within} calls AWS, but the document names no assumeRole."
            hint = "Add assumeRole and a parameter for it: without a role a script has no credentials."
            yield Fault((*step.path, "inputs", "Script"), message, hint, at_key=True)


def _calls_aws(step: RawStep, script: str) -> bool:
    """Whether a script makes a call of AWS; one that imports the SDK and calls nothing by it does not."""
    if not str(step.inputs.get("Runtime", "")).startswith("python"):
        commands = powershell.read(script)
        return bool(commands.calls or commands.untold)
    reading, found = read(script), scripts.read(script)
    return bool(found.calls) or (reading is not None and reading.sdk and bool(found.untold))
