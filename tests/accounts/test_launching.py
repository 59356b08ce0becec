"""What a delegation lets an operator fill in, and what AWS is then sent."""

import pytest

from accounts.launching import bind_parameters, form_fields
from tests.support.factories import ROLE_ARN, make_delegation, make_document, make_role, make_target

TEXT = """\
schemaVersion: "0.3"
assumeRole: "{{ Role }}"
parameters:
  Role: {type: "AWS::IAM::Role::Arn", default: ""}
  ImageId: {type: String}
  Size: {type: String, default: t3.large, allowedValues: [t3.micro, t3.small, t3.large]}
  Zones: {type: StringList, default: [a]}
  Count: {type: Integer, default: 1}
  Tags: {type: StringMap, default: {}}
  Note: {type: String, default: ""}
mainSteps:
  - {name: wait, action: "aws:sleep", inputs: {Duration: PT1S}}
"""


@pytest.fixture
def delegate(author, administrator):
    target = make_target()
    role = make_role(target)
    version = make_document(author, text=TEXT)

    def make(constraints=None, *, as_role=True):
        return make_delegation(
            version, target, role if as_role else None, administrator, constraints=constraints or {}
        )

    return make


def test_the_role_is_bound_and_never_asked_for(delegate):
    delegation = delegate()
    assert "Role" not in [field.name for field in form_fields(delegation)]
    wire, errors = bind_parameters(delegation, {"ImageId": "ami-1"})
    assert errors == {}
    assert wire["Role"] == [ROLE_ARN]


def test_another_role_is_refused_however_it_is_sent(delegate):
    for as_role in (True, False):
        delegation = delegate(as_role=as_role)
        wire, errors = bind_parameters(
            delegation, {"ImageId": "ami-1", "Role": "arn:aws:iam::123456789012:role/Admin"}
        )
        assert "Role" in errors
        assert "Admin" not in str(wire)
        delegation.delete()


def test_the_caller_leaves_the_role_empty(delegate):
    wire, errors = bind_parameters(delegate(as_role=False), {"ImageId": "ami-1"})
    assert errors == {}
    assert "Role" not in wire


def test_a_fixed_value_is_put_in_and_cannot_be_changed(delegate):
    delegation = delegate({"ImageId": {"fixed": "ami-1"}})
    (field,) = [field for field in form_fields(delegation) if field.name == "ImageId"]
    assert (field.read_only, field.default) == (True, "ami-1")
    assert bind_parameters(delegation, {})[0]["ImageId"] == ["ami-1"]
    assert bind_parameters(delegation, {"ImageId": "ami-1"})[1] == {}
    wire, errors = bind_parameters(delegation, {"ImageId": "ami-2"})
    assert "fixes this at “ami-1”" in errors["ImageId"]
    assert wire["ImageId"] == ["ami-1"]


@pytest.mark.parametrize(
    ("kind", "given", "same"),
    [("Count", "2", ["2"]), ("Zones", "a\nb", ["a", "b"]), ("Tags", '{"a": "b"}', ['{"a":"b"}'])],
)
def test_a_fixed_value_of_any_type_may_be_sent_back_as_the_form_shows_it(delegate, kind, given, same):
    typed = {"Count": 2, "Zones": ["a", "b"], "Tags": {"a": "b"}}
    delegation = delegate({"ImageId": {"fixed": "ami-1"}, kind: {"fixed": typed[kind]}})
    wire, errors = bind_parameters(delegation, {kind: given})
    assert errors == {}
    assert wire[kind] == same


def test_only_allowed_values_are_accepted(delegate):
    delegation = delegate({"Size": {"allowed": ["t3.micro", "t3.small"]}})
    (field,) = [field for field in form_fields(delegation) if field.name == "Size"]
    assert (field.widget, field.choices) == ("select", ("t3.micro", "t3.small"))
    assert bind_parameters(delegation, {"ImageId": "ami-1", "Size": "t3.micro"})[1] == {}
    _, errors = bind_parameters(delegation, {"ImageId": "ami-1", "Size": "t3.large"})
    assert "not among what this delegation allows" in errors["Size"]


def test_the_documents_default_does_not_slip_past_the_allowed_values(delegate):
    delegation = delegate({"Size": {"allowed": ["t3.micro", "t3.small"]}})
    for nothing in ({}, {"Size": None}):
        _, errors = bind_parameters(delegation, {"ImageId": "ami-1", **nothing})
        assert "Choose one of" in errors["Size"]
    (field,) = [field for field in form_fields(delegation) if field.name == "Size"]
    assert field.required


def test_a_default_that_is_allowed_may_be_left_out(delegate):
    delegation = delegate({"Size": {"allowed": ["t3.micro", "t3.large"]}})
    wire, errors = bind_parameters(delegation, {"ImageId": "ami-1"})
    assert errors == {}
    assert "Size" not in wire


def test_each_item_of_a_list_keeps_to_the_allowed_ones(delegate):
    delegation = delegate({"Zones": {"allowed": ["a", "b", "c"]}})
    assert bind_parameters(delegation, {"ImageId": "ami-1", "Zones": ["a", "c"]})[1] == {}
    assert "Zones" in bind_parameters(delegation, {"ImageId": "ami-1", "Zones": "a\nd"})[1]


def test_an_empty_list_does_not_bring_in_a_default_that_is_not_allowed(delegate):
    delegation = delegate({"Zones": {"allowed": ["b", "c"]}})
    assert "Zones" in bind_parameters(delegation, {"ImageId": "ami-1", "Zones": []})[1]


def test_a_suggested_value_stands_where_nothing_is_given(delegate):
    delegation = delegate({"ImageId": {"default": "ami-9"}})
    (field,) = [field for field in form_fields(delegation) if field.name == "ImageId"]
    assert (field.default, field.required, field.read_only) == ("ami-9", False, False)
    assert bind_parameters(delegation, {"ImageId": ""})[0]["ImageId"] == ["ami-9"]
    assert bind_parameters(delegation, {"ImageId": "ami-1"})[0]["ImageId"] == ["ami-1"]


def test_unknown_and_missing_parameters_are_named(delegate):
    _, errors = bind_parameters(delegate(), {"Zebra": "1"})
    assert set(errors) == {"Zebra", "ImageId"}
