"""Document variables: where they begin, how aws:updateVariable changes them, and what refers to them."""

from typing import Any

import pytest


def put(name: str, variable: str, value: Any, **more: Any) -> dict[str, Any]:
    inputs = {"Name": f"variable:{variable}", "Value": value}
    return {"name": name, "action": "aws:updateVariable", "inputs": inputs, **more}


TYPED = {
    "text": ({"type": "String", "default": "a"}, "b", 1),
    "number": ({"type": "Integer", "default": 1}, 2, "2"),
    "flag": ({"type": "Boolean", "default": False}, True, "true"),
    "list": ({"type": "StringList", "default": []}, ["x", "y"], ["x", 1]),
    "map": ({"type": "StringMap", "default": {}}, {"k": {"deep": 1}}, "text"),
    "maps": ({"type": "MapList", "default": []}, [{"k": "v"}], ["v"]),
}


@pytest.fixture
def run(trial):
    def begin(*steps: dict[str, Any], outputs: tuple[str, ...] = (), **variables: Any) -> Any:
        execution = trial.begin({"variables": variables, "mainSteps": list(steps), "outputs": list(outputs)})
        execution.variables = {name: each["default"] for name, each in variables.items() if "default" in each}
        trial.advance(execution)
        return execution

    return begin


@pytest.mark.parametrize("name", TYPED)
def test_a_variable_takes_values_of_its_type_only(run, name):
    definition, fitting, other = TYPED[name]
    good = run(put("set", name, fitting), **{name: definition})
    assert (good.status, good.variables) == ("Success", {name: fitting})
    bad = run(put("set", name, other), **{name: definition})
    assert (bad.status, bad.variables) == ("Failed", {name: definition["default"]})
    assert f"type {definition['type']}, and data types are not converted" in bad.failure_message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", "x" * 513),
        ("list", ["x"] * 51),
        ("maps", [{}] * 201),
        ("map", {"k" * 51: 1}),
    ],
)
def test_a_variable_holds_no_more_than_the_guide_says(run, name, value):
    assert run(put("set", name, value), **{name: TYPED[name][0]}).status == "Failed"


def test_only_declared_variables_can_be_set(run):
    execution = run(put("set", "other", "x"), text=TYPED["text"][0])
    assert "that the document declares" in execution.failure_message


def test_references_find_the_present_value_and_keys_of_a_map(run):
    execution = run(
        put("one", "map", {"Total": {"failed": 3}}),
        put("two", "number", "{{ variable:map.Total.failed }}"),
        put("three", "text", "{{ variable:number }} of {{ variable:map }}"),
        **{name: TYPED[name][0] for name in ("map", "number", "text")},
    )
    assert execution.status == "Success", execution.failure_message
    assert execution.variables["number"] == 3
    assert execution.variables["text"] == '3 of {"Total":{"failed":3}}'


def test_a_variable_without_a_value_cannot_be_referred_to(run):
    execution = run(
        put("set", "text", "{{ variable:unset }}"), text=TYPED["text"][0], unset={"type": "String"}
    )
    assert "Failed to resolve input: variable:unset" in execution.failure_message


def test_a_default_may_be_a_parameter(trial):
    execution = trial.begin(
        {
            "parameters": {"Given": {"type": "String"}},
            "variables": {"text": {"type": "String", "default": "{{ Given }}"}},
            "mainSteps": [put("set", "text", "{{ variable:text }}!")],
        },
        Given=["hello"],
    )
    execution.variables = {"text": "{{ Given }}"}
    trial.advance(execution)
    assert execution.variables == {"text": "hello!"}


def test_the_api_shows_the_variables_as_they_are_now(ssm, make_document, finish):
    name = make_document(
        put("set", "list", ["x", "y"]),
        variables={name: TYPED[name][0] for name in ("list", "flag", "map")},
    )
    started = ssm.start_automation_execution(DocumentName=name)
    found = finish(started["AutomationExecutionId"])
    assert found["Variables"] == {"list": ["x", "y"], "flag": ["false"], "map": ["{}"]}
