"""The ways into AWS: whose name they carry, and which are refused. No AWS is called."""

import re

import pytest

from aws.connections import as_caller, as_portal, session_word
from aws.vault import seal
from common.errors import Forbidden
from tests.support.factories import make_target


@pytest.mark.parametrize(
    "name", ["x", "Ægir", "Øgir", "a b", "a-b", "", "\N{SNOWMAN}" * 90, "long" * 20, "e@x.org"]
)
def test_a_session_word_is_one_that_aws_takes(name):
    assert re.fullmatch(r"[\w+=,.@-]{2,64}", session_word(name), re.ASCII)


def test_two_people_never_get_the_same_session_word():
    names = ["Ægir", "Øgir", "-gir", "a b", "a-b", "a", "a-", "l" * 64, "l" * 65, "l" * 66]
    assert len({session_word(name) for name in names}) == len(names)
    assert session_word("olga@example.org") == "olga@example.org"


@pytest.mark.parametrize(
    "fields",
    [
        {"endpoint_url": "http://127.0.0.1:9"},
        {"access_key_id": "AKIAIOSFODNN7EXAMPLE", "sealed_secret": seal({"secret_access_key": "s"})},
    ],
    ids=["address", "key"],
)
def test_production_does_not_use_a_demonstrations_target_that_is_still_in_the_database(
    operator, settings, fields
):
    target = make_target(**fields)
    as_portal(target, on_behalf_of="operator")
    settings.LAB_TARGETS_ALLOWED = False
    with pytest.raises(Forbidden, match="belongs to a demonstration"):
        as_portal(target, on_behalf_of="operator")
    with pytest.raises(Forbidden, match="belongs to a demonstration"):
        as_caller(target, user=operator)
