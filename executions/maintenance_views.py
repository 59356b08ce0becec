"""The page of the maintenance switch, for administrators."""

from typing import cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from audit.selectors import history
from audit.wording import facts
from common import access
from common.errors import Invalid
from common.granting import put_beside
from executions import maintenance
from executions.models import Execution, LaunchPause, Status


class PauseForm(forms.Form):
    """Why launches are paused."""

    reason = forms.CharField(
        max_length=200,
        strip=True,
        help_text="Everybody reads it on every page: what happens, and until when about.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def switch(request: HttpRequest) -> HttpResponse:
    """Show whether launches are paused, and pause them."""
    actor = cast(User, request.user)
    access.require_capability(actor, "administer")
    pause = maintenance.launches_paused()
    form = PauseForm(request.POST or None, initial={"reason": pause.reason if pause else ""})
    if request.method == "POST" and form.is_valid():
        try:
            maintenance.pause_launches(actor=actor, reason=form.cleaned_data["reason"])
        except Invalid as error:
            put_beside(form, error)
        else:
            messages.success(request, "Nothing is launched until launches are resumed.")
            return redirect("executions:maintenance")
    context = {
        "form": form,
        "pause": pause,
        "waiting": Execution.objects.filter(status=Status.QUEUED).count(),
        "history": [(entry, facts(entry.data)) for entry in history(LaunchPause(pk=1))],
        "may_audit": access.capable(actor, "audit"),
    }
    return render(request, "executions/maintenance.html", context, status=400 if form.errors else 200)


@require_POST
def resume(request: HttpRequest) -> HttpResponse:
    """Launch again."""
    if maintenance.resume_launches(actor=cast(User, request.user)):
        messages.success(request, "Launches go on, beginning with what has waited.")
    else:
        messages.info(request, "Launches were not paused.")
    return redirect("executions:maintenance")
