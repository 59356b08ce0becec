"""Pages of targets and service roles, for administrators."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit.selectors import history
from audit.wording import facts
from aws import selectors, services
from aws.forms import (
    AssignRoleForm,
    RoleDetailsForm,
    RoleFilter,
    RoleForm,
    TargetFilter,
    TargetForm,
)
from aws.models import AwsTarget, ServiceRole
from common import access
from common.errors import Invalid
from common.granting import GrantForm, held_rows, named_holder, put_beside
from common.requests import SignedInRequest


@require_safe
def target_list(request: SignedInRequest) -> HttpResponse:
    """Show the targets."""
    access.require_capability(request.user, "administer")
    form = TargetFilter(request.GET)
    form.is_valid()
    text, state = form.cleaned_data.get("q", ""), form.cleaned_data.get("state", "")
    page = selectors.targets(request.user, request.GET.dict(), text=text, state=state)
    return render(request, "aws/targets.html", {"form": form, "page": page, "filtered": bool(text or state)})


@require_http_methods(["GET", "HEAD", "POST"])
def target_new(request: SignedInRequest) -> HttpResponse:
    """Ask for a new target, and add it."""
    access.require_capability(request.user, "administer")
    form = TargetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            target = services.create_target(actor=request.user, **form.cleaned_data)
        except Invalid as error:
            put_beside(form, error)
        else:
            messages.success(request, f"{target} is added. Next: add a service role of it.")
            return redirect("aws:target", target.pk)
    return render(request, "aws/target_form.html", {"form": form}, status=400 if form.errors else 200)


def _target(request: SignedInRequest, target_id: int) -> AwsTarget:
    access.require_capability(request.user, "administer")
    return access.fetch(request.user, "view", AwsTarget.objects.all(), pk=target_id)


@require_safe
def target_detail(request: SignedInRequest, target_id: int) -> HttpResponse:
    """Show a target: how the portal gets in, its roles, and people's identities there."""
    target = _target(request, target_id)
    return _target_page(request, target, AssignRoleForm())


