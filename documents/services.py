"""What people do with documents: write them, share them, publish them, and set rules for them."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

import ssmdoc
from audit.services import record
from aws.models import AwsTarget
from common import access
from common.clock import now
from common.errors import Conflict, Forbidden, Invalid
from common.queueing import enqueue_after_commit
from documents import jobs
from documents.checking import check_text, require_fit
from documents.models import Document, DocumentVersion, Policy, Publication, content_hash

__all__ = [
    "check_text",
    "create_document",
    "create_policy",
    "enable_policy",
    "publish",
    "save_version",
    "share",
    "unshare",
    "update_policy",
]

# https://docs.aws.amazon.com/general/latest/gr/ssm.html: "Document size 64 KB"
MAX_TEXT_BYTES = 64 * 1024
OWNERS_PERMISSIONS = ("view", "edit", "share", "publish")


# Writing


def create_document(
    *, actor: AbstractBaseUser, name: str, description: str, text: str, format: str, note: str = ""
) -> Document:
    """Create a document with its version 1; the actor owns it and may do everything with it.

    Arguments:
        name: 3 to 128 characters, as CreateDocument takes it; the name that AWS will know.
        text: YAML or JSON, kept exactly as given; it need not be right yet.
        format: "YAML" or "JSON".
        note: what the version is about, 200 characters at most.

    Raises NotFound for who may not author, Invalid for what is refused.

    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateDocument.html
    """
    access.require_capability(actor, "author")
    document = Document(
        name=name.strip(), description=description.strip(), owner_id=actor.pk, latest_number=1
    )
    refused = _faults(document, exclude=("owner",)) | _text_faults(text, format, note)
    if refused:
        raise _refusal("The document was not created", refused)
    try:
        with transaction.atomic():
            document.save(force_insert=True)
            _add_version(document, 1, author=actor, text=text, format=format, note=note)
            for permission in OWNERS_PERMISSIONS:
                access.grant(permission, document, actor)
            record(actor=actor, action="document.created", obj=document, data={"format": format})
    except IntegrityError:
        # Somebody took the name between the check and the insert.
        taken = "A document of this name exists already; choose another name."
        raise _refusal("The document was not created", {"name": taken}) from None
    return document


def save_version(
    *, actor: AbstractBaseUser, document: Document, text: str, format: str, note: str = "", base_number: int
) -> DocumentVersion:
    """Keep `text` as the document's next version; the newest one again when nothing was changed.

    Arguments:
        base_number: the version that the writer began from.

    Raises Conflict when somebody has saved a newer version since; its data holds `latest_number`.
    """
    access.require(actor, "edit", document)
    refused = _text_faults(text, format, note)
    if refused:
        raise _refusal("Nothing was saved", refused)
    with transaction.atomic():
        latest = _newest(document)
        if (latest.sha256, latest.format) == (content_hash(text), format):
            return latest
        number = base_number + 1
        won = Document.objects.filter(pk=document.pk, latest_number=base_number).update(
            latest_number=number, updated_at=now()
        )
        if not won:
            latest = _newest(document)
            raise Conflict(
                f"{latest.author} saved version {latest.number} of this document after you began from "
                f"version {base_number}. Nothing of yours is lost: compare the two below, then save again.",
                code="newer-version",
                data={"latest_number": latest.number},
            )
        version = _add_version(document, number, author=actor, text=text, format=format, note=note)
        data = {"version": number, "format": format, "sha256": version.sha256}
        record(actor=actor, action="document.version-saved", obj=document, data=data)
    document.latest_number = number
    return version


def _newest(document: Document) -> DocumentVersion:
    return document.versions.select_related("author").order_by("-number")[:1].get()


def _add_version(
    document: Document, number: int, *, author: AbstractBaseUser, text: str, format: str, note: str
) -> DocumentVersion:
    return DocumentVersion.objects.create(
        document=document, number=number, text=text, format=format, note=note.strip(), author_id=author.pk
    )


def _faults(instance: Document | Policy, exclude: tuple[str, ...] = ()) -> dict[str, str]:
    try:
        instance.full_clean(exclude=exclude)
    except ValidationError as error:
        return {field: " ".join(sentences) for field, sentences in error.message_dict.items()}
    return {}


def _text_faults(text: str, format: str, note: str) -> dict[str, str]:
    found = {}
    if format not in DocumentVersion.Format.values:
        found["format"] = "Choose YAML or JSON."
    if len(note) > 200:
        found["note"] = "Shorten the note to 200 characters."
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        found["text"] = "The text holds half a character (a lone surrogate): remove it."
        return found
    if not text.strip():
        found["text"] = "Write the document's text; a template is a good start."
    elif "\x00" in text:
        found["text"] = "The text holds a NUL character: remove it."
    elif size > MAX_TEXT_BYTES:
        found["text"] = (
            f"AWS takes documents of 64 KB at most; this one has {size / 1024:.0f} KB. Shorten it."
        )
    return found


def _refusal(what: str, fields: Mapping[str, str]) -> Invalid:
    return Invalid(f"{what}: {' '.join(fields.values())}", fields=fields)


# Sharing


def share(
    *, actor: AbstractBaseUser, document: Document, permission: str, holder: AbstractBaseUser | Group
) -> None:
    """Grant `permission` ("view", "edit", "share" or "publish") on the document to a user or group.

    Nobody but an administrator can give away more than they hold themselves.
    """
    _require_shareable(actor, document, permission)
    with transaction.atomic():
        access.grant(permission, document, holder)
        record(actor=actor, action="document.shared", obj=document, data=_grant_facts(permission, holder))


def unshare(
    *, actor: AbstractBaseUser, document: Document, permission: str, holder: AbstractBaseUser | Group
) -> None:
    """Take `permission` on the document away from a user or group."""
    _require_shareable(actor, document, permission)
    with transaction.atomic():
        access.revoke(permission, document, holder)
        record(actor=actor, action="document.unshared", obj=document, data=_grant_facts(permission, holder))


def _require_shareable(actor: AbstractBaseUser, document: Document, permission: str) -> None:
    access.require(actor, "share", document)
    if permission not in OWNERS_PERMISSIONS:
        raise Invalid("Choose what to grant: view, edit, share or publish.", fields={"permission": "Choose."})
    if access.capable(actor, "administer"):
        return
    if permission not in access.permissions(actor, [document])[document.pk]:
        raise Forbidden(
            f"You do not have “{permission}” on this document yourself, so you cannot give or take it. "
            "Ask its owner or an administrator."
        )


def _grant_facts(permission: str, holder: AbstractBaseUser | Group) -> dict[str, str]:
    return {
        "permission": permission,
        "holder": str(holder),
        "kind": "group" if isinstance(holder, Group) else "user",
    }


# Publishing


def publish(*, actor: AbstractBaseUser, document: Document, number: int, target: AwsTarget) -> Publication:
    """Have version `number` of the document published in `target`; a worker does it.

    Publishing what is published, or being published, changes nothing; what failed is tried again.
    Raises Invalid, with the findings as data, for a text with an error or one that breaks a policy.
    """
    access.require(actor, "publish", document)
    version = document.versions.filter(number=number).first()
    if version is None:
        raise Invalid("Choose a version to publish.", fields={"number": f"There is no version {number}."})
    if not target.enabled:
        raise Invalid(
            f"{target} is disabled.", fields={"target": f"{target} is disabled: choose another target."}
        )
    require_fit(version)
    with transaction.atomic():
        publication, made = Publication.objects.get_or_create(
            version=version,
            target=target,
            defaults={"aws_name": document.name, "requested_by_id": actor.pk},
        )
        if not made:
            failed = Publication.objects.filter(pk=publication.pk, status=Publication.Status.FAILED)
            again = failed.update(
                status=Publication.Status.PUBLISHING,
                failure="",
                requested_by=actor.pk,
                requested_at=now(),
            )
            if not again:
                return publication
            publication.refresh_from_db()
        data = {"version": number, "target": target.name, "sha256": version.sha256}
        record(actor=actor, action="document.publication-requested", obj=document, data=data)
        enqueue_after_commit("default", jobs.publish, publication.pk)
    return publication


# Policies


def create_policy(
    *,
    actor: AbstractBaseUser,
    name: str,
    description: str = "",
    rules: Mapping[str, Any],
    enabled: bool = True,
) -> Policy:
    """Set rules for every document (see ssmdoc.policy). Administrators only."""
    access.require_capability(actor, "administer")
    policy = Policy(name=name.strip(), description=description.strip(), rules=dict(rules), enabled=enabled)
    return _keep_policy(actor, policy, "policy.created", {})


def update_policy(
    *, actor: AbstractBaseUser, policy: Policy, name: str, description: str, rules: Mapping[str, Any]
) -> Policy:
    """Change a policy's name, description and rules. Administrators only."""
    access.require_capability(actor, "administer")
    before = dict(policy.rules)
    fields = ("name", "description", "rules")
    policy.name, policy.description, policy.rules = name.strip(), description.strip(), dict(rules)
    return _keep_policy(actor, policy, "policy.changed", {"rules_before": before}, fields)


