"""Documents as Systems Manager keeps them: moto's store, with the checks and details that moto leaves out.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateDocument.html
"""

import json
from collections.abc import Mapping
from typing import Any

from moto.ssm.models import Document as StoredDocument
from moto.ssm.models import Documents

import ssmdoc
from sandbox.authorization import authorise
from sandbox.automation import attachments
from sandbox.automation.api import calendar_states, sharing
from sandbox.automation.api.errors import (
    DuplicateDocumentContent,
    InvalidDocument,
    InvalidDocumentContent,
    InvalidDocumentOperation,
    InvalidDocumentSchemaVersion,
    InvalidDocumentVersion,
    MaxDocumentSizeExceeded,
    ValidationException,
)
from sandbox.automation.api.listing import read_place, write_place
from sandbox.errors import AccessDenied
from sandbox.identity import current_principal

# moto's own annotations deny the None that its methods take for whatever is left out.
Backend = Any

MOST_BYTES = 64 * 1024
RESERVED_PREFIXES = ("aws", "amazon", "amzn")
PLATFORMS = ["Windows", "Linux", "MacOS"]
AUTOMATION = "Automation"
TEXT = "TEXT"
MOST_FAULTS_TOLD = 5
VERSIONS_PAGE = 50


def create(backend: Backend, request: Mapping[str, Any]) -> dict[str, Any]:
    """CreateDocument; returns the DocumentDescription."""
    name = request["Name"]
    if name.lower().startswith(RESERVED_PREFIXES):
        raise ValidationException(
            f"The document name {name} is not valid: names that begin with aws, amazon or amzn are reserved."
        )
    document_format = request.get("DocumentFormat", "JSON")
    document_type = request.get("DocumentType", "Command")
    _check_content(request["Content"], document_format, document_type)
    documents = backend.create_document(
        content=_for_moto(request["Content"], document_format),
        requires=request.get("Requires"),
        attachments=_attached(backend, request),
        name=name,
        version_name=request.get("VersionName"),
        document_type=document_type,
        document_format="JSON" if document_format == TEXT else document_format,
        target_type=request.get("TargetType"),
        tags=request.get("Tags"),
    )
    _complete(documents.get_default_version(), request)
    return _description(backend, documents, documents.get_default_version())


def update(backend: Backend, request: Mapping[str, Any]) -> dict[str, Any]:
    """UpdateDocument: a new version; returns its DocumentDescription."""
    documents = _documents(backend, request["Name"])
    default = documents.get_default_version()
    document_format = request.get("DocumentFormat", default.document_format if _is_text(default) else "JSON")
    _check_content(request["Content"], document_format, default.document_type)
    if document_format == TEXT and any(
        request["Content"] == each.content for each in documents.versions.values()
    ):
        raise DuplicateDocumentContent("The content of the document is the same as that of another version.")
    backend.update_document(
        content=_for_moto(request["Content"], document_format),
        attachments=_attached(backend, request),
        name=request["Name"],
        version_name=request.get("VersionName"),
        document_version=request.get("DocumentVersion"),
        document_format="JSON" if document_format == TEXT else document_format,
        target_type=request.get("TargetType"),
    )
    latest = documents.get_latest_version()
    _complete(latest, request)
    return _description(backend, documents, latest)


def _attached(backend: Backend, request: Mapping[str, Any]) -> list[attachments.Attachment]:
    """The files that the request attaches."""
    sources = request.get("Attachments") or []
    if not sources or request.get("DocumentFormat") == TEXT:
        return []

    def kept(name: str, version: str) -> list[attachments.Attachment]:
        principal = current_principal()
        place = f"arn:{principal.partition}:ssm:{backend.region_name}:{principal.account_id}:document/{name}"
        try:
            authorise(principal, "ssm:GetDocument", name if name.startswith("arn:") else place)
            return attachments.kept_with(_visible(backend, name).version(version))
        except (InvalidDocument, InvalidDocumentVersion):
            return []
        except AccessDenied as error:
            raise InvalidDocumentContent(f"The attachments of {name} may not be read: {error}") from error

    data = ssmdoc.parse(request["Content"]).data
    files = data.get("files") if isinstance(data, dict) else None
    return attachments.fetch(sources, files if isinstance(files, dict) else {}, kept)


def set_default_version(backend: Backend, request: Mapping[str, Any]) -> dict[str, Any]:
    """UpdateDocumentDefaultVersion; returns the DocumentDefaultVersionDescription."""
    documents = _documents(backend, request["Name"])
    found = sharing.Visible(documents).version(request["DocumentVersion"])
    return dict(backend.update_document_default_version(found.name, found.document_version))


def describe(backend: Backend, request: Mapping[str, Any]) -> dict[str, Any]:
    """DescribeDocument; returns the DocumentDescription."""
    visible = _visible(backend, request["Name"])
    found = visible.version(request.get("DocumentVersion"), request.get("VersionName"))
    return _description(backend, visible.documents, found)


def get(backend: Backend, request: Mapping[str, Any]) -> dict[str, Any]:
    """GetDocument: the content as it was written, or in the other format when that is asked for."""
    visible = _visible(backend, request["Name"])
    found = visible.version(request.get("DocumentVersion"), request.get("VersionName"))
    document_format = TEXT if _is_text(found) else request.get("DocumentFormat") or found.document_format
    answer = backend._generate_document_information(found, document_format)
    if kept := attachments.kept_with(found):
        answer["AttachmentsContent"] = [each.shape() for each in kept]
    return {**answer, "CreatedDate": found.created_date, **_display_name(found)}


