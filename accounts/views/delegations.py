"""Delegations: the list, one in words, making and changing one, handing it to people."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import selectors, services
from accounts.delegation_forms import RUN_LIMITS, DelegationForm, DocumentChoice, PublicationChoice
from accounts.forms import DelegationFilter
from accounts.models import Delegation
from accounts.wording import limits, run_limits
from audit.selectors import history
from audit.wording import facts
from common import access
from common.errors import Conflict, Forbidden, Invalid
from common.granting import GrantForm, held_rows, named_holder, put_beside
from common.requests import SignedInRequest
from documents.models import Document, Publication

_ROWS = ("document", "version", "target", "service_role", "created_by")


@require_safe
def delegation_list(request: SignedInRequest) -> HttpResponse:
    """Show the delegations."""
    access.require_capability(request.user, "administer")
    form = DelegationFilter(request.GET)
    form.is_valid()
    chosen = {name: form.cleaned_data.get(name, "") for name in form.fields}
    page, rows = selectors.delegations(
        request.user,
        request.GET.dict(),
        text=chosen["q"],
        state=chosen["state"],
        target=chosen["target"],
    )
    context = {"form": form, "page": page, "rows": rows, "filtered": any(chosen.values())}
    return render(request, "accounts/delegations.html", context)


def _delegation(request: SignedInRequest, delegation_id: int) -> Delegation:
    access.require_capability(request.user, "administer")
    rows = Delegation.objects.select_related(*_ROWS)
    return access.fetch(request.user, "view", rows, pk=delegation_id)


def _obstacle(delegation: Delegation) -> str:
    """Return why nobody can launch the delegation now; "" when they can."""
    try:
        services.check_launchable(delegation)
    except (Conflict, Forbidden) as error:
        return error.message
    return ""


def _detail_page(
    request: SignedInRequest, delegation: Delegation, form: GrantForm, status: int = 200
) -> HttpResponse:
    held = held_rows(delegation)
    context: dict[str, Any] = {
        "delegation": delegation,
        "state": selectors.state_of(delegation),
        "obstacle": _obstacle(delegation),
        "limits": limits(delegation),
        "run_limits": run_limits(delegation),
        "lacks_approvers": selectors.approvers(delegation).count() < delegation.approvals_needed,
        "held": held,
        "executors": [str(row.holder) for row in held if row.permission == "execute"],
        "form": form,
        "history": [(entry, facts(entry.data)) for entry in history(delegation)],
        "may_audit": access.capable(request.user, "audit"),
    }
    return render(request, "accounts/delegation.html", context, status=status)


@require_safe
def delegation_detail(request: SignedInRequest, delegation_id: int) -> HttpResponse:
    """Show what a delegation lets whom do."""
    form = GrantForm(Delegation, initial={"permission": "execute"})
    return _detail_page(request, _delegation(request, delegation_id), form)


def _publication(document: Document, key: str) -> Publication | None:
    if not key.isdecimal():
        return None
    return selectors.active_publications(document).filter(pk=int(key)).first()


def _chosen_document(request: SignedInRequest) -> Document | None:
    key = request.GET.get("document", "")
    if not key:
        return None
    return access.fetch(request.user, "view", Document.objects.all(), pk=key)


@require_http_methods(["GET", "HEAD", "POST"])
def delegation_new(request: SignedInRequest) -> HttpResponse:
    """Ask which document, where it stands, and then for the delegation itself; make it."""
    access.require_capability(request.user, "administer")
    document = _chosen_document(request)
    documents = selectors.delegable_documents(request.user)
    context: dict[str, Any] = {
        "documents": DocumentChoice(request.GET or None, documents=documents),
        "document": document,
        "any_document": document is not None or documents.exists(),
    }
    if document is None:
        return render(request, "accounts/delegation_new.html", context)
    publications = selectors.active_publications(document)
    found = list(publications)
    publication = _publication(document, request.GET.get("publication", ""))
    if publication is None and len(found) == 1:
        publication = found[0]
    context["publications"] = PublicationChoice(
        {"publication": publication.pk if publication else None}, publications=publications
    )
    context["any_publication"] = bool(found)
    if publication is None:
        return render(request, "accounts/delegation_new.html", context)
    form = DelegationForm(request.POST or None, request=request, publication=publication, constraints={})
    if request.method == "POST" and form.is_valid():
        made = _create(request, document, publication, form)
        if made is not None:
            messages.success(request, f"“{made}” is made. Next: say who may execute it.")
            return redirect("accounts:delegation", made.pk)
    context |= {"form": form, "publication": publication}
    return render(request, "accounts/delegation_new.html", context, status=400 if form.errors else 200)


def _create(
    request: SignedInRequest, document: Document, publication: Publication, form: DelegationForm
) -> Delegation | None:
    values = form.cleaned_data
    try:
        return services.create_delegation(
            actor=request.user,
            name=values["name"],
            description=values["description"],
            document=document,
            version=publication.version,
            target=publication.target,
            service_role=values["role"],
            constraints=values["constraints"],
            expires_at=values["expires_at"],
            approvals_needed=values["approvals_needed"],
            **form.run_limits(),
        )
    except Invalid as error:
        put_beside(form, error, form.field_names())
        return None


@require_http_methods(["GET", "HEAD", "POST"])
def delegation_edit(request: SignedInRequest, delegation_id: int) -> HttpResponse:
    """Ask for a delegation's changes, and make them."""
    delegation = _delegation(request, delegation_id)
    publications = selectors.active_publications(delegation.document)
    wanted = request.GET.get("publication", "")
    publication = _publication(delegation.document, wanted)
    if publication is None and not wanted:
        publication = publications.filter(version=delegation.version, target=delegation.target).first()
    context: dict[str, Any] = {
        "delegation": delegation,
        "document": delegation.document,
        "publications": PublicationChoice(
            {"publication": publication.pk if publication else None}, publications=publications
        ),
        "any_publication": publications.exists(),
        "publication": publication,
    }
    if publication is None:
        return render(request, "accounts/delegation_edit.html", context)
    form = _edit_form(request, delegation, publication)
    if request.method == "POST" and form.is_valid() and _update(request, delegation, publication, form):
        messages.success(request, f"“{form.cleaned_data['name']}” is changed. Queued runs are not.")
        return redirect("accounts:delegation", delegation.pk)
    context["form"] = form
    return render(request, "accounts/delegation_edit.html", context, status=400 if form.errors else 200)


