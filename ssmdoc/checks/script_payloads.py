"""What goes into a script and comes out of it: the keys of its InputPayload, and of what it returns."""

from __future__ import annotations

from collections.abc import Iterator

from ssmdoc.checks.rule import Context, Fault, RawStep, Rules
from ssmdoc.checks.script_reading import Function, read
from ssmdoc.selectors import Selector, SelectorError
from ssmdoc.selectors import compile as compile_selector
from ssmdoc.suggestions import listed, meant

RULES = Rules()

_SCRIPT = "automation-action-executeScript.html"


def _handlers(context: Context) -> Iterator[tuple[RawStep, Function]]:
    """Every step whose script says what its handler does."""
    for step in context.steps:
        script, handler = step.inputs.get("Script"), step.inputs.get("Handler")
        runtime = step.inputs.get("Runtime")
        if step.action != "aws:executeScript" or not isinstance(script, str) or not isinstance(handler, str):
            continue
        if isinstance(runtime, str) and runtime.startswith("python") and "Attachment" not in step.inputs:
            reading = read(script)
            function = reading.functions.get(handler.rpartition(".")[2]) if reading else None
            if function is not None and function.fit:
                yield step, function


@RULES.add("script-events", "warning", "InputPayload has the keys that the script asks for.", _SCRIPT)
def _events(context: Context) -> Iterator[Fault]:
    for step, function in _handlers(context):
        payload = step.inputs.get("InputPayload") or {}
        if not isinstance(payload, dict) or any("{{" in str(key) for key in payload):
            continue
        for key in sorted(function.reads - set(payload)):
            has = f"InputPayload has {listed([str(name) for name in payload])}." if payload else ""
            hint = meant(key, [str(name) for name in payload]) or (has if len(payload) <= 12 else "")
            path = (*step.path, "inputs", "InputPayload") if "InputPayload" in step.inputs else step.path
            message = f"The script of {step.within} asks for `{key[:60]}`, which InputPayload lacks."
            yield Fault(path, message, hint, at_key=path != step.path)


def _selectors(step: RawStep) -> Iterator[tuple[int, Selector]]:
    outputs = step.data.get("outputs")
    for index, output in enumerate(outputs if isinstance(outputs, list) else []):
        text = output.get("Selector") if isinstance(output, dict) else None
        if isinstance(text, str) and text.strip() and "{{" not in text:
            try:
                yield index, compile_selector(text)
            except SelectorError:
                continue


@RULES.add("script-selector", "warning", "A script's outputs are selected from its Payload.", _SCRIPT)
def _payloads(context: Context) -> Iterator[Fault]:
    for step in context.steps:
        for index, selector in _selectors(step) if step.action == "aws:executeScript" else ():
            first = selector.parts[0] if selector.parts else None
            if first and first.definite and first.names and first.names != ("Payload",):
                path = (*step.path, "outputs", index, "Selector")
                message = f"What a script returns stands under Payload, not `{first.names[0][:60]}`."
                yield Fault(path, message, "Write it like $.Payload.Key.")


@RULES.add("script-returns", "warning", "A script's outputs are among what it returns.", _SCRIPT)
def _returned(context: Context) -> Iterator[Fault]:
    for step, function in _handlers(context):
        if function.returns is None:
            continue
        for index, selector in _selectors(step):
            if len(selector.parts) < 2 or not all(part.definite for part in selector.parts[:2]):
                continue
            key = "".join(selector.parts[1].names)
            if selector.parts[0].names == ("Payload",) and key and key not in function.returns:
                path = (*step.path, "outputs", index, "Selector")
                returns = sorted(function.returns)
                hint = meant(key, returns) or (f"It returns {listed(returns)}." if len(returns) <= 12 else "")
                yield Fault(path, f"The script of {step.within} returns no `{key[:60]}`.", hint)
