"""Who is signed in with which session, for many sessions at once."""

from collections.abc import Collection
from functools import lru_cache

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils.crypto import constant_time_compare

from accounts.models import User
from common.clock import now

# Sessions of which is remembered what they say.
KEPT = 4096


def signed_in(session_keys: Collection[str]) -> dict[str, User]:
    """Return the person of each session that is one of somebody active and not over: two queries.

    Judges as `django.contrib.auth.get_user` does: a session whose person has since changed their password
    is nobody's.
    """
    found = Session.objects.filter(session_key__in=session_keys, expire_date__gt=now())
    claims = {key: _claim(text) for key, text in found.values_list("session_key", "session_data")}
    people = User.objects.only("password", "is_active").filter(is_active=True)
    by_key = {str(person.pk): person for person in people.filter(pk__in={who for who, _ in claims.values()})}
    return {
        key: by_key[who]
        for key, (who, said) in claims.items()
        if who in by_key and _proves(said, who, by_key[who].password)
    }


# Live pages ask for the same sessions again and again: a text that we signed stays one that we signed.
@lru_cache(maxsize=KEPT)
def _claim(session_data: str) -> tuple[str, str]:
    """Return the primary key of who signed in, and the hash that proves it; "0" for nobody."""
    facts = SessionStore().decode(session_data)
    if facts.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return "0", ""
    return facts.get(SESSION_KEY, "0"), facts.get(HASH_SESSION_KEY, "")


@lru_cache(maxsize=KEPT)
def _proves(said: str, who: str, password: str) -> bool:
    person = User(pk=who, password=password)
    hashes = (person.get_session_auth_hash(), *person.get_session_auth_fallback_hash())
    return any(constant_time_compare(said, each) for each in hashes)
