"""People: made, put into groups, deactivated. Nobody is ever deleted, because history names them."""

from collections.abc import Iterable

from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import User
from accounts.services.authority import administrators_remain, require_administrator
from audit.services import record
from common.errors import Invalid


def sentences(error: ValidationError) -> dict[str, str]:
    """Return Django's complaints about a model as one sentence a field."""
    if hasattr(error, "error_dict"):
        return {name: " ".join(messages) for name, messages in error.message_dict.items()}
    return {"__all__": " ".join(error.messages)}


def _check_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(
            "The password is not safe enough.", fields={"password": " ".join(error.messages)}
        ) from None


@transaction.atomic
def create_user(
    *,
    actor: User | None,
    username: str,
    password: str | None,
    full_name: str = "",
    email: str = "",
    groups: Iterable[Group] = (),
) -> User:
    """Make a person who may sign in.

    Arguments:
        actor: an administrator; None for the portal's own commands.
        password: what they sign in with at first; None when they cannot sign in with one.

    Raises Invalid with a sentence for each field refused.
    """
    require_administrator(actor)
    user = User(username=User.normalize_username(username), full_name=full_name.strip(), email=email.strip())
    try:
        user.full_clean(exclude=["password"])
    except ValidationError as error:
        raise Invalid("This person cannot be added like this.", fields=sentences(error)) from None
    if User.objects.filter(username__iexact=user.username).exists():
        # In AWS's trail and in the audit record the two would be taken for one person.
        raise Invalid(
            "This person cannot be added like this.",
            fields={"username": "Somebody has this user name already, written otherwise; choose another."},
        )
    if password is not None:
        _check_password(password, user)
    user.set_password(password)
    user.save()
    chosen = list(groups)
    user.groups.set(chosen)
    record(
        actor=actor,
        action="person.created",
        obj=user,
        data={"full_name": user.full_name, "groups": sorted(group.name for group in chosen)},
    )
    return user


@transaction.atomic
def set_active(*, actor: User | None, user: User, active: bool) -> None:
    """Let a person in, or keep them out: they are signed out at once and none of their queued runs start.

    Raises Conflict when nobody would be left to administer.
    """
    require_administrator(actor)
    if not User.objects.filter(pk=user.pk, is_active=not active).update(is_active=active):
        user.is_active = active
        return
    if not active:
        administrators_remain()
    user.is_active = active
    record(actor=actor, action="person.activated" if active else "person.deactivated", obj=user)


@transaction.atomic
def set_groups(*, actor: User | None, user: User, groups: Iterable[Group]) -> None:
    """Make a person a member of exactly these groups.

    Raises Conflict when nobody would be left to administer.
    """
    require_administrator(actor)
    before = {group.name for group in user.groups.all()}
    chosen = list(groups)
    after = {group.name for group in chosen}
    if before == after:
        return
    user.groups.set(chosen)
    administrators_remain()
    record(
        actor=actor,
        action="person.groups-changed",
        obj=user,
        data={"joined": sorted(after - before), "left": sorted(before - after)},
    )


@transaction.atomic
def set_password(*, actor: User | None, user: User, password: str) -> None:
    """Give a person a new password; every session of theirs ends.

    Raises Invalid when the password is too weak.
    """
    require_administrator(actor)
    _check_password(password, user)
    user.set_password(password)
    user.save(update_fields=["password"])
    record(actor=actor, action="person.password-set", obj=user)
