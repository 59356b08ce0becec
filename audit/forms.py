"""The filters of the audit page."""

from django import forms


class EntryFilter(forms.Form):
    """Which entries to show."""

    q = forms.CharField(label="What it was done to", required=False, max_length=200)
    who = forms.CharField(label="Who", required=False, max_length=150)
    action = forms.CharField(
        label="Action",
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"placeholder": "such as delegation."}),
    )
    since = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    object = forms.CharField(required=False, max_length=140, widget=forms.HiddenInput)
