"""What a production portal must not have: whatever only a demonstration may."""

import base64
from pathlib import Path

from automation_portal import environment as env

FERNET_KEY_BYTES = 32


def _demonstrations(secret: str, kept: Path) -> bool:
    """Whether a demonstration made the secret, be it kept here or copied from elsewhere."""
    here = kept.read_text(encoding="utf-8").strip() if kept.is_file() else ""
    return secret == here or secret.startswith(env.DEMONSTRATION_MARK)


def _is_fernet_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, altchars=b"-_", validate=True)) == FERNET_KEY_BYTES
    except ValueError:
        return False


def faults(
    *, debug: bool, secret_key: str, credential_keys: list[str], allowed_hosts: list[str], secrets_dir: Path
) -> list[str]:
    """Return, as sentences, every reason why the portal must not start in production.

    Arguments:
        debug: Django's DEBUG.
        secret_key: what signs sessions.
        credential_keys: Fernet keys, newest first.
        allowed_hosts: host names that the portal answers to.
        secrets_dir: where a demonstration would have kept its secrets.
    """
    found = []
    if debug:
        found.append("DEBUG must be off.")
    if len(secret_key) < 50 or len(set(secret_key)) < 10:
        found.append("SECRET_KEY must be set to 50 random characters or more.")
    if secret_key and _demonstrations(secret_key, secrets_dir / "secret_key"):
        found.append("SECRET_KEY must not be the demonstration's.")
    if not credential_keys:
        found.append("CREDENTIAL_KEYS must hold one Fernet key or more (comma-separated, newest first).")
    for place, key in enumerate(credential_keys, 1):
        if not _is_fernet_key(key):
            found.append(f"CREDENTIAL_KEYS: key {place} is no Fernet key (32 bytes in URL-safe base64).")
        elif _demonstrations(key, secrets_dir / "credential_key"):
            found.append("CREDENTIAL_KEYS must not hold the demonstration's key.")
    if (secrets_dir / "sandbox.json").exists():
        found.append("DATA_DIR holds the sandbox's keys; give production a DATA_DIR of its own.")
    if not allowed_hosts or "*" in allowed_hosts:
        found.append("ALLOWED_HOSTS must name the portal's host names.")
    found += [f"{name} must be set." for name in ("DATABASE_URL", "REDIS_URL") if not env.text(name)]
    return found
