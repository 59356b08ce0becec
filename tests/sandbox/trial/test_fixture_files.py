"""Files of fixtures: what is read from them, and how faults are told."""

from pathlib import Path

import pytest

from sandbox.fixtures import reading
from sandbox.fixtures.model import Error

TEXT = """\
version: 1
calls:
  - step: Look
    service: EC2
    api: describe_instances
    response: {Reservations: []}
  - step: Look
    service: ec2
    api: DescribeInstances
    call: 2
    error: {code: UnauthorizedOperation, message: denied, status: 403}
  - api: StartInstances
    throttled: true
steps:
  - {step: Ask, decision: reject, comment: not today}
documents:
  Restart*:
    parameters: {InstanceId: i-0123456789abcdef0}
    expect: Failed
    steps:
      - {step: Ask, run: 1, decision: approve}
"""


def test_a_numbered_answer_comes_before_one_for_every_call() -> None:
    fixtures = reading.read(TEXT).of("Any")
    first = fixtures.answer("Look", "ec2", "DescribeInstances", 1)
    second = fixtures.answer("Look", "ec2", "DescribeInstances", 2)
    assert first is not None and first.response == {"Reservations": []}
    assert second is not None and second.error == Error("UnauthorizedOperation", "denied", 403)


def test_names_of_services_and_operations_are_read_as_documents_write_them() -> None:
    fixtures = reading.read(TEXT).of("Any")
    assert fixtures.answer("Look", "ec2", "DescribeInstances", 7) is not None
    assert fixtures.answer("Look", "ec2", "DescribeVolumes", 1) is None


def test_throttled_is_an_error_of_any_step() -> None:
    found = reading.read(TEXT).of("Any").answer(None, "ec2", "StartInstances", 3)
    assert found is not None and found.error is not None
    assert found.error.code == "ThrottlingException"


def test_a_document_has_its_own_fixtures_before_the_common_ones() -> None:
    file = reading.read(TEXT)
    own, other = file.of("RestartServers"), file.of("Stop")
    assert own.parameters == {"InstanceId": "i-0123456789abcdef0"}
    assert [each.decision for each in own.steps] == ["approve", "reject"]
    assert (file.expected("RestartServers"), file.expected("Stop")) == ("Failed", "Success")
    result = own.result("Ask", 2)
    assert result is not None and result.comment == "not today"
    assert other.parameters == {}


def test_files_given_together_are_one() -> None:
    other = reading.read("version: 1\ndocuments: {Restart*: {parameters: {Count: 2}}}")
    both = reading.read(TEXT) + other
    assert both.of("RestartServers").parameters == {"InstanceId": "i-0123456789abcdef0", "Count": 2}


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("version: 2\n", 1, "1 was expected"),
        ("version: 1\ncalls:\n  - api: X\n    respons: {}\n", 4, "respons is not known here"),
        ("version: 1\ncalls:\n  - api: X\n", 3, "exactly one of response, error, throttled"),
        (
            "version: 1\ncalls:\n  - api: X\n    response: {}\n    throttled: true\n",
            3,
            "exactly one of response",
        ),
        ("version: 1\ncalls:\n  - service: ec2\n    response: {}\n", 3, "at least one of step, api"),
        ("version: 1\nsteps:\n  - step: Ask\n    decision: maybe\n", 4, "'maybe' is not one of"),
        ("version: 1\nsteps:\n  - {step: Ask, run: 0, failure: wrong}\n", 3, "less than the minimum"),
        ("version: 1\n\tcalls: []\n", 2, "neither YAML nor JSON"),
        ('{"version": 1,\n "calls": [}\n', 2, "neither YAML nor JSON"),
        ("", 1, "None is not of type 'object'"),
    ],
)
def test_a_fault_is_told_with_its_line(text: str, line: int, told: str) -> None:
    with pytest.raises(reading.FixtureError) as raised:
        reading.read(text, name="my.yaml")
    assert str(raised.value).startswith(f"my.yaml:{line}: ")
    assert told in str(raised.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(reading.FixtureError, match=r"none\.yaml: cannot be read"):
        reading.load(tmp_path / "none.yaml")


def test_times_stay_texts() -> None:
    text = "version: 1\ncalls: [{api: X, response: {At: 2026-01-01T00:00:00Z}}]"
    found = reading.read(text).of("Any").answer(None, "s", "X", 1)
    assert found is not None and found.response == {"At": "2026-01-01T00:00:00Z"}
