"""ListDocuments: an account's own documents, those that are shared with it, and the filters.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DocumentKeyValuesFilter.html
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moto.ssm.models import Document as StoredDocument

from sandbox.automation.api import sharing
from sandbox.automation.api.errors import InvalidFilterKey, ValidationException
from sandbox.automation.api.listing import read_place, write_place

PAGE = 10
OWNERS = ("Amazon", "Private", "Public", "Self", "ThirdParty")
Entry = dict[str, Any]
# A name is asked for by its beginning.
FILTERS: Mapping[str, Callable[[Entry, Sequence[str]], bool]] = {
    "Name": lambda entry, values: entry["Name"].rpartition("/")[2].startswith(tuple(values)),
    "DocumentType": lambda entry, values: entry["DocumentType"] in values,
    "PlatformTypes": lambda entry, values: not set(values).isdisjoint(entry.get("PlatformTypes", [])),
    "TargetType": lambda entry, values: entry.get("TargetType") in values,
    "SearchKeyword": lambda entry, values: any(each.lower() in entry["Name"].lower() for each in values),
}


def list_documents(backend: Any, request: Mapping[str, Any], account_id: str, region: str) -> dict[str, Any]:
    """A page of DocumentIdentifiers, by name. Raises InvalidFilterKey for a key that there is not."""
    filters = _filters(request)
    owners = filters.pop("Owner", ["Self"])
    if len(owners) != 1 or owners[0] not in OWNERS:
        raise ValidationException(f"Owner is one of {', '.join(OWNERS)}, not {', '.join(owners)}.")
    entries = [entry for entry in _owned(backend, owners[0], account_id, region) if _matches(entry, filters)]
    start = read_place(request.get("NextToken"))
    end = start + (request.get("MaxResults") or PAGE)
    return {
        "DocumentIdentifiers": entries[start:end],
        "NextToken": write_place(end) if end < len(entries) else None,
    }


def _filters(request: Mapping[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {
        each["key"]: [each["value"]] for each in request.get("DocumentFilterList") or []
    }
    for each in request.get("Filters") or []:
        key = str(each.get("Key"))
        if key not in {*FILTERS, "Owner"} and not key.startswith("tag:"):
            raise InvalidFilterKey(
                f"The filter key {key} is not valid: use {', '.join(FILTERS)}, Owner, or tag:KEY."
            )
        if key in found:
            raise InvalidFilterKey(f"The filter key {key} is given more than once.")
        found[key] = list(each.get("Values") or [])
    return found


def _matches(entry: Entry, filters: Mapping[str, Sequence[str]]) -> bool:
    tags = {tag["Key"]: tag["Value"] for tag in entry.get("Tags", [])}
    for key, values in filters.items():
        if key.startswith("tag:"):
            name = key.removeprefix("tag:")
            if name not in tags or (values and tags[name] not in values):
                return False
        elif not FILTERS[key](entry, values):
            return False
    return True


def _owned(backend: Any, owner: str, account_id: str, region: str) -> list[Entry]:
    if owner == "Self":
        return [
            _entry(name, documents.get_default_version(), backend._get_documents_tags(name))
            for name, documents in sorted(backend._documents.items())
        ]
    if owner in {"Private", "Public"}:
        found = sharing.shared_with(account_id, region, publicly=owner == "Public")
        return [_entry(arn, document, []) for arn, document in found]
    # Neither AWS's documents nor those of vendors are in the sandbox.
    return []


def _entry(name: str, document: StoredDocument, tags: list[dict[str, str]]) -> Entry:
    described = {
        **document.list_describe(tags=tags),
        "Name": name,
        "CreatedDate": document.created_date,
        "DisplayName": getattr(document, "display_name", None),
    }
    return {key: value for key, value in described.items() if value}
