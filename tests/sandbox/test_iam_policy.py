"""Policy evaluation: default deny, explicit deny wins, what is not understood opens nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.iam.context import context_values
from sandbox.iam.policy import (
    Decision,
    MalformedPolicy,
    Request,
    UnknownResource,
    parse_policy,
    strongest,
)
from sandbox.iam.trust import Naming, Service, evaluate_trust
from sandbox.identity import Principal

INSTANCE = "arn:aws:ec2:us-east-1:123456789012:instance/i-1"
RUN = Request("ec2:RunInstances", INSTANCE)


def policy(*statements: dict[str, Any]) -> Any:
    return parse_policy(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def allow(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


ACTIONS = st.sampled_from(
    ["*", "ec2:*", "ec2:Run*", "ec2:RunInstances", "EC2:runinstances", "s3:*", "ssm:Get?"]
)
RESOURCES = st.sampled_from(["*", INSTANCE, "arn:aws:ec2:*:*:instance/*", "arn:aws:s3:::b/*", "arn:aws:ec2"])
STATEMENTS = st.builds(
    lambda effect, action, resource: {"Effect": effect, "Action": action, "Resource": resource},
    st.sampled_from(["Allow", "Deny"]),
    st.lists(ACTIONS, min_size=1, max_size=3),
    st.lists(RESOURCES, min_size=1, max_size=3),
)


@given(st.lists(STATEMENTS, max_size=6), st.integers(0, 6))
def test_an_explicit_deny_wins_wherever_it_stands(statements: list[dict[str, Any]], place: int) -> None:
    statements.insert(place, deny("ec2:RunInstances"))

    assert policy(*statements).evaluate(RUN) is Decision.DENY


@given(st.lists(STATEMENTS, max_size=6))
def test_without_a_matching_allow_nothing_is_allowed(statements: list[dict[str, Any]]) -> None:
    denials = [{**statement, "Effect": "Deny"} for statement in statements]

    assert policy(*denials).evaluate(RUN) is not Decision.ALLOW


@given(st.lists(STATEMENTS, max_size=6))
def test_the_order_of_statements_does_not_matter(statements: list[dict[str, Any]]) -> None:
    assert policy(*statements).evaluate(RUN) is policy(*reversed(statements)).evaluate(RUN)


@given(st.lists(STATEMENTS, max_size=6), st.lists(STATEMENTS, max_size=6))
def test_a_statement_more_never_lifts_a_deny(one: list[dict[str, Any]], more: list[dict[str, Any]]) -> None:
    if policy(*one).evaluate(RUN) is Decision.DENY:
        assert strongest(p.evaluate(RUN) for p in (policy(*one), policy(*more))) is Decision.DENY


@given(st.lists(STATEMENTS, max_size=6))
def test_an_unknown_resource_is_allowed_only_where_everything_of_the_service_is(
    statements: list[dict[str, Any]],
) -> None:
    unknown = UnknownResource("ec2", "aws", "us-east-1", "123456789012")
    request = Request("ec2:RunInstances", unknown)

    if policy(*statements).evaluate(request) is Decision.ALLOW:
        assert policy(*statements).evaluate(RUN) is not Decision.NEUTRAL
        assert policy(*statements).evaluate(RUN) is not Decision.DENY


def test_no_policy_allows_nothing() -> None:
    assert policy().evaluate(RUN) is Decision.NEUTRAL


@pytest.mark.parametrize(
    ("pattern", "covered"),
    [
        ("*", True),
        (INSTANCE, True),
        ("arn:aws:ec2:*:*:instance/*", True),
        ("arn:aws:ec2:*:123456789012:instance/i-?", True),
        ("arn:aws:ec2", True),
        ("arn:*:ec2:us-east-1:*", True),
        ("arn:aws:ec2:eu-west-1:*:instance/*", False),
        ("arn:aws:ec2:*:999999999999:instance/*", False),
        # A wildcard stays within its segment.
        ("arn:aws:*:instance/i-1", False),
        ("arn:aws:ec2:*:*:INSTANCE/*", False),
        ("instance/*", False),
    ],
)
def test_resources_are_compared_segment_by_segment(pattern: str, covered: bool) -> None:
    decision = policy(allow("ec2:*", pattern)).evaluate(RUN)

    assert (decision is Decision.ALLOW) == covered


@pytest.mark.parametrize(
    ("pattern", "covered"),
    [
        ("ec2:RunInstances", True),
        ("EC2:runInstances", True),
        ("ec2:Run*", True),
        ("ec2:RunInstance?", True),
        ("ec2:Terminate*", False),
        ("ec2", False),
        ("s3:*", False),
        ("ec2:RunInstance", False),
    ],
)
def test_actions_are_compared_without_case(pattern: str, covered: bool) -> None:
    assert (policy(allow(pattern)).evaluate(RUN) is Decision.ALLOW) == covered


def test_not_action_covers_all_the_others() -> None:
    everything_but_iam = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}

    assert policy(everything_but_iam).evaluate(RUN) is Decision.ALLOW
    assert policy(everything_but_iam).evaluate(Request("iam:CreateUser", "*")) is Decision.NEUTRAL


def test_not_resource_covers_all_the_others() -> None:
    all_but_the_instance = {"Effect": "Allow", "Action": "*", "NotResource": INSTANCE}

    assert policy(all_but_the_instance).evaluate(RUN) is Decision.NEUTRAL
    assert policy(all_but_the_instance).evaluate(Request("ec2:RunInstances", "*")) is Decision.ALLOW


def test_a_resource_of_ones_own_by_policy_variable() -> None:
    own_prefix = allow("s3:GetObject", "arn:aws:s3:::home/${aws:username}/*")
    of = {"aws:username": "bob"}

    def decide(key: str, context: dict[str, str]) -> Decision:
        request = Request("s3:GetObject", f"arn:aws:s3:::home/{key}", context_values(context))
        return policy(own_prefix).evaluate(request)

    assert decide("bob/notes", of) is Decision.ALLOW
    assert decide("alice/notes", of) is Decision.NEUTRAL
    # Without a user name the statement applies to nothing.
    assert decide("${aws:username}/notes", {}) is Decision.NEUTRAL
    # A wildcard in a value is no wildcard.
    assert decide("alice/notes", {"aws:username": "*"}) is Decision.NEUTRAL


@pytest.mark.parametrize("resource", ["${*}", "arn:aws:s3:::b/${aws:missing, 'fallback'}"])
def test_variables_with_defaults_and_escapes(resource: str) -> None:
    request = Request("s3:GetObject", "arn:aws:s3:::b/fallback")

    assert (policy(allow("*", resource)).evaluate(request) is Decision.ALLOW) == ("fallback" in resource)


CONDITIONS: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({"StringEquals": {"k": "a"}}, {"k": "a"}, True),
    ({"StringEquals": {"k": ["b", "a"]}}, {"k": "a"}, True),
    ({"StringEquals": {"k": "a"}}, {"k": "A"}, False),
    ({"StringEquals": {"k": "a"}}, {}, False),
    ({"StringEquals": {"k": "a*"}}, {"k": "ab"}, False),
    ({"StringEquals": {"K": "a"}}, {"k": "a"}, True),
    ({"stringequals": {"k": "a"}}, {"k": "a"}, True),
    ({"StringEquals": {"k": "a", "l": "b"}}, {"k": "a"}, False),
    ({"StringEquals": {"k": "a"}, "Bool": {"b": "true"}}, {"k": "a", "b": "false"}, False),
    ({"StringEqualsIfExists": {"k": "a"}}, {}, True),
    ({"StringEqualsIfExists": {"k": "a"}}, {"k": "b"}, False),
    ({"StringNotEquals": {"k": "a"}}, {"k": "b"}, True),
    ({"StringNotEquals": {"k": ["a", "b"]}}, {"k": "b"}, False),
    ({"StringNotEquals": {"k": "a"}}, {}, True),
    ({"StringEqualsIgnoreCase": {"k": "A"}}, {"k": "a"}, True),
    ({"StringNotEqualsIgnoreCase": {"k": "A"}}, {"k": "a"}, False),
    ({"StringLike": {"k": "a*c?"}}, {"k": "abbcd"}, True),
    ({"StringLike": {"k": "a*"}}, {"k": "ba"}, False),
    ({"StringNotLike": {"k": "a*"}}, {"k": "ba"}, True),
    ({"NumericLessThan": {"k": "10"}}, {"k": "9"}, True),
    ({"NumericLessThan": {"k": 10}}, {"k": "10"}, False),
    ({"NumericLessThanEquals": {"k": "10"}}, {"k": "10"}, True),
    ({"NumericGreaterThan": {"k": "10"}}, {"k": "10.5"}, True),
    ({"NumericGreaterThanEquals": {"k": "10"}}, {"k": "9"}, False),
    ({"NumericEquals": {"k": "1"}}, {"k": "1.0"}, True),
    ({"NumericEquals": {"k": "1"}}, {"k": "one"}, False),
    ({"NumericNotEquals": {"k": "1"}}, {"k": "2"}, True),
    ({"DateLessThan": {"k": "2030-01-01T00:00:00Z"}}, {"k": "2026-01-01T00:00:00Z"}, True),
    ({"DateGreaterThan": {"k": "2030-01-01"}}, {"k": "2026-01-01T00:00:00Z"}, False),
    ({"DateGreaterThanEquals": {"k": "1"}}, {"k": "2026-01-01T00:00:00Z"}, True),
    ({"DateEquals": {"k": "2026-01-01T00:00:00Z"}}, {"k": "2026-01-01T01:00:00+01:00"}, True),
    ({"Bool": {"k": "true"}}, {"k": "true"}, True),
    ({"Bool": {"k": True}}, {"k": "false"}, False),
    ({"Bool": {"k": "true"}}, {}, False),
    ({"BoolIfExists": {"k": "true"}}, {}, True),
    ({"IpAddress": {"k": "10.0.0.0/8"}}, {"k": "10.1.2.3"}, True),
    ({"IpAddress": {"k": "10.0.0.0/8"}}, {"k": "11.1.2.3"}, False),
    ({"IpAddress": {"k": "2001:db8::/32"}}, {"k": "2001:db8::1"}, True),
    ({"NotIpAddress": {"k": ["10.0.0.0/8", "127.0.0.1"]}}, {"k": "127.0.0.1"}, False),
    ({"ArnLike": {"k": "arn:aws:ssm:*:123456789012:automation-execution/*"}},
     {"k": "arn:aws:ssm:us-east-1:123456789012:automation-execution/1"}, True),
    ({"ArnLike": {"k": "arn:aws:ssm:*:automation-execution/*"}},
     {"k": "arn:aws:ssm:us-east-1:123456789012:automation-execution/1"}, False),
    ({"ArnEquals": {"k": "arn:aws:iam::1:role/a*"}}, {"k": "arn:aws:iam::1:role/abc"}, True),
    ({"ArnNotLike": {"k": "arn:aws:iam::1:role/a*"}}, {"k": "arn:aws:iam::1:role/abc"}, False),
    ({"Null": {"k": "true"}}, {}, True),
    ({"Null": {"k": "true"}}, {"k": "a"}, False),
    ({"Null": {"k": False}}, {"k": "a"}, True),
    ({"BinaryEquals": {"k": "QUJD"}}, {"k": "QUJD"}, True),
    ({"ForAllValues:StringEquals": {"k": ["a", "b"]}}, {"k": ["a", "b"]}, True),
    ({"ForAllValues:StringEquals": {"k": ["a", "b"]}}, {"k": ["a", "c"]}, False),
    ({"ForAllValues:StringEquals": {"k": ["a", "b"]}}, {}, True),
    ({"ForAllValues:StringNotEquals": {"k": ["a"]}}, {"k": ["b", "c"]}, True),
    ({"ForAnyValue:StringEquals": {"k": ["a"]}}, {"k": ["a", "c"]}, True),
    ({"ForAnyValue:StringEquals": {"k": ["a"]}}, {}, False),
    ({"ForAnyValue:StringNotEquals": {"k": ["a"]}}, {"k": ["a", "c"]}, True),
    ({"ForAnyValue:StringNotEquals": {"k": ["a"]}}, {}, False),
    ({"ForAnyValue:StringLike": {"k": ["team-*"]}}, {"k": ["x", "team-1"]}, True),
    ({"StringEquals": {"k": "${aws:PrincipalTag/team}"}}, {"k": "red", "aws:principaltag/team": "red"}, True),
    ({"StringEquals": {"k": "${aws:PrincipalTag/team}"}}, {"k": "x", "aws:principaltag/team": "y"}, False),
    ({"StringEquals": {}}, {}, True),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "context", "holds"), CONDITIONS)
def test_conditions(condition: dict[str, Any], context: dict[str, Any], holds: bool) -> None:
    request = Request("ec2:RunInstances", INSTANCE, context_values(context))

    assert (policy(allow(Condition=condition)).evaluate(request) is Decision.ALLOW) == holds
    assert (policy(deny(Condition=condition)).evaluate(request) is Decision.DENY) == holds


@pytest.mark.parametrize(
    "condition",
    [
        {"StringResembles": {"k": "a"}},
        {"ForSomeValues:StringEquals": {"k": "a"}},
        {"Bool": {"k": "maybe"}},
        {"NumericEquals": {"k": "many"}},
        {"DateLessThan": {"k": "tomorrow"}},
        {"IpAddress": {"k": "everywhere"}},
        {"StringEquals": {"k": "${aws:absent}"}},
    ],
)
def test_a_condition_that_is_not_understood_opens_nothing_and_lifts_no_bar(condition: dict[str, Any]) -> None:
    request = Request("ec2:RunInstances", INSTANCE, context_values({"k": "a"}))

    assert policy(allow(Condition=condition)).evaluate(request) is Decision.NEUTRAL
    assert policy(deny(Condition=condition)).evaluate(request) is Decision.DENY


@pytest.mark.parametrize(
    ("statement", "decision"),
    [
        (allow("ssm:*", "*"), Decision.ALLOW),
        (allow("ssm:*", "arn:aws:ssm:*:*:*"), Decision.ALLOW),
        (allow("ssm:*", "arn:aws:ssm:us-east-1:123456789012:*"), Decision.ALLOW),
        (allow("ssm:*", "arn:aws:ssm:eu-west-1:123456789012:*"), Decision.NEUTRAL),
        (allow("ssm:*", "arn:aws:ssm:*:*:document/*"), Decision.NEUTRAL),
        (allow("ssm:*", "arn:aws:s3:::*"), Decision.NEUTRAL),
        ({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:ssm:*:*:document/x"}, Decision.NEUTRAL),
        ({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::b"}, Decision.ALLOW),
        (deny("ssm:*", "arn:aws:ssm:*:*:document/secret"), Decision.DENY),
        (deny("ssm:*", "arn:aws:s3:::b"), Decision.NEUTRAL),
    ],
)
def test_a_resource_that_cannot_be_named_is_taken_for_the_worst(
    statement: dict[str, Any], decision: Decision
) -> None:
    unknown = UnknownResource("ssm", "aws", "us-east-1", "123456789012")

    assert policy(statement).evaluate(Request("ssm:SomethingNew", unknown)) is decision


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"Statement": ["x"]}',
        '{"Statement": {"Effect": "Perhaps", "Action": "*", "Resource": "*"}}',
        '{"Statement": {"Effect": "Allow", "Resource": "*"}}',
        '{"Statement": {"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"}}',
        '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": 1}}}',
    ],
)
def test_malformed_documents_are_refused(text: str) -> None:
    with pytest.raises(MalformedPolicy):
        parse_policy(text)


def test_a_statement_without_a_resource_allows_nothing() -> None:
    assert policy({"Effect": "Allow", "Action": "*"}).evaluate(RUN) is Decision.NEUTRAL
    assert policy({"Effect": "Deny", "Action": "*"}).evaluate(RUN) is Decision.DENY


USER = Principal(
    account_id="123456789012",
    partition="aws",
    arn="arn:aws:iam::123456789012:user/olga",
    kind="user",
    name="olga",
    access_key_id="AKIA",
    secret_access_key="s",
)
SSM = Service("ssm.amazonaws.com")
ASSUME = Request("sts:AssumeRole", "arn:aws:iam::123456789012:role/r")


@pytest.mark.parametrize(
    ("principal", "asker", "naming"),
    [
        ({"AWS": USER.arn}, USER, Naming.DIRECT),
        ({"AWS": ["arn:aws:iam::123456789012:user/other", USER.arn]}, USER, Naming.DIRECT),
        ({"AWS": "123456789012"}, USER, Naming.ACCOUNT),
        ({"AWS": "arn:aws:iam::123456789012:root"}, USER, Naming.ACCOUNT),
        ({"AWS": "*"}, USER, Naming.ACCOUNT),
        ("*", USER, Naming.ACCOUNT),
        ({"AWS": "arn:aws:iam::123456789012:user/ol*"}, USER, Naming.NOT),
        ({"AWS": "arn:aws:iam::999999999999:root"}, USER, Naming.NOT),
        ({"Service": "ssm.amazonaws.com"}, USER, Naming.NOT),
        ({"Service": "ssm.amazonaws.com"}, SSM, Naming.DIRECT),
        ({"Service": ["ec2.amazonaws.com", "ssm.amazonaws.com"]}, SSM, Naming.DIRECT),
        ({"Service": "ec2.amazonaws.com"}, SSM, Naming.NOT),
        ({"AWS": "*"}, SSM, Naming.NOT),
        (None, USER, Naming.NOT),
    ],
)
def test_how_a_trust_policy_names_the_asker(
    principal: Any, asker: Principal | Service, naming: Naming
) -> None:
    document = policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal})
    trust = evaluate_trust(document, ASSUME, asker)

    assert trust.naming is naming
    assert (trust.decision is Decision.ALLOW) == (naming is not Naming.NOT)


def test_a_deny_in_a_trust_policy_wins() -> None:
    document = policy(
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": USER.arn}},
        {"Effect": "Deny", "Action": "sts:*", "Principal": "*"},
    )

    assert evaluate_trust(document, ASSUME, USER).decision is Decision.DENY


def test_an_allow_by_not_principal_trusts_nobody() -> None:
    document = policy({"Effect": "Allow", "Action": "sts:AssumeRole", "NotPrincipal": {"AWS": "x"}})

    assert evaluate_trust(document, ASSUME, USER).decision is Decision.NEUTRAL
