"""The portal's settings for tests: a data folder of the run's own, made before anything else reads them.

A conftest would be too late: pytest-django reads the settings before it, and with them the folder, the
database and the queue of whatever instance lives in this checkout.
"""

import os
import tempfile
from pathlib import Path

_frontend = Path(os.environ.get("DATA_DIR", "var")).resolve() / "frontend" / "dist"
os.environ.setdefault("FRONTEND_DIST", str(_frontend))
os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="portal-tests-")
# What a person's shell says of an instance of theirs has no business with tests.
for _name in (
    *("DATABASE_URL", "REDIS_URL", "PORTAL_MODE", "SECRET_KEY", "CREDENTIAL_KEYS", "PORT", "SANDBOX_PORT"),
    *("DEBUG", "LOG_LEVEL", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "PUBLIC_URL", "TRUSTED_PROXY_COUNT"),
    "RETENTION_DAYS",
):
    os.environ.pop(_name, None)
if os.environ.get("TEST_DATABASE_URL"):
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]

from automation_portal.settings import *  # noqa: E402, F403
