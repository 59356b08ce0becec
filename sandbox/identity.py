"""Who calls: principals, their credentials, and the sessions that STS has given out."""

from __future__ import annotations

import pickle
import secrets
import string
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from sandbox.errors import InvalidCredentials

Kind = Literal["user", "role-session", "root"]


@dataclass(frozen=True)
class Principal:
    """An identity that signs requests. `name` is the user's or the role's name.

    `arn` is the user's, the assumed-role session's or the account root's; `role_arn` and `session_name` are
    set for a role session only.
    """

    account_id: str
    partition: str
    arn: str
    kind: Kind
    name: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    role_arn: str | None = None
    session_name: str | None = None
    source_identity: str | None = None
    session_tags: Mapping[str, str] = field(default_factory=dict)
    user_id: str = ""

    def credentials(self) -> dict[str, str | None]:
        """Keyword arguments that make a boto3.Session act as this principal."""
        return {
            "aws_access_key_id": self.access_key_id,
            "aws_secret_access_key": self.secret_access_key,
            "aws_session_token": self.session_token,
        }


@dataclass(frozen=True)
class Session:
    """Temporary credentials: whose, until when, and what narrows them.

    `session_policies` are policy texts that the session is limited to (empty: not limited). `via_service`
    tells that an AWS service acts for the principal with them (`aws:ViaAWSService`).
    """

    principal: Principal
    issued_at: datetime
    expires_at: datetime
    session_policies: tuple[str, ...] = ()
    transitive_tag_keys: frozenset[str] = frozenset()
    via_service: bool = False

    def expired(self, now: datetime) -> bool:
        return now >= self.expires_at


def utcnow() -> datetime:
    return datetime.now(UTC)


_KEY_ALPHABET = string.ascii_uppercase + "234567"


def make_access_key_id(prefix: str) -> str:
    """A fresh access key id of 20 characters; `prefix` is AKIA for long-term keys and ASIA for a
    session's.
    """
    return prefix + "".join(secrets.choice(_KEY_ALPHABET) for _ in range(20 - len(prefix)))


def make_secret() -> str:
    return secrets.token_urlsafe(30)


def root_principal(account_id: str, access_key_id: str, secret_access_key: str) -> Principal:
    """The root of an account of the `aws` partition."""
    return Principal(
        account_id=account_id,
        partition="aws",
        arn=f"arn:aws:iam::{account_id}:root",
        kind="root",
        name="root",
        access_key_id=access_key_id,
        secret_access_key=secret_access_key,
        user_id=account_id,
    )


