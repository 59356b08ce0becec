"""What every test stands on: a Valkey of the run's own, and the standing people. See tests/settings.py."""

import shutil

import pytest
from django.conf import settings

pytest_plugins = ["tests.support.valkey", "tests.support.people", "tests.support.stack"]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind."""
    shutil.rmtree(settings.DATA_DIR, ignore_errors=True)
