"""The parts that the schema of documents is made of: one function for each place of the language."""

from __future__ import annotations

from typing import Any

from ssmdoc import actions, operators
from ssmdoc.selectors import OUTPUT_TYPES
from ssmdoc.specs import ActionSpec, InputSpec
from ssmdoc.suggestions import listed

Schema = dict[str, Any]

# A reference that stands for a whole value.
_REFERENCE = r"^\s*\{\{[\s\S]*\}\}\s*$"
_PLAIN = ["string", "number", "boolean"]
_TYPES: dict[str, Schema] = {
    "String": {"type": [*_PLAIN, "null"]},
    "Selector": {"type": [*_PLAIN, "null"]},
    "Integer": {"type": ["integer", "string", "null"], "pattern": rf"^\s*-?[0-9]{{1,20}}\s*$|{_REFERENCE}"},
    "Boolean": {
        "type": ["boolean", "string", "null"],
        "pattern": rf"^\s*(?:[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])\s*$|{_REFERENCE}",
    },
    "StringList": {"type": ["array", "string", "null"], "pattern": _REFERENCE},
    "MapList": {"type": ["array", "string", "null"], "pattern": _REFERENCE},
    "Steps": {"type": ["array", "string", "null"], "pattern": _REFERENCE},
    "StringMap": {"type": ["object", "string", "null"], "pattern": _REFERENCE},
    "Condition": {"type": ["object", "string", "null"], "pattern": _REFERENCE},
    "Any": {},
}
_SAID = {
    "String": "text",
    "Selector": "JSONPath, as text",
    "Integer": "a whole number",
    "Boolean": "true or false",
    "StringList": "a list",
    "MapList": "a list of maps",
    "Steps": "a list of steps",
    "StringMap": "a map",
    "Condition": "a condition: a map with a Variable and an operator",
}
_CONDITION: Schema = {"$ref": "#/$defs/condition"}
_AWS_TYPE = r"^(?:List<)?AWS::[A-Za-z0-9]+(?:::[A-Za-z0-9]+)+>?$"


def _typed(type: str, name: str, description: str = "", **more: Any) -> Schema:
    """The schema of a value of a type, or of a reference that stands for one."""
    said = {"errorMessage": f"{name} is {_SAID[type]}, or a reference."} if type in _SAID else {}
    told = {"description": description} if description else {}
    return {**_TYPES[type], **told, **said, **more}


def _text(name: str, description: str, **more: Any) -> Schema:
    return {
        "type": ["string", "null"],
        "description": description,
        "errorMessage": f"{name} is text.",
        **more,
    }


def _input(item: InputSpec, steps: Schema) -> Schema:
    if item.choices:
        said = f"{item.name} is {listed(item.choices, 'or')}, or a reference."
        either = [{"enum": list(item.choices)}, {"type": "string", "pattern": r"\{\{"}]
        wide = [*either, {"type": ["number", "boolean", "null"]}]
        return {"anyOf": wide, "description": item.description, "errorMessage": said}
    if item.type == "Steps":
        return _typed("Steps", item.name, item.description, items=steps)
    if item.name == "Choices":
        return _typed("MapList", item.name, item.description, minItems=1, items={"$ref": "#/$defs/choice"})
    if item.type == "Condition":
        whole = {"if": {"type": "object"}, "then": _CONDITION}
        return _typed("Condition", item.name, item.description, **whole)
    if item.name == "MaxIterations":
        return _typed("Integer", item.name, item.description, minimum=1, maximum=100)
    return _typed(item.type, item.name, item.description)


def inputs(spec: ActionSpec, steps: Schema) -> Schema:
    """The inputs of an action; `steps` is the schema of a loop's inner steps."""
    required = [item.name for item in spec.inputs if item.required]
    made: Schema = {
        "type": "object",
        "title": f"Inputs of {spec.name}",
        "description": spec.summary,
        "markdownDescription": f"{spec.summary} [{spec.name}]({spec.source})",
        "errorMessage": f"The inputs of {spec.name} are a map.",
        "properties": {item.name: _input(item, steps) for item in spec.inputs},
    }
    if required:
        made["required"] = required
    if spec.either:
        said = f"{spec.name} needs {listed(spec.either, 'or')}."
        made["allOf"] = [{"anyOf": [{"required": [name]} for name in spec.either], "errorMessage": said}]
    if spec.examples:
        made["examples"] = list(spec.examples)
    return made


