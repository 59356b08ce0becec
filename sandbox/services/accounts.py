"""Further accounts, as AWS Organizations opens them: the role to enter one by is an administrator there.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_access-cross-account-role.html
"""

from __future__ import annotations

from typing import Any

from moto.iam.models import iam_backends
from moto.organizations.models import OrganizationsBackend

ENTRY_ROLE = "OrganizationAccountAccessRole"

_create = OrganizationsBackend.create_account


def _create_account(self: OrganizationsBackend, **request: Any) -> dict[str, Any]:
    created = _create(self, **request)
    account_id = created["CreateAccountStatus"]["AccountId"]
    iam_backends[account_id][self.partition].attach_role_policy(
        f"arn:{self.partition}:iam::aws:policy/AdministratorAccess", request.get("RoleName") or ENTRY_ROLE
    )
    return created


def install() -> None:
    """Let CreateAccount attach to the account's role what AWS attaches, and moto does not."""
    OrganizationsBackend.create_account = _create_account  # type: ignore[method-assign]
