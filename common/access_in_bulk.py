"""The door for many at once: which of these people may do this to which of these objects.

It answers what `access.permissions` answers for one of them, by the same rules, in a number of queries that
grows with neither people nor objects. For whoever asks again and again on behalf of many: live streams.
"""

from collections.abc import Iterable, Set
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Model

from common.access import Actor, Rules, Through, group_grants, rules_for, user_grants

# A person's primary key and an object's.
Pair = tuple[Any, Any]


def permitted(permission: str, model: type[Model], asked: Iterable[tuple[Actor, Any]]) -> set[Pair]:
    """Return those of `asked` who have `permission` on the object of `model` that they ask for.

    Arguments:
        asked: (actor, primary key of an object) pairs. An object that does not exist is permitted to nobody
            but to who has the capability that gives the permission on every object.

    Raises LookupError for a model or permission that the door does not know, and for a rule that can only be
    asked for one actor: default deny.
    """
    pairs = {(actor.pk, key) for actor, key in asked if actor.is_authenticated and actor.is_active}
    return _permitted(permission, model, pairs) if pairs else set()


def _permitted(permission: str, model: type[Model], asked: set[Pair]) -> set[Pair]:
    rules = rules_for(model)
    sources = rules.granting(permission)
    found = _granted(sources, model, asked) if rules.grantable else _reached(sources, rules, asked)
    capability = rules.capabilities.get(permission)
    left = asked - found
    if capability and left:
        found |= _members(left, {}, _groups_with(capability))
    return found


def _groups_with(capability: str) -> set[Any]:
    having = Group.objects.filter(
        permissions__codename=capability, permissions__content_type__app_label="accounts"
    )
    return set(having.values_list("pk", flat=True))


def _granted(sources: Set[str], model: type[Model], asked: set[Pair]) -> set[Pair]:
    people, keys = {person for person, _ in asked}, {key for _, key in asked}
    here = {"content_object__in": keys, "permission__codename__in": sources}
    in_person = user_grants(model).filter(user__in=people, **here)
    found = asked & set(in_person.values_list("user", "content_object"))
    groups: dict[Any, set[Any]] = {}
    for key, group in group_grants(model).filter(**here).values_list("content_object", "group"):
        groups.setdefault(key, set()).add(group)
    return found | _members(asked - found, groups, set())


def _members(asked: set[Pair], groups: dict[Any, set[Any]], everywhere: set[Any]) -> set[Pair]:
    """Return the pairs whose person is in one of the object's `groups` or of those that count everywhere."""
    wanted = everywhere.union(*groups.values())
    if not wanted or not asked:
        return set()
    memberships: dict[Any, set[Any]] = {}
    people = {person for person, _ in asked}
    for person, group in Group.objects.filter(pk__in=wanted, user__in=people).values_list("user", "pk"):
        memberships.setdefault(person, set()).add(group)
    none: set[Any] = set()
    return {
        (person, key)
        for person, key in asked
        if not memberships.get(person, none).isdisjoint(everywhere | groups.get(key, none))
    }


def _reached(sources: Set[str], rules: Rules, asked: set[Pair]) -> set[Pair]:
    ways = [way for source in sources for _, way in rules.through.get(source, ())]
    if not all(isinstance(way, Through) for way in ways):
        raise LookupError(f"One of the ways to have a {rules.noun} is asked for one person at a time")
    known = [way for way in ways if isinstance(way, Through)]
    fields = {name for way in known for name in (way.person, way.somebody_else, way.related) if name}
    rows = rules.model._default_manager.filter(pk__in={key for _, key in asked}).values("pk", *fields)
    objects = {row["pk"]: row for row in rows}
    there = {pair for pair in asked if pair[1] in objects}
    found: set[Pair] = set()
    for way in known:
        found |= _reached_so(way, objects, there - found)
    return found


def _reached_so(way: Through, objects: dict[Any, dict[str, Any]], asked: set[Pair]) -> set[Pair]:
    found = asked
    if way.person:
        found = {(person, key) for person, key in found if objects[key][way.person] == person}
    if way.somebody_else:
        found = {(person, key) for person, key in found if objects[key][way.somebody_else] != person}
    if way.model is None or not found:
        return found
    beyond = _permitted(
        way.permission, way.model, {(person, objects[key][way.related]) for person, key in found}
    )
    return {(person, key) for person, key in found if (person, objects[key][way.related]) in beyond}
