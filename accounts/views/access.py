"""Who may do what with a document, all on one screen."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts import selectors
from common import access
from common.errors import Invalid
from common.granting import GrantForm, held_rows, named_holder, put_beside
from common.requests import SignedInRequest
from documents import services as documents
from documents.models import Document

# A page that lists thousands helps nobody; each person's own page says what they may run.
SHOWN = 100
WAYS_SHOWN = 5


def _document(request: SignedInRequest, document_id: int) -> Document:
    return access.fetch(request.user, "share", Document.objects.select_related("owner"), pk=document_id)


def _page(request: SignedInRequest, document: Document, form: GrantForm, status: int = 200) -> HttpResponse:
    rows = selectors.delegations_of(document)
    active = [row for row in rows if row.state == "Active"]
    runners, total = selectors.runners(active, people=SHOWN, ways=WAYS_SHOWN)
    context: dict[str, Any] = {
        "document": document,
        "held": held_rows(document),
        "rows": rows,
        "runners": runners,
        "more_runners": total - len(runners),
        "form": form,
        "administers": access.capable(request.user, "administer"),
    }
    return render(request, "accounts/access.html", context, status=status)


@require_safe
def document_access(request: SignedInRequest, document_id: int) -> HttpResponse:
    """Show who may see, edit, share and publish a document, and who may run it, as which role."""
    document = _document(request, document_id)
    return _page(request, document, GrantForm(Document, initial={"permission": "view"}))


@require_POST
def document_share(request: SignedInRequest, document_id: int) -> HttpResponse:
    """Grant a right to the document."""
    document = _document(request, document_id)
    form = GrantForm(Document, request.POST)
    if form.is_valid():
        holder, permission = form.cleaned_data["holder"], form.cleaned_data["permission"]
        try:
            documents.share(actor=request.user, document=document, permission=permission, holder=holder)
        except Invalid as error:
            put_beside(form, error, {"holder": "username"})
        else:
            messages.success(request, f"{holder} may {permission} {document}.")
            return redirect("accounts:access", document.pk)
    return _page(request, document, form, status=400)


@require_POST
def document_unshare(request: SignedInRequest, document_id: int) -> HttpResponse:
    """Take a right to the document away."""
    document = _document(request, document_id)
    holder = named_holder(request.POST.get("holder", ""))
    permission = request.POST.get("permission", "")
    documents.unshare(actor=request.user, document=document, permission=permission, holder=holder)
    messages.success(request, f"{holder} may no longer {permission} {document}.")
    return redirect("accounts:access", document.pk)
