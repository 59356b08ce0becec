"""Time as a script sees it when its sleeps do not really pass."""

import datetime
import importlib
import time
import types
from collections.abc import Callable
from typing import Any

# Signatures are checked against real time.
SIGNERS = (
    "botocore.auth",
    "botocore.compat",
    "botocore.credentials",
    "botocore.signers",
    "botocore.utils",
)


class OutOfTime(BaseException):
    """The script has slept for longer than it may run."""


class Clockwork:
    """Puts itself in the place of Python's clocks: a sleep returns at once, and all are later by it.

    A sleep beyond `seconds` of the script's time does not return, but raises OutOfTime: what the script waits
    for may never come, since nothing else's time passes meanwhile.
    """

    def __init__(self, epoch: float, seconds: float) -> None:
        self.slept = 0.0
        self._seconds = seconds
        self._time = time.time
        self._monotonic = time.monotonic
        self._nap = time.sleep
        self._ahead = epoch - time.time()

    def install(self) -> None:
        """Replace the clocks of `time` and `datetime`, for all code that is imported from now on."""
        self._keep_real(datetime)
        replacements: dict[str, Callable[..., Any]] = {
            "sleep": self._sleep,
            "time": self._now,
            "time_ns": lambda: int(self._now() * 1e9),
            "monotonic": self._uptime,
            "monotonic_ns": lambda: int(self._uptime() * 1e9),
        }
        for name, function in replacements.items():
            setattr(time, name, function)
        stand_ins = _classes(self._now)
        for name, stand_in in stand_ins.items():
            setattr(datetime, name, stand_in)

    def _now(self) -> float:
        return self._time() + self._ahead

    def _uptime(self) -> float:
        return self._monotonic() + self.slept

    def _sleep(self, seconds: float, /) -> None:
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self._nap(0)
        self._ahead += seconds
        self.slept += seconds
        if self.slept > self._seconds:
            raise OutOfTime

    @staticmethod
    def _keep_real(module: types.ModuleType) -> None:
        real = types.SimpleNamespace(**vars(module))
        for name in SIGNERS:
            signer: Any = importlib.import_module(name)
            if getattr(signer, "datetime", None) is module:
                signer.datetime = real


def _classes(now: Callable[[], float]) -> dict[str, type]:
    """Stand-ins for datetime and date: what they make are real ones, of the time that `now` gives."""
    real_datetime: Any = datetime.datetime
    real_date: Any = datetime.date

    class OfReal(type):
        real: type

        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, cls.real)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, cls.real)

    class Datetime(datetime.datetime, metaclass=OfReal):
        real = real_datetime

        def __new__(cls, *arguments: Any, **options: Any) -> Any:
            return real_datetime(*arguments, **options)

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return real_datetime.fromtimestamp(now(), tz)

        @classmethod
        def utcnow(cls) -> Any:
            return real_datetime.fromtimestamp(now(), datetime.UTC).replace(tzinfo=None)

        @classmethod
        def today(cls) -> Any:
            return real_datetime.fromtimestamp(now())

    class Date(datetime.date, metaclass=OfReal):
        real = real_date

        def __new__(cls, *arguments: Any, **options: Any) -> Any:
            return real_date(*arguments, **options)

        @classmethod
        def today(cls) -> Any:
            return real_date.fromtimestamp(now())

    Datetime.__name__, Date.__name__ = "datetime", "date"
    return {"datetime": Datetime, "date": Date}
