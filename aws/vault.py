"""Secrets at rest: sealed with the newest of CREDENTIAL_KEYS, opened with any of them."""

import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from common.errors import PortalError


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.CREDENTIAL_KEYS])


def seal(secret: Mapping[str, str]) -> bytes:
    """Return `secret` encrypted and authenticated, fit to be stored."""
    return _fernet().encrypt(json.dumps(dict(secret)).encode())


def open_sealed(sealed: bytes | memoryview) -> dict[str, str]:
    """Return what `seal` was given.

    Raises PortalError when no key of CREDENTIAL_KEYS fits: a key was dropped before its secrets were sealed
    anew.
    """
    try:
        found: dict[str, str] = json.loads(_fernet().decrypt(bytes(sealed)))
    except InvalidToken:
        raise PortalError(
            "sealed",
            "A stored AWS key cannot be opened with the present CREDENTIAL_KEYS: put the key that sealed it "
            "back, or enter the AWS key again.",
            500,
        ) from None
    return found
