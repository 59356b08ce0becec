"""A JSON Schema of the whole document language, for editors and for checking what a document is made of.

`document_schema` is one schema of draft 2020-12 (https://json-schema.org/draft/2020-12) with every action in
it. `faults` judges by the same parts, but goes straight to the part of a step's action instead of trying 23
branches for each step.

`python -m ssmdoc.schema` writes the schema for an editor.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-actions.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final, cast

from jsonschema import Draft202012Validator, ValidationError

from ssmdoc import actions
from ssmdoc.findings import MAX_FINDINGS, Path
from ssmdoc.schema import parts
from ssmdoc.schema.parts import Schema
from ssmdoc.selectors import OUTPUT_TYPES
from ssmdoc.suggestions import listed

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_GUIDE = "https://docs.aws.amazon.com/systems-manager/latest/userguide/"


@dataclass(frozen=True, slots=True)
class SchemaFault:
    """One place where a document breaks the schema: `keyword` is the schema's word that it breaks."""

    path: Path
    message: str
    keyword: str


def document_schema() -> Schema:
    """The schema of a document, for editors: a new copy at each call."""
    found: Schema = json.loads(_published())
    return found


def faults(data: Any) -> Iterator[SchemaFault]:
    """Where a document's data break the schema, 100 places at most.

    Never raises for what `ssmdoc.parse` reads from a text, which nests 100 levels at most; data from
    elsewhere that nest deeper may raise RecursionError.

    Arguments: `data` is a document as plain values, whose maps have texts as keys.
    """
    left = MAX_FINDINGS
    for fault in _all(data):
        if not left:
            return
        left -= 1
        yield fault


def _all(data: Any) -> Iterator[SchemaFault]:
    yield from _judge(_shell(), data, ())
    if isinstance(data, dict):
        for section in ("parameters", "variables"):
            found = data.get(section)
            for name, item in found.items() if isinstance(found, dict) else ():
                kind = item.get("type") if isinstance(item, dict) else None
                yield from _judge(_definition_validator(_base(kind)), item, (section, name))
        yield from _steps(data.get("mainSteps"), ("mainSteps",))


def _steps(value: Any, path: Path) -> Iterator[SchemaFault]:
    for index, step in enumerate(value if isinstance(value, list) else []):
        action = step.get("action") if isinstance(step, dict) else None
        known = action if isinstance(action, str) and action in actions.SPECS else ""
        yield from _judge(_step_validator(known), step, (*path, index))
        if known == "aws:loop" and isinstance(step.get("inputs"), dict):
            yield from _steps(step["inputs"].get("Steps"), (*path, index, "inputs", "Steps"))


def _judge(validator: Draft202012Validator, value: Any, path: Path) -> Iterator[SchemaFault]:
    for error in validator.iter_errors(value):
        # A name that is refused is the place, not the map that holds it.
        name = (error.instance,) if "propertyNames" in error.schema_path else ()
        yield SchemaFault((*path, *error.absolute_path, *name), _sentence(error), str(error.validator))


def _sentence(error: ValidationError) -> str:
    """What a breach says to the reader, in one sentence."""
    schema = error.schema if isinstance(error.schema, dict) else {}
    if error.validator == "required":
        # jsonschema reports each missing key by itself, and names it only in its message.
        names = cast(list[str], error.validator_value)
        lacking = next(name for name in names if error.message.startswith(repr(name)))
        return f"Here the key {lacking} is missing."
    if error.validator == "additionalProperties":
        extra = next(
            (key for key in cast(dict[str, Any], error.instance) if key not in schema["properties"]), ""
        )
        return f"There is no key `{str(extra)[:60]}` here: keys are {listed(list(schema['properties']))}."
    said = schema.get("errorMessage")
    if isinstance(said, str):
        return said
    where = next((str(part) for part in reversed(error.absolute_path) if isinstance(part, str)), "document")
    return f"The value of {where[:60]} is not what the language has there."


def _base(kind: object) -> str:
    """The plain type of a definition's type, or an empty string for an unknown one."""
    if not isinstance(kind, str):
        return ""
    if kind in OUTPUT_TYPES:
        return kind
    return "StringList" if kind.startswith("List<AWS::") else "String" if kind.startswith("AWS::") else ""


@lru_cache(maxsize=1)
def _published() -> str:
    step_reference: Schema = {"$ref": "#/$defs/step"}
    specs = actions.SPECS.values()
    step = parts.step(None, needed=False)
    step["title"] = "Step"
    step["properties"]["action"].pop("enumDescriptions")
    step["properties"]["action"]["markdownEnumDescriptions"] = [
        *(f"{spec.summary} [{spec.title}]({spec.source})" for spec in specs),
        *("Only documents that AWS owns can use it." for _ in actions.INTERNAL),
    ]
    step["allOf"] = [
        {
            "if": {"required": ["action"], "properties": {"action": {"const": spec.name}}},
            "then": {
                "properties": {"inputs": {"$ref": f"#/$defs/{spec.name[4:]}"}},
                **({"required": ["inputs"]} if parts.needs_inputs(spec) else {}),
            },
        }
        for spec in specs
    ]
    step["allOf"].append(
        {
            "if": {"required": ["action"], "properties": {"action": {"enum": list(actions.SPECS)}}},
            "else": {"required": ["inputs"]},
        }
    )
    definition = parts.definition(None)
    definition["title"] = "Definition of a parameter or variable"
    definition["allOf"] = [
        {
            "if": {
                "required": ["type"],
                "properties": {"type": {"type": "string", "pattern": pattern}},
            },
            "then": {"properties": {"default": parts.default(kind)}},
        }
        for pattern, kind in (
            ("^List<AWS::", "StringList"),
            ("^AWS::", "String"),
            *((f"^{kind}$", kind) for kind in OUTPUT_TYPES),
        )
    ]
    schema = {
        "$schema": _DIALECT,
        "title": "Automation document, schemaVersion 0.3",
        "description": "A document of AWS Systems Manager Automation.",
        "markdownDescription": f"[Automation documents]({_GUIDE}automation-documents.html)",
        **parts.document(step_reference, {"$ref": "#/$defs/definition"}),
        "$defs": {
            "definition": definition,
            "step": step,
            **parts.conditions(),
            **{spec.name[4:]: parts.inputs(spec, step_reference) for spec in specs},
        },
    }
    schema["examples"] = [
        {
            "schemaVersion": "0.3",
            "description": "Stops an instance.",
            "assumeRole": "{{ AutomationAssumeRole }}",
            "parameters": {
                "AutomationAssumeRole": {"type": "AWS::IAM::Role::Arn"},
                "InstanceId": {"type": "AWS::EC2::Instance::Id"},
            },
            "mainSteps": [
                {
                    "name": "stopInstance",
                    "action": "aws:changeInstanceState",
                    "inputs": {"InstanceIds": ["{{ InstanceId }}"], "DesiredState": "stopped"},
                }
            ],
        }
    ]
    return json.dumps(schema)


def _validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "$defs": parts.conditions()})


@lru_cache(maxsize=1)
def _shell() -> Draft202012Validator:
    return _validator(parts.document({}, {}))


@cache
def _step_validator(action: str) -> Draft202012Validator:
    """The validator of a step with that action; of any other action when it is empty."""
    if not action:
        return _validator(parts.step(None, needed=True))
    spec = actions.SPECS[action]
    return _validator(parts.step(parts.inputs(spec, {}), needed=parts.needs_inputs(spec)))


@cache
def _definition_validator(kind: str) -> Draft202012Validator:
    return _validator(parts.definition(parts.default(kind) if kind else None))
