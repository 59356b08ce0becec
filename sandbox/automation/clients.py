"""Clients of AWS's services at this server: one for each service and Region, lent out with anybody's keys.

A client of its own for each run would cost a tenth of a second and a megabyte or so for each service.
"""

import functools
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import Credentials, ReadOnlyCredentials

from sandbox import settings
from sandbox.automation.calls import loader

# https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-executeAwsApi.html
CALL_SECONDS = 25
CONNECTIONS = 64

_keys: ContextVar[ReadOnlyCredentials] = ContextVar("keys")


class _KeysOfTheCall(Credentials):
    """Signs each call with the keys of whoever makes it."""

    def __init__(self) -> None:
        super().__init__("nobody", "nothing")

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return _keys.get()


def client_of(credentials: Mapping[str, str | None], region: str, service: str) -> Any:
    """A client of `service` in a Region with these keyword arguments of a boto3.Session.

    A service `lambda:300` is one whose client waits 300 seconds for an answer, and asks once.
    """
    shared = _shared(service, region)
    keys = ReadOnlyCredentials(
        str(credentials["aws_access_key_id"]),
        str(credentials["aws_secret_access_key"]),
        credentials.get("aws_session_token"),
    )

    def make_api_call(operation: str, parameters: Any) -> Any:
        token = _keys.set(keys)
        try:
            return shared._make_api_call(operation, parameters)
        finally:
            _keys.reset(token)

    client = object.__new__(type(shared))
    vars(client).update(vars(shared))
    # Every call of a client goes through this one method, those of its paginators and waiters too.
    client._make_api_call = make_api_call
    return client


@functools.lru_cache(maxsize=256)
def _shared(service: str, region: str) -> Any:
    core: Any = botocore.session.Session()
    core.register_component("data_loader", loader())
    core._credentials = _KeysOfTheCall()
    make: Any = boto3.Session(botocore_session=core, region_name=region).client
    name, _, seconds = service.partition(":")
    return make(
        name,
        endpoint_url=settings.endpoint_url(),
        config=Config(
            read_timeout=int(seconds or CALL_SECONDS),
            connect_timeout=CALL_SECONDS,
            max_pool_connections=CONNECTIONS,
            retries={"mode": "standard", "total_max_attempts": 1 if seconds else 3},
            s3={"addressing_style": "path"},
            user_agent_extra="ssm-automation",
        ),
    )
