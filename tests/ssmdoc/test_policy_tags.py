"""What a document creates is tagged: what is refused, where, and with which advice."""

from typing import Any

import pytest

import ssmdoc
from ssmdoc import policy
from tests.ssmdoc.policy_documents import LAUNCH, YAML, document

RULES = {"required_tags": ["Owner", "CostCentre"]}
BOTH = [{"Key": "Owner", "Value": "{{ Owner }}"}, {"Key": "CostCentre", "Value": "1"}]


def refused(*steps: dict[str, Any]) -> list[str]:
    return [finding.message for finding in policy.evaluate(document(*steps), RULES)]


def launch(*tags: dict[str, str], kind: str = "instance", **more: Any) -> dict[str, Any]:
    given = [{"ResourceType": kind, "Tags": list(tags)}]
    return {**LAUNCH, "inputs": {"ImageId": "ami-1", "TagSpecifications": given}, **more}


def tag(*tags: dict[str, str], of: str = "launch.InstanceIds", **more: Any) -> dict[str, Any]:
    inputs = {"ResourceIds": [f"{{{{ {of} }}}}"], "Tags": list(tags)}
    return {"name": "tag", "action": "aws:createTags", "inputs": inputs, **more}


def test_an_untagged_launch_is_refused_at_its_step_in_both_notations() -> None:
    (found,) = policy.evaluate(ssmdoc.parse(YAML), RULES)
    assert (found.id, found.severity, found.line, found.column) == ("policy-required-tags", "error", 7, 11)
    assert 'Step "launch" creates an instance without the tags Owner and CostCentre' in found.message
    assert "TagSpecifications: [{ResourceType: instance" in found.hint
    parsed = document(LAUNCH)
    (found,) = policy.evaluate(parsed, RULES)
    assert (found.line, found.column) == ssmdoc.position(parsed, ("mainSteps", 0, "name"))
    assert '"TagSpecifications": [{"ResourceType": "instance"' in found.hint


def test_tags_at_launch_or_later_satisfy() -> None:
    assert refused(launch(*BOTH)) == []
    assert refused(LAUNCH, tag(*BOTH)) == []
    assert refused(launch(BOTH[0]), tag(BOTH[1])) == []
    api = {"Service": "ec2", "Api": "CreateTags", "Resources": ["{{ launch.InstanceIds }}"], "Tags": BOTH}
    assert refused(LAUNCH, {"name": "tag", "action": "aws:executeAwsApi", "inputs": api}) == []


def test_some_tags_are_not_enough() -> None:
    parsed = document(launch(BOTH[0]))
    (found,) = policy.evaluate(parsed, RULES)
    assert "without the tag CostCentre" in found.message
    assert found.path == ("mainSteps", 0, "inputs", "TagSpecifications")


@pytest.mark.parametrize(
    "steps",
    [
        [launch(*BOTH, kind="volume")],
        [LAUNCH, tag(*BOTH, of="other.InstanceIds")],
        [{**LAUNCH, "isEnd": True}, tag(*BOTH)],
        [tag(*BOTH), LAUNCH],
        [
            LAUNCH,
            {
                "name": "maybe",
                "action": "aws:branch",
                "inputs": {
                    "Choices": [{"NextStep": "tag", "Variable": "{{ Role }}", "StringEquals": "x"}],
                    "Default": "done",
                },
            },
            tag(*BOTH),
            {"name": "done", "action": "aws:sleep", "inputs": {"Duration": "PT1S"}},
        ],
        [launch({"Key": "{{ Role }}", "Value": "x"})],
    ],
)
def test_tags_that_may_never_come_do_not_count(steps: list[dict[str, Any]]) -> None:
    assert len(refused(*steps)) == 1


def test_tags_that_a_reference_gives_are_not_trusted() -> None:
    inputs = {"ImageId": "ami-1", "TagSpecifications": "{{ Role }}"}
    assert "with tags that a reference gives" in refused({**LAUNCH, "inputs": inputs})[0]


@pytest.mark.parametrize(
    ("inputs", "creates"),
    [
        ({"Service": "ec2", "Api": "RunInstances"}, True),
        ({"Service": "EC2", "Api": "create_volume"}, True),
        ({"Service": "ec2", "Api": "CreateSnapshot", "TagSpecifications": [{"Tags": BOTH}]}, False),
        ({"Service": "lambda", "Api": "CreateFunction", "Tags": {"Owner": "x", "CostCentre": "y"}}, False),
        ({"Service": "rds", "Api": "CreateDBInstance"}, True),
        ({"Service": "ec2", "Api": "DescribeInstances"}, False),
        ({"Service": "ec2", "Api": "CreateTags", "Resources": ["i-1"], "Tags": []}, False),
        ({"Service": "ec2", "Api": "CreateRoute"}, False),
        ({"Service": "nosuch", "Api": "CreateThing"}, False),
    ],
)
def test_calls_that_create_something_taggable_must_tag_it(inputs: dict[str, Any], creates: bool) -> None:
    assert bool(refused({"name": "call", "action": "aws:executeAwsApi", "inputs": inputs})) is creates


def test_stacks_and_images_must_be_tagged_too() -> None:
    stack = {"name": "stack", "action": "aws:createStack", "inputs": {"StackName": "x", "TemplateURL": "y"}}
    assert "a stack" in refused(stack)[0]
    assert refused({**stack, "inputs": {**stack["inputs"], "Tags": BOTH}}) == []  # type: ignore[dict-item]
    image = {"name": "image", "action": "aws:createImage", "inputs": {"InstanceId": "i", "ImageName": "n"}}
    assert "an image" in refused(image)[0]
    assert refused(image, tag(*BOTH, of="image.ImageId")) == []
