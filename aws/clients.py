"""Clients of AWS's services, one for each service, Region and address; every call says whose keys sign it.

Making a client takes tens of milliseconds, and its first call a connection and TLS handshake. The portal acts
with another session for each run, so that clients which hold their keys would be made anew for each.
"""

import os
import threading
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import boto3
import botocore.loaders
import botocore.session
from botocore.config import Config
from botocore.credentials import (
    CredentialProvider,
    CredentialResolver,
    Credentials,
    ReadOnlyCredentials,
)
from botocore.exceptions import BotoCoreError, ClientError

from aws.models import AwsTarget
from ssmdoc.model_files import ModelFiles

_CONFIG = Config(
    connect_timeout=5,
    read_timeout=20,
    # The queue retries; a hidden second layer would only hold a worker.
    retries={"total_max_attempts": 2, "mode": "standard"},
    user_agent_extra="automation-portal",
)
_ONCE = Config(retries={"total_max_attempts": 1, "mode": "standard"})


# How services say that the keys of a request mean nothing to them any more.
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/CommonErrors.html
_ENDED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"}
)


class SessionEnded(BotoCoreError):
    """AWS refused a session of the portal's own before its time: the next call opens another."""

    fmt = "AWS has ended the portal's session: {said}"


@dataclass(frozen=True)
class Keys:
    """An access key, long-lived or a session's.

    Attributes:
        forget: for a session that is kept: called when AWS knows it no longer.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    forget: Callable[[], None] | None = field(default=None, repr=False, compare=False)


_signing: ContextVar[Keys] = ContextVar("signing")


class _KeysOfTheCall(Credentials):
    """Signs with the keys of the present call; outside of one LookupError, so none goes out as another."""

    def __init__(self) -> None:
        super().__init__("", "", method="portal")

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        keys = _signing.get()
        return ReadOnlyCredentials(keys.access_key_id, keys.secret_access_key, keys.session_token)


class _Provider(CredentialProvider):
    METHOD = "portal"

    def load(self) -> Credentials:
        return _KeysOfTheCall()


# Keeps the models of services that it has read, for all sessions and for the processes that are forked.
_models = botocore.loaders.Loader(file_loader=ModelFiles())


def _session() -> boto3.Session:
    core = botocore.session.get_session()
    core.register_component("data_loader", _models)
    core.register_component("credential_provider", CredentialResolver(providers=[_Provider()]))
    return boto3.Session(botocore_session=core)


class Client:
    """A service's client whose calls are signed with one set of keys; otherwise it is boto3's."""

    def __init__(self, client: Any, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    @property
    def meta(self) -> Any:
        """What boto3 knows of the client."""
        return self._client.meta

    def __getattr__(self, name: str) -> Callable[..., Any]:
        operation = getattr(self._client, name)

        @wraps(operation)
        def call(**request: Any) -> Any:
            before = _signing.set(self._keys)
            try:
                return operation(**request)
            except ClientError as error:
                detail = error.response.get("Error", {})
                if self._keys.forget is None or detail.get("Code") not in _ENDED:
                    raise
                self._keys.forget()
                raise SessionEnded(said=detail.get("Message", "")) from error
            finally:
                _signing.reset(before)

        return call


class _Clients:
    """The clients that this process has made. Thread-safe; a forked process begins with none."""

    def __init__(self) -> None:
        self.forget()

    def get(self, service: str, target: AwsTarget, *, ambient: bool, repeats: bool) -> Any:
        key = (service, target.region, target.endpoint_url, ambient, repeats)
        with self._lock:
            if key not in self._made:
                if ambient not in self._sessions:
                    self._sessions[ambient] = boto3.Session() if ambient else _session()
                make: Any = self._sessions[ambient].client
                self._made[key] = make(
                    service,
                    region_name=target.region,
                    endpoint_url=target.endpoint_url or None,
                    config=_CONFIG if repeats else _CONFIG.merge(_ONCE),
                )
            return self._made[key]

    def forget(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str, str, bool, bool], Any] = {}
        self._sessions: dict[bool, boto3.Session] = {}


_clients = _Clients()
# Two processes may not talk through one connection.
os.register_at_fork(after_in_child=_clients.forget)


def load() -> None:
    """Load what most clients are made of, so that processes which are forked then find it there."""
    session: Any = _session()
    for service in ("ssm", "sts"):
        session.client(service, region_name="us-east-1")


def client(service: str, target: AwsTarget, keys: Keys | None, *, repeats: bool = True) -> Any:
    """Return a client of `service` in `target`.

    Arguments:
        service: as boto3 names it, e.g. "ssm".
        keys: what signs its calls; None for the process's own identity, which botocore finds and renews.
        repeats: whether a request that got no good answer is sent once more; not for one that does harm then.
    """
    found = _clients.get(service, target, ambient=keys is None, repeats=repeats)
    return found if keys is None else Client(found, keys)
