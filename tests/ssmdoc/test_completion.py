"""What the editor offers: every action with its inputs, and every key of the schema, each told in words."""

import json

from ssmdoc import actions, completion, references


def test_every_action_is_offered_with_its_inputs_and_outputs() -> None:
    offered = {item["label"]: item for item in completion.vocabulary()["actions"]}
    assert set(offered) == set(actions.SPECS)
    for name, spec in actions.SPECS.items():
        assert [item["label"] for item in offered[name]["inputs"]] == [item.name for item in spec.inputs]
        assert [item["label"] for item in offered[name]["outputs"]] == list(spec.outputs)


def test_keys_are_those_of_the_place_and_told_in_words() -> None:
    keys = completion.vocabulary()["keys"]
    assert {"schemaVersion", "mainSteps"} <= {word["label"] for word in keys["document"]}
    assert {"name", "action", "nextStep"} <= {word["label"] for word in keys["step"]}
    assert {"NextStep", "StringEquals"} <= {word["label"] for word in keys["condition"]}
    assert all(word["info"] for place in ("document", "definition", "output") for word in keys[place])


def test_system_variables_are_offered_as_references() -> None:
    for word in completion.vocabulary()["references"]:
        assert references.parse(word["label"]).kind in ("global", "automation")


def test_it_is_json() -> None:
    assert json.loads(json.dumps(completion.vocabulary())) == completion.vocabulary()
