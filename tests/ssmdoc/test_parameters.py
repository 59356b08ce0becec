"""Launch parameters: the form, the check, and the values a run starts with."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import ssmdoc
from ssmdoc import java_regex, parameters

CORPUS = os.environ.get("SSM_CORPUS")

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
        ("Count", 10**30, "between"),
        ("Count", "--5", "whole number"),
        ("Count", "٣", "whole number"),
        ("InstanceType", "", "not allowed"),
        ("Ids", ["i-1", ""], "does not match"),
        ("Options", '{"a": NaN}', "JSON map"),
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


def test_maps_are_the_same_however_they_are_written() -> None:
    found = ssmdoc.parse(
        'parameters: {M: {type: StringMap, allowedValues: [\'{"b": 1, "a": 2}\', {c: 3}]}}'
    ).document
    assert found is not None
    for value in ({"a": 2, "b": 1}, '{"a":2,"b":1}', {"c": 3}):
        assert parameters.validate(found, {"M": value})[1] == {}
    assert "not allowed" in parameters.validate(found, {"M": {"a": 1}})[1]["M"]


@pytest.mark.parametrize(
    ("type", "given", "good"),
    [
        ("AWS::EC2::Instance::Id", "i-0123456789abcdef0", True),
        ("AWS::EC2::Instance::Id", "i-01234567", True),
        ("AWS::EC2::Instance::Id", "vol-01234567", False),
        ("List<AWS::EC2::Instance::Id>", ["i-01234567", "i-0123456789abcdef0"], True),
        ("List<AWS::EC2::Instance::Id>", "i-01234567\nnone", False),
        ("AWS::S3::Bucket::Name", "my.bucket-1", True),
        ("AWS::S3::Bucket::Name", "My_Bucket", False),
        ("AWS::IAM::Role::Arn", "arn:aws-us-gov:iam::123456789012:role/path/Name", True),
        ("AWS::IAM::Role::Arn", "arn:aws:iam::123456789012:user/Name", False),
        ("AWS::IAM::Role::Arn", "arn:aws:iam::１２３４５６７８９０１２:role/Name", False),
        ("AWS::Some::New::Type", "anything", True),
        ("List<AWS::Some::New::Type>", ["a", "b"], True),
    ],
)
def test_aws_types_have_the_shape_of_what_they_name(type: str, given: Any, good: bool) -> None:
    found = ssmdoc.parse(f"parameters: {{P: {{type: '{type}'}}}}").document
    assert found is not None
    wire, errors = parameters.validate(found, {"P": given})
    assert (errors == {}) is good
    assert wire == ({"P": given if isinstance(given, list) else [given]} if good else {})


def test_a_number_without_end_is_refused_like_any_other() -> None:
    for name in ("Count", "Name", "Ids", "Options", "Tags"):
        assert name in launch(**{name: 10**5000})[1]


TYPES = st.sampled_from(
    [*parameters.TYPES, "AWS::EC2::Instance::Id", "List<AWS::S3::Bucket::Name>", "AWS::IAM::Role::Arn", "Odd"]
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
LIMITS = st.dictionaries(
    st.sampled_from(["minChars", "maxChars", "minItems", "maxItems", "minValue", "maxValue"]),
    st.integers(-3, 60) | st.just("7"),
)
DEFINITIONS = st.builds(
    lambda type, limits, more: {"type": type, **limits, **more},
    TYPES,
    LIMITS,
    st.dictionaries(st.sampled_from(["default", "allowedValues", "allowedPattern", "description"]), JSON),
)


@settings(max_examples=300, deadline=None)
@given(DEFINITIONS, JSON | st.text())
def test_no_definition_and_no_value_raise(definition: dict[str, Any], value: Any) -> None:
    found = ssmdoc.parse(json.dumps({"parameters": {"P": definition}, "mainSteps": []})).document
    assert found is not None
    wire, errors = parameters.validate(found, {"P": value})
    assert not set(wire) & set(errors)
    for items in wire.values():
        assert all(isinstance(item, str) and 0 < len(item) <= 512 for item in items)
        assert len(items) <= 50
    assert len(parameters.form_fields(found)) == 1
    Draft202012Validator.check_schema(parameters.json_schema(found))


TYPED = {
    "String": st.text(min_size=1, max_size=40),
    "StringList": st.lists(st.text(min_size=1, max_size=10), max_size=5),
    "Integer": st.integers(-(2**60), 2**60),
    "Boolean": st.booleans(),
    "StringMap": st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers(), max_size=3),
    "MapList": st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3), max_size=3),
}


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(TYPED)).flatmap(lambda type: st.tuples(st.just(type), TYPED[type])))
def test_typed_values_survive_the_wire(case: tuple[str, Any]) -> None:
    type, value = case
    found = ssmdoc.parse(json.dumps({"parameters": {"P": {"type": type}}, "mainSteps": []})).document
    assert found is not None
    wire, errors = parameters.validate(found, {"P": value})
    if errors:
        return
    back = parameters.from_wire(found, wire)["P"]
    expected = value.replace("\r\n", "\n") if isinstance(value, str) else value
    if isinstance(value, list):
        expected = [item.replace("\r\n", "\n") if isinstance(item, str) else item for item in value]
    assert back == expected
    assert parameters.to_wire(back) == wire["P"]
    assert parameters.validate(found, wire) == (wire, {}), "what is on the wire is taken as it is"


def test_the_json_schema_says_what_a_client_may_send() -> None:
    schema = parameters.json_schema(document())
    Draft202012Validator.check_schema(schema)
    assert schema["required"] == ["Role"]
    assert schema["properties"]["Count"] == {"type": "integer", "default": 1, "minimum": 1, "maximum": 5}
    assert schema["properties"]["Ids"]["items"]["pattern"] == "^(?:i-[0-9a-f]+)$"
    assert "pattern" not in schema["properties"]["Name"], r"\p{L} means something else in Python"
    validator = Draft202012Validator(schema)
    good = {"Role": ROLE, "InstanceType": "t3.small", "Count": 2, "Wait": False, "Ids": ["i-1"], "Tags": [{}]}
    assert validator.is_valid(good)
    assert parameters.validate(document(), good)[1] == {}
    faulty: list[dict[str, Any]] = [
        {"Count": 9},
        {"InstanceType": "x"},
        {"Ids": ["x"]},
        {"Wait": "true"},
        {"Options": []},
        {"X": 1},
    ]
    for bad in faulty:
        assert not validator.is_valid({**good, **bad})
    assert not validator.is_valid({})


@pytest.mark.parametrize(
    ("pattern", "kept"),
    [
        (r"^[a-z]+$", True),
        (r"(?:a|b)*\.c", True),
        (r"[\w-]{1,3}", True),
        (r"a++", False),
        (r"(?=a)", False),
        (r"(?i)a", False),
        (r"[a[b]]", False),
        (r"[a&&b]", False),
        (r"\p{L}", False),
        (r"\Qa\E", False),
        (r"a{2}+", False),
    ],
)
def test_patterns_are_exported_where_they_mean_the_same_everywhere(pattern: str, kept: bool) -> None:
    text = json.dumps({"parameters": {"P": {"type": "String", "allowedPattern": pattern}}, "mainSteps": []})
    found = ssmdoc.parse(text).document
    assert found is not None
    assert ("pattern" in parameters.json_schema(found)["properties"]["P"]) is kept


@pytest.mark.skipif(not CORPUS, reason="SSM_CORPUS names no folder of documents.")
def test_every_document_of_the_corpus_has_a_schema_that_its_defaults_satisfy() -> None:
    for path in sorted(Path(str(CORPUS), "documents").iterdir()):
        found = ssmdoc.parse(path.read_text(errors="replace")).document
        if found is not None:
            Draft202012Validator.check_schema(parameters.json_schema(found))
            assert all("no default" in said for said in parameters.validate(found, {})[1].values())


@pytest.mark.parametrize(
    "pattern",
    [
        "x{100000000}",
        "(((x{100}){100}){100}){100}",
        "((((?:a|[bc]){100}){100}){100})",
        "(?x)( x{1000} ) # once more\n {1000}",
        "[a-z]{5000}" * 3,
    ],
)
def test_a_pattern_that_would_be_written_out_without_end_is_refused(pattern: str) -> None:
    with pytest.raises(java_regex.JavaRegexError, match="repetitions"):
        java_regex.compile(pattern)


def test_honest_repetitions_are_taken() -> None:
    arn = r"^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,576}$|^$|(?:[0-9a-f]{8}-){3}[\[{]{2}\p{L}{0,9999}"
    assert java_regex.matches(arn, "arn:aws:iam::123456789012:role/Name")
