"""Forms of the operators' pages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.html import escape

from accounts.launching import LaunchField
from executions import approving
from executions.awaiting import LaunchRequest
from executions.models import Status
from executions.run_list import PERIODS, UNFINISHED
from executions.services import COMMENT_LIMIT

_ANY = [("", "Any")]


class FreeMultipleChoice(forms.MultipleChoiceField):
    """Several choices of which the launch service, not the form, judges each: it says why one is refused."""

    def valid_value(self, value: Any) -> bool:
        """Let every value reach the service."""
        return True


class LaunchForm(forms.Form):
    """The parameters of a delegation, made from what it leaves open.

    Only "give a value" is judged here. Every other rule is the launch service's, whose sentences are put
    beside the fields, so that a program and the page hear the same.
    """

    use_required_attribute = False
    prefix = "p"

    def __init__(self, fields: Iterable[LaunchField], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in fields:
            if not field.read_only:
                self.fields[field.name] = _form_field(field)

    def values(self) -> dict[str, Any]:
        """Return what was given, by parameter."""
        return dict(self.cleaned_data)


class PaceForm(forms.Form):
    """How a run goes on from step to step. Apart from LaunchForm: a parameter may have any name."""

    step_by_step = forms.BooleanField(
        required=False,
        label="Step by step: wait for me before each step",
        help_text="Each step begins when you start it on the run’s page, and can be stopped there. "
        "After the last one you complete the run.",
    )


def _form_field(field: LaunchField) -> forms.Field:
    common: dict[str, Any] = {
        "label": field.label,
        "required": field.required,
        "initial": field.default,
        "help_text": "",
        "error_messages": {"required": "Give a value."},
    }
    help_text = [field.help] if field.help else []
    if field.widget == "multiselect":
        common["initial"] = field.default.splitlines()
        made: forms.Field = FreeMultipleChoice(
            choices=[(choice, choice) for choice in field.choices],
            widget=forms.CheckboxSelectMultiple,
            **common,
        )
    elif field.widget in {"select", "boolean"}:
        offered = field.choices or ("true", "false")
        choices = [(choice, choice) for choice in offered]
        if field.default not in offered:
            choices.insert(0, ("", "Choose…"))
        made = forms.CharField(widget=forms.Select(choices=choices), **common)
    elif field.widget == "integer":
        made = forms.CharField(widget=forms.TextInput(attrs={"inputmode": "numeric"}), **common)
    elif field.widget in {"lines", "json", "textarea"}:
        hint = {"lines": "One value a line.", "json": "Write JSON."}.get(field.widget)
        help_text += [hint] if hint else []
        attrs = {"rows": 4, "class": "mono"} if field.widget == "json" else {"rows": 4}
        made = forms.CharField(widget=forms.Textarea(attrs=attrs), **common)
    else:
        made = forms.CharField(
            widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            strip=False,
            **common,
        )
    # The words are the document's author's: the page shows them as text, whatever they hold.
    made.help_text = escape(" ".join(help_text))
    return made


class CatalogueFilter(forms.Form):
    """Search of the catalogue."""

    q = forms.CharField(required=False, label="Search", max_length=100)


class RunFilter(forms.Form):
    """Search and filters of the list of runs."""

    q = forms.CharField(required=False, label="Search", max_length=100)
    status = forms.ChoiceField(
        required=False,
        label="State",
        choices=[*_ANY, (UNFINISHED, "Not ended"), *[(state, state) for state in Status.values]],
    )
    delegation = forms.ChoiceField(required=False, label="Delegation")
    operator = forms.ChoiceField(required=False, label="Launched by")
    period = forms.ChoiceField(
        required=False,
        label="When",
        choices=[*_ANY, *[(name, words) for name, (words, _) in PERIODS.items()]],
    )

    def __init__(self, *args: Any, choices: Mapping[str, list[tuple[str, str]]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, offered in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [*_ANY, *offered]

    def filters(self) -> dict[str, str]:
        """Return the filters that make sense; one that does not is as if it were not there."""
        self.is_valid()
        return {name: str(value) for name, value in self.cleaned_data.items() if value}


class ApprovalForm(forms.Form):
    """What to say with the approval of a launch."""

    comment = forms.CharField(
        required=False,
        label="Comment",
        help_text="Kept with the run, together with your name.",
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=approving.COMMENT_LIMIT,
    )


class RejectionForm(forms.Form):
    """Why a launch is rejected."""

    comment = forms.CharField(
        label="Why",
        help_text="The operator reads it. Kept with the run, together with your name.",
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=approving.COMMENT_LIMIT,
        error_messages={"required": "Say why: the operator reads it."},
    )


@dataclass(frozen=True)
class AskedLaunch:
    """A launch that waits for approval, with the forms that answer it."""

    launch: LaunchRequest
    approval: ApprovalForm
    rejection: RejectionForm


def asked(launch: LaunchRequest, refused: ApprovalForm | RejectionForm | None = None) -> AskedLaunch:
    """Return the launch with its forms, whose ids are unique on a page of many; `refused` is shown again."""
    key = launch.run.pk
    approval = refused if isinstance(refused, ApprovalForm) else ApprovalForm(auto_id=f"approve-{key}-%s")
    rejection = refused if isinstance(refused, RejectionForm) else RejectionForm(auto_id=f"reject-{key}-%s")
    return AskedLaunch(launch, approval, rejection)


class AnswerForm(forms.Form):
    """What to say with an answer to a waiting step."""

    comment = forms.CharField(
        required=False,
        label="Comment",
        help_text="AWS keeps it with the run, together with your name.",
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=COMMENT_LIMIT,
        error_messages={"max_length": f"Use {COMMENT_LIMIT} characters at most: AWS takes no more."},
    )
