"""Scripts run by the real runner in this process, in the two ways that they can be confined."""

import socket
import textwrap
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.scripts import Job, Limits, Result, ScriptRunner, forkserver

ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\nConnection: close\r\n\r\n"
)


def job(code: str, **options: Any) -> Job:
    """A job whose handler is `main` of this code."""
    options.setdefault("limits", Limits(seconds=20))
    options.setdefault("directory", "/tmp/test")
    return Job(files={"code.py": textwrap.dedent(code)}, handler="code.main", **options)


class Endpoint:
    """Where the calls of scripts arrive: a server that says who it is."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.served = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        self.served += 1
        with connection:
            connection.recv(65536)
            connection.sendall(ANSWER + b'{"it": "me"} ')

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.serve(connection)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    served = Endpoint()
    yield served
    served.listener.close()


@pytest.fixture(scope="module")
def scripts(endpoint: Endpoint) -> Iterator[ScriptRunner]:
    """A runner; its scripts are in namespaces where this machine allows it."""
    runner = ScriptRunner()
    runner.serve_calls(endpoint.port, endpoint.serve)
    yield runner
    runner.stop()


@pytest.fixture
def run(scripts: ScriptRunner) -> Callable[..., Result]:
    return lambda code, **options: scripts.run(job(code, **options))


@pytest.fixture
def confined(scripts: ScriptRunner) -> None:
    """Skip where the machine forbids namespaces."""
    scripts.run(job("def main(events, context): return 1"))
    if not scripts.confined:
        pytest.skip("this machine forbids namespaces")


@pytest.fixture
def unconfined(monkeypatch: pytest.MonkeyPatch, endpoint: Endpoint) -> Iterator[ScriptRunner]:
    """A runner on a machine that forbids namespaces."""
    start = forkserver.start

    def refuse(port: int, how: str, hidden: Any, interpreter: Any) -> Any:
        if how != "plain":
            raise forkserver.ForkServerError("forbidden for a test")
        return start(port, how, hidden, interpreter)

    monkeypatch.setattr(forkserver, "start", refuse)
    runner = ScriptRunner()
    runner.serve_calls(endpoint.port, endpoint.serve)
    yield runner
    runner.stop()
