"""Is the portal alive, and can it work? For load balancers and the supervisor; no sign-in, no details."""

import logging

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

log = logging.getLogger(__name__)


@login_not_required
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """Answer that the process serves requests."""
    return JsonResponse({"status": "live"})


@login_not_required
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 when database and queue answer, else 503 naming the part that does not."""
    parts = {"database": True, "queue": True}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM accounts_user LIMIT 1")
    except DatabaseError:
        log.exception("The database does not answer")
        parts["database"] = False
    try:
        cache.get("health")
    except RedisError:
        log.exception("The queue does not answer")
        parts["queue"] = False
    well = all(parts.values())
    return JsonResponse({"status": "ready" if well else "unavailable", **parts}, status=200 if well else 503)
