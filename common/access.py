"""The one door: may this actor do this to this object, and why.

Pages, jobs and streams all ask here, and fetching through the door *is* the authorisation. Nobody is above
it: there are no superusers, and a permission that is not granted is denied.

Two kinds of right exist. A *capability* is portal-wide and belongs to a group: it opens an area. An *object
permission* is granted on one object to a user or a group (django-guardian, direct foreign keys).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db.models import Model, Q, QuerySet
from guardian.shortcuts import assign_perm, remove_perm
from guardian.utils import get_group_obj_perms_model, get_user_obj_perms_model

from common.errors import Forbidden, NotFound

M = TypeVar("M", bound=Model)

CAPABILITIES: Mapping[str, str] = {
    "author": "write new documents",
    "administer": "manage people, targets, service roles, policies and delegations",
    "audit": "read the record of who did what",
}


class Actor(Protocol):
    """A person who asks: the portal's user."""

    pk: Any
    is_active: bool

    @property
    def is_authenticated(self) -> bool:
        """Whether the person has signed in."""
        ...


@dataclass(frozen=True)
class Decision:
    """The door's answer.

    Attributes:
        allowed: the actor may do it.
        visible: the actor may know that the object exists.
        reasons: sentences: why it is allowed, or what would have to be granted.
    """

    allowed: bool
    visible: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rules:
    """How the door judges one model.

    Attributes:
        model: the model judged.
        noun: what a person calls one of them, e.g. "document".
        permissions: object permission → what it lets one do, in words.
        implied_by: permission → the object permissions that imply it (itself is always among them).
        capabilities: permission → the capability that gives it on every object of the model.
        through: for a model that has no permissions of its own: permission → filters that say who has it,
            each a (words, function from actor to Q) pair: a `Through`, or any other function where
            `access_in_bulk` is never asked of the model.
    """

    model: type[Model]
    noun: str
    permissions: Mapping[str, str]
    implied_by: Mapping[str, frozenset[str]] = field(default_factory=dict)
    capabilities: Mapping[str, str] = field(default_factory=dict)
    through: Mapping[str, tuple[tuple[str, Callable[[Actor], Q]], ...]] = field(default_factory=dict)

    @property
    def grantable(self) -> bool:
        """Whether the model has object permissions of its own."""
        return not self.through

    def granting(self, permission: str) -> frozenset[str]:
        """Return the object permissions that give `permission`."""
        if permission not in self.permissions:
            raise LookupError(f"The {self.noun} has no permission {permission!r}")
        return self.implied_by.get(permission, frozenset()) | {permission}


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
            having = visible(actor, self.permission, self.model._default_manager.all())
            condition &= Q(**{f"{self.related}__in": having})
        return condition


_rules: dict[type[Model], Rules] = {}


def register(rules: Rules) -> Rules:
    """Make the door judge `rules.model` by these rules."""
    _rules[rules.model] = rules
    return rules


def rules_for(model: type[Model]) -> Rules:
    """Return the rules of `model`. Raises LookupError for a model the door does not know: default deny."""
    try:
        return _rules[model]
    except KeyError:
        raise LookupError(f"The access door has no rules for {model.__name__}") from None


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


def _granted(actor: Actor, permissions: Iterable[str], model: type[Model]) -> Q:
    """Return the filter for objects on which `actor` was granted one of `permissions`."""
    wanted = list(permissions)
    to_user = user_grants(model).filter(user=actor.pk, permission__codename__in=wanted)
    to_group = group_grants(model).filter(group__user=actor.pk, permission__codename__in=wanted)
    return Q(pk__in=to_user.values("content_object_id")) | Q(pk__in=to_group.values("content_object_id"))


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


def holders(model: type[Model], permission: str, among: Iterable[Any]) -> Q:
    """Return the filter for users who hold a permission on one of some objects, in person or by a group.

    Arguments:
        among: the objects' primary keys, or a queryset of them.
    """
    here = {"content_object__in": among, "permission__codename__in": rules_for(model).granting(permission)}
    in_person = user_grants(model).filter(**here)
    by_group = group_grants(model).filter(**here)
    members = get_user_model().groups.through._default_manager.filter(group__in=by_group.values("group_id"))
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


# Granting


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


def granted_to(actor: Actor, model: type[Model]) -> dict[Any, list[tuple[str, str]]]:
    """Return, by primary key, what was granted to `actor` on objects of `model`, and how: two queries.

    Each is a (permission, words) pair; the words say whether it was granted in person or to which group.
    What a capability gives on every object is not listed: see CAPABILITIES.
    """
    if not (actor.is_authenticated and actor.is_active):
        return {}
    found: dict[Any, list[tuple[str, str]]] = {}
    in_person = user_grants(model).filter(user=actor.pk)
    for key, codename in in_person.values_list("content_object_id", "permission__codename"):
        found.setdefault(key, []).append((codename, "granted in person"))
    by_group = group_grants(model).filter(group__user=actor.pk)
    columns = ("content_object_id", "permission__codename", "group__name")
    for key, codename, name in by_group.values_list(*columns):
        found.setdefault(key, []).append((codename, f"granted to the group “{name}”"))
    order = list(rules_for(model).permissions)
    return {
        key: sorted(pairs, key=lambda pair: (order.index(pair[0]), pair[1])) for key, pairs in found.items()
    }


def granted_to_group(group: Group, model: type[Model]) -> dict[Any, list[str]]:
    """Return, by primary key, what was granted to `group` on objects of `model`: one query."""
    found: dict[Any, list[str]] = {}
    rows = group_grants(model).filter(group=group).values_list("content_object_id", "permission__codename")
    for key, codename in rows:
        found.setdefault(key, []).append(codename)
    order = list(rules_for(model).permissions)
    return {key: sorted(names, key=order.index) for key, names in found.items()}
