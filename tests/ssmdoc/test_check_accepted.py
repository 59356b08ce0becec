"""What AWS takes and runs, though a rule once spoke against it."""

import pytest

import ssmdoc

HEAD = "schemaVersion: '0.3'\n"


def said(text: str, id: str) -> list[int]:
    return [item.line for item in ssmdoc.check(text) if item.id == id]


def test_a_default_may_be_longer_than_what_a_start_sends() -> None:
    definition = "{{type: {}, default: {}}}"
    for kind, default in (("String", "x" * 513), ("StringList", ["a"] * 51)):
        text = f"{HEAD}parameters:\n  P: {definition.format(kind, default)}\nmainSteps: []\n"
        assert not said(text, "definition-default-refused")
        bounded = text.replace("}\nmain", ", maxChars: 9, maxItems: 9}\nmain")
        assert said(bounded, "definition-default-refused") == [3]


def test_a_default_may_mention_another_parameter_in_a_longer_text() -> None:
    text = (
        f"{HEAD}parameters:\n  A: {{type: String}}\n"
        "  B: {type: String, default: 'from {{ A }}'}\nmainSteps: []\n"
    )
    assert not said(text, "definition-default-reference")
    assert said(text.replace("from ", ""), "definition-default-reference") == [4]


def test_the_one_instance_of_a_launch_stands_for_an_instance() -> None:
    text = (
        f"{HEAD}mainSteps:\n"
        "- {name: launch, action: 'aws:runInstances', inputs: {ImageId: ami-12345678}}\n"
        "- name: keep\n  action: aws:createImage\n"
        "  inputs: {ImageName: x, InstanceId: '{{ launch.InstanceIds }}'}\n"
    )
    assert not said(text, "reference-type")
    text = text.replace("ImageName: x", "ImageName: '{{ launch.InstanceIds }}'")
    assert said(text, "reference-type") == [6]


def test_the_name_that_a_secret_is_kept_under_is_no_secret() -> None:
    text = f"{HEAD}parameters:\n  ClientSecret: {{type: String, default: %s}}\nmainSteps: []\n"
    assert not said(text % "API_CLIENT_SECRET", "text-secret")
    assert said(text % "hunter2-Zx9", "text-secret") == [3]


TWICE = f"""{HEAD}parameters:
  Third: {{type: String}}
mainSteps:
- name: first
  action: aws:branch
  inputs:
    Choices: [{{NextStep: look, Variable: '{{{{ Third }}}}', StringEquals: 'yes'}}]
    Default: second
- name: look
  action: aws:executeAwsApi
  inputs: {{Service: ec2, Api: DescribeInstances}}
  outputs: [{{Name: Token, Selector: $.NextToken, Type: String}}]
- name: second
  action: aws:branch
  inputs:
    Choices: [{{NextStep: use, Variable: '{{{{Third}}}}', StringEquals: 'yes'}}]
    Default: last
- name: use
  action: aws:executeAwsApi
  inputs: {{Service: ec2, Api: DescribeInstances, NextToken: '{{{{ look.Token }}}}'}}
- name: last
  action: aws:sleep
  inputs: {{Duration: PT1S}}
"""


@pytest.mark.parametrize(
    "condition, lines",
    [
        ("Variable: '{{Third}}', StringEquals: 'yes'", []),
        ("Variable: '{{Third}}', StringEquals: 'no'", [21]),
        ("Variable: '{{Third}}', StartsWith: 'yes'", [21]),
        ("Variable: '{{ global:REGION }}', StringEquals: 'yes'", [21]),
        ("Variable: '{{ Third }}', StringEquals: '{{ Third }}'", [21]),
    ],
)
def test_two_branches_by_one_condition_go_the_same_way(condition: str, lines: list[int]) -> None:
    text = TWICE.replace("Variable: '{{Third}}', StringEquals: 'yes'", condition)
    assert said(text, "reference-maybe") == lines


