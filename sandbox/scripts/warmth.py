"""What is loaded before scripts are forked, so that each of them finds it there."""

import importlib
import re
from typing import Any

COMMON = (
    "base64",
    "boto3",
    "botocore.config",
    "botocore.exceptions",
    "botocore.session",
    "concurrent.futures.thread",
    "csv",
    "dateutil.parser",
    "encodings.idna",
    "hashlib",
    "ipaddress",
    "logging",
    "random",
    "secrets",
    "string",
    "subprocess",
    "tempfile",
    "urllib.request",
    "uuid",
    "zipfile",
)
MOST_SERVICES = 24
_NOBODY: dict[str, Any] = {
    "aws_access_key_id": "none",
    "aws_secret_access_key": "none",
    "region_name": "us-east-1",
}

# The services whose models this process has loaded, or was asked for.
services: set[str] = set()


def prepare() -> None:
    """Import what most scripts import, and have all sessions share one cache of botocore's models."""
    for name in COMMON:
        importlib.import_module(name)
    import botocore.loaders
    import botocore.session

    class Loader(botocore.loaders.Loader):
        def load_service_model(
            self, service_name: str, type_name: str, api_version: str | None = None
        ) -> Any:
            services.add(service_name)
            return super().load_service_model(service_name, type_name, api_version)

    shared = Loader()
    botocore.session.create_loader = lambda *_: shared
    warm("sts")


def warm(service: str) -> bool:
    """Load what a client of `service` needs; whether there was anything to load.

    The name comes from a script: only a service of botocore's own is loaded.
    """
    import botocore.session

    if service in services or len(services) >= MOST_SERVICES or not re.fullmatch(r"[a-z0-9-]{1,64}", service):
        return False
    session = botocore.session.Session()
    if service not in session.get_available_services():
        return False
    session.create_client(service, **_NOBODY)
    return True