def _step_keys() -> dict[str, Schema]:
    return {
        "name": {
            "type": "string",
            "pattern": r"^[A-Za-z0-9_]{3,128}$",
            "description": "The step's own name: 3 to 128 letters, digits and underscores.",
            "errorMessage": "A step's name is 3 to 128 letters, digits and underscores.",
        },
        "action": {
            "enum": [*actions.SPECS, *actions.INTERNAL],
            "description": "What the step does.",
            "errorMessage": "The action is one that Automation has, like aws:executeAwsApi.",
            "enumDescriptions": [
                *(spec.summary for spec in actions.SPECS.values()),
                *("Only documents that AWS owns can use it." for _ in actions.INTERNAL),
            ],
        },
        "description": _text("description", "What the step is for."),
        "inputs": {"type": "object", "errorMessage": "The inputs of a step are a map."},
        "onFailure": _text(
            "onFailure",
            "What to do when the step fails: Abort (the default), Continue, or step:NAME.",
            pattern=r"^(?:Abort|Continue|step:[\s\S]*)?$|\{\{",
            errorMessage="onFailure is Abort, Continue or step:NAME.",
            examples=["Abort", "Continue", "step:cleanUp"],
        ),
        "onCancel": _text(
            "onCancel",
            "What to do when the run is cancelled: Abort (the default), or step:NAME.",
            pattern=r"^(?:Abort|step:[\s\S]*)?$|\{\{",
            errorMessage="onCancel is Abort or step:NAME.",
            examples=["Abort", "step:cleanUp"],
        ),
        "outputs": {
            "type": ["array", "null"],
            "description": "Named parts of the response, for later steps.",
            "errorMessage": "The outputs of a step are a list.",
            "items": {
                "type": "object",
                "errorMessage": "An output is a map with the keys Name, Selector and Type.",
                "required": ["Name", "Selector"],
                "additionalProperties": False,
                "properties": {
                    "Name": {
                        "type": "string",
                        "description": "Later steps refer to it as {{ step.Name }}.",
                        "errorMessage": "The Name of an output is text.",
                    },
                    "Selector": {
                        "type": "string",
                        "description": "JSONPath to the value in the response.",
                        "examples": ["$.Reservations[0].Instances[0].InstanceId"],
                        "errorMessage": "The Selector of an output is JSONPath, as text.",
                    },
                    "Type": {
                        "enum": [*OUTPUT_TYPES, None],
                        "description": "The value's type.",
                        "errorMessage": f"The Type of an output is {listed(OUTPUT_TYPES, 'or')}.",
                    },
                },
            },
        },
        "timeoutSeconds": _typed(
            "Integer", "timeoutSeconds", "How many seconds the step may take.", minimum=1
        ),
        "nextStep": _text("nextStep", "The step to go on with; the one written below when left out."),
        "isEnd": _typed("Boolean", "isEnd", "Whether the run ends after this step."),
        "maxAttempts": _typed("Integer", "maxAttempts", "How often to try; 1 by default.", minimum=1),
        "isCritical": _typed("Boolean", "isCritical", "Whether the step's failure fails the run."),
    }


def step(inputs: Schema | None, needed: bool) -> Schema:
    """A step whose inputs have that schema; `needed` says whether it must have inputs."""
    keys = _step_keys()
    if inputs:
        keys["inputs"] = inputs
    return {
        "type": "object",
        "errorMessage": "A step is a map with the keys name, action and inputs.",
        "required": ["name", "action", "inputs"] if needed else ["name", "action"],
        "additionalProperties": False,
        "properties": keys,
    }


def needs_inputs(spec: ActionSpec) -> bool:
    """Whether a step of that action must have inputs."""
    return any(item.required for item in spec.inputs)


def default(kind: str) -> Schema:
    """The default of a definition of a plain type."""
    said = {"errorMessage": f"The default is not of the type {kind}."}
    plain = {"type": _PLAIN}
    return {
        "Integer": {**_TYPES["Integer"], "pattern": r"^\s*-?[0-9]{1,20}\s*$"},
        "Boolean": {**_TYPES["Boolean"], "pattern": r"^\s*(?:[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])\s*$"},
        "StringList": {"type": ["array", "null"], "items": plain},
        "MapList": {"type": ["array", "null"], "items": {"type": ["object", "string"]}},
        "StringMap": {"type": ["object", "null"]},
        "String": {"type": [*_PLAIN, "null"]},
    }[kind] | said


