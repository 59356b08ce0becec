"""Who may administer, and that somebody always can."""

from django.contrib.auth.models import Permission

from accounts.models import User
from common import access
from common.errors import Conflict


def require_administrator(actor: User | None) -> None:
    """Let an administrator pass, and the portal's own commands (`actor` None), which ask for no rights.

    Raises NotFound for anybody else: they do not see this area.
    """
    if actor is not None:
        access.require_capability(actor, "administer")


def administrators_remain() -> None:
    """Check, inside the transaction that has just taken a right away, that somebody can still administer.

    Raises Conflict when nobody could: the transaction is rolled back with it.
    """
    administer = Permission.objects.filter(content_type__app_label="accounts", codename="administer")
    # One after the other: two administrators who deactivate each other at once would each see the other stay.
    list(administer.select_for_update())
    remaining = User.objects.filter(is_active=True, groups__permissions__in=administer)
    if not remaining.exists():
        raise Conflict(
            "Nobody could administer the portal after this: first make somebody else an administrator.",
            code="last-administrator",
        )
