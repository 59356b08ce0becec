"""Object permissions as they stand in their tables: who was granted what on an object."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from guardian.shortcuts import assign_perm, remove_perm
from guardian.utils import get_group_obj_perms_model, get_user_obj_perms_model

from common.access.rules import Actor, rules_for


def user_grants(model: type[Model]) -> QuerySet[Any]:
    """Return the rows that grant something on objects of `model` to users."""
    table: Any = get_user_obj_perms_model(model)  # type: ignore[arg-type]  # takes a class as well
    rows: QuerySet[Any] = table.objects.all()
    return rows


def group_grants(model: type[Model]) -> QuerySet[Any]:
    """Return the rows that grant something on objects of `model` to groups."""
    table: Any = get_group_obj_perms_model(model)  # type: ignore[arg-type]  # takes a class as well
    rows: QuerySet[Any] = table.objects.all()
    return rows


@dataclass(frozen=True)
class Grant:
    """What one user or group was granted on an object."""

    holder: Model
    permissions: tuple[str, ...]

    @property
    def is_group(self) -> bool:
        """Whether a group holds the grant."""
        return isinstance(self.holder, Group)


def grants(obj: Model) -> list[Grant]:
    """Return who was granted what on `obj`: groups first, then users, each by name."""
    return grants_on([obj])[obj.pk]


def grant(permission: str, obj: Model, to: Model) -> None:
    """Give `permission` on `obj` to a user or group. The calling service authorises and records it."""
    _check_grantable(permission, obj)
    assign_perm(permission, to, obj)


def revoke(permission: str, obj: Model, holder: Model) -> None:
    """Take `permission` on `obj` away from a user or group. The calling service authorises and records it."""
    _check_grantable(permission, obj)
    remove_perm(permission, holder, obj)


def _check_grantable(permission: str, obj: Model) -> None:
    rules = rules_for(type(obj))
    if not rules.grantable or permission not in rules.permissions:
        raise LookupError(f"“{permission}” cannot be granted on a {rules.noun}")


def grants_on(objects: Iterable[Model]) -> dict[Any, list[Grant]]:
    """Return who was granted what on each of `objects` (all of one model), by primary key: two queries."""
    items = list(objects)
    if not items:
        return {}
    model = type(items[0])
    held: dict[Any, dict[Model, set[str]]] = {item.pk: {} for item in items}
    here = {"content_object__in": list(held)}
    for rows, holder in ((group_grants(model), "group"), (user_grants(model), "user")):
        for key, codename, somebody in _with_holders(rows.filter(**here), holder):
            held[key].setdefault(somebody, set()).add(codename)
    return {key: _in_order(model, holders) for key, holders in held.items()}


def _with_holders(rows: QuerySet[Any], holder: str) -> Iterator[tuple[Any, str, Model]]:
    """Yield each grant's object, permission and holder; a holder of many grants is one instance."""
    kind: type[Model] = rows.model._meta.get_field(holder).related_model
    names = [field.attname for field in kind._meta.concrete_fields]
    known: dict[Any, Model] = {}
    columns = [f"{holder}__{name}" for name in names]
    keyed = rows.values_list("content_object_id", "permission__codename", f"{holder}_id", *columns)
    for key, codename, somebody, *values in keyed:
        if somebody not in known:
            known[somebody] = kind.from_db(rows.db, names, values)
        yield key, codename, known[somebody]


def _in_order(model: type[Model], held: Mapping[Model, set[str]]) -> list[Grant]:
    order = list(rules_for(model).permissions)
    found = [Grant(holder, tuple(sorted(names, key=order.index))) for holder, names in held.items()]
    return sorted(found, key=lambda grant: (not grant.is_group, str(grant.holder)))


def granted_to(actor: Actor, objects: Iterable[Model]) -> dict[Any, list[tuple[str, str]]]:
    """Return what was granted to `actor` on each of `objects` (all of one model), and how, by primary key.

    Two queries. Each is a (permission, words) pair; the words say whether it was granted in person or to
    which group. What a capability gives on every object is not listed: see CAPABILITIES.
    """
    items = list(objects)
    found: dict[Any, list[tuple[str, str]]] = {item.pk: [] for item in items}
    if not (items and actor.is_authenticated and actor.is_active):
        return found
    model = type(items[0])
    in_person = user_grants(model).filter(user=actor.pk, content_object__in=list(found))
    for key, codename in in_person.values_list("content_object_id", "permission__codename"):
        found[key].append((codename, "granted in person"))
    by_group = group_grants(model).filter(group__user=actor.pk, content_object__in=list(found))
    columns = ("content_object_id", "permission__codename", "group__name")
    for key, codename, name in by_group.values_list(*columns):
        found[key].append((codename, f"granted to the group “{name}”"))
    order = list(rules_for(model).permissions)
    for pairs in found.values():
        pairs.sort(key=lambda pair: (order.index(pair[0]), pair[1]))
    return found


def granted_to_group(group: Group, objects: Iterable[Model]) -> dict[Any, list[tuple[str, str]]]:
    """Return what was granted to `group` on each of `objects`, as `granted_to` does, but for the words.

    One query.
    """
    items = list(objects)
    found: dict[Any, list[tuple[str, str]]] = {item.pk: [] for item in items}
    if not items:
        return found
    model = type(items[0])
    rows = group_grants(model).filter(group=group, content_object__in=list(found))
    for key, codename in rows.values_list("content_object_id", "permission__codename"):
        found[key].append((codename, ""))
    order = list(rules_for(model).permissions)
    for pairs in found.values():
        pairs.sort(key=lambda pair: order.index(pair[0]))
    return found
