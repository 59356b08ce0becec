"""Files that are attached to documents: fetched when a version is created, kept with it, given to scripts.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_AttachmentsSource.html
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox import objects
from sandbox.automation.api.errors import InvalidDocumentContent
from sandbox.errors import AccessDenied


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
    try:
        return objects.read(url)
    except AccessDenied as error:
        raise InvalidDocumentContent(f"The attachment {url} may not be read: {error.message}") from error
    except objects.NoSuchObject as error:
        raise InvalidDocumentContent(f"The attachment {url} cannot be read: {error}.") from error
