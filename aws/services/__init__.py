"""The verbs of aws: targets, service roles and who may bind them, and people's own AWS identities."""

from aws.services.identities import assign_role, recheck_identity, remove_identity, set_own_key
from aws.services.roles import create_role, grant_use, revoke_use, update_role
from aws.services.targets import ask_check, create_target, set_target_enabled, update_target

__all__ = [
    "ask_check",
    "assign_role",
    "create_role",
    "create_target",
    "grant_use",
    "recheck_identity",
    "remove_identity",
    "revoke_use",
    "set_own_key",
    "set_target_enabled",
    "update_role",
    "update_target",
]
