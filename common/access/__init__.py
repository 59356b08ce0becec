"""The one door: may this actor do this to this object, and why.

Pages, jobs and streams all ask here, and fetching through the door *is* the authorisation. Nobody is above
it: there are no superusers, and a permission that is not granted is denied.

Two kinds of right exist. A *capability* is portal-wide and belongs to a group: it opens an area. An *object
permission* is granted on one object to a user or a group (django-guardian, direct foreign keys).
"""

from common.access.granting import (
    Grant,
    grant,
    granted_to,
    granted_to_group,
    grants,
    grants_on,
    group_grants,
    revoke,
    user_grants,
)
from common.access.judging import (
    Through,
    capabilities,
    capable,
    decide,
    everywhere,
    explain,
    fetch,
    granted,
    holders,
    permissions,
    require,
    require_capability,
    visible,
)
from common.access.rules import (
    CAPABILITIES,
    Actor,
    Decision,
    Rules,
    register,
    rules_for,
)

__all__ = [
    "CAPABILITIES",
    "Actor",
    "Decision",
    "Grant",
    "Rules",
    "Through",
    "capabilities",
    "capable",
    "decide",
    "everywhere",
    "explain",
    "fetch",
    "grant",
    "granted",
    "granted_to",
    "granted_to_group",
    "grants",
    "grants_on",
    "group_grants",
    "holders",
    "permissions",
    "register",
    "require",
    "require_capability",
    "revoke",
    "rules_for",
    "user_grants",
    "visible",
]
