"""Forms of people and groups, and the filters of the lists."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group

from aws.models import AwsTarget
from common import access

PERSON_STATES = (("", "Any"), ("active", "Active"), ("deactivated", "Deactivated"))
DELEGATION_STATES = (("", "Any"), ("active", "Active"), ("disabled", "Disabled"), ("expired", "Expired"))


def _groups() -> list[tuple[int, str]]:
    return list(Group.objects.order_by("name").values_list("pk", "name"))


class DelegationFilter(forms.Form):
    """Which delegations to show."""

    q = forms.CharField(label="Search", required=False, max_length=128)
    state = forms.ChoiceField(label="State", choices=DELEGATION_STATES, required=False)
    target = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = AwsTarget.objects.order_by("name").values_list("pk", "name")
        self.fields["target"] = forms.ChoiceField(
            label="Target", required=False, choices=[("", "Any"), *names]
        )


class PeopleFilter(forms.Form):
    """Which people to show."""

    q = forms.CharField(label="Search", required=False, max_length=128)
    group = forms.ChoiceField(required=False)
    state = forms.ChoiceField(label="State", choices=PERSON_STATES, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["group"] = forms.ChoiceField(
            label="Group", required=False, choices=[("", "Any"), *_groups()]
        )


class GroupFilter(forms.Form):
    """Which groups to show."""

    q = forms.CharField(label="Search", required=False, max_length=150)


class RightsFilter(forms.Form):
    """Which rights of a person or group to show."""

    q = forms.CharField(label="Search", required=False, max_length=100)


class PasswordField(forms.CharField):
    """A password that somebody else will use: kept exactly as typed."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
        super().__init__(strip=False, max_length=256, widget=widget, **kwargs)


class MembershipField(forms.ModelMultipleChoiceField):
    """Groups to be a member of."""

    def __init__(self) -> None:
        super().__init__(
            label="Groups",
            queryset=Group.objects.order_by("name"),
            required=False,
            widget=forms.CheckboxSelectMultiple,
        )


class PersonForm(forms.Form):
    """Somebody new."""

    username = forms.CharField(
        label="User name",
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="What they sign in with, and the name that AWS sees; it stays.",
    )
    full_name = forms.CharField(label="Full name", max_length=150, required=False)
    email = forms.EmailField(label="E-mail", required=False)
    password = PasswordField(
        label="First password", help_text="At least 12 characters; they can change it once signed in."
    )
    groups = MembershipField()


class GroupsForm(forms.Form):
    """The groups of a person."""

    groups = MembershipField()


class PasswordForm(forms.Form):
    """A new password for somebody."""

    password = PasswordField(label="New password", help_text="At least 12 characters. Their sessions end.")


class GroupForm(forms.Form):
    """A new group."""

    name = forms.CharField(max_length=150)
    capabilities = forms.MultipleChoiceField(
        required=False,
        choices=[(name, f"{name}: {words}") for name, words in access.CAPABILITIES.items()],
        widget=forms.CheckboxSelectMultiple,
        help_text="What all its members may do in the portal. Rights to single documents and delegations "
        "are granted there.",
    )


class CapabilitiesForm(forms.Form):
    """The capabilities of a group."""

    capabilities = forms.MultipleChoiceField(
        required=False,
        choices=[(name, f"{name}: {words}") for name, words in access.CAPABILITIES.items()],
        widget=forms.CheckboxSelectMultiple,
    )


class MemberForm(forms.Form):
    """Somebody who joins a group."""

    username = forms.CharField(
        label="Person",
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "user name"}),
    )
