"""An organisation's rules: what they refuse, where, and with which advice."""

import json
import time
from typing import Any

import pytest

import ssmdoc
from ssmdoc import policy

RULES = {"require_assume_role": True, "required_tags": ["Owner", "CostCentre"]}
BOTH = [{"Key": "Owner", "Value": "{{ Owner }}"}, {"Key": "CostCentre", "Value": "1"}]
LAUNCH = {"name": "launch", "action": "aws:runInstances", "inputs": {"ImageId": "ami-1"}}


def document(*steps: dict[str, Any], role: str | None = "{{ Role }}") -> ssmdoc.Parsed:
    data: dict[str, Any] = {"schemaVersion": "0.3", "parameters": {"Role": {"type": "String"}}}
    if role is not None:
        data["assumeRole"] = role
    return ssmdoc.parse(json.dumps({**data, "mainSteps": list(steps)}, indent=1))


def refused(*steps: dict[str, Any]) -> list[str]:
    return [finding.message for finding in policy.evaluate(document(*steps), RULES)]


def launch(*tags: dict[str, str], kind: str = "instance", **more: Any) -> dict[str, Any]:
    given = [{"ResourceType": kind, "Tags": list(tags)}]
    return {**LAUNCH, "inputs": {"ImageId": "ami-1", "TagSpecifications": given}, **more}


def tag(*tags: dict[str, str], of: str = "launch.InstanceIds", **more: Any) -> dict[str, Any]:
    inputs = {"ResourceIds": [f"{{{{ {of} }}}}"], "Tags": list(tags)}
    return {"name": "tag", "action": "aws:createTags", "inputs": inputs, **more}


YAML = """schemaVersion: '0.3'
assumeRole: '{{ Role }}'
parameters:
  Role: {type: String}
mainSteps:
  - action: aws:runInstances
    name: launch
    inputs:
      ImageId: ami-1
"""


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


API = {"name": "call", "action": "aws:executeAwsApi"}


def api(service: str, operation: str, **inputs: Any) -> dict[str, Any]:
    return {**API, "inputs": {"Service": service, "Api": operation, **inputs}}


def judged(rules: dict[str, Any], *steps: dict[str, Any], **head: Any) -> list[tuple[str, str]]:
    """The findings in short: severity and message, for steps under a head of parameters and variables."""
    data = {"schemaVersion": "0.3", "assumeRole": "x", **head, "mainSteps": list(steps)}
    found = policy.evaluate(ssmdoc.parse(json.dumps(data, indent=1)), rules)
    return [(finding.severity, finding.message) for finding in found]


def test_calls_in_python_scripts_count() -> None:
    def run(script: str) -> dict[str, Any]:
        inputs = {"Runtime": "python3.11", "Handler": "main", "Script": script}
        return {"name": "run", "action": "aws:executeScript", "inputs": inputs}

    ending = run("import boto3\ndef main(e, c):\n  boto3.client('ec2').terminate_instances(InstanceIds=[])\n")
    looking = run("import boto3\ndef main(e, c):\n  return boto3.client('ec2').describe_instances()\n")
    assert [severity for severity, _ in judged({"forbidden_apis": ["ec2:Terminate*"]}, ending)] == ["error"]
    assert judged({"forbidden_apis": ["ec2:Terminate*"]}, looking) == []
    assert judged({"allowed_apis": ["ec2:Describe*"]}, looking) == []
    assert judged({"allowed_apis": ["ec2:Describe*"]}, ending)


