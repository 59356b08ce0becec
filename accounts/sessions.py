"""Who is signed in with which session, for many sessions at once."""

from collections.abc import Collection

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.utils.crypto import constant_time_compare

from accounts.models import User
from common.clock import now


def signed_in(session_keys: Collection[str]) -> dict[str, User]:
    """Return the person of each session that is one of somebody active and not over: two queries.

    Judges as `django.contrib.auth.get_user` does: a session whose person has since changed their password
    is nobody's.
    """
    found = Session.objects.filter(session_key__in=session_keys, expire_date__gt=now())
    sessions = {row.session_key: row.get_decoded() for row in found}
    claimed = {
        key: facts[SESSION_KEY]
        for key, facts in sessions.items()
        if SESSION_KEY in facts and facts.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS
    }
    people = {
        str(person.pk): person for person in User.objects.filter(pk__in=claimed.values(), is_active=True)
    }
    return {
        key: people[claim]
        for key, claim in claimed.items()
        if claim in people and _genuine(people[claim], sessions[key].get(HASH_SESSION_KEY, ""))
    }


def _genuine(person: User, said: str) -> bool:
    hashes = (person.get_session_auth_hash(), *person.get_session_auth_fallback_hash())
    return any(constant_time_compare(said, each) for each in hashes)