def _edit_form(request: SignedInRequest, delegation: Delegation, publication: Publication) -> DelegationForm:
    initial: dict[str, Any] = {
        "name": delegation.name,
        "description": delegation.description,
        "expires_at": delegation.expires_at,
        "approvals_needed": delegation.approvals_needed or None,
        **{name: getattr(delegation, name) for name in RUN_LIMITS},
        "seen": delegation.updated_at.isoformat(),
    }
    if publication.target_id == delegation.target_id:
        initial["service_role"] = str(delegation.service_role_id or "caller")
    return DelegationForm(
        request.POST or None,
        request=request,
        publication=publication,
        constraints=delegation.constraints,
        initial=initial,
    )


def _update(
    request: SignedInRequest, delegation: Delegation, publication: Publication, form: DelegationForm
) -> bool:
    values = form.cleaned_data
    seen = parse_datetime(values["seen"]) if values["seen"] else None
    try:
        services.update_delegation(
            actor=request.user,
            delegation=delegation,
            name=values["name"],
            version=publication.version,
            target=publication.target,
            service_role=values["role"],
            description=values["description"],
            constraints=values["constraints"],
            expires_at=values["expires_at"],
            approvals_needed=values["approvals_needed"],
            **form.run_limits(),
            seen=seen or delegation.created_at,
        )
    except Invalid as error:
        put_beside(form, error, form.field_names())
        return False
    except Conflict as error:
        # What was typed stays; looking at the page again shows what the other person changed.
        form.add_error(None, error.message)
        return False
    return True


@require_POST
def delegation_enable(request: SignedInRequest, delegation_id: int) -> HttpResponse:
    """Switch a delegation on or off."""
    delegation = _delegation(request, delegation_id)
    enabled = request.POST.get("enabled") == "yes"
    services.set_enabled(actor=request.user, delegation=delegation, enabled=enabled)
    said = "enabled" if enabled else "disabled: nobody can launch it, and queued runs are refused"
    messages.success(request, f"“{delegation}” is {said}.")
    return redirect("accounts:delegation", delegation.pk)


@require_POST
def delegation_grant(request: SignedInRequest, delegation_id: int) -> HttpResponse:
    """Hand a delegation to a group or person."""
    delegation = _delegation(request, delegation_id)
    form = GrantForm(Delegation, request.POST)
    if form.is_valid():
        holder, permission = form.cleaned_data["holder"], form.cleaned_data["permission"]
        try:
            services.grant(actor=request.user, delegation=delegation, permission=permission, holder=holder)
        except Invalid as error:
            put_beside(form, error, {"holder": "username"})
        else:
            messages.success(request, f"{holder} may {permission} “{delegation}”.")
            return redirect("accounts:delegation", delegation.pk)
    return _detail_page(request, delegation, form, status=400)


@require_POST
def delegation_revoke(request: SignedInRequest, delegation_id: int) -> HttpResponse:
    """Take a delegation away from a group or person."""
    delegation = _delegation(request, delegation_id)
    holder = named_holder(request.POST.get("holder", ""))
    permission = request.POST.get("permission", "")
    services.revoke(actor=request.user, delegation=delegation, permission=permission, holder=holder)
    messages.success(request, f"{holder} may no longer {permission} “{delegation}”.")
    return redirect("accounts:delegation", delegation.pk)
