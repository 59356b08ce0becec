"""A lookup of our own: whether a key is among many."""

import json
from collections.abc import Callable
from typing import Any

from django.db.models import BigAutoField, ForeignKey, Lookup


@BigAutoField.register_lookup
@ForeignKey.register_lookup
class Among(Lookup):
    """`pk__among=keys`, as `pk__in=keys` of integers, but sent as one value.

    Of `in`, Django and the driver look at each key several times, and write and read a mark for each: of a
    thousand keys that takes longer than the database does. Django looks into lists here, too: give it a set.
    """

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Return the condition for PostgreSQL."""
        return self._condition(compiler, connection, "= ANY(%s::bigint[])", _array)

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Return the condition for SQLite, which has no arrays."""
        return self._condition(compiler, connection, "IN (SELECT value FROM json_each(%s))", json.dumps)

    def _condition(
        self, compiler: Any, connection: Any, many: str, sent: Callable[[list[int]], str]
    ) -> tuple[str, tuple[Any, ...]]:
        field, params = self.process_lhs(compiler, connection)
        keys = [int(key) for key in self.rhs]
        if len(keys) == 1:
            # Of one, the rows stand in an index in their order.
            return f"{field} = %s", (*params, *keys)
        return f"{field} {many}", (*params, sent(keys))


def _array(keys: list[int]) -> str:
    """Return PostgreSQL's words for an array; the driver writes one key by key."""
    return "{" + ",".join(map(str, keys)) + "}"
