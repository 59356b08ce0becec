"""Forms of targets, service roles and identities."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import get_user_model

from aws.models import AwsTarget

STATES = (("", "Any"), ("enabled", "Enabled"), ("disabled", "Disabled"))


class TargetFilter(forms.Form):
    """Which targets to show."""

    q = forms.CharField(label="Search", required=False, max_length=100)
    state = forms.ChoiceField(label="State", choices=STATES, required=False)


class TargetForm(forms.Form):
    """An account and Region, and the way in. A stored secret is never shown again."""

    name = forms.CharField(max_length=100, help_text="What people call it, such as “Production, Ireland”.")
    account_id = forms.CharField(
        label="Account id", max_length=12, widget=forms.TextInput(attrs={"inputmode": "numeric"})
    )
    region = forms.CharField(max_length=32, help_text="The Region's code, such as eu-west-1.")
    role_arn = forms.CharField(
        label="Role that the portal assumes",
        max_length=600,
        required=False,
        help_text="The ARN of a role in that account. Leave empty where the portal's own AWS identity is "
        "already in the account.",
    )
    external_id = forms.CharField(
        label="External id",
        max_length=1224,
        required=False,
        help_text="What the role's trust policy demands as sts:ExternalId.",
    )
    start_rate = forms.FloatField(
        label="Starts a second",
        initial=1.0,
        help_text="How often the portal may call StartAutomationExecution there. AWS takes 1 a second of an "
        "account and Region, unless Service Quotas says otherwise.",
    )
    read_rate = forms.FloatField(
        label="Looks a second",
        initial=3.0,
        help_text="The same for each call that follows a run, such as GetAutomationExecution. AWS takes 3.",
    )
    events_queue_url = forms.CharField(
        label="Queue of events",
        max_length=255,
        required=False,
        help_text="The URL of the SQS queue to which EventBridge delivers Automation's events: changes then "
        "show within a second or two. Leave it empty without one: runs are followed all the same.",
    )
    access_key_id = forms.CharField(
        label="Access key id",
        max_length=128,
        required=False,
        help_text="Only in a demonstration: empty to use the identity of the portal's processes.",
    )
    secret_access_key = forms.CharField(
        label="Secret access key",
        max_length=256,
        required=False,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    endpoint_url = forms.CharField(
        label="Address of AWS",
        max_length=255,
        required=False,
        help_text="Only in a demonstration: empty for AWS itself.",
    )

    def __init__(self, *args: Any, target: AwsTarget | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not settings.LAB_TARGETS_ALLOWED:
            for name in ("access_key_id", "secret_access_key", "endpoint_url"):
                del self.fields[name]
        elif target is not None and target.sealed_secret is not None:
            self.fields["secret_access_key"].help_text = "A secret is kept; leave this empty to keep it."


class RoleFilter(forms.Form):
    """Which service roles to show."""

    q = forms.CharField(label="Search", required=False, max_length=100)
    target = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = AwsTarget.objects.order_by("name").values_list("pk", "name")
        self.fields["target"] = forms.ChoiceField(
            label="Target", required=False, choices=[("", "Any"), *names]
        )


class RoleForm(forms.Form):
    """A role in a target that Automation may assume."""

    target = forms.ModelChoiceField(
        queryset=AwsTarget.objects.order_by("name"), empty_label="Choose a target"
    )
    name = forms.CharField(max_length=100, help_text="What people call it; often the role's own name.")
    arn = forms.CharField(
        label="ARN",
        max_length=600,
        help_text="The role must trust ssm.amazonaws.com, and the portal must be allowed to pass it "
        "(iam:PassRole).",
    )
    description = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What it may do in AWS, in words: administrators choose by this.",
    )


class RoleDetailsForm(forms.Form):
    """What may be changed of a role: delegations rely on its ARN and target."""

    name = forms.CharField(max_length=100)
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}))


class OwnKeyForm(forms.Form):
    """A key of one's own. What was stored before is never shown."""

    access_key_id = forms.CharField(
        label="Access key id", max_length=128, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    secret_access_key = forms.CharField(
        label="Secret access key",
        max_length=256,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="It is encrypted, and never shown again, not even to you.",
    )
    session_token = forms.CharField(
        label="Session token",
        required=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Comes with a temporary key (ASIA…); leave empty otherwise.",
    )
    expires_at = forms.DateTimeField(
        label="Ends at (UTC)",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="When a temporary key ends: nothing is started with it after that.",
    )


class AssignRoleForm(forms.Form):
    """A role that the portal assumes in a person's name."""

    username = forms.CharField(
        label="Person",
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "user name"}),
    )
    role_arn = forms.CharField(
        label="Role's ARN",
        max_length=600,
        help_text="Its trust policy must let the portal assume it; demand sts:SourceIdentity there.",
    )

    def clean_username(self) -> Any:
        """Find the person."""
        user = get_user_model()._default_manager.filter(username=self.cleaned_data["username"]).first()
        if user is None:
            raise forms.ValidationError("Nobody has this user name.")
        return user
