"""The rules of the language, one planted mistake each, found at its own line in YAML and in JSON."""

# The table of mistakes reads as a table: one mistake a line.
# ruff: noqa: E501

import copy
import json
from typing import Any

import pytest
import yaml

import ssmdoc
from ssmdoc.checks import RULES

GOOD: dict[str, Any] = yaml.safe_load("""
schemaVersion: '0.3'
description: Launch, tag and watch.
assumeRole: '{{ Role }}'
parameters:
  Role: {type: 'AWS::IAM::Role::Arn', description: The role.}
  ImageId: {type: String, allowedPattern: 'ami-[0-9a-f]+'}
  Count: {type: Integer, default: 1, minValue: 1, maxValue: 3}
  Names: {type: StringList, default: [a, b]}
variables:
  Seen: {type: Integer, default: 0}
mainSteps:
  - name: launch
    action: aws:runInstances
    onFailure: step:clean
    timeoutSeconds: 600
    inputs: {ImageId: '{{ ImageId }}', MinInstanceCount: '{{ Count }}', MaxInstanceCount: 1}
  - name: look
    action: aws:executeAwsApi
    inputs: {Service: ec2, Api: DescribeInstances, InstanceIds: '{{ launch.InstanceIds }}'}
    outputs:
      - {Name: State, Selector: '$.Reservations[0].Instances[0].State.Name', Type: String}
  - name: await
    action: aws:waitForAwsResourceProperty
    inputs: {Service: ec2, Api: DescribeInstances, PropertySelector: '$..State.Name', DesiredValues: [running]}
  - name: count
    action: aws:updateVariable
    inputs: {Name: 'variable:Seen', Value: 1}
  - name: choose
    action: aws:branch
    inputs:
      Choices:
        - {NextStep: script, Variable: '{{ look.State }}', StringEquals: running}
        - {NextStep: rest, And: [{Variable: '{{ Count }}', NumericGreater: 2}, {Variable: '{{ Count }}', NumericLesser: 9}]}
      Default: each
  - name: script
    action: aws:executeScript
    onCancel: step:clean
    inputs: {Runtime: python3.11, Handler: main, InputPayload: {s: '{{ look.State }}', n: '{{ variable:Seen }}'}, Script: "def main(e, c):\\n  return e\\n"}
  - name: rest
    action: aws:sleep
    inputs: {Duration: PT1S}
  - name: each
    action: aws:loop
    inputs:
      Iterators: '{{ Names }}'
      Steps:
        - {name: inner, action: 'aws:sleep', inputs: {Duration: '{{ each.CurrentIteratorValue }}'}}
  - name: clean
    action: aws:deleteStack
    isEnd: true
    inputs: {StackName: x}
outputs: [look.State, launch.InstanceIds]
""")

STEPS = {step["name"]: index for index, step in enumerate(GOOD["mainSteps"])}


def step(name: str, *rest: Any) -> tuple[Any, ...]:
    return ("mainSteps", STEPS[name], *rest)


DROP = object()

