"""A target's runs in lists of fifty: what has changed, within DescribeAutomationExecutions' calls a second.

A pass accounts for all runs in flight. In a long one, every few calls go to those that are at work and those
that somebody looks at, and whatever an event has spoken of comes first, though never with all calls.
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeAutomationExecutions.html
"""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.db.models import Q

from aws.errors import AwsError
from aws.gateway import MOST_VALUES, PAGE, RemoteSummary, SsmGateway
from common.clock import now
from executions import observing, wakeups
from executions.following import FEW, Subject, in_flight
from executions.models import Status
from executions.transitions import FINAL_IN_AWS, IN_FLIGHT_IN_AWS

AT_WORK: Final = IN_FLIGHT_IN_AWS - {Status.PENDING, Status.SCHEDULED}
# A pass that takes more calls than this is long.
LONG_PASS = 10
# In a long pass, one call out of so many is for those at work.
CLOSER_LOOK_EVERY = 12
# So many in a row for what events spoke of, then one for the pass.
CONFIRMATIONS_IN_A_ROW = 4
# In a long pass, what events spoke of is gathered for so long, since a call can ask about ten or more.
GATHER_SECONDS = 0.5
# Lists are read for so many calls by id or more.
WORTH_LISTING = 2
# The clocks of AWS and of the portal's machines differ by less.
CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass
class Listing:
    """A list of automations and how far it has been read."""

    statuses: Collection[str]
    since: datetime | None = None
    token: str = ""
    pages: int = 0
    most: int = 0


class Pass:
    """Accounts for each of some automations, a call at a time: by lists, and one by one for the rest.

    An account may run much else: a list that has cost as many calls as asking by id would is given up.

    Arguments:
        wanted: gives the ids of automations that are unfinished, as far as is known here, and when they were
            launched. It is asked again when a list has been read.
        statuses: those of unfinished automations that are worth listing.
    """

    def __init__(self, wanted: Callable[[], Mapping[str, datetime]], statuses: Collection[str]) -> None:
        self.missing = dict(wanted())
        self._wanted = wanted
        self.unknown: list[str] = []
        self.calls = 0
        self._statuses = [(statuses, False), (FINAL_IN_AWS, True)]
        self._listing: Listing | None = None

    @property
    def done(self) -> bool:
        """Whether all are accounted for."""
        return not self.missing

    @property
    def is_long(self) -> bool:
        """Whether the pass has taken many calls, or will."""
        return self.calls + len(self.missing) / PAGE > LONG_PASS

    def call(self, gateway: SsmGateway) -> list[RemoteSummary]:
        """Make the next call. Raises AwsError; the same call is made next then."""
        listing = self._list_worth_reading()
        found = self._ask(gateway) if listing is None else self._read(gateway, listing)
        self.calls += 1
        return found

    def _list_worth_reading(self) -> Listing | None:
        while self._listing is None and self._statuses:
            statuses, ended = self._statuses.pop(0)
            by_id = -(-len(self.missing) // MOST_VALUES)
            if by_id >= WORTH_LISTING:
                since = min(self.missing.values()) - CLOCKS_DIFFER if ended else None
                self._listing = Listing(statuses, since, most=by_id)
        return self._listing

    def _read(self, gateway: SsmGateway, listing: Listing) -> list[RemoteSummary]:
        try:
            found, token = gateway.listed(listing.statuses, since=listing.since, token=listing.token)
        except AwsError as error:
            if error.aws_code != "InvalidNextToken":
                raise
            found, token = [], ""
        for summary in found:
            self.missing.pop(summary.aws_id, None)
        listing.pages += 1
        listing.token = token
        if not token or listing.pages >= listing.most:
            self._listing = None
            # Of some that were not listed, the end was learned meanwhile.
            wanted = self._wanted()
            self.missing = {aws_id: at for aws_id, at in self.missing.items() if aws_id in wanted}
        return found

    def _ask(self, gateway: SsmGateway) -> list[RemoteSummary]:
        asked = list(self.missing)[:MOST_VALUES]
        found = describe(gateway, asked)
        known = {summary.aws_id for summary in found}
        self.unknown += [aws_id for aws_id in asked if aws_id not in known]
        for aws_id in asked:
            self.missing.pop(aws_id)
        return found


def describe(gateway: SsmGateway, aws_ids: Collection[str]) -> list[RemoteSummary]:
    """Return what AWS knows of MOST_VALUES automations at most. Raises AwsError."""
    try:
        return gateway.described(aws_ids)
    except AwsError as error:
        # One of them: which, a full look at each will say.
        if not error.unknown_execution:
            raise
        return []


@dataclass
class _Marks:
    """Automations of which an event spoke, the oldest first. Thread-safe."""

    _ids: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, aws_ids: Iterable[str]) -> None:
        moment = time.monotonic()
        with self._lock:
            for aws_id in aws_ids:
                self._ids.setdefault(aws_id, moment)

    def take(self, patience: float) -> list[str]:
        """Take them all; none while they are too few to fill a call, for so many seconds."""
        with self._lock:
            taken = list(self._ids)
            if taken and len(taken) < MOST_VALUES and time.monotonic() - self._ids[taken[0]] < patience:
                return []
            self._ids.clear()
            return taken

    def clear(self) -> None:
        with self._lock:
            self._ids.clear()


