"""What the analysis keeps of boto3's resource API, against boto3's own description of it.

`python -m tests.ssmdoc.test_analysis_resources` writes the table anew, for a newer boto3.
"""

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ssmdoc.analysis import sdk

TABLE = Path(sdk.__file__).parent / "resource_api.json"


def described() -> dict[str, Any]:
    spec = find_spec("boto3")
    assert spec is not None and spec.origin is not None
    table: dict[str, Any] = {}
    for folder in sorted((Path(spec.origin).parent / "data").iterdir()):
        files = sorted(folder.glob("*/resources-1.json"))
        if files:
            model = json.loads(files[-1].read_text())
            types = {"": model["service"], **model["resources"]}
            table[folder.name] = {name: _type(item) for name, item in types.items()}
    return table


def _type(item: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"ids": [identifier["name"] for identifier in item.get("identifiers", ())]}
    if "load" in item:
        found["load"] = _request(item["load"]["request"])
    for kind, key in (("actions", "actions"), ("batch", "batchActions")):
        found[kind] = {
            name: [*_request(entry["request"]), *_made(entry)] for name, entry in item.get(key, {}).items()
        }
    found["waiters"] = {
        name: [entry["waiterName"], _parameters(entry.get("params", ()))]
        for name, entry in item.get("waiters", {}).items()
    }
    found["has"] = {
        name: [entry["resource"]["type"], _identifiers(entry["resource"])]
        for name, entry in item.get("has", {}).items()
    }
    found["hasMany"] = {
        name: [*_request(entry["request"]), entry["resource"]["type"], _identifiers(entry["resource"])]
        for name, entry in item.get("hasMany", {}).items()
    }
    return {key: value for key, value in found.items() if value}


def _made(entry: dict[str, Any]) -> list[Any]:
    """The type of what an action returns, and whether it returns several."""
    resource = entry.get("resource")
    return [resource["type"], "[]" in json.dumps(resource)] if resource else ["", False]


def _request(request: dict[str, Any]) -> list[Any]:
    return [request["operation"], _parameters(request.get("params", ()))]


def _parameters(parameters: Any) -> dict[str, list[Any]]:
    """By argument: the identifier or the constant that it is given, and whether as a list."""
    found: dict[str, list[Any]] = {}
    for item in parameters:
        match = re.fullmatch(r"(\w+)(\[[0-9]*\])?", item["target"])
        if match and item["source"] == "identifier":
            found[match.group(1)] = ["identifier", item["name"], bool(match.group(2))]
        elif match and item["source"] == "string":
            found[match.group(1)] = ["value", item["value"], bool(match.group(2))]
    return found


def _identifiers(resource: dict[str, Any]) -> dict[str, list[str]]:
    """By identifier of the resource: what gives it, and that one's name."""
    return {
        item["target"]: [item["source"], item.get("name", item.get("path", ""))]
        for item in resource.get("identifiers", ())
    }


def test_the_table_is_as_boto3_describes_its_resources() -> None:
    assert json.loads(TABLE.read_text()) == described()


if __name__ == "__main__":
    TABLE.write_text(json.dumps(described(), sort_keys=True, separators=(",", ":")) + "\n")
