"""Forms of the authors' pages."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.urls import reverse

from aws.models import AwsTarget
from common.errors import Invalid
from documents import starters
from documents.models import DocumentVersion
from documents.selectors import enabled_targets

_FORMATS = [(name, name) for name in DocumentVersion.Format.values]


def refuse(form: forms.Form, error: Invalid) -> None:
    """Put a service's sentences beside the fields they are about; the rest above the form."""
    for name, sentence in error.fields.items():
        form.add_error(name if name in form.fields else None, sentence)
    if not error.fields:
        form.add_error(None, error.message)


class TextForm(forms.Form):
    """A text in the editor, with what the version is about."""

    format = forms.ChoiceField(label="Format", choices=_FORMATS)
    text = forms.CharField(
        label="Text",
        strip=False,
        required=False,
        widget=forms.Textarea(attrs={"rows": 28, "class": "mono", "spellcheck": "false", "data-editor": ""}),
    )
    note = forms.CharField(
        label="What is new",
        required=False,
        max_length=200,
        help_text="Stands beside the version in its list.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].widget.attrs |= {
            "data-format-field": f"#{self['format'].id_for_label}",
            "data-check-url": reverse("documents:check"),
        }

    def clean_text(self) -> str:
        """Return the text with the line ends that its author meant: a browser sends them all as CRLF."""
        text: str = self.cleaned_data["text"]
        return text.replace("\r\n", "\n")


class NewDocumentForm(TextForm):
    """A document that does not exist yet."""

    name = forms.CharField(
        label="Name",
        help_text="What AWS will know it by: 3 to 128 letters, digits, dots, hyphens and underscores.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    description = forms.CharField(
        label="Description", required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    field_order = ("name", "description", "format", "text", "note")


class EditForm(TextForm):
    """A next version; `base_number` is the one that the writer began from."""

    base_number = forms.IntegerField(widget=forms.HiddenInput, min_value=1)


class StarterForm(forms.Form):
    """What a new document begins as."""

    starter = forms.ChoiceField(
        label="Begin with", choices=[(key, item.title) for key, item in starters.ALL.items()]
    )


class DocumentFilter(forms.Form):
    """Search and filter of the list."""

    q = forms.CharField(label="Search", required=False, max_length=100)
    owner = forms.ChoiceField(label="Owner", required=False)

    def __init__(self, *args: Any, owners: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["owner"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "Anybody"), *[(str(key), name) for key, name in owners]]


class PublishForm(forms.Form):
    """Where to publish to."""

    target = forms.ModelChoiceField(
        label="Target",
        queryset=AwsTarget.objects.none(),
        empty_label="Choose a target",
        error_messages={"required": "Choose a target.", "invalid_choice": "Choose one of the targets."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["target"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = enabled_targets()
        if field.queryset.count() == 1:
            field.initial = field.queryset.get()


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


class PolicyForm(forms.Form):
    """An organisation's rules, as fields that say what they demand."""

    name = forms.CharField(label="Name", max_length=100)
    description = forms.CharField(label="Why", required=False, widget=forms.Textarea(attrs={"rows": 2}))
    require_assume_role = forms.BooleanField(
        label="A document must name a service role (assumeRole)", required=False
    )
    required_tags = forms.CharField(
        label="Required tags",
        required=False,
        help_text="One tag key a line. Whatever a document creates must carry all of them.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    forbidden_actions = forms.CharField(
        label="Forbidden actions",
        required=False,
        help_text="One action a line, for instance aws:executeScript.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    allowed_actions = forms.CharField(
        label="Allowed actions",
        required=False,
        help_text="One action a line. With any here, all others are forbidden.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    LISTS = ("required_tags", "forbidden_actions", "allowed_actions")

    @classmethod
    def initial_of(cls, rules: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields' values for `rules`."""
        found: dict[str, Any] = {"require_assume_role": bool(rules.get("require_assume_role"))}
        return found | {name: "\n".join(rules.get(name, ())) for name in cls.LISTS}

    def rules(self) -> dict[str, Any]:
        """Return the rules as ssmdoc.policy takes them: only those that demand something."""
        found: dict[str, Any] = {}
        if self.cleaned_data.get("require_assume_role"):
            found["require_assume_role"] = True
        for name in self.LISTS:
            lines = _lines(self.cleaned_data.get(name, ""))
            if lines:
                found[name] = lines
        return found