def test_what_every_choice_was_refused_for_holds_after_the_last() -> None:
    text = TWICE.replace("NextStep: use, Variable", "NextStep: last, Variable").replace(
        "Default: last", "Default: use"
    )
    assert said(text, "reference-maybe") == [21]
    other = text.replace("NextStep: look, Variable", "NextStep: second, Variable").replace(
        "Default: second", "Default: look"
    )
    assert not said(other, "reference-maybe")


@pytest.mark.parametrize(
    "action, severity",
    [
        ("aws:putServerUpgradeMetrics", "warning"),
        ("aws:rotateFleetLedger", "warning"),
        ("aws:executeAwsAPIs", "error"),
        ("aws:waitForResource", "error"),
        ("aws:runShellScript", "error"),
        ("aws:wait", "error"),
        ("AWS:rotateFleetLedger", "error"),
        ("rotateFleetLedger", "error"),
    ],
)
def test_an_action_that_aws_keeps_to_itself_is_no_error(action: str, severity: str) -> None:
    text = f"{HEAD}mainSteps:\n- name: one\n  action: {action}\n  inputs: {{}}\n"
    assert [(item.line, item.severity) for item in ssmdoc.check(text)] == [(4, severity)]


def test_a_cancellation_may_lead_to_an_action_that_cannot_run_then() -> None:
    text = (
        f"{HEAD}mainSteps:\n"
        "- name: one\n  action: aws:sleep\n  onCancel: step:two\n  inputs: {Duration: PT1S}\n"
        "- name: two\n  action: aws:sleep\n  inputs: {Duration: PT1S}\n"
    )
    assert [(item.id, item.severity) for item in ssmdoc.check(text)] == [("step-on-cancel-target", "warning")]


@pytest.mark.parametrize(
    "name",
    [
        "x-{other}",
        "${version}",
        "$(date)",
        "{'a': 1}",
        "{{{ Count }}-x}",
        "[[ bucket ]]",
        "{Count}-{{ Count }}}",
    ],
)
def test_braces_around_what_is_no_parameter_are_left_alone(name: str) -> None:
    text = (
        f"{HEAD}parameters:\n  Count: {{type: String}}\nmainSteps:\n"
        f'- name: one\n  action: aws:deleteStack\n  inputs: {{StackName: "{name}"}}\n'
    )
    known = "Count" in name and "{{{" not in name
    assert bool(said(text, "reference-form")) is known


SCRIPT = f"""{HEAD}mainSteps:
- name: one
  action: aws:executeScript
  inputs:
    Runtime: python3.11
    Handler: main
    InputPayload: {{given: 1}}
    Script: |
      def main(events, context):
        %s
        return %s
  outputs: [{{Name: X, Selector: $.Payload.x.y, Type: String}}]
"""


@pytest.mark.parametrize(
    "body, lines",
    [
        ("events['other']", [8]),
        ("events['given']", []),
        ("events.get('other')", []),
        ("events['other'] if 'other' in events else 1", []),
        ("events.setdefault('other', 1); events['other']", []),
        ("events = {'other': 1}; events['other']", []),
    ],
)
def test_a_script_asks_only_for_what_it_is_given(body: str, lines: list[int]) -> None:
    assert said(SCRIPT % (body, "{}"), "script-events") == lines
    guarded = body.replace("\n", ";")
    tried = f"try:\n          {guarded}\n        except KeyError:\n          pass"
    assert not said(SCRIPT % (tried, "{}"), "script-events")


@pytest.mark.parametrize(
    "value, lines",
    [
        ("{'y': 1}", [13]),
        ("{'x': {}}", []),
        ("{'y': 1, **events}", []),
        ("dict(y=1)", []),
        ("events", []),
    ],
)
def test_a_script_returns_what_is_selected(value: str, lines: list[int]) -> None:
    assert said(SCRIPT % ("pass", value), "script-returns") == lines
