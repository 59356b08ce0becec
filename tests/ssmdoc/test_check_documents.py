"""Mistakes that take more than one place in a document, and comments that take warnings back."""

import pytest

import ssmdoc

HEAD = "schemaVersion: '0.3'\nmainSteps:\n"
WITH_ROLE = "assumeRole: arn:aws:iam::123456789012:role/x\n"


def found(text: str, id: str) -> list[tuple[int, str]]:
    """Return the lines of the rule's findings, and what they say."""
    return [(item.line, f"{item.message} {item.hint}") for item in ssmdoc.check(text) if item.id == id]


def test_a_command_says_where_it_runs() -> None:
    text = HEAD + "- name: run\n  action: aws:runCommand\n  inputs: {DocumentName: AWS-RunShellScript}\n"
    assert [line for line, _ in found(text, "input-targets")] == [5]


def test_a_step_cannot_use_what_comes_after_it() -> None:
    text = (
        HEAD
        + """
- {name: first, action: 'aws:sleep', inputs: {Duration: '{{ later.Value }}'}}
- name: later
  action: aws:executeAwsApi
  inputs: {Service: ec2, Api: DescribeInstances}
  outputs: [{Name: Value, Selector: $.NextToken, Type: String}]
"""
    )
    assert [line for line, _ in found(text, "reference-early")] == [4]


BRANCHING = (
    HEAD
    + """
- name: choose
  action: aws:branch
  inputs:
    Choices: [{NextStep: look, Variable: '{{ global:REGION }}', StringEquals: eu-west-1}]
    Default: after
- name: look
  action: aws:executeAwsApi
  inputs: {Service: ec2, Api: DescribeInstances}
  outputs: [{Name: Value, Selector: $.NextToken, Type: String}]
- name: after
  action: aws:executeScript
  inputs:
    Runtime: python3.11
    Handler: main
    InputPayload: {Value: '{{ look.Value }}'}
    Script: 'def main(events, context): return events'
"""
)


def test_a_step_should_not_use_what_some_way_leaves_out() -> None:
    assert [line for line, _ in found(BRANCHING, "reference-maybe")] == [18]
    straight = BRANCHING.replace("Default: after", "Default: look")
    assert not found(straight, "reference-maybe")


def test_what_only_a_failure_leads_to_may_ask_what_was_there_before() -> None:
    text = (
        HEAD
        + """
- name: look
  action: aws:executeAwsApi
  onFailure: step:clean
  inputs: {Service: ec2, Api: DescribeInstances}
  outputs: [{Name: Value, Selector: $.NextToken, Type: String}]
- {name: end, action: 'aws:sleep', isEnd: true, inputs: {Duration: PT1S}}
- {name: clean, action: 'aws:sleep', inputs: {Duration: '{{ look.Value }}'}}
"""
    )
    assert not found(text, "reference-maybe")


@pytest.mark.parametrize(
    "comparison, lines",
    [
        ("StringEquals: fst", [9]),
        ("StringEquals: fast", []),
        ("StringEquals: '{{ global:REGION }}'", []),
        ("StartsWith: fst", []),
        ("NumericEquals: 7", [9]),
    ],
)
def test_a_choice_compares_with_a_value_that_its_parameter_can_have(
    comparison: str, lines: list[int]
) -> None:
    text = (
        "schemaVersion: '0.3'\nparameters:\n  Speed: {type: String, allowedValues: [fast, slow]}\n"
        "mainSteps:\n"
        "- name: choose\n  action: aws:branch\n  inputs:\n    Choices:\n"
        f"    - {{NextStep: wait, Variable: '{{{{ Speed }}}}', {comparison}}}\n"
        "- {name: wait, action: 'aws:sleep', inputs: {Duration: PT1S}}\n"
    )
    assert [line for line, _ in found(text, "branch-never")] == lines
    assert not found(text.replace("allowedValues", "x"), "branch-never")


def test_a_circle_without_a_way_out_is_found() -> None:
    text = (
        HEAD
        + """
- {name: wait, action: 'aws:sleep', inputs: {Duration: PT1M}}
- {name: again, action: 'aws:sleep', nextStep: wait, inputs: {Duration: PT1M}}
"""
    )
    assert [line for line, _ in found(text, "step-circle")] == [4]
    assert not found(text.replace("nextStep: wait", "isEnd: true"), "step-circle")


def test_a_property_is_awaited_that_can_come() -> None:
    text = (
        HEAD
        + """
- name: await
  action: aws:waitForAwsResourceProperty
  inputs:
    Service: ec2
    Api: DescribeInstances
    PropertySelector: $.Reservations[0].Instances[0].State.Name
    DesiredValues:
      - runing
"""
    )
    ((line, said),) = found(text, "api-desired-value")
    assert line == 11
    assert "Did you mean `running`?" in said


