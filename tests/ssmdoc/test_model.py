"""The frozen model: AWS's defaults, tolerance for damaged documents."""

import ssmdoc

LOOP = """
schemaVersion: '0.3'
assumeRole: '{{ Role }}'
parameters:
  Role: {type: 'AWS::IAM::Role::Arn'}
  Count: {type: Integer, default: 3, allowedValues: [1, 2, 3], maxValue: 5}
  Note: {type: String, default: null}
variables:
  Seen: {type: StringList, default: []}
mainSteps:
  - name: each
    action: aws:loop
    inputs:
      Iterators: [a, b]
      Steps:
        - name: inner
          action: aws:sleep
          onFailure: step:after
          isEnd: "true"
          timeoutSeconds: "600"
          maxAttempts: 3
          inputs: {Duration: PT1S}
  - name: after
    action: aws:executeAwsApi
    onFailure: Continue
    onCancel: step:each
    timeoutSeconds: '{{ Count }}'
    nextStep: each
    inputs: {Service: ec2, Api: DescribeInstances}
    outputs:
      - {Name: Ids, Selector: $..InstanceId, Type: StringList}
      - {Name: All, Selector: $}
outputs: [after.Ids]
"""


def document() -> ssmdoc.Document:
    found = ssmdoc.parse(LOOP).document
    assert found is not None
    return found


def test_it_applies_the_defaults_of_aws() -> None:
    inner, after = document().step("inner"), document().step("after")
    assert inner is not None
    assert after is not None
    assert (inner.is_end, inner.timeout_seconds, inner.max_attempts, inner.is_critical) == (
        True,
        600,
        3,
        True,
    )
    assert (after.is_end, after.timeout_seconds, after.max_attempts, after.is_critical) == (
        None,
        "{{ Count }}",
        1,
        False,
    )
    assert (inner.failure_target, inner.cancel_target, inner.on_cancel) == ("after", None, "Abort")
    assert (after.failure_target, after.cancel_target, after.next_step) == (None, "each", "each")


def test_it_finds_inner_steps() -> None:
    assert [step.name for step in document().walk()] == ["each", "inner", "after"]
    assert [step.name for step in document().steps] == ["each", "after"]
    assert document().step("nowhere") is None
    inner = document().step("inner")
    assert inner is not None
    assert inner.path == ("mainSteps", 0, "inputs", "Steps", 0)
    assert (inner.line, inner.column) == (16, 11)


def test_it_keeps_definitions_in_order() -> None:
    parameters = document().parameters
    assert list(parameters) == ["Role", "Count", "Note"]
    assert parameters["Role"].default is ssmdoc.MISSING
    assert parameters["Role"].required
    assert parameters["Note"].required
    assert parameters["Count"].allowed_values == (1, 2, 3)
    assert (parameters["Count"].max_value, parameters["Count"].line) == (5, 6)
    assert document().variables["Seen"].default == []
    assert document().outputs == ("after.Ids",)


def test_it_names_the_parameter_that_gives_the_role() -> None:
    assert document().assume_role == "{{ Role }}"
    assert document().assume_role_parameter == "Role"
    for role in ("arn:aws:iam::123456789012:role/x", "{{ Absent }}", "x{{ Role }}", ""):
        text = LOOP.replace("'{{ Role }}'", f"'{role}'")
        found = ssmdoc.parse(text).document
        assert found is not None
        assert found.assume_role_parameter is None


def test_damaged_parts_are_left_out() -> None:
    text = "assumeRole: [1]\n"
    text += "parameters: [a]\nmainSteps: [1, {name: a}, {name: b, action: c, inputs: 3}]\noutputs: x\n"
    found = ssmdoc.parse(text).document
    assert found is not None
    assert [step.name for step in found.steps] == ["b"]
    assert (found.assume_role, dict(found.parameters), found.outputs) == (None, {}, ())
