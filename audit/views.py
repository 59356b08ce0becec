"""The record of who did what, for those who may read it."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from audit import selectors
from audit.forms import EntryFilter
from audit.verification import last
from audit.wording import facts
from common import access
from common.requests import SignedInRequest


@require_safe
def entry_list(request: SignedInRequest) -> HttpResponse:
    """Show the record, newest first."""
    access.require_capability(request.user, "audit")
    form = EntryFilter(request.GET)
    form.is_valid()
    chosen = form.cleaned_data
    kept = {name: request.GET.get(name, "") for name in form.fields}
    page = selectors.entries(
        request.GET.dict(),
        kept=kept,
        text=chosen.get("q", ""),
        who=chosen.get("who", ""),
        action=chosen.get("action", ""),
        thing=chosen.get("object", ""),
        since=chosen.get("since"),
        until=chosen.get("until"),
    )
    rows = [(entry, facts(entry.data)) for entry in page.rows]
    context = {
        "form": form,
        "rows": rows,
        "page": page,
        "one_object": page.rows[0].object_name if page.rows and chosen.get("object") else "",
        "filtered": any(kept.values()),
        "chain": last(),
    }
    return render(request, "audit/list.html", context)
