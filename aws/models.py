"""Where automations run, as whom, and how the portal gets in."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from common import access
from common.clock import now

ACCOUNT_ID = RegexValidator(r"\A\d{12}\Z", "An AWS account id is 12 digits.")
REGION = RegexValidator(r"\A[a-z]{2}(-[a-z]+)+-\d\Z", "Write a Region's code, such as eu-west-1.")
ROLE_ARN = RegexValidator(
    r"\Aarn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,512}\Z",
    "Write a role's ARN, such as arn:aws:iam::123456789012:role/NAME.",
)


RATE_LEAST = MinValueValidator(0.1, "Write 0.1 calls a second or more.")
RATE_MOST = MaxValueValidator(1000, "Write 1,000 calls a second or fewer.")


class KeyedCredentials(models.Model):
    """Credentials that are either the process's own or a key kept here, encrypted."""

    access_key_id = models.CharField(max_length=128, blank=True)
    # Fernet token of {"secret_access_key": …, "session_token": …}; see aws.vault.
    sealed_secret = models.BinaryField(null=True, blank=True, editable=False)
    # A role to assume with the credentials above; empty to use them as they are.
    role_arn = models.CharField(max_length=600, blank=True, validators=[ROLE_ARN])

    class Meta:
        abstract = True


class AwsTarget(KeyedCredentials):
    """One AWS account and Region, with the way the portal gets in.

    The portal's own credentials are those of its process (ambient), or, in a laboratory only, a key kept
    here. With `role_arn` it assumes that role first, naming `external_id`.
    """

    name = models.CharField(max_length=100, unique=True)
    account_id = models.CharField(max_length=12, validators=[ACCOUNT_ID])
    region = models.CharField(max_length=32, validators=[REGION])
    partition = models.CharField(max_length=16, default="aws")
    external_id = models.CharField(max_length=1224, blank=True)
    # Empty for AWS itself; the sandbox's address in a laboratory.
    endpoint_url = models.CharField(max_length=255, blank=True)
    # Calls a second that AWS takes of this account and Region; see aws.quotas.
    start_rate = models.FloatField(default=1.0, validators=[RATE_LEAST, RATE_MOST])
    read_rate = models.FloatField(default=3.0, validators=[RATE_LEAST, RATE_MOST])
    # The SQS queue to which EventBridge delivers Automation's events; empty without one.
    events_queue_url = models.CharField(max_length=255, blank=True)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        default_permissions = ()
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class TargetCheck(models.Model):
    """What the last check of a target found, step by step; see aws.checking."""

    target = models.OneToOneField(AwsTarget, primary_key=True, on_delete=models.CASCADE, related_name="+")
    asked_at = models.DateTimeField(default=now)
    # Null while a job has still to ask AWS.
    checked_at = models.DateTimeField(null=True, blank=True)
    findings = models.JSONField(default=list)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"check of {self.target}"


class ServiceRole(models.Model):
    """An IAM role in a target that Automation may assume. Who may bind it is granted as `use`."""

    target = models.ForeignKey(AwsTarget, on_delete=models.PROTECT, related_name="service_roles")
    name = models.CharField(max_length=100)
    arn = models.CharField(max_length=600, validators=[ROLE_ARN])
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        default_permissions = ()
        permissions = [
            ("view", "Can see the service role"),
            ("use", "Can bind the service role to a document"),
        ]
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["target", "arn"], name="one_service_role_per_arn")]

    def __str__(self) -> str:
        return self.name


class ServiceRoleUserPermission(UserObjectPermissionBase):
    content_object = models.ForeignKey(ServiceRole, on_delete=models.CASCADE)


class ServiceRoleGroupPermission(GroupObjectPermissionBase):
    content_object = models.ForeignKey(ServiceRole, on_delete=models.CASCADE)


class CallerIdentity(KeyedCredentials):
    """A person's own AWS identity in a target: what a run "as the caller" acts with.

    Either a role that the portal assumes in the person's name, or a key of the person's own (a laboratory's
    long-term one, or a temporary one that ends at `expires_at`).
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="aws_identities"
    )
    target = models.ForeignKey(AwsTarget, on_delete=models.CASCADE, related_name="caller_identities")
    # The principal that AWS named when the identity was last checked, or why it named none.
    arn = models.CharField(max_length=600, blank=True)
    failure = models.TextField(blank=True)
    # Null while a job has still to ask.
    checked_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user", "target"], name="one_identity_per_target")]

    def __str__(self) -> str:
        return f"{self.user} in {self.target}"


access.register(
    access.Rules(
        model=ServiceRole,
        noun="service role",
        permissions={"view": "see it", "use": "bind it to documents"},
        implied_by={"view": frozenset({"use"})},
        capabilities={"view": "administer"},
    )
)
