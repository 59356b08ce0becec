"""Answers of Systems Manager held against botocore's model: members, types, enums, errors."""

from __future__ import annotations

import json
from typing import Any

from botocore.model import OperationModel, Shape

# https://docs.aws.amazon.com/systems-manager/latest/APIReference/CommonErrors.html
COMMON_ERRORS = {
    "AccessDeniedException",
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InternalFailure",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "SerializationException",
    "ThrottlingException",
    "UnknownOperationException",
    "UnrecognizedClientException",
    "ValidationException",
}
# The operations that are Automation's and its documents'. Of others the sandbox may say that it has them not.
EMULATED = {
    "StartAutomationExecution",
    "GetAutomationExecution",
    "DescribeAutomationExecutions",
    "DescribeAutomationStepExecutions",
    "StopAutomationExecution",
    "SendAutomationSignal",
    "StartExecutionPreview",
    "GetExecutionPreview",
    "StartChangeRequestExecution",
    "GetCalendarState",
    "CreateDocument",
    "UpdateDocument",
    "UpdateDocumentDefaultVersion",
    "GetDocument",
    "DescribeDocument",
    "ListDocuments",
    "ListDocumentVersions",
    "DeleteDocument",
    "ModifyDocumentPermission",
    "DescribeDocumentPermission",
    "AddTagsToResource",
    "RemoveTagsFromResource",
    "ListTagsForResource",
}
KINDS: dict[str, Any] = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "integer": int,
    "long": int,
    "boolean": bool,
    "timestamp": (int, float),
}


def check_shape(value: Any, shape: Any, path: str) -> None:
    """Assert that `value` (of a raw JSON answer) is what botocore's model says: members, types and enums."""
    kind = KINDS[shape.type_name]
    assert isinstance(value, kind), f"{path} is {value!r}, not a {shape.type_name}"
    assert kind is bool or not isinstance(value, bool), f"{path} is {value!r}, not a {shape.type_name}"
    if shape.type_name == "structure":
        unknown = set(value) - set(shape.members)
        assert not unknown, f"{path} has members that the model lacks: {unknown}"
        missing = set(shape.required_members) - set(value)
        assert not missing, f"{path} lacks {missing}"
        for name, item in value.items():
            check_shape(item, shape.members[name], f"{path}.{name}")
    elif shape.type_name == "list":
        for index, item in enumerate(value):
            check_shape(item, shape.member, f"{path}[{index}]")
    elif shape.type_name == "map":
        for key, item in value.items():
            check_shape(key, shape.key, f"{path} key")
            check_shape(item, shape.value, f"{path}.{key}")
    elif "enum" in shape.metadata and "ParameterType" not in shape.name:
        assert value in shape.metadata["enum"], f"{path} is {value!r}"


def check_answer(operation: OperationModel, status: int, body: bytes) -> None:
    """Assert that an answer is the output of its operation, or one of its errors or AWS's common ones."""
    answer = json.loads(body or "{}")
    if status < 300:
        if operation.output_shape is not None:
            check_shape(answer, operation.output_shape, operation.name)
        return
    code = str(answer.get("__type", "")).rpartition("#")[2]
    if code == "NotImplemented" and operation.name not in EMULATED:
        return
    modelled = {code_of(shape) for shape in operation.error_shapes}
    assert code in modelled | COMMON_ERRORS, f"{operation.name} has no error {code}: {answer}"
    message = answer.get("message") or answer.get("Message")
    assert message, f"{operation.name} answers {code} without a message"


def code_of(shape: Shape) -> str:
    """The code by which the wire knows an error."""
    return str(shape.metadata.get("error", {}).get("code") or shape.name)


def watch(client: Any) -> Any:
    """The client of Systems Manager, with every answer that it gets checked first."""

    def check(operation_model: OperationModel, response_dict: dict[str, Any], **_: Any) -> None:
        check_answer(operation_model, response_dict["status_code"], response_dict["body"])

    client.meta.events.register("before-parse.ssm.*", check, unique_id="conformance")
    return client
