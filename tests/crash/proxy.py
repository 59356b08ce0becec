"""A faulty way between portal and sandbox: `python -m tests.crash.proxy --port N --upstream URL --kinds …`.

It passes each call on as it is (its signature stays good) and spoils a share of them, in the service's own
wire format where there is an answer. Each spoilt call is a line on standard output.
https://docs.aws.amazon.com/systems-manager/latest/APIReference/CommonErrors.html
"""

import argparse
import http.client
import json
import random
import socket
import socketserver
import struct
import sys
import threading
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

# Each kind of fault, and the ways in which it may happen.
KINDS = {
    "throttling": ("throttled",),
    "500": ("500 unheard", "500 after all"),
    "timeouts": ("silence unheard", "silence after all"),
    "dropped": ("cut unheard", "cut after all", "cut in the answer"),
}
SHARE = 0.2
# For as long a client is left without an answer, unless it gives up before.
SILENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Request:
    """One HTTP request as it came."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def speaks_json(self) -> bool:
        """Whether the service's protocol is JSON; it is a query with XML answers otherwise."""
        return bool(self.header("x-amz-target"))

    @property
    def operation(self) -> str:
        if self.speaks_json:
            return self.header("x-amz-target").rpartition(".")[2]
        return parse_qs(self.body.decode("utf-8", "replace")).get("Action", ["?"])[0]


class Faults:
    """The dice: the same seed spoils the same calls of the same sequence."""

    def __init__(self, kinds: list[str], seed: int, share: float) -> None:
        self._ways = [way for kind in kinds for way in KINDS[kind]]
        self._random = random.Random(seed)
        self._share = share
        self._lock = threading.Lock()

    def next(self, request: Request) -> str:
        """Return how this call is spoilt; "" when it is not."""
        with self._lock:
            struck = self._random.random() < self._share
            if not self._ways or not struck:
                return ""
            way = self._random.choice(self._ways)
            sys.stdout.write(json.dumps({"operation": request.operation, "fault": way}) + "\n")
            sys.stdout.flush()
            return way


class Handler(socketserver.StreamRequestHandler):
    """Serves one client's connection."""

    server: "Proxy"

    def handle(self) -> None:
        while (request := self._read()) is not None and self._serve(request):
            pass

    def _read(self) -> Request | None:
        line = self.rfile.readline(65536).decode("latin-1").split()
        if len(line) != 3:
            return None
        headers: list[tuple[str, str]] = []
        while row := self.rfile.readline(65536).decode("latin-1").rstrip("\r\n"):
            name, _, value = row.partition(":")
            headers.append((name, value.strip()))
        request = Request(line[0], line[1], headers, b"")
        if request.header("expect"):
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self.rfile.read(int(request.header("content-length") or 0))
        return Request(line[0], line[1], headers, body)

    def _serve(self, request: Request) -> bool:
        """Answer, or not; returns whether the connection lives on."""
        way = self.server.faults.next(request)
        if way == "throttled":
            return self._refuse(request, 400, "ThrottlingException", "Rate exceeded")
        fault, _, when = way.partition(" ")
        if when == "unheard":
            return self._spoil(fault, request, b"")
        try:
            answer = self._forward(request)
        except (OSError, http.client.HTTPException):
            # The sandbox is down, as AWS never is: the client sees a broken connection.
            return self._spoil("cut", request, b"")
        if way:
            return self._spoil(fault, request, answer if when == "in the answer" else b"")
        self.wfile.write(answer)
        return True

    def _spoil(self, fault: str, request: Request, answer: bytes) -> bool:
        """Answer with a fault, or with nothing, or with the better half of `answer`."""
        if fault == "500":
            return self._refuse(request, 500, "InternalServerError", "An error occurred on the server side.")
        if fault == "silence":
            return self._stay_silent()
        self.wfile.write(answer[: -len(answer) // 4])
        return self._cut()

    def _forward(self, request: Request) -> bytes:
        link = http.client.HTTPConnection(*self.server.upstream, timeout=60)
        try:
            link.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers:
                if name.lower() not in {"connection", "expect"}:
                    link.putheader(name, value)
            link.endheaders(request.body)
            answer = link.getresponse()
            body = answer.read()
        finally:
            link.close()
        dropped = {"content-length", "connection", "transfer-encoding"}
        rows = [f"{name}: {value}" for name, value in answer.getheaders() if name.lower() not in dropped]
        head = [f"HTTP/1.1 {answer.status} -", *rows, f"Content-Length: {len(body)}", "", ""]
        return "\r\n".join(head).encode("latin-1") + body

    def _refuse(self, request: Request, status: int, code: str, message: str) -> bool:
        if request.speaks_json:
            kind, body = "application/x-amz-json-1.1", json.dumps({"__type": code, "message": message})
        else:
            # The query protocol's word for the same.
            code = {"ThrottlingException": "Throttling", "InternalServerError": "InternalFailure"}[code]
            kind = "text/xml"
            body = (
                f"<ErrorResponse><Error><Type>{'Sender' if status < 500 else 'Receiver'}</Type>"
                f"<Code>{code}</Code><Message>{message}</Message></Error>"
                "<RequestId>00000000-0000-4000-8000-000000000000</RequestId></ErrorResponse>"
            )
        head = f"HTTP/1.1 {status} -\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write((head + body).encode())
        return True

    def _stay_silent(self) -> bool:
        self.connection.settimeout(SILENCE_SECONDS)
        try:
            while self.connection.recv(4096):
                pass
        except OSError:
            pass
        return False

    def _cut(self) -> bool:
        # With a reset, as a device on the way does that has forgotten the connection.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        return False


class Proxy(socketserver.ThreadingTCPServer):
    """Listens on a port of loopback; each connection has a thread."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, port: int, upstream: str, faults: Faults) -> None:
        parts = urlsplit(upstream)
        self.upstream = (parts.hostname or "127.0.0.1", parts.port or 80)
        self.faults = faults
        super().__init__(("127.0.0.1", port), Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that are killed are the business here."""


def main() -> None:
    """Be the proxy until a signal ends it."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.proxy")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--kinds", default="", help=f"comma-separated: {', '.join(KINDS)}")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=SHARE)
    given = parser.parse_args()
    kinds = [kind for kind in given.kinds.split(",") if kind]
    Proxy(given.port, given.upstream, Faults(kinds, given.seed, given.share)).serve_forever(0.1)


if __name__ == "__main__":
    main()