@pytest.mark.parametrize(
    ("pattern", "step", "hit"),
    [
        ("ec2:Terminate*", api("ec2", "TerminateInstances"), True),
        ("ec2:Terminate*", api("EC2", "terminate_instances"), True),
        ("ec2:terminateinstances", api("ec2", "TerminateInstances"), True),
        ("ec2:Terminate*", api("ec2", "StopInstances"), False),
        ("*:Delete*", api("s3", "DeleteBucket"), True),
        ("elasticloadbalancing:DeleteLoadBalancer", api("elbv2", "delete_load_balancer"), True),
        ("elbv2:DeleteLoadBalancer", api("elbv2", "DeleteLoadBalancer"), True),
        ("ec2:RunInstances", LAUNCH, True),
        ("cloudformation:DeleteStack", {"name": "s", "action": "aws:deleteStack", "inputs": {}}, True),
        (
            "ec2:TerminateInstances",
            {"name": "s", "action": "aws:changeInstanceState", "inputs": {"DesiredState": "terminated"}},
            True,
        ),
        (
            "ec2:TerminateInstances",
            {"name": "s", "action": "aws:changeInstanceState", "inputs": {"DesiredState": "stopped"}},
            False,
        ),
        (
            "ec2:DescribeVolumes",
            {
                "name": "s",
                "action": "aws:waitForAwsResourceProperty",
                "inputs": {"Service": "ec2", "Api": "DescribeVolumes"},
            },
            True,
        ),
    ],
)
def test_calls_are_forbidden_and_allowed_by_pattern(pattern: str, step: dict[str, Any], hit: bool) -> None:
    assert bool(judged({"forbidden_apis": [pattern]}, step)) is hit
    if step["action"] not in ("aws:runInstances", "aws:deleteStack"):
        assert bool(judged({"allowed_apis": [pattern]}, step)) is not hit


def test_services_are_forbidden_and_allowed_by_name() -> None:
    assert judged({"forbidden_services": ["iam"]}, api("iam", "CreateUser")) == [
        ("error", 'Step "call" calls iam:CreateUser, which the policy forbids.')
    ]
    assert judged({"allowed_services": ["ec2", "ssm"]}, api("ec2", "DescribeVolumes")) == []
    assert len(judged({"allowed_services": ["ec2", "ssm"]}, api("s3", "ListBuckets"))) == 1


def test_a_call_that_a_parameter_names_is_judged_by_all_that_it_can_be() -> None:
    rules = {"forbidden_apis": ["ec2:Terminate*"]}
    step = api("ec2", "{{ Api }}")
    limited = {"Api": {"type": "String", "allowedValues": ["StartInstances", "StopInstances"]}}
    assert judged(rules, step, parameters=limited) == []
    limited["Api"]["allowedValues"] = ["StartInstances", "TerminateInstances"]
    assert judged(rules, step, parameters=limited) == [
        ("error", 'Step "call" calls ec2:TerminateInstances, which the policy forbids.')
    ]
    ((severity, message),) = judged(rules, step, parameters={"Api": {"type": "String"}})
    assert severity == "error"
    assert "comes from the parameter Api" in message


REGIONS = {"allowed_regions": ["eu-*"]}


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"Region": "eu-west-1"}, ""),
        ({"Region": "us-east-1"}, "us-east-1"),
        ({"Deep": [{"DestinationRegion": "us-east-1"}]}, "us-east-1"),
        ({"AvailabilityZone": "us-east-1a"}, "us-east-1"),
        ({"TopicArn": "arn:aws:sns:ap-south-1:123456789012:t"}, "ap-south-1"),
        ({"Region": "{{ global:REGION }}"}, ""),
        ({"Region": "{{ Free }}"}, "the parameter Free"),
        ({"Region": "{{ Good }}"}, ""),
        ({"Region": "{{ Choice }}"}, "us-west-2"),
        ({"Region": "{{ Spelt }}"}, ""),
        ({"Region": "{{ other.Region }}"}, "the output other.Region"),
        ({"Region": "{{ variable:Where }}"}, "sa-east-1"),
        ({"Description": "not us-east-1"}, ""),
        ({"TargetLocations": "{{ Free }}"}, "the parameter Free"),
        ({"Name": "my-app-1"}, ""),
    ],
)
def test_regions_are_looked_for_wherever_they_are_named(inputs: dict[str, Any], says: str) -> None:
    found = judged(
        REGIONS,
        api("ec2", "CopyImage", **inputs),
        parameters={
            "Free": {"type": "String", "default": "eu-west-1"},
            "Good": {"type": "String", "allowedValues": ["eu-west-1", "eu-central-1"]},
            "Choice": {"type": "String", "allowedValues": ["eu-west-1"], "default": "us-west-2"},
            "Spelt": {"type": "String", "allowedPattern": "^(eu-west-1|eu-west-2)$"},
        },
        variables={"Where": {"type": "String", "default": "sa-east-1"}},
    )
    assert len(found) == bool(says)
    assert says in (found[0][1] if found else "")


