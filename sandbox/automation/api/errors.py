"""The error codes of Systems Manager's Automation operations.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StartAutomationExecution.html#API_StartAutomationExecution_Errors
"""

from moto.ssm.exceptions import SSMException


class ApiError(SSMException):
    """An error response: AWS's code (the class says which) and a message."""

    def __init__(self, message: str) -> None:
        super().__init__(type(self).__name__, message)


class ValidationException(ApiError):
    pass


class AccessDeniedException(ApiError):
    pass


class AutomationDefinitionNotFoundException(ApiError):
    pass


class AutomationDefinitionVersionNotFoundException(ApiError):
    pass


class AutomationExecutionLimitExceededException(ApiError):
    pass


class AutomationExecutionNotFoundException(ApiError):
    def __init__(self, execution_id: str) -> None:
        super().__init__(f"There is no Automation execution information for: {execution_id}")


class AutomationStepNotFoundException(ApiError):
    pass


class IdempotentParameterMismatch(ApiError):
    pass


class InvalidAutomationExecutionParametersException(ApiError):
    pass


class InvalidAutomationSignalException(ApiError):
    pass


class InvalidAutomationStatusUpdateException(ApiError):
    pass


class InvalidFilterKey(ApiError):
    pass


class InvalidFilterValue(ApiError):
    pass


class InvalidNextToken(ApiError):
    def __init__(self) -> None:
        super().__init__("The specified token is not valid.")


class InvalidResourceId(ApiError):
    def __init__(self) -> None:
        super().__init__(
            "The resource ID is not valid. Verify that you entered the correct ID and try again."
        )


class ThrottlingException(ApiError):
    def __init__(self) -> None:
        super().__init__("Rate exceeded")


class InvalidTarget(ApiError):
    pass


class ServiceSettingNotFound(ApiError):
    pass


class TooManyTagsError(ApiError):
    pass


class DocumentPermissionLimit(ApiError):
    pass


class DuplicateDocumentContent(ApiError):
    pass


class InvalidDocument(ApiError):
    pass


class InvalidDocumentContent(ApiError):
    pass


class InvalidDocumentOperation(ApiError):
    pass


class InvalidDocumentSchemaVersion(ApiError):
    pass


class InvalidDocumentType(ApiError):
    pass


class InvalidDocumentVersion(ApiError):
    pass


class MaxDocumentSizeExceeded(ApiError):
    pass


class NoLongerSupportedException(ApiError):
    pass


class ResourceNotFoundException(ApiError):
    pass


class UnsupportedCalendarException(ApiError):
    pass
