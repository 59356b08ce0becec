"""Answers to what no view of ours was reached for."""

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from common.context import origin
from common.errors import Forbidden, NotFound, PortalError
from common.middleware import render_error


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose CSRF token is missing or old."""
    return render_error(
        request,
        Forbidden("This form is no longer valid: reload the page and send it again.", code="csrf"),
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer for an address that does not exist."""
    return render_error(request, NotFound("There is no page at this address."))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer for a request that Django itself refused."""
    return render_error(request, PortalError("bad-request", "The portal could not read this request."))


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer for a fault of ours; the details are in the log under the same id.

    Drawn without what other pages ask the database for: it may be the database that failed.
    """
    error = PortalError(
        "fault",
        "Something went wrong on our side. It is recorded; try again, and if it stays, "
        "give your administrator the id below.",
        500,
    )
    page = render_to_string("errors/page.html", {"error": error, "request_id": origin().request_id})
    return HttpResponse(page, status=500)