def _target_page(
    request: SignedInRequest, target: AwsTarget, form: AssignRoleForm, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        "target": target,
        "roles": target.service_roles.all()[:200],
        "identities": selectors.identities_in(target),
        **selectors.check_of(target),
        "form": form,
        "history": [(entry, facts(entry.data)) for entry in history(target)],
        "may_audit": access.capable(request.user, "audit"),
    }
    return render(request, "aws/target.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def target_edit(request: SignedInRequest, target_id: int) -> HttpResponse:
    """Ask for a target's changes, and make them."""
    target = _target(request, target_id)
    names = [name for name in TargetForm.base_fields if name != "secret_access_key"]
    initial = {name: getattr(target, name) for name in names}
    form = TargetForm(request.POST or None, initial=initial, target=target)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_target(actor=request.user, target=target, **form.cleaned_data)
        except Invalid as error:
            put_beside(form, error)
        else:
            messages.success(request, f"{target} is changed.")
            return redirect("aws:target", target.pk)
    context = {"form": form, "target": target}
    return render(request, "aws/target_form.html", context, status=400 if form.errors else 200)


@require_POST
def target_enable(request: SignedInRequest, target_id: int) -> HttpResponse:
    """Enable or disable a target."""
    target = _target(request, target_id)
    enabled = request.POST.get("enabled") == "yes"
    services.set_target_enabled(actor=request.user, target=target, enabled=enabled)
    said = "automations may start there" if enabled else "nothing new starts there"
    messages.success(request, f"{target} is {'enabled' if enabled else 'disabled'}: {said}.")
    return redirect("aws:target", target.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def target_check(request: SignedInRequest, target_id: int) -> HttpResponse:
    """Ask AWS anew; or show what it said, a part of the page that asks again until there is an answer."""
    target = _target(request, target_id)
    if request.method == "POST":
        services.ask_check(actor=request.user, target=target)
        return redirect("aws:target", target.pk)
    return render(request, "aws/target_check.html", {"target": target, **selectors.check_of(target)})


@require_POST
def target_assign(request: SignedInRequest, target_id: int) -> HttpResponse:
    """Say which role the portal assumes in a person's name."""
    target = _target(request, target_id)
    form = AssignRoleForm(request.POST)
    if form.is_valid():
        user = form.cleaned_data["username"]
        try:
            services.assign_role(
                actor=request.user, user=user, target=target, role_arn=form.cleaned_data["role_arn"]
            )
        except Invalid as error:
            put_beside(form, error)
        else:
            messages.success(request, f"{user} acts as this role in {target}.")
            return redirect("aws:target", target.pk)
    return _target_page(request, target, form, status=400)


# Service roles


@require_safe
def role_list(request: SignedInRequest) -> HttpResponse:
    """Show the service roles."""
    access.require_capability(request.user, "administer")
    form = RoleFilter(request.GET)
    form.is_valid()
    text, target = form.cleaned_data.get("q", ""), form.cleaned_data.get("target", "")
    page, rows = selectors.roles(request.user, request.GET.dict(), text=text, target=target)
    context = {"form": form, "page": page, "rows": rows, "filtered": bool(text or target)}
    return render(request, "aws/roles.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def role_new(request: SignedInRequest) -> HttpResponse:
    """Ask for a new service role, and add it."""
    access.require_capability(request.user, "administer")
    form = RoleForm(request.POST or None, initial={"target": request.GET.get("target")})
    if request.method == "POST" and form.is_valid():
        try:
            role = services.create_role(actor=request.user, **form.cleaned_data)
        except Invalid as error:
            put_beside(form, error)
        else:
            messages.success(request, f"{role} is added. Next: say who may bind it.")
            return redirect("aws:role", role.pk)
    context = {"form": form, "targets": AwsTarget.objects.exists()}
    return render(request, "aws/role_form.html", context, status=400 if form.errors else 200)


def _role(request: SignedInRequest, role_id: int) -> ServiceRole:
    access.require_capability(request.user, "administer")
    return access.fetch(request.user, "view", ServiceRole.objects.select_related("target"), pk=role_id)


@require_safe
def role_detail(request: SignedInRequest, role_id: int) -> HttpResponse:
    """Show a service role, and who may bind it."""
    return _role_page(request, _role(request, role_id), GrantForm(ServiceRole, initial={"permission": "use"}))


def _role_page(
    request: SignedInRequest, role: ServiceRole, form: GrantForm, status: int = 200
) -> HttpResponse:
    context = {
        "role": role,
        "held": held_rows(role),
        "form": form,
        "history": [(entry, facts(entry.data)) for entry in history(role)],
        "may_audit": access.capable(request.user, "audit"),
    }
    return render(request, "aws/role.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def role_edit(request: SignedInRequest, role_id: int) -> HttpResponse:
    """Ask for a role's new name and description, and keep them."""
    role = _role(request, role_id)
    initial = {"name": role.name, "description": role.description}
    form = RoleDetailsForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_role(actor=request.user, role=role, **form.cleaned_data)
        except Invalid as error:
            put_beside(form, error)
        else:
            messages.success(request, f"{role} is changed.")
            return redirect("aws:role", role.pk)
    context = {"form": form, "role": role, "targets": True}
    return render(request, "aws/role_form.html", context, status=400 if form.errors else 200)


@require_POST
def role_grant(request: SignedInRequest, role_id: int) -> HttpResponse:
    """Let somebody bind the role."""
    role = _role(request, role_id)
    form = GrantForm(ServiceRole, request.POST)
    if form.is_valid():
        holder, permission = form.cleaned_data["holder"], form.cleaned_data["permission"]
        try:
            services.grant_use(actor=request.user, role=role, holder=holder, permission=permission)
        except Invalid as error:
            put_beside(form, error, {"holder": "username"})
        else:
            messages.success(request, f"{holder} may {permission} {role}.")
            return redirect("aws:role", role.pk)
    return _role_page(request, role, form, status=400)


@require_POST
def role_revoke(request: SignedInRequest, role_id: int) -> HttpResponse:
    """Take a grant on the role away."""
    role = _role(request, role_id)
    holder = named_holder(request.POST.get("holder", ""))
    permission = request.POST.get("permission", "")
    services.revoke_use(actor=request.user, role=role, holder=holder, permission=permission)
    messages.success(request, f"{holder} may no longer {permission} {role}.")
    return redirect("aws:role", role.pk)
