"""Steps and the ways between them; what each step does."""

import ssmdoc
from ssmdoc import actions, graph

TEXT = """
schemaVersion: '0.3'
mainSteps:
  - name: look
    action: aws:executeAwsApi
    onFailure: step:clean
    inputs: {Service: ec2, Api: describe_instances}
  - name: choose
    action: aws:branch
    inputs:
      Choices:
        - {NextStep: stop, Variable: '{{ look.State }}', StringEquals: running}
        - NextStep: each
          And:
            - {Variable: '{{ N }}', NumericGreater: 3}
            - Not: {Variable: '{{ B }}', BooleanEquals: true}
      Default: clean
  - name: stop
    action: aws:changeInstanceState
    onCancel: step:clean
    isEnd: true
    inputs: {DesiredState: terminated}
  - name: each
    action: aws:loop
    inputs:
      Iterators: [a]
      Steps:
        - {name: one, action: 'aws:sleep', inputs: {Duration: PT1S}}
        - {name: two, action: 'aws:sleep', inputs: {Duration: PT1S}}
  - {name: clean, action: 'aws:deleteStack', nextStep: nowhere, inputs: {StackName: x}}
  - {name: lost, action: 'aws:sleep', inputs: {Duration: PT1S}}
"""


def built() -> graph.Graph:
    document = ssmdoc.parse(TEXT).document
    assert document is not None
    return graph.build(document)


def test_it_knows_every_way() -> None:
    assert [(edge.source, edge.target, edge.kind, edge.label) for edge in built().edges] == [
        ("look", "choose", "next", ""),
        ("look", "clean", "failure", ""),
        ("choose", "stop", "branch", "look.State = running"),
        ("choose", "each", "branch", "N > 3 and not B = true"),
        ("choose", "clean", "branch", "otherwise"),
        ("stop", "clean", "cancel", ""),
        ("each", "one", "loop", "each time"),
        ("each", "clean", "next", ""),
        ("one", "two", "next", ""),
        ("two", "each", "next", ""),
    ]


def test_it_labels_what_each_step_does() -> None:
    kinds = {node.id: node.kind for node in built().nodes}
    assert kinds == {
        "look": "read",
        "choose": "flow",
        "stop": "destroy",
        "each": "flow",
        "one": "flow",
        "two": "flow",
        "clean": "destroy",
        "lost": "flow",
    }
    assert built().as_dict()["nodes"][0] == {
        "id": "look",
        "label": "look",
        "action": "aws:executeAwsApi",
        "line": 4,
        "kind": "read",
    }


def test_it_knows_what_can_be_reached() -> None:
    assert {node.id for node in built().nodes} - built().reachable() == {"lost"}


def test_there_is_a_specification_for_each_of_the_23_actions() -> None:
    assert len(actions.SPECS) == 23
    for name, spec in actions.SPECS.items():
        assert name == spec.name
        assert spec.source.startswith("https://docs.aws.amazon.com/")
        assert spec.summary.endswith(".")
        assert len({item.name for item in spec.inputs}) == len(spec.inputs)
