"""Errors split by whose fault they are, each with a code for programs and a sentence for people."""

from collections.abc import Mapping
from typing import Any


class PortalError(Exception):
    """An error that a person may see.

    Arguments:
        code: stable word for programs, e.g. "parameter-refused".
        message: a sentence that says what went wrong and what to do.
        status: the HTTP status; 4xx is the person's to mend, 5xx is ours.
        data: facts for programs and pages; `fields` maps a form field's name to its sentence.
    """

    def __init__(
        self, code: str, message: str, status: int = 400, data: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.data: dict[str, Any] = dict(data or {})

    @property
    def fields(self) -> dict[str, str]:
        """The sentences that belong beside form fields, by field name."""
        return dict(self.data.get("fields", {}))


class NotFound(PortalError):
    """There is no such thing, or this person may not know of it: the two look the same on purpose."""

    def __init__(self, message: str = "There is nothing here, or it is not shared with you.") -> None:
        super().__init__("not-found", message, 404)


class Forbidden(PortalError):
    """The person sees the thing but may not do this to it; the message says why."""

    def __init__(self, message: str, code: str = "forbidden") -> None:
        super().__init__(code, message, 403)


class Invalid(PortalError):
    """Input is refused; `fields` says which part and why."""

    def __init__(
        self,
        message: str,
        *,
        fields: Mapping[str, str] | None = None,
        code: str = "invalid",
        data: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code, message, 400, {**(data or {}), "fields": dict(fields or {})})


class Conflict(PortalError):
    """Somebody or something else was faster, or the thing is in a state that forbids this."""

    def __init__(self, message: str, code: str = "conflict", data: Mapping[str, Any] | None = None) -> None:
        super().__init__(code, message, 409, data)


class Unavailable(PortalError):
    """Something that the portal stands on does not answer; trying again later may help."""

    def __init__(self, message: str, code: str = "unavailable") -> None:
        super().__init__(code, message, 503)