def _keep_policy(
    actor: AbstractBaseUser,
    policy: Policy,
    action: str,
    facts: Mapping[str, Any],
    fields: tuple[str, ...] | None = None,
) -> Policy:
    refused = _faults(policy, exclude=("rules",)) | ssmdoc.policy.validate_rules(policy.rules)
    if refused:
        raise _refusal("The policy was not saved", refused)
    policy.updated_at = now()
    with transaction.atomic():
        # Only what was changed: a policy that somebody has suspended meanwhile stays suspended.
        policy.save(update_fields=None if fields is None else [*fields, "updated_at"])
        policy.refresh_from_db(fields=["enabled"])
        data = {**facts, "rules": policy.rules, "enabled": policy.enabled}
        record(actor=actor, action=action, obj=policy, data=data)
    return policy


def enable_policy(*, actor: AbstractBaseUser, policy: Policy, enabled: bool) -> bool:
    """Put a policy in force, or suspend it; answer whether that changed anything. Administrators only."""
    access.require_capability(actor, "administer")
    with transaction.atomic():
        changed = Policy.objects.filter(pk=policy.pk, enabled=not enabled).update(
            enabled=enabled, updated_at=now()
        )
        if changed:
            action = "policy.enabled" if enabled else "policy.disabled"
            record(actor=actor, action=action, obj=policy, data={})
    policy.enabled = enabled
    return bool(changed)
