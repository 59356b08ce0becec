"""Stored secrets are sealed with a new key, and the old one can be dropped."""

from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from audit.models import AuditEntry
from aws import vault
from aws.models import AwsTarget, CallerIdentity
from aws.services import credentials
from aws.vault import open_sealed, seal
from tests.support.factories import make_target

pytestmark = pytest.mark.django_db

SECRET = {"secret_access_key": "hunter2", "session_token": "swordfish"}


def new_key() -> str:
    return Fernet.generate_key().decode()


@pytest.fixture
def secrets(operator, settings):
    """A target's and a person's secret, sealed with the present key; a target without one."""
    make_target("No key")
    target = make_target("Laboratory", access_key_id="AKIA1", sealed_secret=seal(SECRET))
    CallerIdentity.objects.create(
        user=operator, target=target, access_key_id="ASIA1", sealed_secret=seal(SECRET)
    )
    return target


def rotated(*options: str) -> str:
    out = StringIO()
    call_command("rotate_credentials", *options, stdout=out, stderr=out)
    return out.getvalue()


def stored() -> list[bytes]:
    rows = [*AwsTarget.objects.order_by("pk"), *CallerIdentity.objects.order_by("pk")]
    return [bytes(row.sealed_secret) for row in rows if row.sealed_secret is not None]


def test_after_a_rotation_the_old_key_can_be_dropped(secrets, settings):
    newest = new_key()
    settings.CREDENTIAL_KEYS = [newest, *settings.CREDENTIAL_KEYS]
    assert "2 were sealed with the newest key, 0 had been" in rotated()
    settings.CREDENTIAL_KEYS = [newest]
    assert [open_sealed(sealed) for sealed in stored()] == [SECRET, SECRET]
    entries = AuditEntry.objects.filter(action="credentials.sealed-anew")
    assert sorted(entry.data["of"] for entry in entries) == ["identity", "target"]
    assert {entry.object_name for entry in entries} == {"the portal"}


def test_twice_is_once(secrets, settings):
    settings.CREDENTIAL_KEYS = [new_key(), *settings.CREDENTIAL_KEYS]
    rotated()
    before = stored()
    assert "0 were sealed with the newest key, 2 had been before" in rotated()
    assert stored() == before
    assert AuditEntry.objects.filter(action="credentials.sealed-anew").count() == 2


def test_a_dry_run_counts_and_changes_nothing(secrets, settings):
    settings.CREDENTIAL_KEYS = [new_key(), *settings.CREDENTIAL_KEYS]
    before = stored()
    said = rotated("--dry-run")
    assert "2 would be sealed" in said
    assert "still needed" in said
    assert stored() == before
    assert not AuditEntry.objects.filter(action="credentials.sealed-anew").exists()


def test_what_no_key_opens_is_named_and_the_rest_is_sealed_anew(secrets, operator, settings):
    lost = make_target("Of a lost key", access_key_id="AKIA2", sealed_secret=seal(SECRET))
    AwsTarget.objects.filter(pk=lost.pk).update(sealed_secret=Fernet(new_key()).encrypt(b"{}"))
    settings.CREDENTIAL_KEYS = [new_key(), *settings.CREDENTIAL_KEYS]
    out = StringIO()
    with pytest.raises(CommandError) as failed:
        call_command("rotate_credentials", stdout=out, stderr=out)
    assert failed.value.returncode == 1
    assert f"target {lost.pk} (Of a lost key)" in out.getvalue()
    assert "2 were sealed" in out.getvalue()
    assert "hunter2" not in out.getvalue()


def test_a_secret_that_is_replaced_meanwhile_is_not_overwritten(secrets, settings, monkeypatch):
    settings.CREDENTIAL_KEYS = [new_key(), *settings.CREDENTIAL_KEYS]
    replaced = seal({"secret_access_key": "fresh"})
    really = vault.sealed_anew

    def slowly(sealed: bytes | memoryview) -> bytes | None:
        """Somebody enters another key between the look and the update."""
        AwsTarget.objects.filter(pk=secrets.pk).update(sealed_secret=replaced)
        return really(sealed)

    monkeypatch.setattr(vault, "sealed_anew", slowly)
    seen = credentials.rotate_credentials()
    assert (seen.renewed, seen.changed, seen.complete) == (1, 1, False)
    assert bytes(AwsTarget.objects.get(pk=secrets.pk).sealed_secret) == replaced


def test_many_are_sealed_in_batches(operator, settings, monkeypatch):
    monkeypatch.setattr(credentials, "BATCH", 3)
    for number in range(7):
        make_target(f"Target {number}", access_key_id="AKIA1", sealed_secret=seal(SECRET))
    settings.CREDENTIAL_KEYS = [new_key(), *settings.CREDENTIAL_KEYS]
    assert credentials.rotate_credentials().renewed == 7
    ids = [entry.data["ids"] for entry in AuditEntry.objects.filter(action="credentials.sealed-anew")]
    assert [len(batch) for batch in ids] == [1, 3, 3]
