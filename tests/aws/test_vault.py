import pytest
from cryptography.fernet import Fernet

from aws.vault import open_sealed, seal
from common.errors import PortalError


def test_a_sealed_secret_opens_again_and_is_not_readable():
    sealed = seal({"secret_access_key": "hunter2"})
    assert b"hunter2" not in sealed
    assert open_sealed(sealed) == {"secret_access_key": "hunter2"}
    assert open_sealed(memoryview(sealed)) == {"secret_access_key": "hunter2"}


def test_an_older_key_still_opens_what_it_sealed(settings):
    sealed = seal({"secret_access_key": "hunter2"})
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode(), *settings.CREDENTIAL_KEYS]
    assert open_sealed(sealed) == {"secret_access_key": "hunter2"}


def test_a_dropped_key_is_named_as_the_cause(settings):
    sealed = seal({"secret_access_key": "hunter2"})
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(PortalError, match="CREDENTIAL_KEYS") as caught:
        open_sealed(sealed)
    assert caught.value.status == 500
