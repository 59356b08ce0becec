"""People, and delegations: who may run what, as which role."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import Group
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from aws.models import AwsTarget, ServiceRole
from common import access
from common.clock import now
from documents.models import Document, DocumentVersion


class UserManager(BaseUserManager["User"]):
    """Makes users. There is no such thing as a superuser: every right is granted and can be explained."""

    def create_user(
        self, username: str, password: str | None = None, *, full_name: str = "", email: str = ""
    ) -> "User":
        """Create a person; without a password they cannot sign in with one."""
        user = self.model(
            username=self.model.normalize_username(username),
            full_name=full_name,
            email=self.normalize_email(email),
        )
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person who uses the portal."""

    username = models.CharField(
        max_length=64,
        unique=True,
        validators=[UnicodeUsernameValidator()],
        error_messages={"unique": "Somebody has this user name already; choose another."},
    )
    full_name = models.CharField(max_length=150, blank=True)
    email = models.EmailField(blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=now, editable=False)
    groups = models.ManyToManyField(Group, blank=True, related_name="user_set", related_query_name="user")

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    # Libraries ask these of every user; here nobody stands above the access door.
    is_superuser = False
    is_staff = False

    class Meta:
        default_permissions = ()
        permissions = list(access.CAPABILITIES.items())
        ordering = ["username"]

    def __str__(self) -> str:
        return self.username

    def get_full_name(self) -> str:
        """Return the name to greet the person by."""
        return self.full_name or self.username


MOST_APPROVALS = 5
at_least_one = MinValueValidator(
    1, "Give 1 or more, or leave it empty; to stop every run, disable the delegation."
)


class Delegation(models.Model):
    """ "This document version, in this target, as this service role or as the caller, within these limits."

    What an operator launches. A delegation names one immutable version: a newer one runs only after an
    administrator has moved the delegation to it.
    """

    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(blank=True)
    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="delegations")
    version = models.ForeignKey(DocumentVersion, on_delete=models.PROTECT, related_name="delegations")
    target = models.ForeignKey(AwsTarget, on_delete=models.PROTECT, related_name="delegations")
    # Null: the document runs as the caller, with the operator's own AWS identity.
    service_role = models.ForeignKey(
        ServiceRole, null=True, blank=True, on_delete=models.PROTECT, related_name="delegations"
    )
    # {parameter: {"fixed": value}} or {parameter: {"allowed": [value, …]}} or {parameter: {"default": value}}
    constraints = models.JSONField(default=dict, blank=True)
    # Runs at the same time, and runs started within 24 hours; null for as many as AWS takes.
    max_concurrent = models.PositiveIntegerField(null=True, blank=True, validators=[at_least_one])
    max_per_day = models.PositiveIntegerField(null=True, blank=True, validators=[at_least_one])
    # How many people other than the operator must approve a run before it is sent to AWS.
    approvals_needed = models.PositiveSmallIntegerField(
        default=0,
        validators=[
            MaxValueValidator(MOST_APPROVALS, "Ask for %(limit_value)s approvals at most, or for none.")
        ],
    )
    enabled = models.BooleanField(default=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        default_permissions = ()
        permissions = [
            ("view", "Can see the delegation and its runs"),
            ("execute", "Can launch the delegation"),
            ("approve", "Can approve its launches and answer the approval steps of its runs"),
        ]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def as_caller(self) -> bool:
        """Whether runs act with the operator's own AWS identity."""
        return self.service_role_id is None

    @property
    def expired(self) -> bool:
        """Whether the delegation's validity has ended."""
        return self.expires_at is not None and self.expires_at <= now()


class DelegationUserPermission(UserObjectPermissionBase):
    content_object = models.ForeignKey(Delegation, on_delete=models.CASCADE)


class DelegationGroupPermission(GroupObjectPermissionBase):
    content_object = models.ForeignKey(Delegation, on_delete=models.CASCADE)


access.register(
    access.Rules(
        model=Delegation,
        noun="delegation",
        permissions={
            "view": "see it",
            "execute": "launch it",
            "approve": "approve its launches and answer its approval steps",
        },
        implied_by={"view": frozenset({"execute", "approve"})},
        capabilities={"view": "administer"},
    )
)


def _runs_as_themselves(actor: access.Actor) -> Q:
    own = access.visible(actor, "execute", Delegation.objects.filter(enabled=True, service_role__isnull=True))
    return Q(pk__in=own.values("target_id"))


# Who needs an AWS identity of their own in a target follows from what was delegated there.
access.register(
    access.Rules(
        model=AwsTarget,
        noun="target",
        permissions={"view": "see it", "identify": "give it an AWS identity of your own"},
        capabilities={"view": "administer"},
        through={"identify": (("may launch something there as the caller", _runs_as_themselves),)},
    )
)
