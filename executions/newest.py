"""The first runs, in time's order, of many delegations or people: at a cost that no number of runs raises.

A database that is asked for the newest runs of some delegations walks through everybody's runs, the newest
first, until it has met enough of theirs, or sorts all of theirs. Either may be a million rows. Here each
delegation is asked for its own newest run, which an index tells; of the few whose newest runs are the newest
it is asked up to where a page can reach; and only what lies before that is read.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from django.db.models import F, OuterRef, QuerySet, Subquery

from accounts.models import Delegation, User
from executions.models import Execution

# Who sees more delegations than this is served in the order of time: they meet what they may see soon.
PROBED = 1000

# When a run was asked for, and its id: what the list is ordered by.
Key: TypeAlias = tuple[datetime, UUID]


@dataclass(frozen=True)
class Window:
    """The part of a list that is wanted: the first `size` runs.

    Attributes:
        size: how many.
        upwards: the oldest come first; otherwise the newest.
    """

    size: int
    upwards: bool = False

    @property
    def _order(self) -> tuple[str, str]:
        return ("requested_at", "pk") if self.upwards else ("-requested_at", "-pk")

    def merged(self, keys: Iterable[Key]) -> list[Key]:
        """Return the first of `keys`, each once."""
        return sorted(set(keys), reverse=not self.upwards)[: self.size]

    def of(self, found: QuerySet[Execution]) -> list[Key]:
        """Return the first keys of `found`: one query."""
        return list(found.order_by(*self._order).values_list("requested_at", "pk")[: self.size])

    def among(
        self, found: QuerySet[Execution], owners: QuerySet[Delegation] | QuerySet[User], field: str
    ) -> list[Key]:
        """Return the first keys of what of `found` belongs to `owners`: three queries, at most four.

        Arguments:
            owners: delegations or people, PROBED at most.
            field: the run's field that names its owner, "delegation" or "operator".
        """
        of_each = found.filter(**{field: OuterRef("pk")}).order_by(*self._order).values("requested_at")
        earliest = F("first").asc(nulls_last=True) if self.upwards else F("first").desc(nulls_last=True)
        begun = owners.annotate(first=Subquery(of_each[:1])).order_by(earliest).values_list("pk", "first")
        near = {key: at for key, at in begun[: self.size + 1] if at is not None}
        moments = list(near.values())
        # The runs wanted lie in as many owners at most: those that begin first.
        ends = moments[self.size - 1 : self.size]
        if ends and moments[self.size :] == ends:
            near |= begun.filter(first=ends[0])
        if not near:
            return []
        # No owner has to be read beyond as many runs as are wanted.
        last = owners.model._default_manager.order_by().filter(pk__in=near)
        last = last.annotate(last=Subquery(of_each[self.size - 1 : self.size]))
        ends += [at for at in last.values_list("last", flat=True) if at is not None]
        reached = found.filter(**{f"{field}__in": near})
        if ends and self.upwards:
            reached = reached.filter(requested_at__lte=min(ends))
        elif ends:
            reached = reached.filter(requested_at__gte=max(ends))
        return self.merged(reached.order_by().values_list("requested_at", "pk"))
