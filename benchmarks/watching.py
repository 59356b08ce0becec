"""Light clients of the portal's live pages: a raw socket each, which notes what it hears and when."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence

MESSAGE = re.compile(rb"id: (\d+)\nevent: (\w+)\n")
OPENING = 40
OPEN_SECONDS = 60.0


class Client(asyncio.Protocol):
    """One open stream. Times are seconds of the machine's monotonic clock."""

    def __init__(self, run: str, cookie: str) -> None:
        self.run = run
        self.cookie = cookie
        self.status = 0
        self.ready = asyncio.Event()
        # (number of the newest event, when) of each "changed".
        self.heard: list[tuple[int, float]] = []
        self.ended: float | None = None
        self._rest = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(
            f"GET /runs/{self.run}/stream/ HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {self.cookie}\r\n"
            "Accept: text/event-stream, application/json\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self._rest += data
        if not self.status and len(self._rest) >= len("HTTP/1.1 200"):
            self.status = int(self._rest.split(b" ", 2)[1])
        if self.status != 200 or b": still here" in self._rest:
            self.ready.set()
        kept = 0
        for message in MESSAGE.finditer(self._rest):
            self.ready.set()
            kept = message.end()
            if message[2] == b"changed":
                self.heard.append((int(message[1]), now))
        # A message may come in two pieces.
        self._rest = self._rest[max(kept, len(self._rest) - 200) :]

    def connection_lost(self, error: Exception | None) -> None:
        self.ended = time.monotonic()
        self.ready.set()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def opened(port: int, wanted: Sequence[tuple[str, str]]) -> list[Client]:
    """Open a stream for each (run, cookie), some at a time; each has been told how things stand."""
    loop = asyncio.get_running_loop()
    some = asyncio.Semaphore(OPENING)

    async def one(run: str, cookie: str) -> Client:
        client = Client(run, cookie)
        async with some:
            await loop.create_connection(lambda: client, "127.0.0.1", port)
            await asyncio.wait_for(client.ready.wait(), OPEN_SECONDS)
        return client

    return await asyncio.gather(*(one(run, cookie) for run, cookie in wanted))
