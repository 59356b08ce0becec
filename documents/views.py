"""The authors' pages: thin; the door, the services and the selectors do the work."""

import difflib
import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common import access
from common.errors import Conflict, Invalid, NotFound
from documents import selectors, services, starters
from documents.checking import examine
from documents.forms import DocumentFilter, EditForm, NewDocumentForm, PublishForm, StarterForm, refuse
from documents.models import Document, DocumentVersion, Publication
from ssmdoc import completion

# The editor sends what is typed: a text above AWS's limit is refused when it is saved, but a page of somebody
# else's making need not be parsed.
MAX_CHECKED_BYTES = 4 * services.MAX_TEXT_BYTES


def _document(request: HttpRequest, permission: str, document_id: int) -> Document:
    documents = Document.objects.select_related("owner")
    return access.fetch(request.user, permission, documents, pk=document_id)


def _version(document: Document, number: int) -> DocumentVersion:
    version = selectors.version_of(document, number)
    if version is None:
        raise NotFound(f"{document} has no version {number}.")
    return version


def _held(request: HttpRequest, document: Document) -> frozenset[str]:
    return access.permissions(request.user, [document])[document.pk]


@require_safe
def document_list(request: HttpRequest) -> HttpResponse:
    """Show the documents that the person may see."""
    owners = selectors.owners(request.user)
    form = DocumentFilter(request.GET, owners=owners)
    form.is_valid()
    page = selectors.document_list(
        request.user,
        search=form.cleaned_data.get("q", ""),
        owner=form.cleaned_data.get("owner", ""),
        before=request.GET.get("before", ""),
        after=request.GET.get("after", ""),
    )
    context = {
        "form": form,
        "page": page,
        "filtered": any(request.GET.get(name) for name in form.fields),
        "may_write": access.capable(request.user, "author"),
    }
    return render(request, "documents/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Write a new document, beginning with one of the starters."""
    access.require_capability(request.user, "author")
    if request.method == "POST":
        form = NewDocumentForm(request.POST)
        if form.is_valid():
            try:
                document = services.create_document(actor=request.user, **form.cleaned_data)
            except Invalid as error:
                refuse(form, error)
            else:
                messages.success(request, f"{document} was created.")
                return redirect("documents:detail", document.pk)
        return _editor(request, "documents/new.html", form, {"starter_form": StarterForm()}, status=400)
    key = request.GET.get("starter", "")
    starter = starters.ALL.get(key, starters.ALL["blank"])
    form = NewDocumentForm(initial={"text": starter.text, "format": starter.format})
    chosen = StarterForm(initial={"starter": key or "blank"})
    return _editor(request, "documents/new.html", form, {"starter_form": chosen})


def _editor(
    request: HttpRequest, template: str, form: Any, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """Show the editor with what is wrong with the text it holds, for whoever has no script."""
    text, format = form["text"].value() or "", form["format"].value() or "YAML"
    small = len(text) <= MAX_CHECKED_BYTES and format in DocumentVersion.Format.values
    found = examine(text, format) if small and text.strip() else None
    return render(request, template, {"form": form, "examination": found, **context}, status=status)


@require_POST
def check(request: HttpRequest) -> HttpResponse:
    """Answer the editor: what is wrong with the text, and its steps as a graph."""
    if not selectors.may_author(request.user):
        raise NotFound()
    if len(request.body) > MAX_CHECKED_BYTES:
        raise Invalid("The text is far above AWS's 64 KB: shorten it.")
    try:
        sent = json.loads(request.body)
        text, format = sent["text"], sent["format"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Invalid("Send JSON with “text” and “format”.") from None
    if not isinstance(text, str) or format not in DocumentVersion.Format.values:
        raise Invalid("Send “text” as text, and YAML or JSON as “format”.")
    found = examine(text, format)
    return JsonResponse({"findings": [finding.as_dict() for finding in found.findings], "graph": found.graph})


@require_safe
def completions(request: HttpRequest) -> HttpResponse:
    """Tell the editor the words of the language, with what each means."""
    if not selectors.may_author(request.user):
        raise NotFound()
    return JsonResponse(completion.vocabulary())


@require_safe
def detail(request: HttpRequest, document_id: int) -> HttpResponse:
    """Show the newest text with its findings, its steps, versions and publications."""
    document = _document(request, "view", document_id)
    version = _version(document, document.latest_number)
    found = examine(version.text, version.format)
    context = {
        "document": document,
        "version": version,
        "examination": found,
        "held": _held(request, document),
        "versions": selectors.versions_page(
            document, before=request.GET.get("before", ""), after=request.GET.get("after", "")
        ),
        "publications": selectors.publications_of(document),
    }
    return render(request, "documents/detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, document_id: int) -> HttpResponse:
    """Write the next version of a document."""
    document = _document(request, "edit", document_id)
    if request.method != "POST":
        latest = _version(document, document.latest_number)
        begun = {"text": latest.text, "format": latest.format, "base_number": latest.number}
        return _editor(request, "documents/edit.html", EditForm(initial=begun), {"document": document})
    form = EditForm(request.POST)
    context: dict[str, Any] = {"document": document}
    status = 400
    if form.is_valid():
        try:
            version = services.save_version(actor=request.user, document=document, **form.cleaned_data)
        except Invalid as error:
            refuse(form, error)
        except Conflict as error:
            # Saving again from here is a decision: it goes on from the version that the page now shows.
            latest = _version(document, error.data["latest_number"])
            form.data = form.data.copy()
            form.data["base_number"] = str(latest.number)
            form.add_error(None, error.message)
            context["theirs"] = latest
            context["difference"] = _difference(latest.text, form.cleaned_data["text"])
            status = 409
        else:
            return _saved(request, version)
    return _editor(request, "documents/edit.html", form, context, status=status)


def _saved(request: HttpRequest, version: DocumentVersion) -> HttpResponse:
    errors = len(examine(version.text, version.format).errors)
    if errors:
        what = "an error" if errors == 1 else f"{errors} errors"
        messages.warning(
            request, f"Version {version.number} is kept. It has {what}, so it cannot be published yet."
        )
    else:
        messages.success(request, f"Version {version.number} is kept, and fit to be published.")
    return redirect("documents:detail", version.document_id)


@require_safe
def version(request: HttpRequest, document_id: int, number: int) -> HttpResponse:
    """Show one version as it was written."""
    document = _document(request, "view", document_id)
    shown = _version(document, number)
    context = {
        "document": document,
        "version": shown,
        "examination": examine(shown.text, shown.format),
        "held": _held(request, document),
        "previous": number - 1 if number > 1 else None,
    }
    return render(request, "documents/version.html", context)


@require_safe
def diff(request: HttpRequest, document_id: int, number: int) -> HttpResponse:
    """Show what a version changed, against the one before it or the one that the address names."""
    document = _document(request, "view", document_id)
    shown = _version(document, number)
    against = request.GET.get("against", "")
    base = _version(document, int(against) if against.isascii() and against.isdecimal() else number - 1)
    context = {
        "document": document,
        "version": shown,
        "base": base,
        "changes": selectors.changes(base, shown),
        "difference": _difference(base.text, shown.text),
    }
    return render(request, "documents/diff.html", context)


def _difference(old: str, new: str) -> list[dict[str, str]]:
    """Return the lines of a unified difference: `kind` is "place", "gone", "new" or "same"."""
    kinds = {"@": "place", "-": "gone", "+": "new", " ": "same"}
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=4)
    return [
        {"kind": kinds[line[0]], "text": line if line[0] == "@" else line[1:]} for line in list(lines)[2:]
    ]


@require_http_methods(["GET", "HEAD", "POST"])
def publish(request: HttpRequest, document_id: int) -> HttpResponse:
    """Publish a version in a target: the newest, or the one that the address names."""
    document = _document(request, "publish", document_id)
    named = request.GET.get("version", "")
    chosen = int(named) if named.isascii() and named.isdecimal() else document.latest_number
    shown = _version(document, chosen)
    form = PublishForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                publication = services.publish(
                    actor=request.user,
                    document=document,
                    number=shown.number,
                    target=form.cleaned_data["target"],
                )
            except Invalid as error:
                refuse(form, error)
            else:
                messages.info(request, f"{publication} is being published.")
                return redirect(reverse("documents:detail", args=[document.pk]) + "#publications")
    context = {
        "document": document,
        "version": shown,
        "form": form,
        "examination": examine(shown.text, shown.format),
    }
    return render(request, "documents/publish.html", context, status=status)


@require_safe
def publication(request: HttpRequest, publication_id: int) -> HttpResponse:
    """Give the row of one publication, which a page asks for until it is settled."""
    rows = Publication.objects.select_related("version__document", "target", "requested_by")
    found = rows.filter(pk=publication_id).first()
    if found is None:
        raise NotFound()
    access.require(request.user, "view", found.version.document)
    context = {"publication": found, "held": _held(request, found.version.document)}
    return render(request, "documents/_publication.html", context)
