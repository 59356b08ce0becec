"""What the environment may say, and what production refuses."""

import base64
import os
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from automation_portal import environment as env
from tests.support.stack import COMPILED, ROOT

# The same each time: values of parametrized tests are part of their names.
KEY = base64.urlsafe_b64encode(bytes(32)).decode()
GOOD = {
    "PORTAL_MODE": "production",
    "SECRET_KEY": "k7#v9qz2m5x8w1r4t6y3u0p-abcdefghijklmnopqrstuvwxyz_LONG",
    "CREDENTIAL_KEYS": KEY,
    "ALLOWED_HOSTS": "portal.example.org",
    "DATABASE_URL": "postgresql://portal:secret@db.example.org/portal",
    "REDIS_URL": "redis://queue.example.org/0",
}


def load_settings(data_dir, shown="s.DATABASES['default']['ENGINE']", **environment):
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [
            sys.executable,
            "-c",
            f"import automation_portal.settings as s; print({shown})",
        ],
        cwd=ROOT,
        env={**kept, **COMPILED, "DATA_DIR": str(data_dir), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_production_starts_when_everything_is_said(tmp_path):
    done = load_settings(tmp_path, **GOOD)
    assert done.stdout.strip() == "django.db.backends.postgresql", done.stderr


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DEBUG", "1", "DEBUG must be off"),
        ("SECRET_KEY", "", "SECRET_KEY must be set"),
        ("SECRET_KEY", "a" * 60, "SECRET_KEY must be set"),
        ("CREDENTIAL_KEYS", "", "CREDENTIAL_KEYS must hold"),
        ("CREDENTIAL_KEYS", f"{KEY},rubbish", "key 2 is no Fernet key"),
        ("ALLOWED_HOSTS", "", "ALLOWED_HOSTS must name"),
        ("ALLOWED_HOSTS", "*", "ALLOWED_HOSTS must name"),
        ("DATABASE_URL", "", "DATABASE_URL must be set"),
        ("REDIS_URL", "", "REDIS_URL must be set"),
    ],
)
def test_production_refuses_what_only_a_demonstration_may_have(tmp_path, name, value, sentence):
    done = load_settings(tmp_path, **{**GOOD, name: value})
    assert done.returncode != 0
    assert sentence in done.stderr


def test_production_refuses_the_demonstrations_secrets_and_the_sandboxs_keys(tmp_path):
    assert load_settings(tmp_path).returncode == 0
    secrets = tmp_path / "secrets"
    (secrets / "sandbox.json").write_text("{}")
    done = load_settings(
        tmp_path,
        **{
            **GOOD,
            "SECRET_KEY": (secrets / "secret_key").read_text(),
            "CREDENTIAL_KEYS": (secrets / "credential_key").read_text(),
        },
    )
    assert "SECRET_KEY must not be the demonstration's" in done.stderr
    assert "CREDENTIAL_KEYS must not hold the demonstration's key" in done.stderr
    assert "the sandbox's keys" in done.stderr


def test_production_knows_a_demonstrations_secrets_that_were_copied(tmp_path):
    demonstration, production = tmp_path / "demonstration", tmp_path / "production"
    assert load_settings(demonstration).returncode == 0
    secrets = demonstration / "secrets"
    Fernet((secrets / "credential_key").read_text())
    done = load_settings(
        production,
        **{
            **GOOD,
            "SECRET_KEY": (secrets / "secret_key").read_text(),
            "CREDENTIAL_KEYS": (secrets / "credential_key").read_text(),
        },
    )
    assert "SECRET_KEY must not be the demonstration's" in done.stderr
    assert "CREDENTIAL_KEYS must not hold the demonstration's key" in done.stderr


def test_production_is_no_laboratory(tmp_path):
    done = load_settings(tmp_path, "s.LAB_TARGETS_ALLOWED, repr(s.SANDBOX_URL), s.DEBUG", **GOOD)
    assert done.stdout.split() == ["False", "''", "False"]


@pytest.mark.parametrize("value", ["maybe", "2", "ja"])
def test_a_bad_flag_is_refused(monkeypatch, value):
    monkeypatch.setenv("DEBUG", value)
    with pytest.raises(ImproperlyConfigured, match="DEBUG must be 1 or 0"):
        env.flag("DEBUG")


@pytest.mark.parametrize("value", ["eighty", "0", "65535", "-1", "8000.5"])
def test_a_bad_port_is_refused(monkeypatch, value):
    monkeypatch.setenv("PORT", value)
    with pytest.raises(ImproperlyConfigured, match="PORT must be a whole number"):
        env.number("PORT", 8000, low=1, high=65534)


@pytest.mark.parametrize("url", ["mysql://somewhere/db", "postgresql://host", "sqlite://"])
def test_a_bad_database_address_is_refused(url):
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        env.database(url)


def test_a_database_address_may_name_a_sockets_folder():
    made = env.database("postgresql://portal@/runs?host=%2Fvar%2Frun%2Fpg%20one&application_name=web")
    assert (made["USER"], made["NAME"], made["HOST"]) == ("portal", "runs", "")
    assert made["OPTIONS"] == {"host": "/var/run/pg one", "application_name": "web"}


def test_a_secret_is_made_once_for_its_owner_alone(tmp_path):
    path = tmp_path / "secrets" / "key"
    first = env.kept_secret(path)
    assert env.kept_secret(path) == first
    assert path.stat().st_mode & 0o777 == 0o600
    env.keep_secret(path, "another")
    assert env.kept_secret(path) == first
    assert list(path.parent.iterdir()) == [path]
