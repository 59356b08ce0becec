"""Files that are attached to documents: fetched when a version is created, kept with it, given to scripts.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_AttachmentsSource.html
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from moto.s3.models import s3_backends

from sandbox.authorization import authorise
from sandbox.automation.api.errors import InvalidDocumentContent
from sandbox.errors import AccessDenied
from sandbox.identity import current_principal
from sandbox.services.stack_templates import bucket_and_key


@dataclass(frozen=True)
class Attachment:
    """A file of a document's version."""

    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def shape(self) -> dict[str, Any]:
        """An AttachmentContent, without the address that AWS gives to fetch it from."""
        return {"Name": self.name, "Size": len(self.content), "Hash": self.sha256, "HashType": "Sha256"}


Lookup = Callable[[str, str], list[Attachment]]


def kept_with(document: Any) -> list[Attachment]:
    """The attachments of a document's stored version."""
    return [each for each in document.attachments or [] if isinstance(each, Attachment)]


def fetch(sources: list[Mapping[str, Any]], files: Mapping[str, Any], lookup: Lookup) -> list[Attachment]:
    """The files that a request's `Attachments` name, read as the caller may read them.

    `files` is the document's own list of them, with checksums; `lookup` gives the attachments of another
    document's version. Errors: InvalidDocumentContent when one cannot be read, or is not what `files` says.
    """
    found = [attachment for source in sources for attachment in _read(source, files, lookup)]
    for attachment in found:
        told = files.get(attachment.name)
        expected = (told.get("checksums") or {}).get("sha256") if isinstance(told, Mapping) else None
        if expected is not None and str(expected).lower() != attachment.sha256:
            raise InvalidDocumentContent(
                f"The attachment {attachment.name} has the SHA-256 checksum {attachment.sha256}; the "
                "document's `files` give another."
            )
    return found


def _read(source: Mapping[str, Any], files: Mapping[str, Any], lookup: Lookup) -> Iterator[Attachment]:
    kind, value, name = source.get("Key"), str((source.get("Values") or [""])[0]), source.get("Name")
    if kind == "SourceUrl":
        for each in files:
            yield Attachment(str(each), _object(f"{value.rstrip('/')}/{each}"))
    elif kind == "S3FileUrl":
        yield Attachment(str(name or value.rpartition("/")[2]), _object(value))
    else:
        document, version, wanted = ["", "", *value.rsplit("/", 2)][-3:]
        kept = next((each for each in lookup(document, version) if each.name == wanted), None)
        if kept is None:
            raise InvalidDocumentContent(f"There is no attachment {value}: name it DOCUMENT/VERSION/FILE.")
        yield Attachment(str(name or wanted), kept.content)


def _object(url: str) -> bytes:
    parts = urlsplit(url)
    bucket, key = (parts.netloc, parts.path.lstrip("/")) if parts.scheme == "s3" else bucket_and_key(url)
    principal = current_principal()
    try:
        authorise(principal, "s3:GetObject", f"arn:{principal.partition}:s3:::{bucket}/{key}")
    except AccessDenied as error:
        raise InvalidDocumentContent(f"The attachment {url} may not be read: {error.message}") from error
    stored = s3_backends[principal.account_id][principal.partition].buckets.get(bucket)
    found = stored.keys.get(key) if stored is not None else None
    if found is None:
        raise InvalidDocumentContent(f"The attachment {url} cannot be read: there is no such object in S3.")
    return bytes(found.value)
