"""One invocation of a function: its process, and what Lambda's runtime makes of how it ends.

https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.awslambda.models import LambdaFunction

from sandbox import scripts, settings
from sandbox.authorization import assume_role_as_service
from sandbox.errors import AccessDenied, AwsError
from sandbox.identity import Principal
from sandbox.scripts import Credentials, Job, Limits, Result, ScriptError
from sandbox.scripts.jobs import MIB
from sandbox.services.functions.layers import files_of

MOST_PAYLOAD_BYTES = 6_291_556
SERVICE = "lambda.amazonaws.com"
# A Python process needs this much address space, whatever the function's memory is.
LEAST_MEMORY = Limits().memory
# What a function may use of this machine, whatever its configuration says: moto takes any number.
MOST_SECONDS = 900
MOST_MEMORY = 2048 * MIB
MOST_DISK = 512 * MIB
_PYTHON = re.compile(r"python3\.\d+")


@dataclass(frozen=True)
class Invocation:
    """How an invocation ended: the payload (JSON), the function error when there was one, and the log."""

    payload: str
    error: str | None
    log: str
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))


def check_role(function: LambdaFunction) -> Principal:
    """A session of the function's execution role. Errors: AwsError when Lambda may not assume it."""
    try:
        return assume_role_as_service(
            function.role,
            service=SERVICE,
            session_name=function.function_name,
            source_account=function.account_id,
            source_arn=function.function_arn,
        )
    except AccessDenied as error:
        raise AwsError(
            "InvalidParameterValueException",
            "The role defined for the function cannot be assumed by Lambda.",
        ) from error


def check_runtime(function: LambdaFunction) -> None:
    """Raise AwsError unless the function is one that can be run here."""
    if function.package_type != "Zip" or not _PYTHON.fullmatch(str(function.run_time)):
        what = "images" if function.package_type != "Zip" else f"the runtime {function.run_time}"
        raise AwsError(
            "InvalidRuntimeException",
            f"The sandbox runs Lambda functions in Python only, and {function.function_name} needs {what}.",
        )


def invoke(function: LambdaFunction, payload: str, client_context: Any = None) -> Invocation:
    """Run the function with the event `payload` (JSON) and wait for its end.

    Errors: AwsError when it cannot be begun.
    """
    check_runtime(function)
    principal = check_role(function)
    request_id = str(uuid.uuid4())
    job = Job(
        files=files_of(function),
        handler=function.handler or "",
        payload=payload,
        context=_context(function, request_id, client_context),
        context_object=True,
        environment=_environment(function),
        credentials=Credentials(
            principal.access_key_id, principal.secret_access_key, principal.session_token
        ),
        region=function.region,
        directory="/var/task",
        limits=Limits(
            seconds=float(min(max(int(function.timeout), 1), MOST_SECONDS)),
            memory=min(max(int(function.memory_size) * MIB, LEAST_MEMORY), MOST_MEMORY),
            payload=MOST_PAYLOAD_BYTES,
            disk=min(max(int(function.ephemeral_storage) * MIB, MIB), MOST_DISK),
        ),
        epoch=_epoch(),
    )
    result = scripts.runner.run(job)
    error = _error(function, result, request_id)
    payload = json.dumps(error) if error is not None else result.payload or "null"
    log = _log(function, result, error, request_id)
    function.logs_backend.ensure_log_group(function.logs_group_name)
    function.save_logs(log)
    return Invocation(payload, "Unhandled" if error is not None else None, log, request_id)


def _epoch() -> float | None:
    from sandbox.automation.service import clock

    # On a virtual clock nobody else moves time while a function sleeps.
    return clock.now().timestamp() if settings.current().clock is None else None


def _context(function: LambdaFunction, request_id: str, client_context: Any) -> dict[str, Any]:
    return {
        "aws_request_id": request_id,
        "function_name": function.function_name,
        "function_version": str(function.version),
        "invoked_function_arn": function.function_arn,
        "memory_limit_in_mb": str(function.memory_size),
        "log_group_name": function.logs_group_name,
        "log_stream_name": request_id,
        "identity": None,
        "client_context": client_context,
    }


def _environment(function: LambdaFunction) -> dict[str, str]:
    """https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"""
    reserved = {
        "_HANDLER": function.handler or "",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": str(function.version),
        "AWS_LAMBDA_LOG_GROUP_NAME": function.logs_group_name,
        "LAMBDA_TASK_ROOT": "/var/task",
    }
    own: Mapping[str, str] = function.environment_vars
    return {**{name: str(value) for name, value in own.items()}, **reserved}


def _error(function: LambdaFunction, result: Result, request_id: str) -> dict[str, Any] | None:
    """The error payload of an invocation that went wrong, None of one that went well."""
    prefix = f"RequestId: {request_id} Error: "
    if result.ending == "timed out":
        told = f"{prefix}Task timed out after {function.timeout:.2f} seconds"
        return {"errorType": "Sandbox.Timedout", "errorMessage": told}
    if result.ending == "out of memory":
        told = f"{prefix}Runtime exited with error: signal: killed"
        return {"errorType": "Runtime.OutOfMemory", "errorMessage": told}
    if result.ending in {"exited", "cancelled"} and result.error is None:
        status = result.exit_status or 0
        how = f"signal: {-status}" if status < 0 else f"exit status {status}"
        return {"errorType": "Runtime.ExitError", "errorMessage": f"{prefix}Runtime exited with error: {how}"}
    if result.error is not None:
        return _raised(function, result.error, request_id)
    if len((result.payload or "").encode()) > MOST_PAYLOAD_BYTES:
        told = f"Response payload size exceeded maximum allowed payload size ({MOST_PAYLOAD_BYTES} bytes)."
        return {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": told}
    return None


def _raised(function: LambdaFunction, error: ScriptError, request_id: str) -> dict[str, Any]:
    module, _, name = (function.handler or "").rpartition(".")
    kind, message, frames = error.type, error.message, list(error.frames)
    if error.stage == "import" and kind in {"ModuleNotFoundError", "ImportError"}:
        kind, message = "Runtime.ImportModuleError", f"Unable to import module '{module}': {message}"
    elif error.stage == "import" and kind == "SyntaxError":
        kind, message = "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module}': {message}"
    elif error.stage == "import" and kind == "AttributeError":
        kind, message = "Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module}'"
    elif error.stage == "answer":
        kind, message = "Runtime.MarshalError", f"Unable to marshal response: {message}"
    return {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": frames}


def _log(function: LambdaFunction, result: Result, error: Mapping[str, Any] | None, request_id: str) -> str:
    printed = result.logs if not result.logs or result.logs.endswith("\n") else f"{result.logs}\n"
    if error is not None:
        trace = "".join(error.get("stackTrace", ()))
        printed += f"[ERROR] {error['errorType']}: {error['errorMessage']}\n"
        printed += f"Traceback (most recent call last):\n{trace}" if trace else ""
    took = result.seconds * 1000
    return (
        f"START RequestId: {request_id} Version: {function.version}\n{printed}END RequestId: {request_id}\n"
        f"REPORT RequestId: {request_id}\tDuration: {took:.2f} ms\tBilled Duration: {int(took) + 1} ms\t"
        f"Memory Size: {function.memory_size} MB\n"
    )