def list_versions(backend: Backend, request: Mapping[str, Any]) -> dict[str, Any]:
    """ListDocumentVersions, the newest first."""
    documents = _visible(backend, request["Name"]).documents
    numbers = sorted(documents.versions, key=int, reverse=True)
    start = read_place(request.get("NextToken"))
    size = request.get("MaxResults") or VERSIONS_PAGE
    shown = []
    for number in numbers[start : start + size]:
        found = documents.versions[number]
        entry = {
            "Name": found.name,
            "DocumentVersion": found.document_version,
            "VersionName": found.version_name,
            "CreatedDate": found.created_date,
            "IsDefaultVersion": number == documents.default_version,
            "DocumentFormat": found.document_format,
            "Status": found.status,
            **_display_name(found),
        }
        shown.append({key: value for key, value in entry.items() if value is not None})
    end = start + size
    return {"DocumentVersions": shown, "NextToken": write_place(end) if end < len(numbers) else None}


def delete(backend: Backend, request: Mapping[str, Any]) -> None:
    """DeleteDocument: the whole document, or one version that is not the default one."""
    documents = _documents(backend, request["Name"])
    if documents.is_shared():
        raise InvalidDocumentOperation(
            "You attempted to delete a document while it is still shared. "
            "You must stop sharing the document before you can delete it."
        )
    number, version_name = request.get("DocumentVersion"), request.get("VersionName")
    if not number and not version_name:
        backend.delete_document(request["Name"], None, None, force=True)
        return
    try:
        found = sharing.Visible(documents).version(number, version_name)
    except InvalidDocumentVersion as error:
        raise InvalidDocument("The specified document does not exist in this version.") from error
    if found.document_version == documents.default_version:
        raise InvalidDocumentOperation("Default version of the document can't be deleted.")
    del documents.versions[found.document_version]
    documents.latest_version = max(documents.versions, key=int)


def _documents(backend: Backend, name: str) -> Documents:
    """A document of the caller's own, by its name or ARN."""
    visible = _visible(backend, name)
    if visible.documents.get_default_version().owner != backend.account_id:
        raise InvalidDocument(f"Document with name {name} does not exist.")
    return visible.documents


def _visible(backend: Backend, name: str) -> sharing.Visible:
    visible = sharing.find(name, backend.account_id, backend.region_name)
    if visible is None:
        raise InvalidDocument(f"Document with name {name} does not exist.")
    return visible


def _check_content(content: str, document_format: str, document_type: str) -> None:
    if len(content.encode()) > MOST_BYTES:
        raise MaxDocumentSizeExceeded(f"The size limit of a document is {MOST_BYTES // 1024} KB.")
    if (document_type == calendar_states.CHANGE_CALENDAR) != (document_format == TEXT):
        raise ValidationException("TEXT is the format of change calendars, and theirs alone.")
    if document_format == TEXT:
        calendar_states.check(content)
    if document_type != AUTOMATION or document_format not in {"JSON", "YAML"}:
        return
    parsed = ssmdoc.parse(content, format="YAML" if document_format == "YAML" else "JSON")
    faults = [each for each in (*parsed.findings, *_checked(parsed, content)) if each.severity == "error"]
    version = parsed.document.schema_version if parsed.document else ""
    if version not in {"", "0.3"}:
        raise InvalidDocumentSchemaVersion(
            f"The schema version {version} is not supported for an Automation document: use 0.3."
        )
    if faults:
        told = list(
            dict.fromkeys(f"{each.message} (line {each.line}, column {each.column})" for each in faults)
        )
        more = f" and {len(told) - MOST_FAULTS_TOLD} more" if len(told) > MOST_FAULTS_TOLD else ""
        raise InvalidDocumentContent(f"{'; '.join(told[:MOST_FAULTS_TOLD])}{more}")


def _checked(parsed: ssmdoc.Parsed, content: str) -> tuple[ssmdoc.Finding, ...]:
    return () if parsed.document is None else ssmdoc.check(content, format=parsed.format)


def _for_moto(content: str, document_format: str) -> str:
    """A content that moto can read: JSON in the place of a text, which `_complete` puts back."""
    return json.dumps({"schemaVersion": "1.0", "text": content}) if document_format == TEXT else content


def _is_text(document: StoredDocument) -> bool:
    return bool(document.document_format == TEXT)


def _complete(document: StoredDocument, request: Mapping[str, Any]) -> None:
    """Note what moto does not: texts, the display name, and the platforms that the document is for."""
    if document.document_type == calendar_states.CHANGE_CALENDAR:
        document.content, document.document_format = request["Content"], TEXT
    vars(document)["display_name"] = request.get("DisplayName")
    document.platform_types = list(PLATFORMS)


def _display_name(document: StoredDocument) -> dict[str, str]:
    name = getattr(document, "display_name", None)
    return {"DisplayName": name} if name else {}


def _description(backend: Backend, documents: Documents, document: StoredDocument) -> dict[str, Any]:
    tags = backend._get_documents_tags(document.name) if document.owner == backend.account_id else []
    described = documents.describe(document.document_version, None, tags=tags)
    described.update(_display_name(document))
    if kept := attachments.kept_with(document):
        described["AttachmentsInformation"] = [{"Name": each.name} for each in kept]
    return {key: value for key, value in described.items() if value is not None}
