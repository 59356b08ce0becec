"""The check of an identity, asked of an AWS that answers."""

import pytest

from aws import jobs, services
from aws.connections import as_caller
from aws.models import CallerIdentity
from common import access
from common.errors import Forbidden
from tests.sandbox.conftest import start_sandbox, stop_sandbox
from tests.support.factories import ACCOUNT, make_delegation, make_document, make_target


@pytest.fixture(scope="module")
def account():
    running = start_sandbox()
    yield running
    stop_sandbox(running)


@pytest.fixture
def target(account, author, administrator, operators):
    target = make_target(endpoint_url=account.url)
    delegation = make_delegation(make_document(author), target, None, administrator)
    access.grant("execute", delegation, operators)
    return target


def checked(identity):
    jobs.check_identity(identity.pk)
    return CallerIdentity.objects.get(pk=identity.pk)


def test_it_notes_the_principal_that_aws_names(account, target, operator):
    keys = account.make_user("olga")
    identity = services.set_own_key(
        actor=operator,
        target=target,
        access_key_id=keys["aws_access_key_id"],
        secret_access_key=keys["aws_secret_access_key"],
    )
    found = checked(identity)
    assert (found.arn, found.failure) == (f"arn:aws:iam::{ACCOUNT}:user/olga", "")


def test_it_notes_why_aws_does_not_know_a_key(target, operator):
    identity = services.set_own_key(
        actor=operator, target=target, access_key_id="AKIAUNKNOWNUNKNOWN00", secret_access_key="nothing"
    )
    found = checked(identity)
    assert found.arn == ""
    assert "security token" in found.failure


def test_it_notes_that_a_key_belongs_to_another_account(account, target, operator):
    keys = account.make_user("otto")
    identity = services.set_own_key(
        actor=operator,
        target=target,
        access_key_id=keys["aws_access_key_id"],
        secret_access_key=keys["aws_secret_access_key"],
    )
    target.account_id = "210987654321"
    target.save()
    assert "belongs to another account" in checked(identity).failure


def test_it_opens_an_assigned_role_in_the_persons_name(account, target, operator, administrator):
    portal = account.make_user(
        "portal-for-identities", {"Effect": "Allow", "Action": "sts:*", "Resource": "*"}
    )
    services.update_target(
        actor=administrator,
        target=target,
        name=target.name,
        account_id=target.account_id,
        region=target.region,
        endpoint_url=target.endpoint_url,
        access_key_id=portal["aws_access_key_id"],
        secret_access_key=portal["aws_secret_access_key"],
    )
    trusted = f"arn:aws:iam::{ACCOUNT}:user/portal-for-identities"
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": trusted},
        "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
        "Condition": {"StringEquals": {"sts:SourceIdentity": "operator"}},
    }
    arn = account.make_role("olgas-own", trust)
    identity = services.assign_role(actor=administrator, user=operator, target=target, role_arn=arn)
    found = checked(identity)
    assert found.failure == ""
    assert found.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/olgas-own/operator"


def test_nothing_is_started_with_a_key_of_another_account(account, target, operator):
    keys = account.make_user("ottilie")
    services.set_own_key(
        actor=operator,
        target=target,
        access_key_id=keys["aws_access_key_id"],
        secret_access_key=keys["aws_secret_access_key"],
    )
    as_caller(target, user=operator)
    target.account_id = "210987654321"
    with pytest.raises(Forbidden, match="another account"):
        as_caller(target, user=operator)