def definition(default: Schema | None) -> Schema:
    """A parameter's or variable's definition, whose default has that schema."""
    number = {"type": ["integer", "string"], "pattern": r"^\s*-?[0-9]{1,20}\s*$"}
    limits = {
        "minChars": "The fewest characters.",
        "maxChars": "The most characters.",
        "minItems": "The fewest items.",
        "maxItems": "The most items.",
        "minValue": "The smallest number.",
        "maxValue": "The largest number.",
    }
    return {
        "type": "object",
        "errorMessage": "A definition is a map with at least a type.",
        "required": ["type"],
        "additionalProperties": False,
        "properties": {
            "type": {
                "type": "string",
                "anyOf": [{"enum": list(OUTPUT_TYPES)}, {"pattern": _AWS_TYPE}],
                "description": "The type of the value.",
                "examples": [*OUTPUT_TYPES, "AWS::EC2::Instance::Id", "List<AWS::EC2::Instance::Id>"],
                "errorMessage": f"A type is {listed(OUTPUT_TYPES, 'or')}, or like AWS::EC2::Instance::Id.",
            },
            "description": {"description": "What the value is for."},
            "default": {"description": "The value when none is given.", **(default or {})},
            "allowedPattern": {
                "type": "string",
                "description": "A Java regular expression that the value matches.",
                "errorMessage": "allowedPattern is text.",
            },
            "allowedValues": {
                "type": "array",
                "minItems": 1,
                "description": "The values that are allowed.",
                "errorMessage": "allowedValues is a list of at least one value.",
            },
            "displayType": {"description": "How a form shows it.", "examples": ["textfield", "textarea"]},
            **{
                key: {**number, "description": said, "errorMessage": f"{key} is a whole number."}
                for key, said in limits.items()
            },
        },
    }


def document(steps: Schema, definitions: Schema) -> Schema:
    """A document with those schemas of a step and of a definition."""
    named = {
        "type": ["object", "null"],
        "propertyNames": {"pattern": r"^[A-Za-z0-9_]+$", "errorMessage": "A name is letters, digits and _."},
        "additionalProperties": definitions,
    }
    return {
        "type": "object",
        "errorMessage": "A document is a map.",
        "required": ["schemaVersion", "mainSteps"],
        "additionalProperties": False,
        "properties": {
            "schemaVersion": {
                "const": "0.3",
                "description": "The version of the language: the text 0.3.",
                "errorMessage": "schemaVersion of an Automation document is the text 0.3.",
            },
            "description": _text("description", "What the document is for, in Markdown."),
            "assumeRole": _text(
                "assumeRole",
                "The IAM role that Automation assumes; without it the run has its starter's permissions.",
                examples=["{{ AutomationAssumeRole }}"],
            ),
            "parameters": {
                **named,
                "description": "What is given at the start.",
                "errorMessage": "parameters is a map of definitions.",
            },
            "variables": {
                **named,
                "description": "Values that aws:updateVariable may change.",
                "errorMessage": "variables is a map of definitions.",
            },
            "mainSteps": {
                "type": "array",
                "description": "The steps, in order.",
                "minItems": 1,
                "errorMessage": "mainSteps is a list of at least one step.",
                "items": steps,
            },
            "outputs": {
                "type": ["array", "null"],
                "description": "Outputs of steps that the whole run gives: step.Output.",
                "errorMessage": "outputs is a list of texts like step.Output.",
                "items": {
                    "type": "string",
                    "errorMessage": "An output of the document is a text like step.Output.",
                },
            },
            "files": {
                "type": ["object", "null"],
                "description": "Attachments, each with its checksums.",
                "errorMessage": "files is a map of attachments.",
            },
            "emergencyChange": {"description": "Change templates: whether approval may be skipped."},
            "autoApprovable": {"description": "Change templates: whether requests may approve themselves."},
            "templateInformation": {"description": "Change templates: the text shown to the requester."},
            "executableRunBooks": {"description": "Change templates: the documents that may be run."},
        },
    }


def conditions() -> dict[str, Schema]:
    """The two recursive parts, which stand under $defs: a condition, and a choice of aws:branch."""
    words = {
        **{
            word: {
                "type": _PLAIN,
                "description": "Compares with text.",
                "errorMessage": f"{word} compares with text.",
            }
            for word in operators.TEXT
        },
        **{
            word: {
                "type": ["number", "string"],
                "pattern": r"^\s*-?[0-9]+(?:\.[0-9]+)?\s*$|\{\{",
                "description": "Compares with a number.",
                "errorMessage": f"{word} compares with a number.",
            }
            for word in operators.NUMERIC
        },
        "BooleanEquals": {
            **_TYPES["Boolean"],
            "description": "Compares with true or false.",
            "errorMessage": "BooleanEquals compares with true or false.",
        },
        "Variable": {"description": "What is compared: a reference like {{ step.Output }}."},
        "NextStep": {
            "type": "string",
            "description": "The step to go on with.",
            "errorMessage": "NextStep is text.",
        },
        "Not": {**_CONDITION, "description": "Holds when the condition does not."},
        **{
            word: {
                "type": "array",
                "minItems": 2,
                "items": _CONDITION,
                "description": f"Joins conditions by {word.lower()}.",
                "errorMessage": f"{word} joins a list of two conditions or more.",
            }
            for word in ("And", "Or")
        },
    }
    condition = {
        "type": "object",
        "errorMessage": "A condition is a map with a Variable and an operator.",
        "additionalProperties": False,
        "properties": words,
    }
    return {"condition": condition, "choice": {**_CONDITION, "required": ["NextStep"]}}
