"""The administrators' pages of policies."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

import ssmdoc
from common import access
from common.errors import Invalid, NotFound
from documents import selectors, services
from documents.forms import PolicyForm, refuse
from documents.models import Policy


@require_safe
def policies(request: HttpRequest) -> HttpResponse:
    """Show every policy and what it demands."""
    access.require_capability(request.user, "administer")
    rows = [(policy, ssmdoc.policy.explain(policy.rules)) for policy in selectors.policies()]
    return render(request, "documents/policies.html", {"rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Make a policy."""
    access.require_capability(request.user, "administer")
    form = PolicyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            policy = services.create_policy(actor=request.user, **_given(form))
        except Invalid as error:
            refuse(form, error)
        else:
            messages.success(request, f"{policy} is in force.")
            return redirect("documents:policy", policy.pk)
    return render(request, "documents/policy_new.html", {"form": form}, status=_status(request))


@require_http_methods(["GET", "HEAD", "POST"])
def policy(request: HttpRequest, policy_id: int) -> HttpResponse:
    """Show and change a policy: its rules in words, and which documents would break them."""
    access.require_capability(request.user, "administer")
    shown = Policy.objects.filter(pk=policy_id).first()
    if shown is None:
        raise NotFound()
    begun = {"name": shown.name, "description": shown.description, **PolicyForm.initial_of(shown.rules)}
    switched = request.POST.get("enabled") if request.method == "POST" else None
    if switched is not None:
        services.enable_policy(actor=request.user, policy=shown, enabled=switched == "yes")
        messages.success(request, f"{shown} is {'in force' if shown.enabled else 'suspended'}.")
        return redirect("documents:policy", shown.pk)
    form = PolicyForm(request.POST or None, initial=begun)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_policy(actor=request.user, policy=shown, **_given(form))
        except Invalid as error:
            refuse(form, error)
        else:
            messages.success(request, f"{shown} was changed.")
            return redirect("documents:policy", shown.pk)
    kept = Policy.objects.get(pk=policy_id)
    context = {
        "policy": kept,
        "form": form,
        "sentences": ssmdoc.policy.explain(kept.rules),
        "trial": selectors.try_rules(kept.rules, kept.name),
    }
    return render(request, "documents/policy.html", context, status=_status(request))


def _given(form: PolicyForm) -> dict[str, Any]:
    return {
        "name": form.cleaned_data["name"],
        "description": form.cleaned_data["description"],
        "rules": form.rules(),
    }


def _status(request: HttpRequest) -> int:
    """Return 400 for a form that is shown again because it was refused."""
    return 400 if request.method == "POST" else 200
