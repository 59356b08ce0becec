"""What every page shows around its content: the areas this person has rights in."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from common import access


def areas(user: access.Actor) -> list[dict[str, Any]]:
    """Return the navigation of `user`: only areas they have rights in."""
    held = access.capabilities(user)
    found = [
        {
            "title": "Operate",
            "items": [
                {"label": "Run", "name": "executions:catalogue", "icon": "player-play"},
                {"label": "Runs", "name": "executions:list", "icon": "activity"},
                {"label": "Approvals", "name": "executions:approvals", "icon": "checkbox"},
            ],
        },
        {
            "title": "Author",
            "items": [{"label": "Documents", "name": "documents:list", "icon": "file-code"}],
        },
    ]
    administer: list[dict[str, str]] = []
    if "administer" in held:
        administer += [
            {"label": "Delegations", "name": "accounts:delegations", "icon": "key"},
            {"label": "Service roles", "name": "aws:roles", "icon": "shield-lock"},
            {"label": "Targets", "name": "aws:targets", "icon": "cloud"},
            {"label": "Policies", "name": "documents:policies", "icon": "gavel"},
            {"label": "People", "name": "accounts:people", "icon": "users"},
        ]
    if "audit" in held:
        administer.append({"label": "Audit", "name": "audit:list", "icon": "history"})
    if administer:
        found.append({"title": "Administer", "items": administer})
    return found


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return what base.html needs on every page."""
    user = getattr(request, "user", None)
    navigation: list[dict[str, Any]] = []
    if user is not None and user.is_authenticated:
        for area in areas(user):
            items = []
            for item in area["items"]:
                url = reverse(item["name"])
                items.append({**item, "url": url, "active": request.path.startswith(url)})
            navigation.append({"title": area["title"], "items": items})
    return {
        "nav": navigation,
        "environment_banner": "Sandbox AWS" if settings.DEMONSTRATION else "",
    }
