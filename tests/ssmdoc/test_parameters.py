"""Launch parameters: the form, the check, and the values a run starts with."""

from typing import Any

import pytest

import ssmdoc
from ssmdoc import java_regex, parameters

TEXT = """
schemaVersion: '0.3'
parameters:
  Role: {type: 'AWS::IAM::Role::Arn', description: '(Required) The role.'}
  InstanceType: {type: String, default: t3.micro, allowedValues: [t3.micro, t3.small]}
  Name: {type: String, default: '', allowedPattern: '[\\p{L}-]{2,20}', maxChars: 10}
  Count: {type: Integer, default: 1, minValue: 1, maxValue: 5}
  Wait: {type: Boolean, default: true}
  Ids: {type: StringList, default: [], maxItems: 2, allowedPattern: 'i-[0-9a-f]+'}
  Tags: {type: MapList, default: []}
  Options: {type: StringMap, default: '{}'}
mainSteps: []
"""
ROLE = "arn:aws:iam::123456789012:role/AutomationServiceRole"


def document() -> ssmdoc.Document:
    found = ssmdoc.parse(TEXT).document
    assert found is not None
    return found


def launch(**values: Any) -> tuple[dict[str, list[str]], dict[str, str]]:
    return parameters.validate(document(), {"Role": ROLE, **values})


def test_it_describes_a_form() -> None:
    fields = {field.name: field for field in parameters.form_fields(document())}
    assert [field.widget for field in fields.values()] == [
        "text", "select", "text", "integer", "boolean", "lines", "json", "json",
    ]  # fmt: skip
    assert (fields["Role"].required, fields["Role"].help) == (True, "The role.")
    assert (fields["InstanceType"].label, fields["InstanceType"].default) == ("Instance type", "t3.micro")
    assert fields["Wait"].choices == ("true", "false")
    assert fields["Count"].constraints == {"min_value": 1, "max_value": 5}


def test_what_is_left_out_stays_left_out() -> None:
    assert launch() == ({"Role": [ROLE]}, {})
    assert launch(Name="", Count="", Ids="", Wait=None) == ({"Role": [ROLE]}, {})


@pytest.mark.parametrize(
    ("name", "given", "wire"),
    [
        ("InstanceType", "t3.small", ["t3.small"]),
        ("Name", "Zoë", ["Zoë"]),
        ("Count", "3", ["3"]),
        ("Count", 3, ["3"]),
        ("Wait", False, ["false"]),
        ("Wait", "on", ["true"]),
        ("Ids", "i-1\r\n i-2 \r\n", ["i-1", "i-2"]),
        ("Ids", ["i-1"], ["i-1"]),
        ("Ids", [], []),
        ("Tags", '[{"Key": "a"}]', ['{"Key":"a"}']),
        ("Tags", ['{"Key": "a"}', '{"Key": "b"}'], ['{"Key":"a"}', '{"Key":"b"}']),
        ("Options", {"a": 1}, ['{"a":1}']),
    ],
)
def test_it_takes_typed_form_and_wire_values(name: str, given: Any, wire: list[str]) -> None:
    assert launch(**{name: given}) == ({"Role": [ROLE], name: wire}, {})
    typed = parameters.from_wire(document(), {name: wire})[name]
    assert parameters.to_wire(typed) == wire


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("Role", "", "no default"),
        ("Role", "admin", "role's ARN"),
        ("InstanceType", "t3.large", "Choose t3.micro or t3.small"),
        ("Name", "x", "does not match the pattern"),
        ("Name", "abcdefghijk", "at most 10 characters, not 11"),
        ("Name", "{{ssm:/x}}", "cannot refer"),
        ("Count", "x", "whole number"),
        ("Count", 6, "up to 5"),
        ("Count", 0, "from 1 up"),
        ("Count", [1, 2], "one value"),
        ("Wait", "perhaps", "true or false"),
        ("Ids", "i-1\ni-2\ni-3", "at most 2 values, not 3"),
        ("Ids", "vol-1", "does not match"),
        ("Tags", "x", "JSON list of maps"),
        ("Options", "[1]", "JSON map"),
        ("Options", {"a": "x" * 600}, "AWS takes no more"),
        ("Absent", "x", "no such parameter"),
    ],
)
def test_it_refuses_with_a_sentence(name: str, given: Any, says: str) -> None:
    wire, errors = launch(**{name: given})
    assert says in errors[name]
    assert name not in wire


def test_a_run_starts_with_typed_values_and_defaults() -> None:
    assert parameters.from_wire(document(), {"Role": [ROLE], "Count": ["2"]}) == {
        "Role": ROLE,
        "InstanceType": "t3.micro",
        "Name": "",
        "Count": 2,
        "Wait": True,
        "Ids": [],
        "Tags": [],
        "Options": {},
    }
    with pytest.raises(ValueError, match="Parameter Count: Write a whole number"):
        parameters.from_wire(document(), {"Count": ["x"]})


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        (r"\p{L}+", "é", True),
        (r"\w+", "é", False),
        (r"[\w-\/]+", "a-/", True),
        (r"[a-z&&[^x]]+", "abx", False),
        (r"[~~||]+", "|~", True),
        (r"\Qa.b\E", "a.b", True),
        (r"(?<x>a)\k<x>", "aa", True),
        ("a", "xa", False),
    ],
)
def test_patterns_are_java(pattern: str, value: str, expected: bool) -> None:
    assert java_regex.matches(pattern, value) is expected


def test_it_refuses_patterns_that_do_not_compile() -> None:
    for pattern in ("[a", "(", r"\p{", "*", "[z-a]"):
        with pytest.raises(java_regex.JavaRegexError):
            java_regex.compile(pattern)
