"""What every page shows around its content: the areas this person has rights in."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from common import access
from documents.models import Document
from executions import awaiting
from executions.maintenance import launches_paused
from executions.models import Execution, Status


def waiting(user: access.Actor) -> int:
    """Return how many runs wait for an answer that `user` may give: at a step, or before their launch."""
    at_a_step = access.visible(user, "signal", Execution.objects.filter(status=Status.WAITING))
    return at_a_step.count() + awaiting.waiting_for(user).count()


def areas(user: access.Actor) -> list[dict[str, Any]]:
    """Return the navigation of `user`: only areas they have rights in."""
    held = access.capabilities(user)
    found: list[dict[str, Any]] = [
        {
            "title": "Operate",
            "items": [
                {"label": "Run", "name": "executions:catalogue", "icon": "player-play"},
                {"label": "Runs", "name": "executions:list", "icon": "activity"},
                {
                    "label": "Approvals",
                    "name": "executions:approvals",
                    "icon": "checkbox",
                    "count": waiting(user),
                },
            ],
        },
    ]
    if "author" in held or access.visible(user, "view", Document.objects.all()).exists():
        found.append(
            {
                "title": "Author",
                "items": [{"label": "Documents", "name": "documents:list", "icon": "file-code"}],
            }
        )
    administer: list[dict[str, str]] = []
    if "administer" in held:
        administer += [
            {"label": "Delegations", "name": "accounts:delegations", "icon": "key"},
            {"label": "Service roles", "name": "aws:roles", "icon": "shield-lock"},
            {"label": "Targets", "name": "aws:targets", "icon": "cloud"},
            {"label": "Policies", "name": "documents:policies", "icon": "gavel"},
            {"label": "People", "name": "accounts:people", "icon": "users"},
            {"label": "Maintenance", "name": "executions:maintenance", "icon": "player-pause"},
        ]
    if "audit" in held:
        administer.append({"label": "Audit", "name": "audit:list", "icon": "history"})
    if administer:
        found.append({"title": "Administer", "items": administer})
    return found


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the areas of whoever asks, with addresses, and which one they are in."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    found = []
    for area in areas(user):
        items = []
        for item in area["items"]:
            url = reverse(item["name"])
            items.append({**item, "url": url, "active": request.path.startswith(url)})
        found.append({"title": area["title"], "items": items})
    return found


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return what base.html needs on every page."""
    return {
        # Asked only by whole pages: a live part is rendered after every event and has no navigation.
        "nav": SimpleLazyObject(lambda: navigation(request)),
        "launch_pause": SimpleLazyObject(launches_paused),
        "environment_banner": "Sandbox AWS" if settings.DEMONSTRATION else "",
    }
