"""What the sandbox tells of itself: status changes on the event bus, and a record of every call.

`bus` delivers events of AWS services to the rules of the default bus; `trail` keeps a record of each call in
CloudTrail's form and answers LookupEvents. The server calls `install()` before it builds its applications.
"""

from sandbox.events import bus, trail

__all__ = ["bus", "install", "trail"]


def install() -> None:
    """Put our ways of delivering events and of looking up calls in the place of moto's."""
    bus.install()
    trail.install()
