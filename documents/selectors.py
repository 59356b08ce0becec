"""What pages read of documents: a constant number of queries, starting from what the person may see."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime

import ssmdoc
from aws.models import AwsTarget
from common import access
from documents.checking import policy_findings
from documents.models import Document, DocumentVersion, Policy, Publication
from ssmdoc.text import Format

PAGE_SIZE = 25
# A policy is tried on at most this many documents while somebody waits for the page.
POLICY_TRIAL_SIZE = 200


@dataclass(frozen=True)
class DocumentRow:
    """A document of the list, with what the person may do to it and where it stands."""

    document: Document
    permissions: tuple[str, ...]
    publications: tuple[Publication, ...]


@dataclass(frozen=True)
class Page:
    """One page of a list, and the query strings of its neighbours (empty where there is none)."""

    rows: tuple[Any, ...]
    newer: str = ""
    older: str = ""


def document_list(
    actor: AbstractBaseUser, *, search: str = "", owner: str = "", before: str = "", after: str = ""
) -> Page:
    """Return a page of the documents that the actor may see, the latest changed first.

    Arguments:
        search: words of the name or description.
        owner: a user's id, or empty for everybody's.
        before, after: keys that the neighbouring page's address carries.
    """
    found = access.visible(actor, "view", Document.objects.select_related("owner"))
    if search:
        found = found.filter(Q(name__icontains=search) | Q(description__icontains=search))
    if owner.isdecimal():
        found = found.filter(owner=int(owner))
    documents, newer, older = _keyset(found, before=before, after=after)
    kept = {"q": search, "owner": owner}
    return Page(
        tuple(_rows(actor, documents)),
        newer=_address(kept, after=_key(documents[0])) if newer and documents else "",
        older=_address(kept, before=_key(documents[-1])) if older and documents else "",
    )


def _keyset(found: QuerySet[Document], *, before: str, after: str) -> tuple[list[Document], bool, bool]:
    """Return a page of documents, and whether newer and older ones exist."""
    upward = _parsed_key(after)
    if upward:
        moment, key = upward
        # The first condition follows from the second; it is the one with which an index finds the place.
        later = Q(updated_at__gte=moment) & (Q(updated_at__gt=moment) | Q(pk__gt=key))
        page = list(found.filter(later).order_by("updated_at", "pk")[: PAGE_SIZE + 1])
        return page[:PAGE_SIZE][::-1], len(page) > PAGE_SIZE, True
    downward = _parsed_key(before)
    if downward:
        moment, key = downward
        found = found.filter(Q(updated_at__lte=moment), Q(updated_at__lt=moment) | Q(pk__lt=key))
    page = list(found.order_by("-updated_at", "-pk")[: PAGE_SIZE + 1])
    return page[:PAGE_SIZE], downward is not None, len(page) > PAGE_SIZE


def _key(document: Document) -> str:
    return f"{document.updated_at.isoformat()}~{document.pk}"


def _parsed_key(text: str) -> tuple[datetime, int] | None:
    moment, _, key = text.partition("~")
    try:
        parsed = parse_datetime(moment)
    except ValueError:
        return None
    if parsed is None or parsed.tzinfo is None or not key.isdecimal():
        return None
    return parsed, int(key)


def _address(kept: Mapping[str, str], **key: str) -> str:
    return "?" + urlencode({name: value for name, value in {**kept, **key}.items() if value})


def _rows(actor: AbstractBaseUser, documents: list[Document]) -> Iterable[DocumentRow]:
    held = access.permissions(actor, documents)
    order = list(access.rules_for(Document).permissions)
    standing = _standing_publications(documents)
    for document in documents:
        names = sorted(held[document.pk], key=order.index)
        yield DocumentRow(document, tuple(names), tuple(standing.get(document.pk, ())))


def _standing_publications(documents: list[Document]) -> dict[int, list[Publication]]:
    """Return, for each document and target, its newest publication, and the newest that stands in AWS."""
    rows = (
        Publication.objects.filter(version__document__in=documents)
        .select_related("version", "target", "requested_by")
        .defer("version__text")
        .order_by("target__name", "-version__number")
    )
    found: dict[int, list[Publication]] = {}
    tried: set[tuple[int, int]] = set()
    active: set[tuple[int, int]] = set()
    for row in rows:
        place = (row.version.document_id, row.target_id)
        stands = row.status == Publication.Status.ACTIVE
        if place not in tried or (stands and place not in active):
            found.setdefault(row.version.document_id, []).append(row)
        tried.add(place)
        if stands:
            active.add(place)
    return found


def owners(actor: AbstractBaseUser) -> list[tuple[int, str]]:
    """Return who owns the documents that the actor may see, by id and name."""
    seen = access.visible(actor, "view", Document.objects.all())
    rows = seen.order_by("owner__username").values_list("owner_id", "owner__username").distinct()
    return [(key, name) for key, name in rows[:200]]


def may_author(actor: AbstractBaseUser) -> bool:
    """Say whether the actor writes documents at all: new ones, or somebody's that was shared."""
    if access.capable(actor, "author"):
        return True
    return access.visible(actor, "edit", Document.objects.all()).exists()


