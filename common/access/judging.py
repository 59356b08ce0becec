"""The door's answers: what an actor may do to which objects, and why."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db.models import Model, Q, QuerySet

from common.access.granting import group_grants, user_grants
from common.access.rules import CAPABILITIES, Actor, Decision, Rules, rules_for
from common.errors import Forbidden, NotFound

M = TypeVar("M", bound=Model)


# Capabilities


def capabilities(actor: Actor) -> frozenset[str]:
    """Return the actor's capabilities: read once for each actor instance, so once a request."""
    if not (actor.is_authenticated and actor.is_active):
        return frozenset()
    known: frozenset[str] | None = getattr(actor, "_portal_capabilities", None)
    if known is None:
        names = Permission.objects.filter(
            group__user=actor.pk, content_type__app_label="accounts", codename__in=CAPABILITIES
        ).values_list("codename", flat=True)
        known = frozenset(names)
        actor._portal_capabilities = known  # type: ignore[attr-defined]
    return known


def capable(actor: Actor, capability: str) -> bool:
    """Say whether the actor has `capability`, one of CAPABILITIES."""
    if capability not in CAPABILITIES:
        raise LookupError(f"There is no capability {capability!r}")
    return capability in capabilities(actor)


def require_capability(actor: Actor, capability: str) -> None:
    """Let the actor pass, or raise NotFound: who lacks an area's capability does not see the area."""
    if not capable(actor, capability):
        raise NotFound()


# Objects


def _granted(actor: Actor, permissions: Iterable[str], model: type[Model], field: str = "pk") -> Q:
    """Return the filter for rows whose `field` names an object on which `actor` was granted a permission.

    Arguments:
        permissions: any of which will do.
        model: the object's.
    """
    wanted = list(permissions)
    to_user = user_grants(model).filter(user=actor.pk, permission__codename__in=wanted)
    to_group = group_grants(model).filter(group__user=actor.pk, permission__codename__in=wanted)
    return Q(**{f"{field}__in": to_user.values("content_object_id")}) | Q(
        **{f"{field}__in": to_group.values("content_object_id")}
    )


def _naming(actor: Actor, permission: str, model: type[Model], field: str) -> Q:
    """Return the filter for rows whose `field` names an object on which `actor` has `permission`."""
    rules = rules_for(model)
    sources = rules.granting(permission)
    if actor.is_authenticated and actor.is_active and rules.grantable:
        if everywhere(actor, permission, model):
            return Q(**{f"{field}__isnull": False})
        # Grants name their objects themselves: the objects' own table, ten thousand rows, is not looked into.
        return _granted(actor, sources, model, field)
    return Q(**{f"{field}__in": visible(actor, permission, model._default_manager.all())})


@dataclass(frozen=True)
class Through:
    """The filter for objects that an actor reaches over their fields; whatever is named must hold.

    Attributes:
        person: the field that must name the actor.
        somebody_else: the field that must name another than the actor.
        related, model, permission: the field that names an object of `model` on which the actor must have
            `permission`.
    """

    person: str = ""
    somebody_else: str = ""
    related: str = ""
    model: type[Model] | None = None
    permission: str = ""

    def __call__(self, actor: Actor) -> Q:
        """Return the filter for `actor`."""
        condition = Q(**{self.person: actor.pk}) if self.person else Q()
        if self.somebody_else:
            condition &= ~Q(**{self.somebody_else: actor.pk})
        if self.model is not None:
            condition &= _naming(actor, self.permission, self.model, self.related)
        return condition


def visible(actor: Actor, permission: str, queryset: QuerySet[M]) -> QuerySet[M]:
    """Return what of `queryset` the actor has `permission` on, in a constant number of queries."""
    rules = rules_for(queryset.model)
    sources = rules.granting(permission)
    if not (actor.is_authenticated and actor.is_active):
        return queryset.none()
    if everywhere(actor, permission, queryset.model):
        return queryset
    if rules.grantable:
        return queryset.filter(_granted(actor, sources, queryset.model))
    return queryset.filter(_through(actor, sources, rules))


