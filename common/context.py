"""Who is asking, and from where: kept beside the request so that audit entries can name it."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Origin:
    """Where an action came from.

    Attributes:
        channel: "web", "worker" or "command".
        address: the client's IP address; empty for what no client asked.
        request_id: joins log lines, audit entries and error pages of one request or job.
    """

    channel: str = "command"
    address: str = ""
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex)


_origin: ContextVar[Origin | None] = ContextVar("origin", default=None)


def origin() -> Origin:
    """Return where the present action comes from."""
    current = _origin.get()
    if current is None:
        current = Origin()
        _origin.set(current)
    return current


@contextmanager
def acting_from(new: Origin) -> Iterator[Origin]:
    """Name `new` as the origin of everything done inside the block."""
    token = _origin.set(new)
    try:
        yield new
    finally:
        _origin.reset(token)