class Sweeper:
    """Reads the lists of one target, a call a step."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.bell = threading.Event()
        self._marks = _Marks()
        self._rung = False
        self._few = True
        self._pass: Pass | None = None
        self._closer: Pass | None = None
        self._confirming: Pass | None = None
        self._next_pass_at = 0.0
        self._confirmed = 0
        self._steps = 0

    @property
    def between_passes(self) -> bool:
        """Whether nothing is lost when it stops now."""
        return self._pass is None

    def confirm(self, aws_ids: Iterable[str]) -> None:
        """Ask AWS about these soon: an event spoke of them. Called from other threads."""
        self._marks.add(aws_ids)
        self.bell.set()

    def ring(self) -> None:
        """Ask soon about what is new here: a run was started, say. Called from other threads."""
        self._rung = True
        self.bell.set()

    def step(self) -> float:
        """Make the call that is most useful now, if any; return how many seconds to pause.

        Raises AwsError, LeaseLost.
        """
        moment = time.monotonic()
        rung, self._rung = self._rung, False
        if self._pass is None and (moment >= self._next_pass_at or (rung and self._few)):
            self._begin(moment)
        if self._few:
            # Each gets full looks.
            self._marks.clear()
        elif rung:
            fresh = in_flight(self.subject.target_id).filter(observed_at=None)
            self._marks.add(fresh.values_list("aws_execution_id", flat=True)[:MOST_VALUES])
        if (self._pass is None or self._confirmed < CONFIRMATIONS_IN_A_ROW) and self._confirm():
            self._confirmed += 1
            return 0.0
        self._confirmed = 0
        if self._pass is None:
            return max(0.0, self._next_pass_at - time.monotonic())
        self._steps += 1
        if not (self._pass.is_long and self._steps % CLOSER_LOOK_EVERY == 0 and self._look_closer()):
            if not self._pass.done:
                self._advance(self._pass)
            if self._pass.done:
                self._pass = None
        return 0.0

    def _confirm(self) -> bool:
        """Ask about what events spoke of; answer whether there was any."""
        if self._confirming is None:
            marked = self._marks.take(self._patience())
            if not marked:
                return False
            self._confirming = Pass(partial(self._still_in_flight, marked), AT_WORK)
        if not self._confirming.done:
            self._advance(self._confirming)
        if self._confirming.done:
            self._confirming = None
        return True

    def _look_closer(self) -> bool:
        """Ask about those at work and those looked at; answer whether there was any."""
        if self._closer is None or self._closer.done:
            self._closer = Pass(self._at_work_or_watched, AT_WORK)
        if self._closer.done:
            return False
        self._advance(self._closer)
        return True

    def _begin(self, moment: float) -> None:
        self._next_pass_at = moment + self.subject.pause()
        found = Pass(self._all, IN_FLIGHT_IN_AWS)
        self._few = len(found.missing) <= FEW
        self._pass = None if self._few else found

    def _all(self) -> dict[str, datetime]:
        runs = in_flight(self.subject.target_id)
        return dict(runs.values_list("aws_execution_id", "requested_at"))

    def _patience(self) -> float:
        return GATHER_SECONDS if self._pass is not None and self._pass.is_long else 0.0

    def _still_in_flight(self, aws_ids: Collection[str]) -> dict[str, datetime]:
        runs = in_flight(self.subject.target_id).filter(aws_execution_id__in=aws_ids)
        return dict(runs.values_list("aws_execution_id", "requested_at"))

    def _at_work_or_watched(self) -> dict[str, datetime]:
        runs = in_flight(self.subject.target_id).filter(
            Q(status__in=sorted(AT_WORK)) | Q(pk__in=wakeups.watched_runs())
        )
        return dict(runs.values_list("aws_execution_id", "requested_at"))

    def _advance(self, some: Pass) -> None:
        self._keep(some.call(self.subject.gateway()))
        if some.done and some.unknown:
            # Whether AWS has no record of them, a full look says.
            with self.subject.lease.writing():
                observing.mark_behind(some.unknown, self.subject.target_id, now())
            self.subject.look_again()

    def _keep(self, found: list[RemoteSummary]) -> None:
        with self.subject.lease.writing():
            news = observing.note(self.subject.target_id, found)
        self.subject.answered(now())
        if news:
            self.subject.look_again(news=True)