def _through(actor: Actor, sources: Iterable[str], rules: Rules) -> Q:
    """Return the filter for objects that the actor has one of `sources` on through others."""
    condition = Q(pk__in=[])
    for source in sources:
        for _, filters in rules.through.get(source, ()):
            condition |= filters(actor)
    return condition


def everywhere(actor: Actor, permission: str, model: type[Model]) -> bool:
    """Say whether a capability of the actor gives `permission` on every object of `model`."""
    return rules_for(model).capabilities.get(permission) in capabilities(actor)


def granted(holder: Actor | Group, queryset: QuerySet[M]) -> QuerySet[M]:
    """Return those of `queryset` on which something was granted to a person, or to one of their groups, or to
    a group itself; what a capability gives on every object is left out.
    """
    if isinstance(holder, Group):
        rows = group_grants(queryset.model).filter(group=holder)
        return queryset.filter(pk__in=rows.values("content_object_id"))
    if not (holder.is_authenticated and holder.is_active):
        return queryset.none()
    return queryset.filter(_granted(holder, rules_for(queryset.model).permissions, queryset.model))


def holders(model: type[Model], permission: str, among: Iterable[Any]) -> Q:
    """Return the filter for users who hold a permission on one of some objects, in person or by a group.

    Arguments:
        among: the objects' primary keys, or a queryset of them.
    """
    here = {"content_object__in": among, "permission__codename__in": rules_for(model).granting(permission)}
    in_person = user_grants(model).filter(**here)
    by_group = group_grants(model).filter(**here)
    # Each group once: PostgreSQL else compares every membership with every grant.
    groups = by_group.values("group_id").distinct()
    members = get_user_model().groups.through._default_manager.filter(group__in=groups)
    return Q(pk__in=in_person.values("user_id")) | Q(pk__in=members.values("user_id"))


def permissions(actor: Actor, objects: Iterable[Model]) -> dict[Any, frozenset[str]]:
    """Return the permissions that `actor` has on each of `objects` (all of one model), by primary key.

    Two queries for any number of objects (for a model judged through others: two for each field that counts).
    """
    items = list(objects)
    if not items:
        return {}
    model = type(items[0])
    rules = rules_for(model)
    keys = [item.pk for item in items]
    if not (actor.is_authenticated and actor.is_active):
        return {key: frozenset() for key in keys}
    if not rules.grantable:
        return _permissions_through(actor, rules, items)
    given: dict[Any, set[str]] = {key: set() for key in keys}
    for rows in (
        user_grants(model).filter(user=actor.pk, content_object__in=keys),
        group_grants(model).filter(group__user=actor.pk, content_object__in=keys),
    ):
        for key, codename in rows.values_list("content_object_id", "permission__codename"):
            given[key].add(codename)
    held = capabilities(actor)
    by_capability = {name for name, capability in rules.capabilities.items() if capability in held}
    return {
        key: frozenset(
            name for name in rules.permissions if name in by_capability or rules.granting(name) & names
        )
        for key, names in given.items()
    }


def _permissions_through(actor: Actor, rules: Rules, items: list[Any]) -> dict[Any, frozenset[str]]:
    """Return what the actor has on each of `items`: what their fields name is looked up, not their table."""
    beyond: dict[str, dict[Any, frozenset[str]]] = {}
    found: dict[Any, set[str]] = {item.pk: set() for item in items}
    for name in rules.permissions:
        if everywhere(actor, name, rules.model):
            reached = set(found)
        else:
            reached = set()
            for source in rules.granting(name):
                for _, way in rules.through.get(source, ()):
                    reached |= _reached(actor, way, rules.model, items, beyond)
        for key in reached:
            found[key].add(name)
    return {key: frozenset(held) for key, held in found.items()}


