"""What the sandbox process was told: read once from the command line and the environment, fails loudly."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Literal

HOST = "127.0.0.1"
DEFAULT_ACCOUNT_ID = "123456789012"


class SettingsError(Exception):
    """A setting is wrong; the text is the one line that the person who starts the sandbox reads."""


RateLimits = Literal["off", "aws"]
FASTEST = 1_000_000


@dataclass(frozen=True)
class Limits:
    """How many automations may run and wait at once, for each account and Region; AWS's own figures.

    Those that run on targets (rate control) are counted by themselves.
    https://docs.aws.amazon.com/general/latest/gr/ssm.html
    """

    running: int = 100
    pending: int = 5_000
    rate_control_running: int = 25
    rate_control_pending: int = 1_000


@dataclass(frozen=True)
class Settings:
    """`port` 0 means any free port. `root_key` is the (id, secret) given by the environment, None when none
    was. `rate_limits` tells whether calls are throttled as AWS throttles them. `clock` is how many times as
    fast time passes for automations, None when it leaps to what is due next. `seed` makes ids repeat.
    `webhook_hosts` are those beyond loopback to which steps may send webhooks. `pwsh` is the PowerShell that
    scripts run in, links followed; None where there is none.
    """

    port: int = 0
    account_id: str = DEFAULT_ACCOUNT_ID
    root_key: tuple[str, str] | None = None
    state_dir: Path | None = None
    log_file: Path | None = None
    trail_file: Path | None = None
    verbose: bool = False
    limits: Limits = field(default_factory=Limits)
    rate_limits: RateLimits = "off"
    clock: float | None = 1.0
    seed: int | None = None
    webhook_hosts: frozenset[str] = frozenset()
    pwsh: Path | None = None


def read_settings(
    environ: Mapping[str, str],
    *,
    port: int,
    state_dir: Path | None = None,
    log_file: Path | None = None,
    trail_file: Path | None = None,
    verbose: bool = False,
    limits: str | None = None,
    rate_limits: str | None = None,
    clock: str | None = None,
    seed: int | None = None,
    webhook_hosts: str | None = None,
    pwsh: str | None = None,
) -> Settings:
    """Settings from `environ` and the command line's values; where both give one, the command line's counts.

    Errors: SettingsError when the account id is not twelve digits, when only half of the root key is given,
    when the limits or the clock are none, or when the named PowerShell is no program.
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
        trail_file=trail_file,
        verbose=verbose,
        limits=read_limits(environ.get("SANDBOX_LIMITS", "") if limits is None else limits),
        rate_limits=_rate_limits(
            environ.get("SANDBOX_RATE_LIMITS", "off") if rate_limits is None else rate_limits
        ),
        clock=read_clock(environ.get("SANDBOX_CLOCK", "real") if clock is None else clock),
        seed=seed,
        webhook_hosts=_names(
            environ.get("SANDBOX_WEBHOOK_HOSTS", "") if webhook_hosts is None else webhook_hosts
        ),
        pwsh=_pwsh(environ.get("SANDBOX_PWSH", "") if pwsh is None else pwsh, environ.get("PATH", "")),
    )


def _pwsh(named: str, path: str) -> Path | None:
    """The PowerShell that is named, or the one on the path of programs; none when the name is `off`."""
    if named == "off":
        return None
    found = shutil.which(named or "pwsh", path=path)
    if named and found is None:
        raise SettingsError(f"no program {named!r} to run PowerShell scripts in: give its path, or off.")
    return Path(found).resolve() if found else None


def _names(text: str) -> frozenset[str]:
    return frozenset(filter(None, (name.strip().lower() for name in text.split(","))))


def read_clock(text: str) -> float | None:
    """How many times as fast time passes: 1 for `real`, N for `xN`; None for `virtual`, where it leaps.

    Errors: SettingsError for anything else.
    """
    if text == "virtual":
        return None
    match = re.fullmatch(r"x(\d{1,7}(?:\.\d{1,6})?)", text)
    factor = 1.0 if text == "real" else float(match[1]) if match else 0.0
    if not 0 < factor <= FASTEST:
        raise SettingsError(
            f"the clock is real, virtual, or x and a factor up to {FASTEST} like x60, not {text!r}."
        )
    return factor


def read_limits(text: str) -> Limits:
    """The limits that `running=3,pending=10,rate-control-running=1,rate-control-pending=2` names.

    What is not named keeps AWS's figure. Errors: SettingsError for another name or what is no number.
    """
    names = {each.name.replace("_", "-"): each.name for each in fields(Limits)}
    given = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = (piece.strip() for piece in part.partition("="))
        least = 0 if name.endswith("pending") else 1
        if name not in names or not re.fullmatch(r"\d{1,9}", number) or int(number) < least:
            raise SettingsError(
                f"{part!r} is no limit: write NAME=NUMBER, separated by commas, with the names "
                f"{', '.join(names)}; what runs must be 1 at least."
            )
        given[names[name]] = int(number)
    return Limits(**given)


def _rate_limits(text: str) -> RateLimits:
    if text not in ("off", "aws"):
        raise SettingsError(f"The rate limits must be off or aws, not {text!r}.")
    return "aws" if text == "aws" else "off"


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
