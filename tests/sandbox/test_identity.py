"""Users, sessions and the root: who a request is taken for, and how roles are assumed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.errors import AccessDenied, InvalidCredentials
from sandbox.identity import Identities, make_access_key_id, root_principal
from tests.sandbox.conftest import ACCOUNT_ID, Sandbox, policy_text

ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
ASSUME = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}


def trusting(principal: Any, action: Any = "sts:AssumeRole", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action, **more}


def code_of(call: Any, *arguments: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(*arguments, **parameters)
    return str(caught.value.response["Error"]["Code"])


def test_everyone_is_told_who_they_are(sandbox: Sandbox) -> None:
    user = sandbox.make_user("who", ASSUME)
    role = sandbox.make_role("who-role", trusting({"AWS": ACCOUNT_ID}))
    session = sandbox.assume(user, role, "me@example.org")

    def identity(keys: dict[str, str]) -> dict[str, str]:
        answer = sandbox.client("sts", keys).get_caller_identity()
        return {name: answer[name] for name in ("Arn", "Account", "UserId")}

    assert identity(sandbox.root) == {
        "Arn": f"arn:aws:iam::{ACCOUNT_ID}:root",
        "Account": ACCOUNT_ID,
        "UserId": ACCOUNT_ID,
    }
    assert identity(user)["Arn"] == f"arn:aws:iam::{ACCOUNT_ID}:user/who"
    assert identity(session)["Arn"] == f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/who-role/me@example.org"
    assert identity(session)["UserId"].endswith(":me@example.org")


def test_a_deny_does_not_keep_anyone_from_asking_who_they_are(sandbox: Sandbox) -> None:
    keys = sandbox.make_user("all-denied", {"Effect": "Deny", "Action": "*", "Resource": "*"})

    assert sandbox.client("sts", keys).get_caller_identity()["Account"] == ACCOUNT_ID


def test_a_disabled_or_deleted_key_is_no_key(sandbox: Sandbox) -> None:
    iam = sandbox.client("iam")
    keys = sandbox.make_user("disabled", ALLOW_ALL)
    key_id = keys["aws_access_key_id"]
    whoami = sandbox.client("sts", keys).get_caller_identity

    iam.update_access_key(UserName="disabled", AccessKeyId=key_id, Status="Inactive")
    assert code_of(whoami) == "InvalidClientTokenId"
    iam.update_access_key(UserName="disabled", AccessKeyId=key_id, Status="Active")
    assert whoami()
    iam.delete_access_key(UserName="disabled", AccessKeyId=key_id)
    assert code_of(whoami) == "InvalidClientTokenId"


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
        ("ec2", "describe_instances", "AuthFailure"),
        ("ssm", "list_documents", "UnrecognizedClientException"),
        ("s3", "list_buckets", "InvalidAccessKeyId"),
        ("lambda", "list_functions", "UnrecognizedClientException"),
    ],
)
def test_each_service_words_an_unknown_key_its_own_way(
    sandbox: Sandbox, service: str, operation: str, code: str
) -> None:
    keys = {"aws_access_key_id": make_access_key_id("AKIA"), "aws_secret_access_key": "x"}

    assert code_of(getattr(sandbox.client(service, keys), operation)) == code


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("sts", "get_caller_identity", "SignatureDoesNotMatch"),
        ("ec2", "describe_instances", "AuthFailure"),
        ("ssm", "list_documents", "InvalidSignatureException"),
        ("s3", "list_buckets", "SignatureDoesNotMatch"),
    ],
)
def test_a_wrong_secret_is_refused(sandbox: Sandbox, service: str, operation: str, code: str) -> None:
    keys = {**sandbox.root, "aws_secret_access_key": "wrong"}

    assert code_of(getattr(sandbox.client(service, keys), operation)) == code


def test_a_session_needs_its_own_token(sandbox: Sandbox) -> None:
    user = sandbox.make_user("tokens", ASSUME)
    role = sandbox.make_role("tokens-role", trusting({"AWS": ACCOUNT_ID}))
    one, other = sandbox.assume(user, role, "one"), sandbox.assume(user, role, "other")

    mixed = {**one, "aws_session_token": other["aws_session_token"]}
    without = {name: value for name, value in one.items() if name != "aws_session_token"}

    assert code_of(sandbox.client("sts", mixed).get_caller_identity) == "InvalidClientTokenId"
    assert code_of(sandbox.client("sts", without).get_caller_identity) == "InvalidClientTokenId"


def test_sessions_end(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Identities()
    subject = root_principal(ACCOUNT_ID, "AKIAX", "s")
    principal = known.open_session(subject, duration=timedelta(minutes=15)).principal
    assert known.find(principal.access_key_id, principal.session_token).arn == subject.arn

    later = datetime.now(UTC) + timedelta(minutes=16)
    monkeypatch.setattr("sandbox.identity.utcnow", lambda: later)

    with pytest.raises(InvalidCredentials) as caught:
        known.find(principal.access_key_id, principal.session_token)
    assert caught.value.code == "ExpiredToken"


def test_a_role_that_trusts_the_account_needs_the_users_policy_too(sandbox: Sandbox) -> None:
    role = sandbox.make_role("by-account", trusting({"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"}))
    without, having = sandbox.make_user("acct-no"), sandbox.make_user("acct-yes", ASSUME)

    assert code_of(sandbox.assume, without, role, "s1") == "AccessDenied"
    assert sandbox.assume(having, role, "s1")


def test_a_role_that_names_the_user_needs_nothing_else(sandbox: Sandbox) -> None:
    keys = sandbox.make_user("named")
    role = sandbox.make_role("by-name", trusting({"AWS": f"arn:aws:iam::{ACCOUNT_ID}:user/named"}))
    stranger = sandbox.make_user("unnamed", ASSUME)

    assert sandbox.assume(keys, role, "s1")
    assert code_of(sandbox.assume, stranger, role, "s1") == "AccessDenied"


def test_a_users_explicit_deny_wins_over_the_roles_trust(sandbox: Sandbox) -> None:
    keys = sandbox.make_user("named-denied", {**ASSUME, "Effect": "Deny"})
    role = sandbox.make_role("by-name-2", trusting({"AWS": f"arn:aws:iam::{ACCOUNT_ID}:user/named-denied"}))

    assert code_of(sandbox.assume, keys, role, "s1") == "AccessDenied"


def test_a_role_that_is_not_there_is_refused_like_one_that_refuses(sandbox: Sandbox) -> None:
    keys = sandbox.make_user("guesser", ASSUME)

    assert code_of(sandbox.assume, keys, f"arn:aws:iam::{ACCOUNT_ID}:role/absent", "s1") == "AccessDenied"


def test_root_assumes_no_role(sandbox: Sandbox) -> None:
    role = sandbox.make_role("not-for-root", trusting({"AWS": ACCOUNT_ID}))

    assert code_of(sandbox.assume, sandbox.root, role, "s1") == "AccessDenied"


def test_a_role_for_a_service_is_not_for_people(sandbox: Sandbox) -> None:
    keys = sandbox.make_user("curious", ALLOW_ALL)
    role = sandbox.make_role("for-ssm", trusting({"Service": "ssm.amazonaws.com"}), ALLOW_ALL)

    assert code_of(sandbox.assume, keys, role, "s1") == "AccessDenied"


def test_an_external_id_is_asked_for(sandbox: Sandbox) -> None:
    keys = sandbox.make_user("external", ASSUME)
    condition = {"StringEquals": {"sts:ExternalId": "shared-secret"}}
    role = sandbox.make_role("with-external-id", trusting({"AWS": ACCOUNT_ID}, Condition=condition))

    assert sandbox.assume(keys, role, "s1", ExternalId="shared-secret")
    assert code_of(sandbox.assume, keys, role, "s1", ExternalId="guess") == "AccessDenied"
    assert code_of(sandbox.assume, keys, role, "s1") == "AccessDenied"


def test_source_identity_and_tags_need_permissions_of_their_own(sandbox: Sandbox) -> None:
    keys = sandbox.make_user("provenance", {**ASSUME, "Action": "sts:*"})
    plain = sandbox.make_role("plain", trusting({"AWS": ACCOUNT_ID}))
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]
    rich = sandbox.make_role("rich", trusting({"AWS": ACCOUNT_ID}, actions))
    tags = [{"Key": "run", "Value": "42"}]

    assert code_of(sandbox.assume, keys, plain, "s1", SourceIdentity="olga") == "AccessDenied"
    assert code_of(sandbox.assume, keys, plain, "s1", Tags=tags) == "AccessDenied"
    assert sandbox.assume(keys, rich, "s1", SourceIdentity="olga", Tags=tags)


def test_a_policy_may_ask_for_source_identity_and_session_tags(sandbox: Sandbox) -> None:
    keys = sandbox.make_user("asker", {**ASSUME, "Action": "sts:*"})
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]
    conditions = {"StringEquals": {"aws:SourceIdentity": "olga", "aws:PrincipalTag/team": "red"}}
    role = sandbox.make_role(
        "asking", trusting({"AWS": ACCOUNT_ID}, actions), {**ALLOW_ALL, "Condition": conditions}
    )

    def works(identity: str, team: str) -> bool:
        tags = [{"Key": "team", "Value": team}]
        session = sandbox.assume(keys, role, "s1", SourceIdentity=identity, Tags=tags)
        try:
            sandbox.client("ec2", session).describe_instances()
        except ClientError:
            return False
        return True

    assert works("olga", "red")
    assert not works("otto", "red")
    assert not works("olga", "blue")


def test_transitive_tags_and_source_identity_go_along_a_chain(sandbox: Sandbox) -> None:
    keys = sandbox.make_user("chain-start", {**ASSUME, "Action": "sts:*"})
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]
    first = sandbox.make_role(
        "chain-1", trusting({"AWS": ACCOUNT_ID}, actions), {**ASSUME, "Action": "sts:*"}
    )
    conditions = {"StringEquals": {"aws:SourceIdentity": "olga", "aws:PrincipalTag/run": "7"}}
    second = sandbox.make_role(
        "chain-2",
        trusting({"AWS": first}, actions),
        {**ALLOW_ALL, "Condition": {**conditions, "Null": {"aws:PrincipalTag/passing": "true"}}},
    )
    tags = [{"Key": "run", "Value": "7"}, {"Key": "passing", "Value": "x"}]

    one = sandbox.assume(keys, first, "s1", SourceIdentity="olga", Tags=tags, TransitiveTagKeys=["run"])
    two = sandbox.assume(one, second, "s2")

    assert sandbox.client("ec2", two).describe_instances()
    assert code_of(sandbox.assume, one, second, "s2", SourceIdentity="otto") == "AccessDenied"
    change = [{"Key": "run", "Value": "8"}]
    assert code_of(sandbox.assume, one, second, "s2", Tags=change) == "InvalidParameterValue"


def test_how_long_a_session_may_last(sandbox: Sandbox) -> None:
    keys = sandbox.make_user("lasting", {**ASSUME, "Action": "sts:*"})
    trust = trusting({"AWS": ACCOUNT_ID})
    short = sandbox.make_role("short", trust, ASSUME)
    long = sandbox.make_role("long", trust, ASSUME, MaxSessionDuration=43200)

    assert code_of(sandbox.assume, keys, short, "s1", DurationSeconds=3601) == "ValidationError"
    session = sandbox.assume(keys, long, "s1", DurationSeconds=43200)
    # Chaining allows an hour, whatever the role does.
    assert code_of(sandbox.assume, session, long, "s2", DurationSeconds=3601) == "ValidationError"
    assert sandbox.assume(session, long, "s2", DurationSeconds=3600)


def test_a_session_policy_narrows_and_never_widens(sandbox: Sandbox) -> None:
    keys = sandbox.make_user("narrow", ASSUME)
    only_s3 = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    role = sandbox.make_role(
        "narrowed",
        trusting({"AWS": ACCOUNT_ID}),
        {**only_s3, "Action": ["s3:ListAllMyBuckets", "ec2:Describe*"]},
    )
    narrowed = sandbox.assume(keys, role, "s1", Policy=policy_text(only_s3))

    assert sandbox.client("s3", narrowed).list_buckets()
    assert code_of(sandbox.client("ec2", narrowed).describe_instances) == "UnauthorizedOperation"
    assert code_of(sandbox.client("s3", narrowed).create_bucket, Bucket="wide") == "AccessDenied"
    assert code_of(sandbox.assume, keys, role, "s1", Policy="{") == "MalformedPolicyDocument"


@pytest.mark.parametrize("name", ["with space", "semi;colon", "umlaut-ü"])
def test_session_names_have_aws_form(sandbox: Sandbox, name: str) -> None:
    keys = {"aws_access_key_id": sandbox.root["aws_access_key_id"], **sandbox.root}

    assert code_of(sandbox.assume, keys, f"arn:aws:iam::{ACCOUNT_ID}:role/any", name) == "ValidationError"


def test_a_role_made_anew_leaves_old_sessions_nothing(sandbox: Sandbox) -> None:
    iam = sandbox.client("iam")
    keys = sandbox.make_user("renewer", ASSUME)
    role = sandbox.make_role("renewed", trusting({"AWS": ACCOUNT_ID}), ALLOW_ALL)
    session = sandbox.assume(keys, role, "s1")
    client = sandbox.client("ec2", session)
    assert client.describe_instances()

    iam.delete_role_policy(RoleName="renewed", PolicyName="test")
    iam.delete_role(RoleName="renewed")
    assert code_of(client.describe_instances) == "UnauthorizedOperation"
    sandbox.make_role("renewed", trusting({"AWS": ACCOUNT_ID}), ALLOW_ALL)
    assert code_of(client.describe_instances) == "UnauthorizedOperation"


def test_a_user_may_have_a_session_of_its_own(sandbox: Sandbox) -> None:
    keys = sandbox.make_user("tokened", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    given = sandbox.client("sts", keys).get_session_token()["Credentials"]
    session = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }

    assert sandbox.client("sts", session).get_caller_identity()["Arn"].endswith(":user/tokened")
    assert sandbox.client("s3", session).list_buckets()
    assert code_of(sandbox.client("ec2", session).describe_instances) == "UnauthorizedOperation"


def test_web_identities_and_saml_are_refused(sandbox: Sandbox) -> None:
    client = sandbox.client("sts", signature_version="v4")

    assert (
        code_of(
            client.assume_role_with_web_identity,
            RoleArn=f"arn:aws:iam::{ACCOUNT_ID}:role/any",
            RoleSessionName="s1",
            WebIdentityToken="t" * 20,
        )
        == "MissingAuthenticationToken"
    )


def test_a_service_is_given_the_roles_that_trust_it(sandbox: Sandbox) -> None:
    """Over the wire: an automation acts as its role only where the role's conditions on the caller hold."""
    arn = f"arn:aws:ssm:*:{ACCOUNT_ID}:automation-execution/*"
    guarded = {"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}, "ArnLike": {"aws:SourceArn": arn}}
    foreign = {"StringEquals": {"aws:SourceAccount": "999999999999"}}

    from sandbox import authorization

    for name, condition, given in (("guarded", guarded, True), ("foreign", foreign, False)):
        role = make_local_role(name, trusting({"Service": "ssm.amazonaws.com"}, Condition=condition))

        def assume(role: str = role) -> Any:
            return authorization.assume_role_as_service(
                role,
                session_name="Automation-1",
                source_account=ACCOUNT_ID,
                source_arn=arn.replace("*", "us-east-1", 1).replace("/*", "/1"),
            )

        if given:
            principal = assume()
            assert principal.arn == f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{name}/Automation-1"
            assert principal.session_token
        else:
            with pytest.raises(AccessDenied, match=r"ssm\.amazonaws\.com is not authorized"):
                assume()


def make_local_role(name: str, trust: dict[str, Any]) -> str:
    """A role in this process, for functions that are not reached over the wire."""
    from moto.iam.models import iam_backends

    role = iam_backends[ACCOUNT_ID]["aws"].create_role(
        role_name=name,
        assume_role_policy_document=policy_text(trust),
        path="/",
        permissions_boundary=None,
        description="",
        tags=[],
        max_session_duration=None,
    )
    return str(role.arn)