@pytest.mark.parametrize(
    ("runtime", "script"),
    [
        ("python3.11", "import boto3\n      def main(e, c): return boto3.client('ec2').describe_vpcs()"),
        ("python3.11", "from boto3.session import Session\n      Session().client('ec2').describe_vpcs()"),
        ("python3.11", "import boto3\n      def main(e, c): return boto3.client(e['Service']).describe()"),
        ("PowerShell 7.4", "Get-EC2Instance -InstanceId i-1"),
    ],
)
def test_a_script_that_calls_aws_needs_a_role(runtime: str, script: str) -> None:
    text = (
        HEAD
        + f"""
- name: run
  action: aws:executeScript
  inputs:
    Runtime: {runtime}
    Handler: main
    Script: |
      {script}
"""
    )
    assert [line for line, _ in found(text, "script-role")] == [9]
    assert not found(WITH_ROLE + text, "script-role")
    idle = text.replace(script, "import boto3, botocore.exceptions")
    assert not found(idle, "script-role"), "what imports the SDK and calls nothing needs no role"


def test_a_document_that_may_run_over_12_hours_needs_a_role() -> None:
    text = HEAD + "- {name: wait, action: 'aws:sleep', inputs: {Duration: PT13H}}\n"
    ((line, said),) = found(text, "document-hours")
    assert line == 3
    assert "13 hours" in said
    assert not found(text.replace("PT13H", "PT11H"), "document-hours")
    assert not found(WITH_ROLE + text, "document-hours")


def test_a_document_has_200_parameters_at_most() -> None:
    definitions = "".join(f"  P{number}: {{type: String}}\n" for number in range(201))
    assert found(f"schemaVersion: '0.3'\nparameters:\n{definitions}mainSteps: []\n", "document-parameters")


CALL = HEAD + "- name: run\n  action: aws:executeAwsApi\n  inputs:\n    Service: x\n    Api: y\n"


@pytest.mark.parametrize(
    "text",
    [
        "Name: my-secret-name",
        "SecretId: prod/database",
        "Password: '{{ Password }}'",
        "Token: arn:aws:secretsmanager:eu-west-1:123456789012:secret:x",
        "SecretString: changeme123",
        "PasswordResetRequired: 'true'",
        "KeyId: AKIAIOSFODNN7EXAMPLE",
    ],
)
def test_what_only_resembles_a_secret_is_left_alone(text: str) -> None:
    assert not found(f"{CALL}    {text}\n", "text-secret")


def test_a_secret_is_not_repeated() -> None:
    ((line, said),) = found(f"{CALL}    Password: hunter2-Zx9!\n", "text-secret")
    assert line == 8
    assert "hunter2" not in said


SCRIPT = (
    HEAD
    + """- name: run
  action: aws:executeScript
  inputs:
    # ssmdoc: ignore script-runtime because the module needs it
    Runtime: python3.8
    Handler: main
    Script: 'def main(events, context): return events'
"""
)


def test_a_comment_with_a_reason_takes_a_warning_back() -> None:
    assert ssmdoc.check(SCRIPT) == ()
    beside = SCRIPT.replace("    # ssmdoc: ignore script-runtime because the module needs it\n", "").replace(
        "python3.8", "python3.8  # ssmdoc: ignore script-runtime because the module needs it"
    )
    assert ssmdoc.check(beside) == ()


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (" because the module needs it", "", "no reason"),
        ("script-runtime because", "script-runtme because", "Did you mean `script-runtime`?"),
        ("script-runtime because", "because", "names no rule"),
        ("python3.8", "python3.11", "nothing to say"),
        ("script-runtime because", "script-runtime, step-key because", "step-key has nothing to say"),
    ],
)
def test_a_comment_that_takes_nothing_back_is_found(before: str, after: str, says: str) -> None:
    assert any(says in said for _, said in found(SCRIPT.replace(before, after), "suppression"))


def test_no_comment_takes_an_error_back() -> None:
    text = SCRIPT.replace("python3.8", "python2.7").replace("script-runtime", "input-runtime")
    assert found(text, "input-runtime")
    assert any("no comment takes back" in said for _, said in found(text, "suppression"))


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ("{Service: ec2, Api: DescribeInstances, MaxResults: 2}", ""),
        ("{Service: sqs, Api: ReceiveMessage, QueueUrl: x, MaxNumberOfMessages: 20}", ""),
        ("{Service: ssm, Api: GetParameter, Name: ''}", "Name takes at least 1"),
        ("{Service: ssm, Api: DescribeParameters, MaxResults: 51}", "MaxResults takes at most 50"),
        ("{Service: ssm, Api: DescribeParameters, MaxResults: '{{ global:DATE }}'}", ""),
        (
            "{Service: ssm, Api: GetParameters, Names: [a, b, c, d, e, f, g, h, i, j, k]}",
            "Names takes at most 10",
        ),
    ],
)
def test_a_call_keeps_to_the_sizes_that_its_operation_takes(inputs: str, says: str) -> None:
    said = found(f"{HEAD}- name: run\n  action: aws:executeAwsApi\n  inputs: {inputs}\n", "api-input")
    assert [says in message for _, message in said] == ([True] if says else [])


def test_a_loop_at_the_end_ends_the_document() -> None:
    text = f"""{HEAD}- name: each
  action: aws:loop
  inputs:
    Iterators: [a, b]
    Steps:
    - {{name: inner, action: 'aws:pause', inputs: {{}}}}
"""
    assert not found(text, "step-circle")
