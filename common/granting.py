"""Pages where rights are granted: whom to, what, and what is held already."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models import Model

from common import access
from common.errors import Invalid, NotFound


class GrantForm(forms.Form):
    """To whom, and what. `holder` in the cleaned data is the user or group."""

    permission = forms.ChoiceField(label="May")
    group = forms.ModelChoiceField(
        label="Group", queryset=Group.objects.order_by("name"), required=False, empty_label="(no group)"
    )
    username = forms.CharField(
        label="or one person",
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "user name"}),
    )

    def __init__(self, model: type[Model], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = access.rules_for(model).permissions
        choices = [(name, f"{name}: {what}") for name, what in words.items()]
        self.fields["permission"] = forms.ChoiceField(label="May", choices=choices)

    def clean(self) -> dict[str, Any]:
        """Find the one holder that was meant."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        group, username = cleaned.get("group"), cleaned.get("username", "").strip()
        if group and username:
            self.add_error("username", "Choose a group or name a person, not both.")
        elif username:
            user = get_user_model()._default_manager.filter(username=username).first()
            if user is None:
                self.add_error("username", f"Nobody has the user name {username}.")
            cleaned["holder"] = user
        elif group:
            cleaned["holder"] = group
        elif "group" not in self.errors:
            self.add_error("group", "Choose a group, or name a person beside it.")
        return cleaned


@dataclass(frozen=True)
class HeldRow:
    """One permission that somebody holds, with what the form that takes it away sends."""

    holder: Model
    is_group: bool
    permission: str
    words: str
    fields: dict[str, str]

    @property
    def key(self) -> str:
        """A word that is unique among the rows of one object."""
        return f"{self.fields['holder']}-{self.permission}".replace(":", "-")

    @property
    def question(self) -> str:
        """What is asked before it is taken away."""
        return f"Take “{self.permission}” away from {self.holder}?"


def held_rows(obj: Model) -> list[HeldRow]:
    """Return who was granted what on `obj`, one row a permission."""
    return rows_of(type(obj), access.grants(obj))


def rows_of(model: type[Model], grants: list[access.Grant]) -> list[HeldRow]:
    """Return grants on an object of `model`, one row a permission."""
    words = access.rules_for(model).permissions
    return [
        HeldRow(
            holder=grant.holder,
            is_group=grant.is_group,
            permission=permission,
            words=words[permission],
            fields={
                "holder": f"{'group' if grant.is_group else 'user'}:{grant.holder.pk}",
                "permission": permission,
            },
        )
        for grant in grants
        for permission in grant.permissions
    ]


def named_holder(text: str) -> Any:
    """Return the user or group that "user:ID" or "group:ID" names. Raises NotFound when there is none."""
    kind, _, key = text.partition(":")
    models: dict[str, Any] = {"group": Group, "user": get_user_model()}
    model = models.get(kind)
    found = model._default_manager.filter(pk=int(key)).first() if model and key.isdecimal() else None
    if found is None:
        raise NotFound("This person or group no longer exists: reload the page.")
    return found


def put_beside(form: forms.BaseForm, error: Invalid, names: dict[str, str] | None = None) -> None:
    """Put a refusal's sentences beside the form's fields; what belongs to none stands above them.

    Arguments:
        names: field of the refusal → field of the form, where they differ.
    """
    placed = False
    for field, sentence in error.fields.items():
        name = (names or {}).get(field, field)
        form.add_error(name if name in form.fields else None, sentence)
        placed = True
    if not placed:
        form.add_error(None, error.message)
