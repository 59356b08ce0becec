"""The web process of a family, by itself."""

import http.client
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tests.support.stack import eventually, free_port_pair

HANGING = """
import sys, time
from automation_portal.serving import Web

async def application(scope, receive, send):
    if scope["type"] == "http":
        time.sleep(600)

class Hanging(Web):
    def load_config(self):
        super().load_config()
        self.cfg.set("timeout", 1)

    def load(self):
        return application

Hanging(sys.argv[1]).run()
"""


def test_a_process_whose_loop_does_not_turn_any_more_says_where_and_ends():
    port = free_port_pair()
    web = subprocess.Popen(
        [sys.executable, "-c", HANGING, f"127.0.0.1:{port}"],
        cwd=Path(__file__).parents[2],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        eventually(lambda: _reached(connection), seconds=60, what="the web process's start")
        connection.request("GET", "/")
        with suppress(http.client.HTTPException, ConnectionError):
            connection.getresponse()
        _, said = web.communicate(timeout=60)
    finally:
        web.kill()
    assert web.returncode == 1
    assert "in application" in said


def _reached(connection: http.client.HTTPConnection) -> bool:
    try:
        connection.connect()
    except ConnectionError:
        return False
    return True
