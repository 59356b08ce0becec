"""The error codes of Run Command's operations.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html#API_SendCommand_Errors
"""

from sandbox.automation.api.errors import ApiError, InvalidDocument, InvalidDocumentVersion

__all__ = [
    "DuplicateInstanceId",
    "InvalidCommandId",
    "InvalidDocument",
    "InvalidDocumentVersion",
    "InvalidInstanceId",
    "InvalidParameters",
    "InvalidPluginName",
    "InvocationDoesNotExist",
]


class DuplicateInstanceId(ApiError):
    def __init__(self) -> None:
        super().__init__("You can't specify an instance ID in more than one association.")


class InvalidCommandId(ApiError):
    def __init__(self) -> None:
        super().__init__("The specified command ID isn't valid. Verify the ID and try again.")


class InvalidInstanceId(ApiError):
    pass


class InvalidParameters(ApiError):
    pass


class InvalidPluginName(ApiError):
    def __init__(self) -> None:
        super().__init__("The plugin name isn't valid.")


class InvocationDoesNotExist(ApiError):
    def __init__(self) -> None:
        super().__init__(
            "The command ID and managed node ID you specified didn't match any invocations. Verify the "
            "command ID and the managed node ID and try again."
        )
