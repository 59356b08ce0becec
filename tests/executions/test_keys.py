"""Whose keys sign the portal's calls, over the wire."""

import threading
from dataclasses import replace

import boto3
import pytest
from botocore.exceptions import ClientError

from aws import clients, sessions
from aws.clients import Keys
from aws.connections import as_portal
from aws.errors import AwsError
from tests.executions.conftest import lab_target
from tests.support.factories import make_target

pytestmark = pytest.mark.django_db


def test_threads_that_share_a_client_sign_with_their_own_keys(account, portal_key, laboratory):
    target = make_target(account_id=laboratory.account_id, endpoint_url=account._endpoint_url)
    iam = account.client("iam")
    mine = {}
    for name in ("one", "two"):
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        mine[name] = Keys(key["AccessKeyId"], key["SecretAccessKey"])
    seen = {name: set() for name in mine}

    def ask(name):
        for _ in range(10):
            seen[name].add(clients.client("sts", target, mine[name]).get_caller_identity()["Arn"])

    threads = [threading.Thread(target=ask, args=(name,)) for name in mine for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {name: {f"arn:aws:iam::{laboratory.account_id}:user/{name}"} for name in mine}


def test_a_call_that_says_nobodys_keys_is_not_signed(account, laboratory):
    target = make_target(account_id=laboratory.account_id, endpoint_url=account._endpoint_url)
    bound = clients.client("sts", target, Keys("AKIA1", "s"))
    with pytest.raises(LookupError):
        bound._client.get_caller_identity()


def test_the_process_own_identity_is_used_only_where_it_is_meant(
    account, laboratory, portal_key, monkeypatch
):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", portal_key.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", portal_key.secret_access_key)
    clients._clients.forget()
    boto3.DEFAULT_SESSION = None
    target = make_target(account_id=laboratory.account_id, endpoint_url=account._endpoint_url)
    assert ":user/automation-portal" in clients.client("sts", target, None).get_caller_identity()["Arn"]
    with pytest.raises(ClientError):
        clients.client("sts", target, Keys("AKIAUNKNOWN000000000", "s")).get_caller_identity()
    clients._clients.forget()


def test_the_portals_session_is_the_same_for_calls_one_after_the_other(
    account, laboratory, portal_key, valkey, monkeypatch
):
    target = lab_target(account._endpoint_url, laboratory, portal_key)
    sessions.forget()
    first = as_portal(target, on_behalf_of="automation-portal")._client._keys
    assert as_portal(target, on_behalf_of="automation-portal")._client._keys == first
    assert as_portal(target, on_behalf_of="olga")._client._keys != first


def test_a_session_that_aws_no_longer_knows_is_forgotten_and_the_call_may_be_made_again(
    account, laboratory, portal_key, valkey
):
    target = lab_target(account._endpoint_url, laboratory, portal_key)
    sessions.forget()
    as_portal(target, on_behalf_of="olga")
    # As if AWS had lost or revoked it.
    for key, (keys, ends_at) in sessions._sessions._kept.items():
        sessions._sessions.keep(key, replace(keys, access_key_id="ASIAUNKNOWN000000000"), ends_at)
    with pytest.raises(AwsError, match="ended the portal's session") as refused:
        as_portal(target, on_behalf_of="olga").document(name="AWS-StopEC2Instance", version="1")
    assert refused.value.retryable
    with pytest.raises(AwsError) as answered:
        as_portal(target, on_behalf_of="olga").document(name="there-is-none", version="1")
    assert answered.value.aws_code == "InvalidDocument"
