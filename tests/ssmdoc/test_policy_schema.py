"""A JSON Schema of the organisation's own: what it says where, and what it may cost."""

import time
from typing import Any

import pytest

import ssmdoc
from ssmdoc import policy
from tests.ssmdoc.policy_documents import YAML


def schema_messages(schema: dict[str, Any]) -> list[tuple[str, int, str]]:
    parsed = ssmdoc.parse(YAML)
    found = policy.evaluate(parsed, {"schema": schema})
    return [(finding.message, finding.line, finding.hint) for finding in found]


def test_a_schema_of_ones_own_speaks_at_the_place() -> None:
    assert schema_messages({"required": ["description"], "description": "Say what it is for."}) == [
        (
            "The document does not satisfy the policy's schema: `description` is missing.",
            1,
            "Say what it is for.",
        )
    ]
    names = {"properties": {"mainSteps": {"items": {"properties": {"name": {"pattern": "^[A-Z]"}}}}}}
    assert schema_messages(names) == [
        ("mainSteps[0].name does not satisfy the policy's schema: it does not match ^[A-Z].", 7, "")
    ]
    (message, line, _) = schema_messages({"properties": {"assumeRole": {"const": "arn"}}})[0]
    assert (line, 'it must be "arn"' in message) == (2, True)


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ([], "Write a JSON Schema"),
        ({"type": 5}, "not valid at type"),
        ({"$ref": "https://example.com/schema"}, "a part of this schema only"),
        ({"$ref": "#/$defs/none"}, "does not hold"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "draft 2020-12"),
        ({"pattern": "("}, "regex"),
        ({"title": "x" * 70_000}, "64 KB is the most"),
        ({"description": "\ud800"}, "JSON values only"),
        ({"minimum": float("inf")}, "JSON values only"),
        ({"$defs": {"a": {"$id": "https://example.com"}}}, "$id"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused(schema: Any, says: str) -> None:
    if schema:
        assert says in policy.validate_rules({"schema": schema})["schema"]
    else:
        assert says in policy.validate_rules({"schema": "text"})["schema"]


def _doubling() -> dict[str, Any]:
    parts = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(40)}
    return {"$defs": {**parts, "a40": {}}, "$ref": "#/$defs/a0"}


@pytest.mark.parametrize(
    "schema",
    [
        _doubling(),
        {"$ref": "#"},
        {"properties": {"long": {"pattern": r"^(\w|\w\w|\w)+(\w|\w\w)+$(?<=!)"}}},
    ],
)
def test_a_costly_schema_is_refused_in_bounded_time(schema: dict[str, Any]) -> None:
    parsed = ssmdoc.parse(YAML + f"long: {'a' * 5000}!\n")
    begun = time.perf_counter()
    (found,) = policy.evaluate(parsed, {"schema": schema})
    assert "takes too long" in found.message
    assert time.perf_counter() - begun < 3
