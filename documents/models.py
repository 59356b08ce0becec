"""Automation documents, their immutable versions, the rules for them, and where they are published."""

import hashlib
from typing import Any

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from aws.models import AwsTarget
from common import access
from common.clock import now

# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateDocument.html
DOCUMENT_NAME = RegexValidator(
    r"\A(?!(?i:aws|amazon|amzn))[a-zA-Z0-9_.-]{3,128}\Z",
    "Use 3 to 128 letters, digits, dots, hyphens and underscores, and do not begin with aws, amazon or amzn.",
)


class Document(models.Model):
    """An Automation document: a name, and the versions of its text."""

    name = models.CharField(
        max_length=128,
        unique=True,
        validators=[DOCUMENT_NAME],
        error_messages={"unique": "A document of this name exists already; choose another name."},
    )
    description = models.TextField(blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="documents")
    # The newest version; what an author edits.
    latest_number = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        default_permissions = ()
        permissions = [
            ("view", "Can see the document"),
            ("edit", "Can write new versions"),
            ("share", "Can share the document with others"),
            ("publish", "Can publish the document to AWS"),
        ]
        ordering = ["name"]
        # The order of the list.
        indexes = [models.Index(fields=["-updated_at", "-id"])]

    def __str__(self) -> str:
        return self.name


class DocumentUserPermission(UserObjectPermissionBase):
    content_object = models.ForeignKey(Document, on_delete=models.CASCADE)


class DocumentGroupPermission(GroupObjectPermissionBase):
    content_object = models.ForeignKey(Document, on_delete=models.CASCADE)


class DocumentVersion(models.Model):
    """One text of a document, exactly as its author wrote it; never changed."""

    class Format(models.TextChoices):
        YAML = "YAML"
        JSON = "JSON"

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    text = models.TextField()
    format = models.CharField(max_length=4, choices=Format.choices)
    sha256 = models.CharField(max_length=64)
    note = models.CharField(max_length=200, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        default_permissions = ()
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["document", "number"], name="one_version_per_number")]

    def __str__(self) -> str:
        return f"{self.document} version {self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the version; one that stands is never changed."""
        if not self._state.adding:
            raise TypeError("A document version is never changed")
        self.sha256 = content_hash(self.text)
        super().save(*args, **kwargs)


def content_hash(text: str) -> str:
    """Return the SHA-256 of a document's text, in hexadecimal, as AWS computes it for a document."""
    return hashlib.sha256(text.encode()).hexdigest()


class Policy(models.Model):
    """Rules of the organisation: what breaks them is neither published nor run (see ssmdoc.policy)."""

    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(blank=True)
    rules = models.JSONField(default=dict)
    enabled = models.BooleanField(default=True)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        default_permissions = ()
        ordering = ["name"]
        verbose_name_plural = "policies"

    def __str__(self) -> str:
        return self.name


class Publication(models.Model):
    """A version as it stands in a target."""

    class Status(models.TextChoices):
        PUBLISHING = "Publishing"
        ACTIVE = "Active"
        FAILED = "Failed"

    version = models.ForeignKey(DocumentVersion, on_delete=models.PROTECT, related_name="publications")
    target = models.ForeignKey(AwsTarget, on_delete=models.PROTECT, related_name="publications")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PUBLISHING)
    aws_name = models.CharField(max_length=128)
    aws_version = models.CharField(max_length=8, blank=True)
    aws_hash = models.CharField(max_length=64, blank=True)
    failure = models.TextField(blank=True)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(default=now)
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ["-requested_at"]
        constraints = [
            models.UniqueConstraint(fields=["version", "target"], name="one_publication_per_target")
        ]

    def __str__(self) -> str:
        return f"{self.version} in {self.target}"


access.register(
    access.Rules(
        model=Document,
        noun="document",
        permissions={
            "view": "see it",
            "edit": "write new versions of it",
            "share": "share it with others",
            "publish": "publish it to AWS",
        },
        implied_by={"view": frozenset({"edit", "share", "publish"})},
        capabilities={"view": "administer", "share": "administer"},
    )
)