class Identities:
    """The root key and all sessions of this sandbox. Users' own keys live in moto's IAM.

    Thread-safe. Expired sessions are dropped a day after their end, so that late users are told "expired" and
    not "unknown".
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._roots: dict[str, Principal] = {}
        self._sessions: dict[str, Session] = {}
        # The access keys of those that came or went since the state was asked for.
        self._changed: set[str] = set()

    def set_root(self, principal: Principal) -> None:
        """Accept `principal`'s key as its account's root key, in place of any earlier one."""
        with self._lock:
            replaced = [k for k, p in self._roots.items() if p.account_id == principal.account_id]
            for key in replaced:
                del self._roots[key]
            self._roots[principal.access_key_id] = principal
            self._changed.update((*replaced, principal.access_key_id))

    def root(self, account_id: str) -> Principal | None:
        with self._lock:
            return next((p for p in self._roots.values() if p.account_id == account_id), None)

    def open_session(
        self,
        subject: Principal,
        *,
        duration: timedelta,
        session_policies: tuple[str, ...] = (),
        transitive_tag_keys: frozenset[str] = frozenset(),
        via_service: bool = False,
    ) -> Session:
        """Give out temporary credentials for `subject` (its own keys are replaced) and remember them."""
        now = utcnow()
        principal = replace(
            subject,
            access_key_id=make_access_key_id("ASIA"),
            secret_access_key=make_secret(),
            session_token=secrets.token_urlsafe(96),
        )
        session = Session(
            principal=principal,
            issued_at=now,
            expires_at=now + duration,
            session_policies=session_policies,
            transitive_tag_keys=transitive_tag_keys,
            via_service=via_service,
        )
        with self._lock:
            stale = [k for k, s in self._sessions.items() if s.expired(now - timedelta(days=1))]
            for key in stale:
                del self._sessions[key]
            self._sessions[principal.access_key_id] = session
            self._changed.update((*stale, principal.access_key_id))
        return session

    def session(self, access_key_id: str) -> Session | None:
        with self._lock:
            return self._sessions.get(access_key_id)

    def find(self, access_key_id: str, session_token: str | None) -> Principal:
        """The principal of an access key id.

        Errors: InvalidCredentials when the key is unknown or inactive, when the session token is missing or
        not the key's (InvalidClientTokenId), or when the session has ended (ExpiredToken).
        """
        with self._lock:
            root = self._roots.get(access_key_id)
            session = self._sessions.get(access_key_id)
        if session is not None:
            given = session_token or ""
            if not secrets.compare_digest(given.encode(), (session.principal.session_token or "").encode()):
                raise _unknown_key()
            if session.expired(utcnow()):
                raise InvalidCredentials(
                    "ExpiredToken", "The security token included in the request is expired"
                )
            return session.principal
        principal = root or _user_of_key(access_key_id)
        if principal is None or session_token:
            raise _unknown_key()
        return principal

    def account_of(self, access_key_id: str) -> str | None:
        """The account that an access key belongs to, None for a key that is not known."""
        with self._lock:
            session = self._sessions.get(access_key_id)
            principal = session.principal if session else self._roots.get(access_key_id)
        principal = principal or _user_of_key(access_key_id)
        return principal.account_id if principal else None

    def changes(self) -> dict[str, bytes | None]:
        """What must survive a restart and is new, by access key; None for what is gone."""
        with self._lock:
            found = {key: self._roots.get(key) or self._sessions.get(key) for key in self._changed}
            changes = {key: None if value is None else pickle.dumps(value) for key, value in found.items()}
            self._changed.clear()
        return changes

    def load(self, kept: Mapping[str, bytes]) -> None:
        """Take up what `changes` gave, in place of all that is there."""
        values = {key: pickle.loads(value) for key, value in kept.items()}  # noqa: S301 - our own state file
        with self._lock:
            self._roots = {key: value for key, value in values.items() if isinstance(value, Principal)}
            self._sessions = {key: value for key, value in values.items() if isinstance(value, Session)}
            self._changed.clear()


identities = Identities()


def _unknown_key() -> InvalidCredentials:
    return InvalidCredentials(
        "InvalidClientTokenId", "The security token included in the request is invalid."
    )


def _user_of_key(access_key_id: str) -> Principal | None:
    from moto.iam.models import iam_backends

    for account_id, partitions in list(iam_backends.items()):
        for partition, backend in list(partitions.items()):
            # By the users' own keys: the backend's index keeps keys of users that are gone.
            for user in list(backend.users.values()):
                for key in list(user.access_keys):
                    if key.access_key_id == access_key_id and key.status == "Active":
                        return Principal(
                            account_id=account_id,
                            partition=partition,
                            arn=user.arn,
                            kind="user",
                            name=user.name,
                            access_key_id=key.access_key_id,
                            secret_access_key=key.secret_access_key,
                            user_id=user.id,
                        )
    return None


_principal: ContextVar[Principal] = ContextVar("sandbox_principal")


def current_principal() -> Principal:
    """The principal that signed the request being served. Errors: LookupError outside of a request."""
    return _principal.get()


@contextmanager
def acting_as(principal: Principal) -> Iterator[None]:
    """Make `principal` the current one for the block."""
    token = _principal.set(principal)
    try:
        yield
    finally:
        _principal.reset(token)