# path to change, its new value (DROP removes it), the rule that finds it, where it is reported, and a part of what is said
MISTAKES: list[tuple[tuple[Any, ...], Any, str, tuple[Any, ...], str]] = [
    (("mainStep",), [], "document-key", ("mainStep",), "`mainStep`"),
    (("schemaVersion",), DROP, "document-schema-version", (), "lacks schemaVersion"),
    (("schemaVersion",), 0.3, "document-schema-version", ("schemaVersion",), "the text 0.3"),
    (("schemaVersion",), "2.2", "document-schema-version", ("schemaVersion",), "the text 0.3"),
    (("mainSteps",), DROP, "document-steps", (), "lacks mainSteps"),
    (("mainSteps",), {}, "document-steps", ("mainSteps",), "a list of steps"),
    (("mainSteps",), [], "document-empty", ("mainSteps",), "no steps"),
    (("outputs",), "look.State", "document-value", ("outputs",), "outputs is a list"),
    (("assumeRole",), ["x"], "document-value", ("assumeRole",), "assumeRole is text"),
    (("parameters",), [], "document-value", ("parameters",), "parameters is a map"),
    (("outputs", 0), "look.Stat", "document-output", ("outputs", 0), "no output `Stat`"),
    (("outputs", 0), "lok.State", "document-output", ("outputs", 0), 'no step "lok"'),
    (("outputs", 0), "look", "document-output", ("outputs", 0), "not the output of a step"),
    (("assumeRole",), "{{ Rle }}", "reference-unresolved", ("assumeRole",), "no parameter `Rle`"),
    (("assumeRole",), "{{ssm:/role}}", "reference-ssm", ("assumeRole",), "default only"),
    (("assumeRole",), "{{ look.State }}", "reference-role", ("assumeRole",), "not known when the run starts"),
    (("parameters", "a-b"), {"type": "String"}, "definition-shape", ("parameters", "a-b"), "cannot be the name"),
    (("parameters", "Count", "type"), "Number", "definition-shape", ("parameters", "Count", "type"), "`Number`"),
    (("parameters", "Count", "type"), DROP, "definition-shape", ("parameters", "Count"), "needs a type"),
    (("parameters", "Count", "defualt"), 1, "definition-shape", ("parameters", "Count", "defualt"), "`defualt`"),
    (("parameters", "Count"), "Integer", "definition-shape", ("parameters", "Count"), "a map"),
    (("parameters", "Count", "default"), "one", "definition-default", ("parameters", "Count", "default"), "Integer"),
    (("parameters", "Names", "default"), "a", "definition-default", ("parameters", "Names", "default"), "StringList"),
    (("parameters", "Count", "maxValue"), "x", "definition-limit", ("parameters", "Count", "maxValue"), "whole number"),
    (("parameters", "Count", "default"), 9, "definition-default-refused", ("parameters", "Count", "default"), "up to 3"),
    (("parameters", "ImageId", "default"), "{{ Role }}", "definition-default-reference", ("parameters", "ImageId", "default"), "{{ Role }}"),
    (("parameters", "ImageId", "allowedPattern"), "(", "definition-pattern", ("parameters", "ImageId", "allowedPattern"), "not compile"),
    (("parameters", "ImageId", "allowedValues"), "x", "definition-limit", ("parameters", "ImageId", "allowedValues"), "a list"),
    (("parameters", "P" * 51), {"type": "String"}, "definition-name-length", ("parameters", "P" * 51), "51 characters"),
    (step("look", "name"), DROP, "step-shape", step("look"), "lacks a name"),
    (step("look", "action"), DROP, "step-shape", step("look"), "lacks its action"),
    (step("look", "inputs"), DROP, "step-shape", step("look"), "lacks its inputs"),
    (step("look", "inputs"), [], "step-shape", step("look", "inputs"), "are a map"),
    (step("look", "nextstep"), "rest", "step-key", step("look", "nextstep"), "`nextstep`"),
    (step("look", "Service"), "ec2", "step-key", step("look", "Service"), "unknown key `Service`"),
    (step("look", "name"), "lo ok", "step-name", step("look", "name"), "cannot be a step's name"),
    (step("rest", "name"), "script", "step-duplicate", step("rest", "name"), "is taken"),
    (step("look", "timeoutSeconds"), "soon", "step-value", step("look", "timeoutSeconds"), "whole number"),
    (step("look", "maxAttempts"), 0, "step-value", step("look", "maxAttempts"), "from 1 up"),
    (step("look", "isEnd"), "yes", "step-value", step("look", "isEnd"), "true or false"),
    (step("look", "isCritical"), 1, "step-value", step("look", "isCritical"), "true or false"),
    (step("look", "nextStep"), "nowhere", "step-jump", step("look", "nextStep"), "no step"),
    (step("launch", "onFailure"), "step:claen", "step-jump", step("launch", "onFailure"), "claen"),
    (step("launch", "onFailure"), "continue", "step-on-failure", step("launch", "onFailure"), "Abort, Continue"),
    (step("launch", "onFailure"), "clean", "step-on-failure", step("launch", "onFailure"), "step:NAME"),
    (step("script", "onCancel"), "Continue", "step-on-failure", step("script", "onCancel"), "Abort or step:NAME"),
    (step("script", "onCancel"), "step:rest", "step-on-cancel-target", step("script", "onCancel"), "aws:sleep"),
    (step("look", "isEnd"), True, "step-unreachable", step("choose", "name"), "No way leads"),
    (step("clean", "nextStep"), "rest", "step-end-and-next", step("clean", "nextStep"), "both isEnd and nextStep"),
    (step("look", "action"), "aws:executeAwsAPIs", "action-unknown", step("look", "action"), "no action"),
    (step("look", "action"), "aws:shareSQLMedia", "action-internal", step("look", "action"), "AWS owns"),
    (step("look", "outputs"), {}, "output-shape", step("look", "outputs"), "are a list"),
    (step("look", "outputs", 0, "Type"), "Sting", "output-shape", step("look", "outputs", 0, "Type"), "`Sting`"),
    (step("look", "outputs", 0, "Selector"), "$.a[", "output-shape", step("look", "outputs", 0, "Selector"), "JSONPath"),
    (step("look", "outputs", 0, "Selector"), DROP, "output-shape", step("look", "outputs", 0), "needs a Selector"),
    (step("look", "outputs", 0, "selector"), "$", "output-shape", step("look", "outputs", 0, "selector"), "no key"),
    (step("launch", "inputs", "ImageId"), DROP, "input-missing", step("launch", "inputs"), "input ImageId"),
    (step("look", "inputs", "Api"), DROP, "input-missing", step("look", "inputs"), "input Api"),
    (step("rest", "inputs", "Duration"), DROP, "input-missing", step("rest", "inputs"), "Duration or Timestamp"),
    (step("launch", "inputs", "ImageID"), "x", "input-unknown", step("launch", "inputs", "ImageID"), "`ImageID`"),
    (step("launch", "inputs", "MaxInstanceCount"), "two", "input-type", step("launch", "inputs", "MaxInstanceCount"), "whole number"),
    (step("await", "inputs", "DesiredValues"), "running", "input-type", step("await", "inputs", "DesiredValues"), "a list"),
    (step("await", "inputs", "PropertySelector"), "$.", "input-selector", step("await", "inputs", "PropertySelector"), "JSONPath"),
    (step("rest", "inputs", "Duration"), "10 minutes", "input-duration", step("rest", "inputs", "Duration"), "PT45S"),
    (step("rest", "inputs", "Timestamp"), "tomorrow", "input-timestamp", step("rest", "inputs", "Timestamp"), "no time"),
    (step("rest", "inputs", "Duration"), "P10D", "input-sleep", step("rest", "inputs", "Duration"), "604799 seconds"),
    (step("script", "inputs", "Runtime"), "python2.7", "input-runtime", step("script", "inputs", "Runtime"), "python2.7"),
    (step("script", "inputs", "Handler"), DROP, "input-runtime", step("script", "inputs"), "Handler"),
    (step("script", "inputs", "Handler"), "mian", "script-handler", step("script", "inputs", "Handler"), "`mian`"),
    (step("script", "inputs", "Script"), "def main(e, c) return", "script-syntax", step("script", "inputs", "Script"), "does not compile"),
    (step("count", "inputs", "Name"), "variable:Sen", "input-variable", step("count", "inputs", "Name"), "`Sen`"),
    (step("look", "inputs", "Service"), "ec3", "api-unknown", step("look", "inputs", "Service"), "No service `ec3`"),
    (step("look", "inputs", "Api"), "DescribeInstance", "api-unknown", step("look", "inputs", "Api"), "No operation"),
    (step("look", "inputs", "InstanceId"), "i-1", "api-input", step("look", "inputs", "InstanceId"), "no input"),
    (step("look", "inputs", "Api"), "DeleteVolume", "api-input", step("look", "inputs"), "VolumeId"),
    (step("look", "inputs", "X"), "{{ Cout }}", "reference-unresolved", step("look", "inputs", "X"), "`Cout`"),
    (step("look", "inputs", "X"), "{{ launch.Ids }}", "reference-unresolved", step("look", "inputs", "X"), "no output `Ids`"),
    (step("look", "inputs", "X"), "{{ variable:Sen }}", "reference-unresolved", step("look", "inputs", "X"), "variable `Sen`"),
    (step("look", "inputs", "X"), "{{ global:REGON }}", "reference-unresolved", step("look", "inputs", "X"), "global:REGON"),
    (step("look", "inputs", "X"), "{{ automation:ID }}", "reference-unresolved", step("look", "inputs", "X"), "automation:ID"),
    (step("look", "inputs", "X"), "{{ssm:/x}}", "reference-ssm", step("look", "inputs", "X"), "default only"),
    (step("look", "inputs", "X"), "{{ {{ Count }} }}", "reference-nested", step("look", "inputs", "X"), "inside another"),
    (step("clean", "inputs", "StackName"), "{{ clean.X }}", "reference-unresolved", step("clean", "inputs", "StackName"), "no output"),
    (step("script", "inputs", "Script"), "def main(e, c):\n  return '{{ Cout }}'\n", "reference-literal", step("script", "inputs", "Script"), "stays as it is"),
    (step("choose", "inputs", "Choices"), [], "branch-condition", step("choose", "inputs", "Choices"), "at least one"),
    (step("choose", "inputs", "Choices", 0, "NextStep"), DROP, "branch-condition", step("choose", "inputs", "Choices", 0), "NextStep"),
    (step("choose", "inputs", "Choices", 0, "NextStep"), "scrip", "step-jump", step("choose", "inputs", "Choices", 0, "NextStep"), "scrip"),
    (step("choose", "inputs", "Choices", 0, "StringEqual"), "x", "branch-condition", step("choose", "inputs", "Choices", 0, "StringEqual"), "StringEqual"),
    (step("choose", "inputs", "Choices", 0, "Variable"), DROP, "branch-condition", step("choose", "inputs", "Choices", 0), "Variable"),
    (step("choose", "inputs", "Choices", 1, "And"), {}, "branch-condition", step("choose", "inputs", "Choices", 1, "And"), "list"),
    (step("choose", "inputs", "Choices", 1, "And", 1), DROP, "branch-condition", step("choose", "inputs", "Choices", 1, "And"), "two conditions"),
    (step("choose", "inputs", "Choices", 1, "And", 0, "NumericGreater"), "many", "branch-condition", step("choose", "inputs", "Choices", 1, "And", 0, "NumericGreater"), "a number"),
    (step("choose", "inputs", "Default"), "eahc", "step-jump", step("choose", "inputs", "Default"), "eahc"),
    (step("each", "inputs", "Iterators"), DROP, "input-missing", step("each", "inputs"), "Iterators or LoopCondition"),
    (step("look", "inputs", "Filters"), [{"Name": "x", "Vales": ["y"]}], "api-input", step("look", "inputs", "Filters", 0, "Vales"), "`Values`"),
    (step("look", "inputs", "Filters"), {"Name": "x"}, "api-input", step("look", "inputs", "Filters"), "Filters is a list"),
    (step("look", "inputs", "MaxResults"), "many", "api-input", step("look", "inputs", "MaxResults"), "a whole number"),
    (step("look", "outputs", 0, "Selector"), "$.Reservation[0].X", "api-selector", step("look", "outputs", 0, "Selector"), "`Reservations`"),
    (step("await", "inputs", "PropertySelector"), "$.Reservations[0].Instances[0].Sate.Name", "api-selector", step("await", "inputs", "PropertySelector"), "`State`"),
    (step("look", "outputs", 0, "Type"), "Integer", "api-output-type", step("look", "outputs", 0, "Type"), "no Integer"),
    (step("script", "inputs", "Runtime"), "python3.7", "script-runtime", step("script", "inputs", "Runtime"), "python3.11"),
    (("parameters", "Unread"), {"type": "String"}, "definition-unused", ("parameters", "Unread"), "`Unread`"),
    (("variables", "Unread"), {"type": "String"}, "definition-unused", ("variables", "Unread"), "`Unread`"),
    (("parameters", "Names", "default"), ["AKIAIOSFODNN7EXAMPLA"], "text-secret", ("parameters", "Names", "default", 0), "access key"),
    (step("look", "inputs", "Password"), "hunter2-Zx9!", "text-secret", step("look", "inputs", "Password"), "`Password`"),
    (step("script", "inputs", "Script"), "def main(e, c):\n  db_password = 'hunter2-Zx9!'\n  return e\n", "text-secret", step("script", "inputs", "Script"), "`db_password`"),
    (step("choose", "inputs", "Choices", 0, "NumericEquals"), 3, "branch-condition", step("choose", "inputs", "Choices", 0), "one operator"),
    (step("choose", "inputs", "Choices", 0, "Variable"), "look.State", "branch-type", step("choose", "inputs", "Choices", 0, "Variable"), "refers to nothing"),
    (step("choose", "inputs", "Choices", 1, "And", 0, "Variable"), "{{ Names }}", "branch-type", step("choose", "inputs", "Choices", 1, "And", 0, "NumericGreater"), "StringList"),
    (step("launch", "inputs", "MinInstanceCount"), "{{ Names }}", "reference-type", step("launch", "inputs", "MinInstanceCount"), "StringList"),
    (step("look", "nextStep"), "inner", "loop-jump", step("look", "nextStep"), "inside a loop"),
    (step("each", "inputs", "LoopCondition"), {"Variable": "{{ Count }}", "NumericGreater": 2}, "loop-form", step("each", "inputs", "LoopCondition"), "both"),
    (step("each", "inputs", "MaxIterations"), 101, "loop-iterations", step("each", "inputs", "MaxIterations"), "1 to 100"),
    (step("each", "inputs", "Steps", 0, "action"), "aws:loop", "loop-nested", step("each", "inputs", "Steps", 0, "action"), "inside a loop"),
    (step("clean", "inputs", "StackName"), "{{ each.CurrentIteratorValue }}", "loop-current", step("clean", "inputs", "StackName"), "only inside"),
    (step("each", "inputs", "Steps"), [5], "schema", step("each", "inputs", "Steps", 0), "A step is a map"),
    (step("choose", "inputs", "Choices", 0, "Variable"), 5, "branch-type", step("choose", "inputs", "Choices", 0, "Variable"), "refers to nothing"),
    (step("launch", "inputs", "TagSpecifications"), [{"ResourceType": "instance", "Tag": []}], "input-value", step("launch", "inputs", "TagSpecifications", 0, "Tag"), "`Tags`"),
    (step("launch", "inputs", "MinInstanceCount"), 3, "input-count", step("launch", "inputs", "MinInstanceCount"), "MaxInstanceCount 1"),
    (step("launch", "inputs", "ImageId"), "i-12345678", "input-image", step("launch", "inputs", "ImageId"), "id of an image"),
    (step("await", "inputs", "DesiredValues"), [], "input-empty", step("await", "inputs", "DesiredValues"), "empty list"),
    (step("clean", "inputs", "StackName"), "{{ Count }", "reference-broken", step("clean", "inputs", "StackName"), "brace"),
    (step("clean", "inputs", "StackName"), "{{ Count | upper }}", "reference-broken", step("clean", "inputs", "StackName"), "no reference"),
    (step("look", "inputs", "InstanceIds"), "{{ ImageId }}", "api-reference", step("look", "inputs", "InstanceIds"), "takes a list"),
    (step("look", "inputs", "NextToken"), "{{ Names }}", "api-reference", step("look", "inputs", "NextToken"), "takes text"),
    (step("look", "inputs", "Filters"), [{"Name": "x", "Values": "{{ ImageId }}"}], "api-reference", step("look", "inputs", "Filters", 0, "Values"), "an item of a list"),
    (step("look", "onFailure"), "step:look", "step-retry", step("look", "onFailure"), "again and again"),
    (("parameters", "Role", "type"), "AWS::IAM::Role::ARN", "definition-shape", ("parameters", "Role", "type"), "`AWS::IAM::Role::Arn`"),
    (("parameters", "Count", "maxItems"), 3, "definition-value", ("parameters", "Count", "maxItems"), "StringList or MapList"),
    (("parameters", "ImageId", "allowedPattern"), "(?P<id>ami)", "definition-pattern", ("parameters", "ImageId", "allowedPattern"), "Python's"),
    (step("each", "inputs", "Iterators"), "{{ ImageId }}", "loop-form", step("each", "inputs", "Iterators"), "StringList"),
    (step("each", "inputs", "Iterators"), "a, b", "loop-form", step("each", "inputs", "Iterators"), "StringList"),
    (step("script", "inputs", "InputPayload"), ["x"], "input-parameters", step("script", "inputs", "InputPayload"), "a map"),
    (step("clean"), {"name": "clean", "action": "aws:changeInstanceState", "isEnd": True, "inputs": {"InstanceIds": ["ami-12345678"], "DesiredState": "stopped"}}, "input-instance", step("clean", "inputs", "InstanceIds", 0), "id of an instance"),
    (step("clean", "inputs", "StackName"), "${Count}", "reference-form", step("clean", "inputs", "StackName"), "{{ Count }}"),
    (step("clean", "inputs", "StackName"), "at-{look.State}", "reference-form", step("clean", "inputs", "StackName"), "{{ look.State }}"),
    (step("clean", "inputs", "StackName"), "${AWS::Region}", "reference-form", step("clean", "inputs", "StackName"), "{{ global:REGION }}"),
    (step("launch", "inputs", "InstanceType"), "t3", "input-instance-type", step("launch", "inputs", "InstanceType"), "t3.micro"),
    (step("rest"), {"name": "rest", "action": "aws:runCommand", "inputs": {"DocumentName": "AWS-RunShellScript", "InstanceIds": ["{{ launch.InstanceIds }}"], "Parameters": {"command": ["ls"]}}}, "input-parameters", step("rest", "inputs", "Parameters", "command"), "`commands`"),
    (step("script", "inputs", "Script"), "def main(e, c):\n  return e['m']\n", "script-events", step("script", "inputs", "InputPayload"), "asks for `m`"),
    (step("script", "outputs"), [{"Name": "X", "Selector": "$.x"}], "script-selector", step("script", "outputs", 0, "Selector"), "under Payload"),
    (step("script"), {**GOOD["mainSteps"][STEPS["script"]], "inputs": {"Runtime": "python3.11", "Handler": "main", "Script": "def main(e, c):\n  return {'done': 1}\n"}, "outputs": [{"Name": "X", "Selector": "$.Payload.doen"}]}, "script-returns", step("script", "outputs", 0, "Selector"), "`done`"),
    (step("look", "outputs", 0, "Selector"), "$.Reservations.Instances", "api-selector", step("look", "outputs", 0, "Selector"), "[*]"),
    (step("rest", "inputs", "Duration"), 300, "input-duration", step("rest", "inputs", "Duration"), "PT45S"),
    (("assumeRole",), "AutomationServiceRole", "role-value", ("assumeRole",), "not the ARN"),
    (("parameters", "Role", "type"), "StringList", "role-value", ("parameters", "Role", "type"), "StringList"),
    (step("count", "inputs", "Value"), "many", "variable-value", step("count", "inputs", "Value"), "Integer"),
    (("parameters", "Count", "minValue"), 4, "definition-value", ("parameters", "Count", "minValue"), "no value fits"),
    (("parameters", "Count", "allowedValues"), [1, "two"], "definition-value", ("parameters", "Count", "allowedValues", 1), "no Integer"),
    (("parameters", "Count", "description"), ["x"], "definition-value", ("parameters", "Count", "description"), "is text"),
    (("files",), {"a.zip": {"checksum": "x"}}, "document-file", ("files", "a.zip"), "no checksum"),
    (step("rest", "outputs"), [{"Name": "X", "Selector": "$.x", "Type": "String"}], "output-of-nothing", step("rest", "outputs"), "no response"),
    (step("script", "inputs", "Script"), "def main():\n  return 1\n", "script-arguments", step("script", "inputs", "Handler"), "cannot be called"),
    (step("each", "inputs", "Steps", 0, "inputs", "Duration"), "1h", "input-duration", step("each", "inputs", "Steps", 0, "inputs", "Duration"), "PT45S"),
]  # fmt: skip


