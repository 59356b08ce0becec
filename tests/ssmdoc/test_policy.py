"""An organisation's rules: what they refuse, what rule sets come to together, and what they say."""

from typing import Any

import pytest

from ssmdoc import policy
from tests.ssmdoc.policy_documents import LAUNCH, api, document, judged

RULES = {"require_assume_role": True, "required_tags": ["Owner", "CostCentre"]}


@pytest.mark.parametrize("role", [None, "", "  "])
def test_a_document_without_role_is_refused(role: str | None) -> None:
    (found,) = policy.evaluate(document(role=role), {"require_assume_role": True})
    assert found.id == "policy-assume-role"
    assert found.line == (1 if role is None else 8)
    assert policy.evaluate(document(role="{{ Role }}"), {"require_assume_role": True}) == ()


def test_actions_are_forbidden_and_allowed_by_name() -> None:
    parsed = document(LAUNCH)
    for rules in ({"forbidden_actions": ["aws:runInstances"]}, {"allowed_actions": ["aws:sleep"]}):
        (found,) = policy.evaluate(parsed, rules)
        assert (found.id, found.path) == ("policy-action", ("mainSteps", 0, "action"))
    assert policy.evaluate(parsed, {"forbidden_actions": [], "allowed_actions": []}) == ()


@pytest.mark.parametrize(
    ("rules", "at", "says"),
    [
        ({"required_tag": []}, "required_tag", "Did you mean required_tags?"),
        ({"require_assume_role": "yes"}, "require_assume_role", "true or false"),
        ({"required_tags": "Owner"}, "required_tags", "list of names"),
        ({"required_tags": ["a", "a"]}, "required_tags", "twice"),
        ({"required_tags": ["aws:x"]}, "required_tags", "cannot be a tag's key"),
        ({"required_tags": ["a\nb"]}, "required_tags", "cannot be printed"),
        ({"required_tags": ["\ud800"]}, "required_tags", "'\\ud800' holds a character"),
        ({"allowed_actions": ["aws:slep"]}, "allowed_actions", "Did you mean aws:sleep?"),
        (
            {"allowed_actions": ["aws:sleep"], "forbidden_actions": ["aws:sleep"]},
            "allowed_actions",
            "forbidden",
        ),
    ],
)
def test_faulty_rules_are_refused_with_a_sentence(rules: dict[str, Any], at: str, says: str) -> None:
    assert says in policy.validate_rules(rules)[at]
    with pytest.raises(ValueError, match=at):
        policy.evaluate(document(), rules)


def test_rules_explain_themselves() -> None:
    assert policy.validate_rules(RULES) == {}
    assert policy.explain({**RULES, "forbidden_actions": ["aws:executeScript"], "allowed_actions": []}) == [
        "A document must name an assumeRole, so that it acts as a service role.",
        "Whatever a document creates must be tagged with Owner and CostCentre.",
        "A document may not use aws:executeScript.",
    ]


@pytest.mark.parametrize(
    "step",
    [
        {"name": "s", "action": "aws:executeScript", "inputs": {"Script": "print()"}},
        {
            "name": "s",
            "action": "aws:runCommand",
            "inputs": {"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": ["ls"]}},
        },
        api("ssm", "send_command", DocumentName="AWS-RunShellScript", Parameters={"commands": ["ls"]}),
    ],
)
def test_scripts_in_the_text_are_refused(step: dict[str, Any]) -> None:
    assert len(judged({"no_inline_scripts": True}, step)) == 1
    harmless = {**step, "inputs": {"DocumentName": "Mine", "Attachment": "a.py"}}
    assert judged({"no_inline_scripts": True}, harmless) == []


APPROVE = {"name": "ask", "action": "aws:approve", "inputs": {"Approvers": ["x"]}}
DELETE = {"name": "end", "action": "aws:deleteStack", "inputs": {"StackName": "s"}, "isEnd": True}
BRANCH = {
    "name": "choose",
    "action": "aws:branch",
    "inputs": {
        "Choices": [{"NextStep": "ask", "Variable": "{{ X }}", "StringEquals": "x"}],
        "Default": "end",
    },
}


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ([APPROVE, DELETE], ""),
        ([DELETE], "nothing comes before it"),
        ([DELETE | {"isEnd": False}, APPROVE], "nothing comes before it"),
        ([BRANCH, APPROVE, DELETE], "choose → end has no approval"),
        ([APPROVE, BRANCH | {"inputs": {**BRANCH["inputs"], "Choices": []}}, DELETE], ""),  # type: ignore[dict-item]
        ([APPROVE | {"onFailure": "Continue"}, DELETE], "ask → end has no approval"),
        ([APPROVE | {"onFailure": "step:end"}, DELETE], "ask → end has no approval"),
        ([APPROVE | {"onCancel": "step:end"}, DELETE], "ask → end has no approval"),
    ],
)
def test_what_destroys_needs_approval_on_every_way(steps: list[dict[str, Any]], says: str) -> None:
    found = judged({"require_approval": True}, *steps)
    assert len(found) == bool(says)
    assert says in (found[0][1] if found else "")


