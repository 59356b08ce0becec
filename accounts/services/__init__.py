"""The verbs of accounts: people, groups, delegations. Each asks the access door itself."""

from accounts.services.delegations import (
    create_delegation,
    grant,
    revoke,
    set_enabled,
    update_delegation,
)
from accounts.services.groups import (
    add_member,
    create_group,
    ensure_standard_groups,
    remove_member,
    set_capabilities,
)
from accounts.services.launchable import check_launchable
from accounts.services.people import create_user, set_active, set_groups, set_password

__all__ = [
    "add_member",
    "check_launchable",
    "create_delegation",
    "create_group",
    "create_user",
    "ensure_standard_groups",
    "grant",
    "remove_member",
    "revoke",
    "set_active",
    "set_capabilities",
    "set_enabled",
    "set_groups",
    "set_password",
    "update_delegation",
]
