"""Sessions of assumed roles: opened once while they live, another for another person, run or key."""

from datetime import timedelta

import pytest

from aws import sessions
from aws.clients import Keys
from aws.models import AwsTarget
from common.clock import now

REQUEST = {"RoleArn": "arn:aws:iam::123456789012:role/Portal", "RoleSessionName": "olga"}


class Sts:
    """Opens sessions, and counts them."""

    def __init__(self, seconds: int = 900):
        self.opened = 0
        self.seconds = seconds

    def assume_role(self, **request):
        self.opened += 1
        ends_at = now() + timedelta(seconds=self.seconds)
        word = f"{request['RoleSessionName']}-{self.opened}"
        credentials = {
            "AccessKeyId": word,
            "SecretAccessKey": "s",
            "SessionToken": "t",
            "Expiration": ends_at,
        }
        return {"Credentials": credentials}


@pytest.fixture
def sts(monkeypatch):
    sessions.forget()
    made = Sts()
    monkeypatch.setattr(sessions, "client", lambda service, target, keys: made)
    yield made
    sessions.forget()


@pytest.fixture
def target():
    return AwsTarget(account_id="123456789012", region="us-east-1")


def test_a_session_is_opened_once_while_it_lives(sts, target):
    first = sessions.opened(None, target, REQUEST)
    assert sessions.opened(None, target, dict(REQUEST)) == first
    assert sts.opened == 1


def test_one_that_ends_soon_is_opened_anew(sts, target):
    sts.seconds = 299
    sessions.opened(None, target, REQUEST)
    sessions.opened(None, target, REQUEST)
    assert sts.opened == 2


def test_another_person_key_place_or_run_opens_another(sts, target):
    sessions.opened(None, target, REQUEST)
    sessions.opened(None, target, {**REQUEST, "RoleSessionName": "otto"})
    sessions.opened(None, target, {**REQUEST, "Tags": [{"Key": "automation-portal:run", "Value": "1"}]})
    sessions.opened(Keys("AKIA1", "secret"), target, REQUEST)
    sessions.opened(Keys("AKIA1", "changed"), target, REQUEST)
    sessions.opened(None, AwsTarget(account_id="123456789012", region="us-east-2"), REQUEST)
    assert sts.opened == 6


def test_no_more_are_kept_than_a_bound(sts, target, monkeypatch):
    monkeypatch.setattr(sessions, "MOST_KEPT", 3)
    for number in range(5):
        sessions.opened(None, target, {**REQUEST, "RoleSessionName": f"p{number}"})
    assert len(sessions._sessions._kept) == 3


def test_secrets_are_not_in_what_is_printed():
    assert "hidden" not in repr(Keys("AKIA1", "hidden", "hidden too"))