def test_regions_in_scripts_count_where_they_are_chosen() -> None:
    script = "TABLE = {'us-east-1': 5}\nclient = boto3.client('ec2', region_name='us-west-2')\n"
    step = {"name": "s", "action": "aws:executeScript", "inputs": {"Runtime": "python3.11", "Script": script}}
    ((_, message),) = judged(REGIONS, step)
    assert "us-west-2" in message


SIZES = {"allowed_instance_types": ["t3.*", "m5.large"]}


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"InstanceType": "t3.micro"}, ""),
        ({"InstanceType": "m5.large"}, ""),
        ({"InstanceType": "m5.xlarge"}, "m5.xlarge"),
        ({}, "m1.small, because it names no type"),
        ({"InstanceType": "{{ Type }}"}, "m5.24xlarge by the parameter Type"),
        ({"InstanceType": "{{ Free }}"}, "the parameter Free, which may be"),
        ({"InstanceType": "{{ Spelt }}"}, ""),
        ({"InstanceType": "t3.{{ Free }}"}, "the text t3."),
    ],
)
def test_instance_types_are_limited(inputs: dict[str, Any], says: str) -> None:
    found = judged(
        SIZES,
        {**LAUNCH, "inputs": {"ImageId": "ami-1", **inputs}},
        parameters={
            "Type": {"type": "String", "allowedValues": ["t3.micro", "m5.24xlarge"], "default": "t3.micro"},
            "Free": {"type": "String"},
            "Spelt": {"type": "String", "allowedPattern": "t3\\.micro|t3\\.small"},
        },
    )
    assert len(found) == bool(says)
    assert says in (found[0][1] if found else "")


def test_instance_types_of_stacks_and_templates_are_seen() -> None:
    stack = {"StackName": "s", "Parameters": [{"ParameterKey": "InstanceType", "ParameterValue": "c5.large"}]}
    assert len(judged(SIZES, {"name": "s", "action": "aws:createStack", "inputs": stack})) == 1
    body = {"StackName": "s", "TemplateBody": "Resources:\n  A:\n    InstanceType: c5.large\n"}
    assert len(judged(SIZES, {"name": "s", "action": "aws:createStack", "inputs": body})) == 1
    ((_, message),) = judged(SIZES, api("ec2", "RunInstances", LaunchTemplate={"LaunchTemplateId": "lt-1"}))
    assert "launch template" in message


def test_a_finding_about_a_parameter_stands_at_its_value() -> None:
    parsed = document({**LAUNCH, "inputs": {"ImageId": "ami-1", "InstanceType": "{{ Type }}"}})
    data = dict(parsed.data)  # type: ignore[arg-type]
    data["parameters"] = {"Type": {"type": "String", "allowedValues": ["t3.micro", "p5.48xlarge"]}}
    parsed = ssmdoc.parse(json.dumps(data, indent=1))
    (found,) = policy.evaluate(parsed, SIZES)
    assert found.path == ("parameters", "Type", "allowedValues", 1)
    line, column = ssmdoc.position(parsed, found.path)
    assert (found.line, found.column) == (line, column + 1), "inside the quotes"


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
