"""Values that flow through a run: references looked up, inputs and outputs in the forms the API shows."""

import datetime as dt
import json
from collections.abc import Callable, Mapping, Set
from typing import Any

from sandbox.automation.outcomes import InvalidInputs
from sandbox.automation.records import Execution
from ssmdoc import Document, Step, references
from ssmdoc.references import Reference

# What a step that did not run would have given stands in these as it is written: scripts of AWS ask whether a
# value begins with two braces.
PAYLOADS = {"aws:executeScript": frozenset({"InputPayload"})}
NO_OUTPUT = "No output available yet because the step is not successfully executed"


def look_up(execution: Execution, document: Document, reference: Reference, now: dt.datetime) -> Any:
    """What the reference stands for in this run now; KeyError when it stands for nothing.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-variables.html
    """
    match reference.kind:
        case "parameter":
            # An optional parameter without a default is an empty text to whoever refers to it.
            if reference.name in document.parameters:
                return execution.parameters.get(reference.name, "")
        case "variable":
            return _variable(execution, reference.name)
        case "output":
            return _output(execution, document, reference)
        case "global" | "automation":
            return system_values_of(execution, now)[_spelled(reference)]
    raise KeyError(reference.expression)


def _variable(execution: Execution, name: str) -> Any:
    """A document variable, or what lies under a key of one that is a map (`variable:Totals.Failed`)."""
    if name in execution.variables:
        return execution.variables[name]
    name, *keys = name.split(".")
    value = execution.variables[name]
    for key in keys:
        if not isinstance(value, Mapping):
            raise KeyError(key)
        value = value[key]
    return value


def system_values(
    *, account_id: str, region: str, partition: str, execution_id: str, now: dt.datetime
) -> dict[str, str]:
    """What the system variables stand for in an execution, by their names.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-variables.html
    """
    return {
        "global:ACCOUNT_ID": account_id,
        "global:REGION": region,
        "global:AWS_PARTITION": partition,
        "global:DATE": now.strftime("%Y-%m-%d"),
        "global:DATE_TIME": now.strftime("%Y-%m-%d_%H.%M.%S"),
        "automation:EXECUTION_ID": execution_id,
    }


def with_system_values(value: Any, values: Mapping[str, str]) -> Any:
    """`value`, of a parameter, with its system variables replaced, and all else as it is written."""
    return references.substitute(
        value, lambda reference: values[_spelled(reference)], literal_unresolved=True
    )


def system_values_of(execution: Execution, now: dt.datetime) -> dict[str, str]:
    """The system variables' values in this execution now."""
    return system_values(
        account_id=execution.account_id,
        region=execution.region,
        partition=execution.partition,
        execution_id=execution.id,
        now=now,
    )


def _spelled(reference: Reference) -> str:
    return reference.expression.replace(" ", "")


def _output(execution: Execution, document: Document, reference: Reference) -> Any:
    record = execution.step(reference.name)
    if record is None:
        raise KeyError(reference.expression)
    if reference.output in record.outputs:
        return record.outputs[reference.output]
    step = document.step(reference.name)
    # A selector that found nothing leaves the output out, and the step succeeds all the same.
    if record.status == "Success" and step and any(each.name == reference.output for each in step.outputs):
        return ""
    raise KeyError(reference.expression)


def resolve(execution: Execution, document: Document, value: Any, now: dt.datetime) -> Any:
    """`value` with every reference replaced. InvalidInputs names the first one that stands for nothing."""

    def lookup(reference: Reference) -> Any:
        try:
            return look_up(execution, document, reference, now)
        except KeyError:
            raise _unresolved(reference) from None

    return _substitute(value, lookup, literal_unresolved=False)


def _unresolved(reference: Reference) -> InvalidInputs:
    return InvalidInputs(
        f"Failed to resolve input: {reference.expression}. It is not defined in the Automation Document, or "
        "has no value yet."
    )


def _has_not_succeeded(execution: Execution, document: Document, reference: Reference) -> bool:
    """Whether a reference names an output of a step of the document that has not come to its success."""
    if reference.kind != "output" or document.step(reference.name) is None:
        return False
    record = execution.step(reference.name)
    return record is None or record.status != "Success"


def resolve_inputs(
    execution: Execution,
    document: Document,
    step: Step,
    now: dt.datetime,
    *,
    late: Set[str] = frozenset(),
) -> dict[str, Any]:
    """A step's inputs with every reference replaced, but as written those that are resolved `late`.

    Braces that name nothing stay as they are in text of another language (awk, CSS, f-strings).
    """
    literal = references.LITERAL_INPUTS.get(step.action, ())
    payloads = PAYLOADS.get(step.action, frozenset())

    def lookup(reference: Reference) -> Any:
        return look_up(execution, document, reference, now)

    def lookup_or_text(reference: Reference) -> Any:
        try:
            return look_up(execution, document, reference, now)
        except KeyError:
            if _has_not_succeeded(execution, document, reference):
                return reference.text
            raise _unresolved(reference) from None

    resolved: dict[str, Any] = {}
    for name, value in step.inputs.items():
        if name in late:
            resolved[name] = value
        elif name in literal:
            resolved[name] = _substitute(value, lookup, literal_unresolved=True)
        elif name in payloads:
            resolved[name] = _substitute(value, lookup_or_text, literal_unresolved=False)
        else:
            resolved[name] = resolve(execution, document, value, now)
    return resolved


def _substitute(value: Any, lookup: Callable[[Reference], Any], *, literal_unresolved: bool) -> Any:
    """As `references.substitute`, but `[ "{{ launch.InstanceIds }}" ]` is that list, not a list of it."""
    if isinstance(value, Mapping):
        return {
            key: _substitute(item, lookup, literal_unresolved=literal_unresolved)
            for key, item in value.items()
        }
    if not isinstance(value, list):
        return references.substitute(value, lookup, literal_unresolved=literal_unresolved)
    items: list[Any] = []
    for item in value:
        resolved = _substitute(item, lookup, literal_unresolved=literal_unresolved)
        if isinstance(resolved, list) and references.whole(item) is not None:
            items.extend(resolved)
        else:
            items.append(resolved)
    return items


def as_input(value: Any) -> str:
    """An input as GetAutomationExecution shows it: the value's JSON."""
    return json.dumps(value, default=str)


def as_strings(value: Any) -> list[str]:
    """An output or a parameter as the API shows it: always a list of texts."""
    if value is None:
        return []
    if isinstance(value, list):
        return [as_text(item) for item in value]
    return [as_text(value)]


def as_text(value: Any) -> str:
    """One value as the API shows it: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, default=str)
