"""JSONPath as published documents use it, and the types of outputs."""

from typing import Any

import pytest

from ssmdoc import SelectorError, SelectorMissing, durations, selectors

RESPONSE: dict[str, Any] = {
    "Reservations": [
        {"Instances": [{"InstanceId": "i-1", "State": {"Name": "running"}}, {"InstanceId": "i-2"}]},
        {"Instances": [{"InstanceId": "i-3", "State": {"Name": "stopped"}}]},
    ],
    "Stacks": [
        {"Outputs": [{"OutputKey": "Url", "OutputValue": "u"}, {"OutputKey": "Arn", "OutputValue": "a"}]}
    ],
    "Outputs": {"step.Out": ["x", "y"], "plain": 3},
    "Price": [{"n": 1}, {"n": 2}, {"n": 3}],
    "a b": 1,
}


@pytest.mark.parametrize(
    ("selector", "value"),
    [
        ("$", RESPONSE),
        ("$.Reservations[0].Instances[1].InstanceId", "i-2"),
        ("$.Reservations[-1].Instances[0].InstanceId", "i-3"),
        ("Reservations[0].Instances[0].State.Name", "running"),
        ("$..InstanceId", ["i-1", "i-2", "i-3"]),
        ("$.Reservations..State..Name", ["running", "stopped"]),
        ("$.Reservations[*].Instances[0].InstanceId", ["i-1", "i-3"]),
        ("$.Reservations.*.Instances[0].InstanceId", ["i-1", "i-3"]),
        ("$.Stacks[0].Outputs[?(@.OutputKey == 'Url')].OutputValue", ["u"]),
        ("$.Stacks[0].Outputs[?(@.OutputKey=='Nope')].OutputValue", []),
        ("$.Stacks[0].Outputs[?(@['OutputKey'] != \"Url\")].OutputValue", ["a"]),
        ("$..Outputs[?(@.OutputKey =~ /u.*/i)].OutputValue", ["u"]),
        ("$.Price[?(@.n >= 2 && @.n < 3 || @.n == 1)].n", [1, 2]),
        ("$.Price[?(!(@.n > 1))].n", [1]),
        ("$..Instances[?(@.State)].InstanceId", ["i-1", "i-3"]),
        ("$.Price[0:2].n", [1, 2]),
        ("$.Price[::2].n", [1, 3]),
        ("$.Price[0,2].n", [1, 3]),
        ("$.Outputs.'step.Out'[0]", "x"),
        ("$.Outputs['step.Out'][1]", "y"),
        ("$['Outputs']['plain']", 3),
        ("$['a b']", 1),
        ("$..absent", []),
    ],
)
def test_it_selects_as_published_documents_expect(selector: str, value: Any) -> None:
    assert selectors.select(selector, RESPONSE) == value


@pytest.mark.parametrize("selector", ["$.Absent", "$.Reservations[9]", "$.Outputs.plain.x", "$.Price.n"])
def test_a_definite_path_that_leads_nowhere_says_so(selector: str) -> None:
    with pytest.raises(SelectorMissing, match="finds nothing"):
        selectors.select(selector, RESPONSE)


@pytest.mark.parametrize(
    "selector",
    [
        "",
        "$.",
        "$..",
        "$.a[",
        "$.a[]",
        "$.a[0",
        "$.a b",
        "$[?(@.a]",
        "$[?(@.a == )]",
        "$.a[::0]",
        "$$",
        "a..[",
        "$[" + "?(" * 400,
    ],
)
def test_it_refuses_what_is_no_path(selector: str) -> None:
    with pytest.raises(SelectorError) as caught:
        selectors.select(selector, RESPONSE)
    assert not isinstance(caught.value, SelectorMissing)


@pytest.mark.parametrize(
    ("value", "type", "expected"),
    [
        ("x", "String", "x"),
        (3, "String", "3"),
        (True, "String", "true"),
        (["x"], "String", "x"),
        (["x", "y"], "String", '["x","y"]'),
        ({"a": 1}, "String", '{"a":1}'),
        ("12", "Integer", 12),
        (4.0, "Integer", 4),
        ("true", "Boolean", True),
        (False, "Boolean", False),
        ("x", "StringList", ["x"]),
        ([1, "x"], "StringList", ["1", "x"]),
        ({"a": 1}, "StringMap", {"a": 1}),
        ('{"a": 1}', "StringMap", {"a": 1}),
        ([{"a": 1}], "MapList", [{"a": 1}]),
        ({"a": 1}, "MapList", [{"a": 1}]),
        ("x", None, "x"),
    ],
)
def test_it_gives_outputs_their_declared_type(value: Any, type: str | None, expected: Any) -> None:
    assert selectors.coerce_output(value, type) == expected


@pytest.mark.parametrize(
    ("value", "type"),
    [
        ("x", "Integer"),
        (True, "Integer"),
        (1, "Boolean"),
        ("x", "StringMap"),
        (["x"], "MapList"),
        ({}, "StringList"),
    ],
)
def test_it_refuses_a_value_of_another_type(value: Any, type: str) -> None:
    with pytest.raises(SelectorError, match=f"not of type {type}"):
        selectors.coerce_output(value, type)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("PT0S", 0),
        ("PT0.5S", 0.5),
        ("PT01S", 1),
        ("P1D", 86_400),
        ("PT24H5M", 86_700),
        ("PT1H30M", 5_400),
        ("P1W", 604_800),
    ],
)
def test_durations_are_seconds(text: str, length: float) -> None:
    assert durations.seconds(text) == length


@pytest.mark.parametrize("text", ["", "P", "PT", "10", "PT5", "1H", "P1M", "P1Y", "PT-5S", "P1DT"])
def test_other_words_are_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        durations.seconds(text)
