"""The home page: what awaits *this* person."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.models import Delegation
from automation_portal.context import waiting
from common import access
from documents.models import Document
from executions.models import FINAL, Execution


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the person's own next steps, and their latest runs."""
    user = request.user
    held = access.capabilities(user)
    launchable = access.visible(user, "execute", Delegation.objects.filter(enabled=True)).count()
    mine = Execution.objects.filter(operator=user.pk)
    answerable = waiting(user)
    documents = access.visible(user, "edit", Document.objects.all()).count()
    cards: list[dict[str, Any]] = []
    if answerable:
        cards.append(
            {
                "title": "Waiting for you",
                "text": "Runs that wait for your approval, or at a step you may answer.",
                "url": reverse("executions:approvals"),
                "count": answerable,
                "icon": "checkbox",
            }
        )
    if launchable:
        cards.append(
            {
                "title": "Ready to run",
                "text": "What has been delegated to you.",
                "url": reverse("executions:catalogue"),
                "count": launchable,
                "icon": "player-play",
            }
        )
    # By the index of what has not ended: a person may have launched all that ever ran.
    running = mine.filter(ended_at=None).exclude(status__in=FINAL).count()
    if running:
        cards.append(
            {
                "title": "Running now",
                "text": "Your runs that have not ended.",
                "url": reverse("executions:list"),
                "count": running,
                "icon": "activity",
            }
        )
    if documents or "author" in held:
        cards.append(
            {
                "title": "Your documents",
                "text": "Automation documents you may edit.",
                "url": reverse("documents:list"),
                "count": documents,
                "icon": "file-code",
            }
        )
    if "administer" in held:
        cards.append(
            {
                "title": "Delegations",
                "text": "Who may run what, as which role.",
                "url": reverse("accounts:delegations"),
                "count": Delegation.objects.count(),
                "icon": "key",
            }
        )
    latest = mine.select_related("delegation", "target").order_by("-requested_at", "-id")[:5]
    return render(request, "home.html", {"cards": cards, "runs": list(latest)})
