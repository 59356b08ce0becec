"""The request's origin, and errors rendered in one place as page, fragment or JSON problem."""

import logging
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from common.context import Origin, acting_from, origin
from common.errors import Forbidden, NotFound, PortalError

log = logging.getLogger(__name__)


def client_address(request: HttpRequest) -> str:
    """Return the client's IP address.

    `X-Forwarded-For` is believed only as far as TRUSTED_PROXY_COUNT proxies of ours appended to it: anything
    further left was written by the client.
    """
    count: int = settings.TRUSTED_PROXY_COUNT
    if count:
        forwarded: str = request.META.get("HTTP_X_FORWARDED_FOR", "")
        hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
        if len(hops) >= count:
            # A proxy that is not set up to append passes on whatever the client wrote.
            with suppress(ValueError):
                return str(ip_address(hops[-count]))
    return str(request.META.get("REMOTE_ADDR", ""))


class RequestContextMiddleware:
    """Names the request as the origin of what it does, and gives its id in the response."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with acting_from(Origin(channel="web", address=client_address(request))) as here:
            response = self.get_response(request)
        response["X-Request-ID"] = here.request_id
        return response


def render_error(request: HttpRequest, error: PortalError) -> HttpResponse:
    """Render an error as what the client asked for: JSON problem, htmx fragment or page."""
    context = {"error": error, "request_id": origin().request_id}
    accepted = request.headers.get("Accept", "")
    # A stream's client reads no page.
    wants_json = "application/json" in accepted or accepted == "text/event-stream"
    if wants_json or request.content_type == "application/json":
        problem = {
            "type": "about:blank",
            "title": error.message,
            "status": error.status,
            "code": error.code,
            "request_id": context["request_id"],
            **error.data,
        }
        return JsonResponse(problem, status=error.status, content_type="application/problem+json")
    template = "errors/fragment.html" if getattr(request, "htmx", False) else "errors/page.html"
    return render(request, template, context, status=error.status)


class PortalErrorMiddleware:
    """Turns the portal's own errors, and Django's two refusals, into an answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer for `exception`, or leave it to Django's handler for faults of ours."""
        if isinstance(exception, PortalError):
            if exception.status >= 500:
                log.error("%s %s: %s", request.method, request.path, exception.message, exc_info=exception)
            return render_error(request, exception)
        if isinstance(exception, Http404):
            return render_error(request, NotFound())
        if isinstance(exception, PermissionDenied):
            return render_error(request, Forbidden(str(exception) or "You may not do this."))
        return None
