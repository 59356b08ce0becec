"""AWS's refusals and failures, kept in AWS's own words."""

from botocore.exceptions import BotoCoreError, ClientError

from common.errors import PortalError

# https://docs.aws.amazon.com/systems-manager/latest/APIReference/CommonErrors.html
_THROTTLES = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "SlowDown",
    }
)
# AWS's queue of automations is full: a later try may find room.
_QUEUE_FULL = "AutomationExecutionLimitExceededException"
_TRANSIENT = frozenset(
    {"InternalServerError", "InternalFailure", "InternalError", "ServiceUnavailable", "RequestTimeout"}
)
_LATER = _THROTTLES | _TRANSIENT | {_QUEUE_FULL}
_DENIALS = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized", "AuthFailure"}
)
# What was asked for names an automation that AWS has no record of.
UNKNOWN_EXECUTION = "AutomationExecutionNotFoundException"


class AwsError(PortalError):
    """AWS, or the way to it, said no.

    Attributes:
        aws_code: AWS's error code, e.g. "AccessDeniedException"; for a connection's failure, its kind.
        operation: the API called, e.g. "StartAutomationExecution".
        retryable: the same request may succeed later.
        denied: IAM refused it.
    """

    def __init__(self, *, aws_code: str, message: str, operation: str, retryable: bool) -> None:
        denied = aws_code in _DENIALS
        status = 503 if retryable else 403 if denied else 502
        super().__init__("aws", message, status, {"aws_code": aws_code, "operation": operation})
        self.aws_code = aws_code
        self.operation = operation
        self.retryable = retryable
        self.denied = denied

    @property
    def throttled(self) -> bool:
        """Whether AWS turned the request away for now: it was certainly not carried out."""
        return self.rate_exceeded or self.queue_full

    @property
    def rate_exceeded(self) -> bool:
        """Whether AWS has had too many calls in too short a time."""
        return self.aws_code in _THROTTLES

    @property
    def queue_full(self) -> bool:
        """Whether AWS has as many automations running and waiting as it takes."""
        return self.aws_code == _QUEUE_FULL

    @property
    def unknown_execution(self) -> bool:
        """Whether AWS has no record of the automation that was asked for."""
        return self.aws_code == UNKNOWN_EXECUTION


def translated(error: ClientError | BotoCoreError, operation: str) -> AwsError:
    """Return botocore's error as ours, with AWS's own message."""
    if isinstance(error, ClientError):
        detail = error.response.get("Error", {})
        code = detail.get("Code", "Unknown")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return AwsError(
            aws_code=code,
            message=str(detail.get("Message") or code),
            operation=operation,
            retryable=code in _LATER or status >= 500,
        )
    # Everything else that botocore raises happened on the way: no connection, a time-out, no credentials.
    kind = type(error).__name__
    lasting = kind in {
        "NoCredentialsError",
        "PartialCredentialsError",
        "ParamValidationError",
        "NoRegionError",
    }
    return AwsError(aws_code=kind, message=str(error), operation=operation, retryable=not lasting)
