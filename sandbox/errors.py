"""Errors that an AWS client sees: a code, a sentence and an HTTP status. `wire` renders them for each
protocol.
"""

from __future__ import annotations


class AwsError(Exception):
    """An error response of an AWS service.

    Arguments: the error code and message as the service words them, and the HTTP status.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class AccessDenied(AwsError):
    """The principal may not do this. Protocols spell the code differently, so it is chosen when rendered.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """

    def __init__(self, message: str) -> None:
        super().__init__("AccessDenied", message, 403)


class InvalidCredentials(AwsError):
    """The request is not signed, not signed well, or with credentials that do not exist (any more).

    `code` is the one of the query protocol; services with codes of their own (EC2, S3) get theirs when
    rendered.
    https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
    """

    def __init__(self, code: str, message: str, status: int = 403) -> None:
        super().__init__(code, message, status)
