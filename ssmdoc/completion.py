"""What an editor offers while a document is written, made from the specs and the schema."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ssmdoc import actions, schema
from ssmdoc.references import AUTOMATION_VARIABLES, GLOBAL_VARIABLES
from ssmdoc.specs import ActionSpec

Word = dict[str, str]


@lru_cache(maxsize=1)
def vocabulary() -> dict[str, Any]:
    """Keys by where they stand, actions with their inputs and outputs, values by key, and references.

    A word has a `label`, and where known a `detail` of a few words and an `info` of a sentence. Keys are
    those of a `document`, a `definition` (of a parameter or variable), a `step`, an `output` and a
    `condition`.
    Callers do not change what they get.
    """
    whole = schema.document_schema()
    parts = whole["$defs"]
    step = parts["step"]["properties"]
    output = step["outputs"]["items"]["properties"]
    definition = parts["definition"]["properties"]
    truth = ["true", "false"]
    return {
        "keys": {
            "document": _keys(whole["properties"]),
            "definition": _keys(definition),
            "step": _keys(step),
            "output": _keys(output),
            "condition": _keys(parts["condition"]["properties"]),
        },
        "actions": [_action(spec) for spec in actions.SPECS.values()],
        "values": {
            "type": definition["type"]["examples"],
            "Type": [kind for kind in output["Type"]["enum"] if kind],
            "onFailure": ["Abort", "Continue"],
            "onCancel": ["Abort"],
            "isEnd": truth,
            "isCritical": truth,
        },
        "references": [
            *({"label": f"global:{name}", "detail": "system variable"} for name in GLOBAL_VARIABLES),
            *({"label": f"automation:{name}", "detail": "system variable"} for name in AUTOMATION_VARIABLES),
        ],
    }


def _keys(properties: dict[str, Any]) -> list[Word]:
    return [{"label": name, "info": part.get("description", "")} for name, part in properties.items()]


def _action(spec: ActionSpec) -> dict[str, Any]:
    return {
        "label": spec.name,
        "detail": spec.title,
        "info": spec.summary,
        "inputs": [
            {
                "label": item.name,
                "detail": f"{item.type}, required" if item.required else item.type,
                "info": item.description,
                "choices": list(item.choices) or (["true", "false"] if item.type == "Boolean" else []),
            }
            for item in spec.inputs
        ],
        "outputs": [{"label": item.name, "detail": item.type} for item in spec.implied],
        "cancelTarget": spec.cancel_target,
    }
