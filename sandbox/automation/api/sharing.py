"""Documents of this account and those that others share with it, and the sharing itself.

https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-ssm-sharing.html
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moto.ssm.models import Document as StoredDocument
from moto.ssm.models import Documents, ssm_backends

from sandbox.automation.api.errors import (
    DocumentPermissionLimit,
    InvalidDocument,
    InvalidDocumentVersion,
    ValidationException,
)
from sandbox.automation.api.listing import read_place, write_place

EVERYBODY = "all"
MOST_ACCOUNTS = 1_000
MOST_PUBLIC = 5
PERMISSIONS_PAGE = 20
DOCUMENT_ARN = re.compile(
    r"arn:aws[a-z-]*:ssm:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):document/(?P<name>[\w.-]+)"
)


@dataclass(frozen=True)
class Visible:
    """A document that an account may see: its own, or another's, shared in the versions `shared`."""

    documents: Documents
    shared: str | None = None

    def version(self, number: str | None, name: str | None = None) -> StoredDocument:
        """The version that is asked for, by its number, `$DEFAULT`, `$LATEST` or its name.

        Without any: the default one, or the one that is shared. InvalidDocumentVersion when there is none
        such, or it is not shared.
        """
        asked = number or ("$LATEST" if self.shared == "$LATEST" and not name else "$DEFAULT")
        found: StoredDocument | None = self.documents.find(
            None if name or asked == "$DEFAULT" else asked, name, strict=False
        )
        if name and number and found is not None and found is not self.version(number):
            found = None
        if found is None or not self._may_see(found):
            raise InvalidDocumentVersion("The document version is not valid or does not exist.")
        return found

    def _may_see(self, found: StoredDocument) -> bool:
        visible = {
            "$DEFAULT": self.documents.default_version,
            "$LATEST": self.documents.latest_version,
        }
        return self.shared not in visible or found.document_version == visible[self.shared]


def find(name: str, account_id: str, region: str) -> Visible | None:
    """The document that an account calls `name`, or by its ARN; None when it has none and none is shared."""
    owner, place, plain = account_id, region, name
    if match := DOCUMENT_ARN.fullmatch(name):
        owner, place, plain = match["account"], match["region"], match["name"]
    if place != region or owner not in ssm_backends:
        return None
    documents: Documents | None = ssm_backends[owner][region]._documents.get(plain)
    if documents is None or owner == account_id:
        return Visible(documents) if documents is not None else None
    permission = documents.permissions.get(account_id) or documents.permissions.get(EVERYBODY)
    return Visible(documents, permission.version) if permission else None


def shared_with(account_id: str, region: str, *, publicly: bool) -> Iterator[tuple[str, StoredDocument]]:
    """The documents of other accounts that everybody, or just this account, may see, by their ARNs."""
    for owner in sorted(ssm_backends):
        if owner == account_id or region not in ssm_backends[owner]:
            continue
        backend = ssm_backends[owner][region]
        for name, documents in sorted(backend._documents.items()):
            if (EVERYBODY if publicly else account_id) in documents.permissions:
                arn = f"arn:{backend.partition}:ssm:{region}:{owner}:document/{name}"
                visible = find(arn, account_id, region)
                assert visible is not None, "it is shared"
                yield arn, visible.version(None)


def modify(backend: Any, request: Mapping[str, Any]) -> None:
    """ModifyDocumentPermission: share one of the account's own documents, or stop sharing it."""
    documents = _own(backend, request["Name"])
    add, remove = (
        list(dict.fromkeys(_folded(each) for each in request.get(name) or []))
        for name in ("AccountIdsToAdd", "AccountIdsToRemove")
    )
    if not add and not remove:
        raise ValidationException("Give accounts to add or accounts to remove.")
    for accounts in (add, remove):
        if EVERYBODY in accounts and len(accounts) > 1:
            raise DocumentPermissionLimit("Accounts can either be all or a group of AWS accounts.")
    after = (set(add) if EVERYBODY in add else {*documents.permissions, *add}) - set(remove)
    if len(after) > MOST_ACCOUNTS:
        raise DocumentPermissionLimit(f"A document can be shared with {MOST_ACCOUNTS} accounts at most.")
    if EVERYBODY in add and EVERYBODY not in documents.permissions:
        public = sum(EVERYBODY in each.permissions for each in backend._documents.values())
        if public >= MOST_PUBLIC:
            raise DocumentPermissionLimit(f"{MOST_PUBLIC} documents can be shared publicly at most.")
    documents.modify_permissions(add, remove, request.get("SharedDocumentVersion") or "$DEFAULT")


def describe(backend: Any, request: Mapping[str, Any]) -> dict[str, Any]:
    """DescribeDocumentPermission: with whom one of the account's own documents is shared, in pages."""
    found = _own(backend, request["Name"]).describe_permissions()
    start, size = read_place(request.get("NextToken")), request.get("MaxResults") or PERMISSIONS_PAGE
    end = start + min(size, PERMISSIONS_PAGE)
    return {
        "AccountIds": found["AccountIds"][start:end],
        "AccountSharingInfoList": found["AccountSharingInfoList"][start:end],
        "NextToken": write_place(end) if end < len(found["AccountIds"]) else None,
    }


def _own(backend: Any, name: str) -> Documents:
    documents: Documents | None = backend._documents.get(name)
    if documents is None:
        raise InvalidDocument(f"Document with name {name} does not exist.")
    return documents


def _folded(account: str) -> str:
    return EVERYBODY if account.lower() == EVERYBODY else account
