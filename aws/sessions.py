"""Sessions of assumed roles, kept in this process's memory for as long as they live and nowhere else.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from aws.clients import Keys, client
from aws.errors import translated
from aws.models import AwsTarget
from common.clock import now

# Whoever gets a session may use it for so long: one that ends sooner is opened anew.
LEAST_LEFT = timedelta(minutes=5)
MOST_KEPT = 1000


class _Sessions:
    """Sessions by a digest of all that they depend on: a changed key or role opens another. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[Keys, datetime]] = OrderedDict()

    def find(self, key: str) -> Keys | None:
        with self._lock:
            keys, ends_at = self._kept.get(key, (None, None))
            if ends_at is not None and ends_at - now() < LEAST_LEFT:
                del self._kept[key]
                return None
            return keys

    def keep(self, key: str, keys: Keys, ends_at: datetime) -> None:
        with self._lock:
            self._kept[key] = (keys, ends_at)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)

    def drop(self, key: str) -> None:
        with self._lock:
            self._kept.pop(key, None)

    def forget(self) -> None:
        with self._lock:
            self._kept.clear()


_sessions = _Sessions()


def opened(own: Keys | None, target: AwsTarget, request: Mapping[str, Any]) -> Keys:
    """Return the keys of a session that `request` opens, good for LEAST_LEFT at least.

    Arguments:
        own: what signs the request; None for the process's own identity.
        request: AssumeRole's.

    Raises AwsError when the role cannot be assumed.
    """
    signed = (own.access_key_id, own.secret_access_key, own.session_token) if own else None
    place = (target.account_id, target.region, target.endpoint_url)
    key = hashlib.sha256(json.dumps([signed, place, request], sort_keys=True).encode()).hexdigest()
    found = _sessions.find(key)
    if found is not None:
        return found
    try:
        answer = client("sts", target, own).assume_role(**request)["Credentials"]
    except (ClientError, BotoCoreError) as error:
        raise translated(error, "AssumeRole") from error
    keys = Keys(
        answer["AccessKeyId"],
        answer["SecretAccessKey"],
        answer["SessionToken"],
        forget=partial(_sessions.drop, key),
    )
    _sessions.keep(key, keys, answer["Expiration"])
    return keys


def forget() -> None:
    """Forget all sessions: what they stand for may not hold any more."""
    _sessions.forget()