def _reached(
    actor: Actor,
    way: Callable[[Actor], Q],
    model: type[Model],
    items: list[Any],
    beyond: dict[str, dict[Any, frozenset[str]]],
) -> set[Any]:
    """Return the keys of the items that the actor reaches by `way`.

    Arguments:
        beyond: for each related field, what the actor has on the objects that it names; completed here.
    """
    if not isinstance(way, Through):
        rows = model._default_manager.order_by().filter(way(actor), pk__in=[item.pk for item in items])
        return set(rows.values_list("pk", flat=True))

    def named(field: str, item: Any) -> Any:
        return getattr(item, model._meta.get_field(field).attname)  # type: ignore[union-attr]  # a column

    if way.model is not None and way.related not in beyond:
        keys = {named(way.related, item) for item in items}
        judged = [way.model(pk=key) for key in keys]
        if not rules_for(way.model).grantable:
            judged = list(way.model._default_manager.filter(pk__in=keys))
        beyond[way.related] = permissions(actor, judged)
    return {
        item.pk
        for item in items
        if (not way.person or named(way.person, item) == actor.pk)
        and (not way.somebody_else or named(way.somebody_else, item) != actor.pk)
        and (way.model is None or way.permission in beyond[way.related].get(named(way.related, item), ()))
    }


def decide(actor: Actor, permission: str, obj: Model) -> Decision:
    """Judge whether `actor` may do `permission` to `obj`, in the database as it is now."""
    decision = _judged(actor, permission, obj)
    return Decision(True, True, explain(actor, permission, obj)) if decision.allowed else decision


def _judged(actor: Actor, permission: str, obj: Model) -> Decision:
    """Judge as `decide` does, without asking why it is allowed."""
    rules = rules_for(type(obj))
    sources = rules.granting(permission)
    held = permissions(actor, [obj])[obj.pk]
    if permission in held:
        return Decision(True, True)
    visible_to_actor = "view" in held or bool(held)
    wanted = " or ".join(sorted(sources)) if rules.grantable else permission
    reason = f"Nobody has granted you “{wanted}” on this {rules.noun}."
    return Decision(False, visible_to_actor, (reason,))


def explain(actor: Actor, permission: str, obj: Model) -> tuple[str, ...]:
    """Return, as sentences, every way in which `actor` has `permission` on `obj`; empty when in none."""
    rules = rules_for(type(obj))
    sources = rules.granting(permission)
    if not (actor.is_authenticated and actor.is_active):
        return ()
    ways: list[str] = []
    capability = rules.capabilities.get(permission)
    if capability and capability in capabilities(actor):
        groups = Group.objects.filter(
            user=actor.pk, permissions__codename=capability, permissions__content_type__app_label="accounts"
        )
        ways += [f"as a member of “{name}”, who {CAPABILITIES[capability]}" for name in _names(groups)]
    if not rules.grantable:
        for source in sorted(sources):
            for words, filters in rules.through.get(source, ()):
                if type(obj)._default_manager.filter(filters(actor), pk=obj.pk).exists():
                    ways.append(words)
        return tuple(ways)
    here = {"content_object": obj, "permission__codename__in": sources}
    in_person = user_grants(type(obj)).filter(user=actor.pk, **here)
    for codename in in_person.values_list("permission__codename", flat=True):
        ways.append(f"“{codename}” was granted in person")
    by_group = group_grants(type(obj)).filter(group__user=actor.pk, **here)
    for codename, name in by_group.values_list("permission__codename", "group__name"):
        ways.append(f"“{codename}” was granted to the group “{name}”")
    return tuple(sorted(ways))


def _names(groups: QuerySet[Group]) -> list[str]:
    return sorted(set(groups.values_list("name", flat=True)))


def require(actor: Actor, permission: str, obj: Model) -> None:
    """Let the actor pass, or raise NotFound (invisible) or Forbidden (visible; the message says why)."""
    decision = _judged(actor, permission, obj)
    if decision.allowed:
        return
    if not decision.visible:
        raise NotFound()
    rules = rules_for(type(obj))
    raise Forbidden(
        f"You may see this {rules.noun}, but not {rules.permissions[permission]}. {decision.reasons[0]} "
        "Ask its owner or an administrator."
    )


def fetch(actor: Actor, permission: str, queryset: QuerySet[M], **lookup: Any) -> M:
    """Return the one object that `lookup` names, if the actor has `permission` on it.

    Raises NotFound when there is none or the actor may not know of it, Forbidden when it is visible.
    """
    try:
        obj = queryset.get(**lookup)
    except (ObjectDoesNotExist, ValidationError, ValueError, TypeError):
        raise NotFound() from None
    require(actor, permission, obj)
    return obj
