"""The sandbox of the tests of runs."""

from tests.executions.conftest import account

__all__ = ["account"]
