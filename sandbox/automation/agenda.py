"""When which execution is due."""

import datetime as dt
import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class _Entry:
    moment: dt.datetime
    place: int
    patient: bool


_Heap = list[tuple[dt.datetime, int, str]]


@dataclass
class Agenda:
    """Executions and their moments. One is due once, at the earliest moment asked for.

    Of those due at the same moment whoever was put there first comes first. Those that only wait for somebody
    (an approval, a signal, a child's end) until they give up are `patient`: they make no clock leap.
    """

    _due: dict[str, _Entry] = field(default_factory=dict)
    _timers: _Heap = field(default_factory=list)
    _patient: _Heap = field(default_factory=list)
    _places: Iterator[int] = field(default_factory=itertools.count)

    def put(self, execution_id: str, moment: dt.datetime, *, patient: bool = False) -> None:
        """Note the execution, unless it is due before `moment` already."""
        known = self._due.get(execution_id)
        if known is not None and known.moment <= moment:
            return
        entry = self._due[execution_id] = _Entry(moment, next(self._places), patient)
        heap = self._patient if patient else self._timers
        heapq.heappush(heap, (moment, entry.place, execution_id))

    def next(self) -> dt.datetime | None:
        """The earliest moment at which one is due, None when there is none."""
        heads = [head for heap in (self._timers, self._patient) if (head := self._head(heap))]
        return min(heads)[0] if heads else None

    def take(self) -> str:
        """Remove and return the execution that is due at the earliest moment."""
        heads = [head for heap in (self._timers, self._patient) if (head := self._head(heap))]
        _, _, execution_id = min(heads)
        del self._due[execution_id]
        return execution_id

    def passes_time(self) -> bool:
        """Whether anything is due that comes by itself."""
        return self._head(self._timers) is not None

    def lose_patience(self) -> None:
        """Let those that wait for somebody be due like all others."""
        waiting = [(entry.moment, execution_id) for execution_id, entry in self._due.items() if entry.patient]
        for moment, execution_id in sorted(waiting):
            del self._due[execution_id]
            self.put(execution_id, moment)
        self._patient.clear()

    def _head(self, heap: _Heap) -> tuple[dt.datetime, int, str] | None:
        while heap:
            entry = self._due.get(heap[0][2])
            if entry is not None and entry.place == heap[0][1]:
                return heap[0]
            heapq.heappop(heap)
        return None
