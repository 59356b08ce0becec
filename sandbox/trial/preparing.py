"""A process made fit for a lab, before anything that reads the environment when it is imported."""

from __future__ import annotations

import logging
import os

from sandbox import settings


def prepare(seed: int) -> None:
    """Set the sandbox's settings, and keep the surroundings out. Call before importing moto or boto3."""
    surroundings = {name: os.environ[name] for name in ("PATH", "SANDBOX_PWSH") if name in os.environ}
    settings.use(settings.read_settings(surroundings, port=0, clock="virtual", seed=seed))
    settings.isolate_environment()
    from sandbox import data_files

    data_files.economise()
    # What a document does wrong is in the report; a server's log of it would be in nobody's hands.
    for name in ("moto", "werkzeug", "botocore", "boto3", "urllib3", "sandbox"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
