"""What is said of the API's requests is true: members that are heeded do something, others are refused."""

from collections.abc import Iterator
from typing import Any

import botocore.exceptions
import pytest

from sandbox.automation.api.members import OPERATIONS
from tests.sandbox.conftest import Sandbox
from tests.sandbox.coverage import api_cases
from tests.sandbox.coverage.requests import refusal_or
from tests.sandbox.coverage.world import World

# These change nothing, and that is said of them.
IDLE = {("DeleteDocument", "Force")}


@pytest.fixture(scope="module")
def world(sandbox: Sandbox) -> Iterator[World]:
    yield World(sandbox)


def is_refusal(seen: Any) -> bool:
    return isinstance(seen, tuple) and len(seen) == 2 and isinstance(seen[0], str)


def test_each_operation_and_member_is_tried():
    assert set(api_cases.OPERATIONS) == set(OPERATIONS)
    for name, operation in api_cases.OPERATIONS.items():
        assert set(operation.others) | set(operation.more) == OPERATIONS[name].members, name
        assert set(OPERATIONS[name].differs) <= OPERATIONS[name].members


@pytest.mark.parametrize("name", sorted(api_cases.OPERATIONS))
def test_a_member_that_is_heeded_makes_a_difference(world, name):
    case = api_cases.OPERATIONS[name]
    seen = case.look(world, case.base(world))
    assert not is_refusal(seen), seen
    assert case.look(world, case.base(world)) == seen, "what is compared must be the same each time"
    for member, value in case.others.items():
        changed = case.look(world, {**case.base(world), member: value})
        assert changed != seen, f"{name} takes no notice of {member}"
    for member, make in case.more.items():
        beside = make(world)
        changed = case.look(world, {**case.base(world), **beside})
        assert not is_refusal(changed), f"{member} of {name}: {changed}"
        del beside[member]
        without = case.look(world, {**case.base(world), **beside}) if beside else seen
        assert (changed == without) == ((name, member) in IDLE), f"{name} takes no notice of {member}"


def test_a_member_that_is_not_heeded_is_refused_by_its_name(world):
    model = world.ssm.meta.service_model
    for name, heeded in OPERATIONS.items():
        shape = model.operation_model(name).input_shape
        assert heeded.members <= set(shape.members), name
        for member in set(shape.members) - heeded.members:
            request = {**api_cases.OPERATIONS[name].base(world), member: _some(shape.members[member])}
            with pytest.raises(botocore.exceptions.ClientError) as caught:
                world.ssm._make_api_call(name, request)
            error = caught.value.response["Error"]
            assert error["Code"] == "ValidationException"
            assert f"the member {member} of {name}" in error["Message"]


def _some(shape: Any) -> Any:
    kinds = {"string": "some", "boolean": True, "integer": 1, "list": [], "map": {}, "structure": {}}
    return kinds[shape.type_name]


def test_an_operation_that_is_not_there_says_so(world):
    name = world.document()
    for call, request in (
        ("list_document_metadata_history", {"Name": name, "Metadata": "DocumentReviews"}),
        ("update_document_metadata", {"Name": name, "DocumentReviews": {"Action": "Approve"}}),
        ("start_change_request_execution", {"DocumentName": name, "Runbooks": [{"DocumentName": name}]}),
    ):
        refused = refusal_or(world, call, request)
        assert refused[0] in {"NotImplemented", "NoLongerSupportedException"}
        assert "does not emulate" in refused[1] or "no new customers" in refused[1]