def test_approval_inside_a_loop_counts_for_the_steps_after_it() -> None:
    def loop(*steps: dict[str, Any]) -> dict[str, Any]:
        return {"name": "each", "action": "aws:loop", "inputs": {"Iterators": ["a"], "Steps": list(steps)}}

    inner = DELETE | {"isEnd": False}
    assert judged({"require_approval": True}, loop(APPROVE, inner)) == []
    assert len(judged({"require_approval": True}, loop(inner, APPROVE))) == 1


def test_several_rule_sets_demand_all_that_each_demands() -> None:
    first = {"allowed_actions": ["aws:sleep", "aws:runInstances"], "allowed_instance_types": ["t3.*"]}
    second = {"forbidden_actions": ["aws:runInstances"], "allowed_instance_types": ["*.micro"]}
    step = {**LAUNCH, "inputs": {"ImageId": "ami-1", "InstanceType": "t3.large"}}
    parsed = document(step)
    together = policy.evaluate(parsed, first, second)
    assert [finding.message for finding in together] == [
        'Step "launch" uses aws:runInstances, which the policy forbids.',
        'Step "launch" uses the instance type t3.large, which the policy does not allow.',
    ]
    assert set(together) == {*policy.evaluate(parsed, first), *policy.evaluate(parsed, second)}
    assert policy.evaluate(parsed, second, first) == together
    assert policy.evaluate(parsed, first, first) == policy.evaluate(parsed, first)
    limited = "what comes from a parameter must be limited to them."
    assert policy.explain(first, second, first) == [
        "A document may not use aws:runInstances.",
        "A document may use no other action than aws:sleep and aws:runInstances.",
        f"A document may use no other instance type than t3.*; {limited}",
        f"A document may use no other instance type than *.micro; {limited}",
    ]


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ({"forbidden_apis": ["ec2"]}, "service:Operation"),
        ({"forbidden_apis": ["ec2:TerminateInstance"]}, "Did you mean ec2:TerminateInstances?"),
        ({"forbidden_apis": ["ec3:*"]}, "ec3 is not a service"),
        ({"forbidden_services": ["EC2 "]}, "is not a service"),
        ({"allowed_services": ["cloudformatoin"]}, "Did you mean cloudformation?"),
        ({"allowed_regions": ["Ireland"]}, "like eu-west-1"),
        ({"allowed_instance_types": ["large"]}, "like t3.micro"),
        ({"forbidden_actions": ["aws:nothing*"]}, "No action is named like"),
        ({"no_inline_scripts": 1}, "true or false"),
        ({"require_approval": "yes"}, "true or false"),
        ({"allowed_regions": [f"eu-west-{n}" for n in range(300)]}, "200 names at most"),
        ({"allowed_apis": ["ec2:*"], "forbidden_apis": ["ec2:*"]}, "forbidden as well"),
    ],
)
def test_new_rules_are_checked_too(rules: dict[str, Any], says: str) -> None:
    assert says in next(iter(policy.validate_rules(rules).values()))


def test_every_rule_explains_itself_in_a_sentence() -> None:
    settings: dict[str, Any] = {
        "require_assume_role": True,
        "required_tags": ["Owner"],
        "forbidden_actions": ["aws:pause"],
        "allowed_actions": ["aws:sleep"],
        "forbidden_services": ["iam"],
        "allowed_services": ["ec2"],
        "forbidden_apis": ["ec2:Terminate*"],
        "allowed_apis": ["ec2:*"],
        "allowed_regions": ["eu-west-1"],
        "allowed_instance_types": ["t3.*"],
        "no_inline_scripts": True,
        "require_approval": True,
        "schema": {"title": "Ours", "required": ["description"]},
    }
    assert set(settings) == set(policy.RULES)
    assert policy.validate_rules(settings) == {}
    sentences = policy.explain(settings)
    assert len(sentences) == len(settings)
    assert all(sentence.endswith(".") for sentence in sentences)
