"""The form of a delegation: made of the parameters of the document that it delegates."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms

import ssmdoc
from accounts.launching import as_text, is_list, language
from accounts.models import MOST_APPROVALS
from accounts.services.limits import PREFIX, role_fault
from aws.models import ServiceRole
from aws.selectors import bindable_roles
from common.requests import SignedInRequest
from documents.models import Document, Publication

CALLER = "caller"
MODES = (
    ("free", "the operator decides"),
    ("fixed", "is always"),
    ("allowed", "is one of (one a line)"),
    ("default", "is at first, may be changed"),
)
# Whoever means more means no limit, and databases differ in what they can count to.
MOST_RUNS = 1_000_000
RUN_LIMITS = ("max_concurrent", "max_per_day")
# Choosing another document or version replaces the form; what was typed here fits the next one as well.
KEPT = {"hx-preserve": "true"}


class DocumentChoice(forms.Form):
    """Which document, and where it stands."""

    document = forms.ModelChoiceField(queryset=Document.objects.none(), empty_label="Choose a document")

    def __init__(self, *args: Any, documents: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["document"] = forms.ModelChoiceField(
            queryset=documents, empty_label="Choose a document", required=False
        )


class PublicationField(forms.ModelChoiceField):
    """A version as it stands in a target."""

    def label_from_instance(self, obj: Any) -> str:
        """Name version and target."""
        target = obj.target
        return f"version {obj.version.number} in {target} (account {target.account_id}, {target.region})"


class PublicationChoice(forms.Form):
    """Which version, in which target."""

    def __init__(self, *args: Any, publications: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["publication"] = PublicationField(
            label="Version and target",
            queryset=publications,
            required=False,
            empty_label="Choose where it stands",
        )


@dataclass(frozen=True)
class ParameterRow:
    """One parameter in the form: what the document says of it, how it is limited, and to what."""

    name: str
    type: str
    help: str
    choices: tuple[str, ...]
    mode: forms.BoundField
    value: forms.BoundField


class DelegationForm(forms.Form):
    """Name, role, validity, and a limit for each parameter of the chosen version."""

    name = forms.CharField(
        max_length=100,
        widget=forms.TextInput(attrs=KEPT),
        help_text="What operators see, such as “Restart a web server”.",
    )
    description = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, **KEPT}),
        help_text="What it does and when to use it, for those who run it.",
    )
    service_role = forms.ChoiceField(label="Runs as")
    max_concurrent = forms.IntegerField(
        label="Runs at the same time, at most",
        required=False,
        min_value=1,
        max_value=MOST_RUNS,
        widget=forms.NumberInput(attrs=KEPT),
        help_text="Leave empty for as many as AWS takes.",
    )
    max_per_day = forms.IntegerField(
        label="Runs started within 24 hours, at most",
        required=False,
        min_value=1,
        max_value=MOST_RUNS,
        widget=forms.NumberInput(attrs=KEPT),
        help_text="Leave empty for as many as people launch.",
    )
    approvals_needed = forms.IntegerField(
        label="People who must approve a run before it starts",
        required=False,
        min_value=0,
        max_value=MOST_APPROVALS,
        widget=forms.NumberInput(attrs=KEPT),
        help_text="Other people than whoever launches it, to whom “approve” was granted. "
        "Leave empty to start runs at once.",
    )
    expires_at = forms.DateTimeField(
        label="Ends at (UTC)",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", **KEPT}, format="%Y-%m-%dT%H:%M"),
        help_text="Nobody can run it after that. Leave empty for no end.",
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        *args: Any,
        request: SignedInRequest,
        publication: Publication,
        constraints: Mapping[str, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.publication = publication
        self.document = language(publication.version)
        self._roles = bindable_roles(request.user, publication.target)
        choices = [(str(role.pk), f"{role.name} ({role.arn})") for role in self._roles]
        choices.append((CALLER, "the caller: whoever runs it, with their own AWS identity"))
        self.fields["service_role"] = forms.ChoiceField(
            label="Runs as",
            choices=choices,
            help_text="Service roles that you may bind. "
            + self._assume_role_words(self.document.assume_role, self.document.assume_role_parameter),
        )
        if "service_role" not in self.initial:
            self.initial["service_role"] = self._fitting_role()
        self._names = [
            field
            for field in ssmdoc.parameters.form_fields(self.document)
            if field.name != self.document.assume_role_parameter
        ]
        for field in self._names:
            self._add(field, constraints.get(field.name, {}))

    @staticmethod
    def _assume_role_words(written: str | None, parameter: str | None) -> str:
        if written is None:
            return "The document names no assumeRole: it can only run as the caller."
        if parameter is None:
            return f"The document's assumeRole is {written}."
        return f"The role's ARN is put into the document's parameter {parameter}."

    def _fitting_role(self) -> str:
        """Return the first choice that the document allows."""
        candidates: list[ServiceRole | None] = [*self._roles, None]
        for role in candidates:
            if not role_fault(self.publication.version, self.publication.target, role):
                return str(role.pk) if role is not None else CALLER
        return CALLER

    def _add(self, field: ssmdoc.parameters.FormField, limit: Mapping[str, Any]) -> None:
        kind = next(iter(limit), "free")
        value = limit.get(kind, "")
        text = "\n".join(as_text(item) for item in value) if kind == "allowed" else as_text(value)
        self.fields[f"mode__{field.name}"] = forms.ChoiceField(
            label=f"{field.name}: limit", choices=MODES, initial=kind, required=False
        )
        self.fields[f"value__{field.name}"] = forms.CharField(
            label=f"{field.name}: value",
            required=False,
            strip=False,
            initial=text,
            widget=forms.Textarea(attrs={"rows": 2, "class": "monospace", "spellcheck": "false"}),
        )

    def general(self) -> list[forms.BoundField]:
        """Return the fields that are no parameter's."""
        names = ("name", "description", "service_role", "approvals_needed", *RUN_LIMITS, "expires_at")
        return [self[name] for name in names]

    def run_limits(self) -> dict[str, int | None]:
        """Return how many runs there may be, as the service takes it."""
        return {name: self.cleaned_data[name] for name in RUN_LIMITS}

    def parameter_rows(self) -> list[ParameterRow]:
        """Return the parameters in the document's order."""
        return [
            ParameterRow(
                name=field.name,
                type=field.type,
                help=field.help,
                choices=tuple(field.choices),
                mode=self[f"mode__{field.name}"],
                value=self[f"value__{field.name}"],
            )
            for field in self._names
        ]

    def clean(self) -> dict[str, Any]:
        """Read each parameter's limit; leaves `constraints` and `role` as the service takes them."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        constraints = {}
        for field in self._names:
            mode, text = cleaned.get(f"mode__{field.name}") or "free", cleaned.get(f"value__{field.name}", "")
            if mode == "free":
                if text.strip():
                    self.add_error(f"value__{field.name}", "Say what this value is for, or empty it.")
                continue
            try:
                constraints[field.name] = {mode: self._read(field, mode, text)}
            except ssmdoc.parameters.Invalid as error:
                self.add_error(f"value__{field.name}", str(error))
        cleaned["constraints"] = constraints
        cleaned["approvals_needed"] = cleaned.get("approvals_needed") or 0
        chosen = cleaned.get("service_role")
        cleaned["role"] = next((role for role in self._roles if str(role.pk) == chosen), None)
        return cleaned

    def _read(self, field: ssmdoc.parameters.FormField, mode: str, text: str) -> Any:
        parameter = self.document.parameters[field.name]
        text = text.replace("\r\n", "\n")
        if mode != "allowed":
            if not text.strip():
                return [] if is_list(field.type) else ""
            return ssmdoc.parameters.convert(parameter, text.strip("\n"))
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        if is_list(field.type):
            return [ssmdoc.parameters.convert(parameter, [line])[0] for line in lines]
        return [ssmdoc.parameters.convert(parameter, line) for line in lines]

    def field_names(self) -> dict[str, str]:
        """Return where the service's refusals belong: field of the refusal → field of this form."""
        names = {PREFIX + field.name: f"value__{field.name}" for field in self._names}
        return {**names, "version": "service_role", "target": "service_role"}
