"""What the sandbox process was told: read once from the command line and the environment, fails loudly."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

HOST = "127.0.0.1"
DEFAULT_ACCOUNT_ID = "123456789012"


class SettingsError(Exception):
    """A setting is wrong; the text is the one line that the person who starts the sandbox reads."""


@dataclass(frozen=True)
class Settings:
    """`port` 0 means any free port. `root_key` is the (id, secret) given by the environment, None when none
    was.
    """

    port: int = 0
    account_id: str = DEFAULT_ACCOUNT_ID
    root_key: tuple[str, str] | None = None
    state_dir: Path | None = None
    log_file: Path | None = None
    verbose: bool = False


def read_settings(
    environ: Mapping[str, str],
    *,
    port: int,
    state_dir: Path | None = None,
    log_file: Path | None = None,
    verbose: bool = False,
) -> Settings:
    """Settings from `environ` and the command line's values.

    Errors: SettingsError when the account id is not twelve digits, or when only half of the root key is
    given.
    """
    account_id = environ.get("SANDBOX_ACCOUNT_ID", DEFAULT_ACCOUNT_ID)
    if not re.fullmatch(r"\d{12}", account_id):
        raise SettingsError(f"SANDBOX_ACCOUNT_ID must be twelve digits, not {account_id!r}.")
    key_id = environ.get("SANDBOX_ROOT_ACCESS_KEY_ID", "")
    secret = environ.get("SANDBOX_ROOT_SECRET_ACCESS_KEY", "")
    if bool(key_id) != bool(secret):
        raise SettingsError(
            "Set both SANDBOX_ROOT_ACCESS_KEY_ID and SANDBOX_ROOT_SECRET_ACCESS_KEY, or neither of them."
        )
    if key_id and not re.fullmatch(r"[A-Z0-9]{16,128}", key_id):
        raise SettingsError("SANDBOX_ROOT_ACCESS_KEY_ID must be 16 to 128 capital letters and digits.")
    return Settings(
        port=port,
        account_id=account_id,
        root_key=(key_id, secret) if key_id else None,
        state_dir=state_dir,
        log_file=log_file,
        verbose=verbose,
    )


_current = Settings()


def current() -> Settings:
    """The settings of this process."""
    return _current


def use(settings: Settings) -> None:
    """Make `settings` those of this process."""
    global _current  # noqa: PLW0603 - one process is one sandbox
    _current = settings


def listening_on(port: int) -> None:
    """Record the port that the server got, so that `endpoint_url` is known."""
    use(replace(_current, port=port))


def endpoint_url() -> str:
    """The URL at which this sandbox answers, for clients inside it (steps of an automation)."""
    return f"http://{HOST}:{_current.port}"


def isolate_environment() -> None:
    """Keep the surroundings out: no AWS profile or key of the person who starts us, none of moto's switches.

    Must run before moto or boto3 is imported, since both read the environment at import.
    """
    for name in list(os.environ):
        if name.startswith(("AWS_", "MOTO_", "BOTO_")):
            del os.environ[name]
    os.environ.update(
        AWS_EC2_METADATA_DISABLED="true",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_DEFAULT_REGION="us-east-1",
        MOTO_IAM_LOAD_MANAGED_POLICIES="true",
        MOTO_DISABLE_GLOBAL_CORS="true",
        # Otherwise moto launches from images, and in types and with keys, that do not exist.
        MOTO_ENABLE_AMI_VALIDATION="true",
        MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION="true",
        MOTO_ENABLE_KEYPAIR_VALIDATION="true",
    )
