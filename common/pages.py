"""Pages of long lists: an address names where its page starts, so no page costs more than the first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote, unquote, urlencode

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet

M = TypeVar("M", bound=Model)

PAGE_SIZE = 25


@dataclass(frozen=True)
class Page(Generic[M]):
    """One page of a list.

    Attributes:
        rows: what stands on it.
        back, forward: query strings of the neighbouring pages, empty where there is none.
    """

    rows: list[M]
    back: str
    forward: str


def page_of(
    queryset: QuerySet[M],
    order: tuple[str, ...],
    query: Mapping[str, str],
    *,
    kept: Mapping[str, str],
    size: int = PAGE_SIZE,
) -> Page[M]:
    """Return the page that an address asks for.

    Arguments:
        order: field names, all with a leading hyphen or none, that together are unique.
        query: the address's parameters; `after` names the row before the page's first, `before` the row
            after its last. A key that cannot be read gives the first page.
        kept: the parameters that the neighbours' addresses keep: the filters.
        size: rows a page.
    """
    backwards = bool(query.get("before"))
    rows = _rows(queryset, order, query.get("before") or query.get("after") or "", backwards, size)
    if rows is None:
        backwards, rows = False, _rows(queryset, order, "", False, size)
    found = rows or []
    more = len(found) > size
    found = found[:size]
    if backwards:
        found.reverse()
    keyed = bool(query.get("before") or query.get("after"))
    before = more if backwards else keyed
    after = True if backwards else more
    return Page(
        rows=found,
        back=_address(kept, before=_key(found[0], order)) if found and before else "",
        forward=_address(kept, after=_key(found[-1], order)) if found and after else "",
    )


def _rows(
    queryset: QuerySet[M], order: tuple[str, ...], key: str, backwards: bool, size: int
) -> list[M] | None:
    """Return up to one row more than a page holds, or None when the key cannot be read."""
    reverse = {name: name[1:] if name.startswith("-") else f"-{name}" for name in order}
    direction = [reverse[name] for name in order] if backwards else list(order)
    found = queryset.order_by(*direction)
    if key:
        values = [unquote(part) for part in key.split("~")]
        if len(values) != len(order):
            return None
        try:
            found = found.filter(_beyond(direction, values))
        except (ValueError, TypeError, ValidationError, OverflowError):
            return None
    return list(found[: size + 1])


def _beyond(direction: list[str], values: list[str]) -> Q:
    """Return the filter for rows that come after `values` in `direction`."""
    condition, equal = Q(pk__in=[]), Q()
    for name, value in zip(direction, values, strict=True):
        bare = name.lstrip("-")
        comparison = "lt" if name.startswith("-") else "gt"
        condition |= equal & Q(**{f"{bare}__{comparison}": value})
        equal &= Q(**{bare: value})
    # This follows from the rest; it is the part with which an index finds the place.
    first, end = direction[0], "lte" if direction[0].startswith("-") else "gte"
    return Q(**{f"{first.lstrip('-')}__{end}": values[0]}) & condition


def _key(row: Any, order: tuple[str, ...]) -> str:
    return "~".join(quote(str(getattr(row, name.lstrip("-"))), safe="") for name in order)


def _address(kept: Mapping[str, str], **key: str) -> str:
    return "?" + urlencode({name: value for name, value in {**kept, **key}.items() if value})