def versions_page(document: Document, *, before: str = "", after: str = "") -> Page:
    """Return a page of the document's versions, the newest first."""
    versions = document.versions.select_related("author").defer("text")
    if after.isdecimal():
        page = list(versions.filter(number__gt=int(after)).order_by("number")[: PAGE_SIZE + 1])
        rows, newer, older = page[:PAGE_SIZE][::-1], len(page) > PAGE_SIZE, True
    else:
        if before.isdecimal():
            versions = versions.filter(number__lt=int(before))
        page = list(versions.order_by("-number")[: PAGE_SIZE + 1])
        rows, newer, older = page[:PAGE_SIZE], before.isdecimal(), len(page) > PAGE_SIZE
    return Page(
        tuple(rows),
        newer=_address({}, after=str(rows[0].number)) if newer and rows else "",
        older=_address({}, before=str(rows[-1].number)) if older and rows else "",
    )


def version_of(document: Document, number: int) -> DocumentVersion | None:
    """Return version `number` of the document with its author; None when there is none."""
    return document.versions.select_related("author").filter(number=number).first()


def publications_of(document: Document) -> list[Publication]:
    """Return the document's publications, by target and then the newest version first."""
    rows = Publication.objects.filter(version__document=document).select_related(
        "version", "target", "requested_by"
    )
    return list(rows.defer("version__text").order_by("target__name", "-version__number"))


def changes(base: DocumentVersion, shown: DocumentVersion) -> tuple[ssmdoc.diff.Change, ...] | None:
    """Return what `shown` changed against `base`; None when one of them cannot be read as a document."""
    old, new = (ssmdoc.parse(item.text, format=cast(Format, item.format)) for item in (base, shown))
    if old.document is None or new.document is None:
        return None
    return ssmdoc.diff.compare(old, new).changes


def enabled_targets() -> QuerySet[AwsTarget]:
    """Return the targets that one may publish to."""
    return AwsTarget.objects.filter(enabled=True).order_by("name")


# Policies


def policies() -> QuerySet[Policy]:
    """Return every policy, by name."""
    return Policy.objects.order_by("name")


@dataclass(frozen=True)
class Trial:
    """What rules would forbid.

    Attributes:
        broken: versions that break them, each with the findings that say where.
        tried: how many documents were looked at.
        total: how many there are.
    """

    broken: tuple[tuple[DocumentVersion, tuple[ssmdoc.Finding, ...]], ...]
    tried: int
    total: int


def try_rules(rules: Mapping[str, Any], name: str) -> Trial:
    """Judge the newest version of the latest changed documents by `rules`, as the policy `name` would."""
    documents = list(
        Document.objects.order_by("-updated_at", "-pk").values_list("pk", "latest_number")[:POLICY_TRIAL_SIZE]
    )
    wanted = dict(documents)
    versions = DocumentVersion.objects.filter(document__in=wanted).select_related("document")
    broken = []
    for version in versions.filter(number__in=set(wanted.values())):
        if version.number != wanted[version.document_id]:
            continue
        parsed = ssmdoc.parse(version.text, format=cast(Format, version.format))
        found = policy_findings(parsed, rules, name)
        if any(finding.severity == "error" for finding in found):
            broken.append((version, found))
    broken.sort(key=lambda pair: pair[0].document.name)
    return Trial(tuple(broken), len(documents), Document.objects.count())
