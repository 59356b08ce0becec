"""Forms of the authors' pages."""

import json
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
            "data-completions-url": reverse("documents:completions"),
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


def _list_field(label: str, help_text: str) -> forms.CharField:
    """A rule that is a list of names, one a line."""
    area = forms.Textarea(attrs={"rows": 3, "class": "mono", "spellcheck": "false"})
    return forms.CharField(label=label, required=False, help_text=help_text, widget=area)


class PolicyForm(forms.Form):
    """An organisation's rules, as fields that say what they demand: each has the name of its rule."""

    name = forms.CharField(label="Name", max_length=100)
    description = forms.CharField(label="Why", required=False, widget=forms.Textarea(attrs={"rows": 2}))
    require_assume_role = forms.BooleanField(
        label="A document must name a service role (assumeRole)", required=False
    )
    require_approval = forms.BooleanField(
        label="Somebody must approve before anything is destroyed",
        required=False,
        help_text="On every way to a step that destroys there is an aws:approve step that must succeed.",
    )
    no_inline_scripts = forms.BooleanField(
        label="A document may hold no scripts in its text",
        required=False,
        help_text="Neither for aws:executeScript nor for AWS-RunShellScript and AWS-RunPowerShellScript.",
    )
    required_tags = _list_field(
        "Required tags", "One tag key a line. Whatever a document creates must carry all of them."
    )
    forbidden_actions = _list_field(
        "Forbidden actions", "One action a line, for instance aws:executeScript. A * stands for any letters."
    )
    allowed_actions = _list_field(
        "Allowed actions", "One action a line. With any here, all others are forbidden."
    )
    forbidden_services = _list_field(
        "Forbidden services", "One AWS service a line, for instance iam. Calls in Python scripts count too."
    )
    allowed_services = _list_field(
        "Allowed services", "One AWS service a line. With any here, all others are forbidden."
    )
    forbidden_apis = _list_field(
        "Forbidden operations", "One operation a line, for instance ec2:Terminate* or *:Delete*."
    )
    allowed_apis = _list_field(
        "Allowed operations", "One operation a line, for instance ec2:Describe*. All others are forbidden."
    )
    allowed_regions = _list_field(
        "Allowed Regions",
        "One Region a line, for instance eu-west-1 or eu-*. A parameter that gives a Region must be limited "
        "to them by allowedValues.",
    )
    allowed_instance_types = _list_field(
        "Allowed instance types",
        "One EC2 instance type a line, for instance t3.micro or t3.*. A parameter that gives a type must be "
        "limited to them by allowedValues.",
    )
    schema = forms.CharField(
        label="JSON Schema",
        required=False,
        max_length=100_000,
        strip=False,
        help_text="A schema of draft 2020-12 that the whole document must satisfy. The description of the "
        "part that is not satisfied is shown as advice.",
        widget=forms.Textarea(attrs={"rows": 8, "class": "mono", "spellcheck": "false"}),
    )

    SWITCHES = ("require_assume_role", "require_approval", "no_inline_scripts")
    LISTS = (
        "required_tags",
        "forbidden_actions",
        "allowed_actions",
        "forbidden_services",
        "allowed_services",
        "forbidden_apis",
        "allowed_apis",
        "allowed_regions",
        "allowed_instance_types",
    )

    @classmethod
    def initial_of(cls, rules: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields' values for `rules`."""
        found: dict[str, Any] = {name: bool(rules.get(name)) for name in cls.SWITCHES}
        found |= {name: "\n".join(rules.get(name, ())) for name in cls.LISTS}
        schema = rules.get("schema")
        return found | {"schema": json.dumps(schema, indent=2, ensure_ascii=False) if schema else ""}

    def clean_schema(self) -> dict[str, Any]:
        """Return the schema as data, empty for none."""
        text = self.cleaned_data["schema"]
        if not text.strip():
            return {}
        try:
            schema = json.loads(text)
        except json.JSONDecodeError as error:
            raise forms.ValidationError(
                f"This is not JSON. Line {error.lineno}, column {error.colno}: {error.msg}."
            ) from error
        except RecursionError as error:
            raise forms.ValidationError("This nests too deep.") from error
        if not isinstance(schema, dict) or not schema:
            raise forms.ValidationError(
                'Write a map that demands something, like {"required": ["description"]}.'
            )
        return schema

    def rules(self) -> dict[str, Any]:
        """Return the rules as ssmdoc.policy takes them: only those that demand something."""
        found: dict[str, Any] = {name: True for name in self.SWITCHES if self.cleaned_data.get(name)}
        for name in self.LISTS:
            lines = _lines(self.cleaned_data.get(name, ""))
            if lines:
                found[name] = lines
        if self.cleaned_data.get("schema"):
            found["schema"] = self.cleaned_data["schema"]
        return found
