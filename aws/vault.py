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
        raise _unopened() from None
    return found


def sealed_anew(sealed: bytes | memoryview) -> bytes | None:
    """Return the same secret sealed with the newest key; None when the newest key sealed it already.

    Raises PortalError as `open_sealed` does.
    """
    newest = Fernet(settings.CREDENTIAL_KEYS[0])
    try:
        newest.decrypt(bytes(sealed))
    except InvalidToken:
        try:
            return newest.encrypt(_fernet().decrypt(bytes(sealed)))
        except InvalidToken:
            raise _unopened() from None
    return None


def _unopened() -> PortalError:
    return PortalError(
        "sealed",
        "A stored AWS key cannot be opened with the present CREDENTIAL_KEYS: put the key that sealed it "
        "back, or enter the AWS key again.",
        500,
    )