def planted(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    data = copy.deepcopy(GOOD)
    holder: Any = data
    for key in path[:-1]:
        holder = holder[key]
    if value is DROP:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return data


def written(data: dict[str, Any], notation: str) -> str:
    return (
        json.dumps(data, indent=2)
        if notation == "JSON"
        else yaml.safe_dump(data, sort_keys=False, width=1000)
    )


@pytest.mark.parametrize("notation", ["JSON", "YAML"])
def test_a_good_document_has_no_findings(notation: str) -> None:
    assert ssmdoc.check(written(GOOD, notation)) == ()


@pytest.mark.parametrize("notation", ["JSON", "YAML"])
@pytest.mark.parametrize(("path", "value", "id", "place", "says"), MISTAKES)
def test_it_finds_a_mistake_at_its_line(
    path: tuple[Any, ...], value: Any, id: str, place: tuple[Any, ...], says: str, notation: str
) -> None:
    text = written(planted(path, value), notation)
    found = [finding for finding in ssmdoc.check(text) if finding.id == id and finding.path == place]
    assert found, ssmdoc.check(text)
    assert any(says in finding.message + finding.hint for finding in found), found
    parsed = ssmdoc.parse(text)
    assert parsed.root is not None
    line = found[0].line
    start = parsed.source.position(parsed.root.key_at(place).start)[0]
    end = parsed.source.position(parsed.root.at(place).end)[0]
    assert start <= line <= end


def test_every_rule_says_what_it_is_and_where_it_comes_from() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.description.endswith(".")
        assert rule.source.startswith("https://docs.aws.amazon.com/")


def test_the_mistakes_cover_the_rules() -> None:
    assert len(MISTAKES) >= 60
    assert {rule.id for rule in RULES} - {mistake[2] for mistake in MISTAKES} == {
        # Planted in test_check_documents.py.
        "input-targets",
        "branch-never",
        "reference-early",
        "reference-maybe",
        "step-circle",
        "api-desired-value",
        "script-role",
        "document-hours",
        "document-parameters",
    }


def test_a_document_without_steps_is_refused_as_aws_refuses_it() -> None:
    (found,) = (item for item in ssmdoc.check('{"schemaVersion": "0.3", "mainSteps": []}'))
    assert (found.id, found.severity) == ("document-empty", "error")


def test_it_asks_what_was_meant() -> None:
    data = planted(step("look", "nextstep"), "rest")
    (found,) = [item for item in ssmdoc.check(json.dumps(data)) if item.id == "step-key"]
    assert found.hint == "Did you mean `nextStep`?"


def test_a_fault_inside_a_script_stands_at_its_own_line() -> None:
    text = """schemaVersion: '0.3'
mainSteps:
  - name: run
    action: aws:executeScript
    inputs:
      Runtime: python3.11
      Handler: main
      Script: |
        def main(events, context):
          retrun {{ x }} +
"""
    (found,) = [item for item in ssmdoc.check(text) if item.id == "script-syntax"]
    assert (found.line, found.column) == (10, 11)


def test_braces_of_other_languages_are_left_alone() -> None:
    script = "def main(e, c):\n  css = 'td {{ color: red; }}'\n  return css\n"
    assert ssmdoc.check(json.dumps(planted(step("script", "inputs", "Script"), script))) == ()
