"""Who is signed in with many sessions at once: the same as Django says of each."""

from datetime import timedelta

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, get_user
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.test import Client

from accounts.sessions import signed_in
from common.clock import now


def session_of(person):
    client = Client()
    client.force_login(person)
    return client.session.session_key


def told_by_django(key):
    request = HttpRequest()
    request.session = SessionStore(key)
    return get_user(request)


def over(key, person):
    Session.objects.filter(pk=key).update(expire_date=now() - timedelta(seconds=1))


def deactivated(key, person):
    person.is_active = False
    person.save()


def with_a_new_password(key, person):
    person.set_password("another one")
    person.save()


def signed_out(key, person):
    SessionStore(key).delete()


def by_an_unknown_way(key, person):
    session = SessionStore(key)
    session[BACKEND_SESSION_KEY] = "somebody.elses.Backend"
    session.save()


def forged(key, person):
    Session.objects.filter(pk=key).update(session_data="e30:1tzz:forged")


@pytest.mark.parametrize(
    "happens", [over, deactivated, with_a_new_password, signed_out, by_an_unknown_way, forged]
)
def test_a_session_that_is_no_longer_good_is_nobodys(operator, colleague, happens):
    mine, theirs = session_of(operator), session_of(colleague)
    assert signed_in([mine, theirs]) == {mine: operator, theirs: colleague}
    happens(mine, operator)
    assert signed_in([mine, theirs]) == {theirs: colleague}
    assert not told_by_django(mine).is_authenticated


def test_what_is_no_session_is_nobodys(db, django_assert_num_queries):
    nobody = SessionStore()
    nobody["theme"] = "dark"
    nobody.save()
    with django_assert_num_queries(2):
        assert signed_in([nobody.session_key, "", "made-up"]) == {}
