"""Lambda's Invoke and CreateFunction, in the place of moto's, which need Docker or run nothing.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import base64
import json
import logging
import threading
from contextvars import copy_context
from typing import Any

from moto.awslambda.models import LambdaFunction
from moto.awslambda.responses import LambdaResponse

from sandbox.calls import current_call
from sandbox.errors import AwsError
from sandbox.services.functions import running

log = logging.getLogger(__name__)

MOST_SYNCHRONOUS_BYTES = 6_291_456
MOST_ASYNCHRONOUS_BYTES = 1_048_576
TAIL_BYTES = 4096
# Events that wait or run, each of which has a thread.
MOST_EVENTS = 256
_events = threading.BoundedSemaphore(MOST_EVENTS)

Answer = tuple[int, dict[str, str], str | bytes]


def _invoke(self: LambdaResponse) -> Answer:
    params = current_call.get().params
    kind = params.get("InvocationType") or "RequestResponse"
    function = _function(self, params)
    payload = _payload(self.body, kind)
    headers = {"Content-Type": "application/json", "X-Amz-Executed-Version": str(function.version)}
    if kind == "DryRun":
        return 204, {**headers, "status": "204"}, ""
    running.check_runtime(function)
    if function.reserved_concurrency == 0:
        raise AwsError("TooManyRequestsException", "Rate Exceeded.", 429)
    context = _client_context(params.get("ClientContext"))
    if kind == "Event":
        _invoke_later(function, payload, context)
        return 202, {**headers, "status": "202"}, ""
    invocation = running.invoke(function, payload, context)
    if invocation.error:
        headers["X-Amz-Function-Error"] = invocation.error
    if params.get("LogType") == "Tail":
        tail = invocation.log.encode()[-TAIL_BYTES:]
        headers["X-Amz-Log-Result"] = base64.b64encode(tail).decode()
    return 200, headers, invocation.payload


def _function(response: LambdaResponse, params: Any) -> LambdaFunction:
    name, qualifier = params["FunctionName"], params.get("Qualifier")
    account_id = response.current_account
    owner = name.split(":")[4] if name.startswith("arn:") else name.partition(":function:")[0]
    if owner != name and owner.rpartition(":")[2] not in (account_id, ""):
        # moto would take the function of that name in this account.
        raise AwsError("ResourceNotFoundException", f"Function not found: {name}", 404)
    if not name.startswith("arn:"):
        name = name.rpartition("function:")[2]
    found: LambdaFunction = response.backend.get_function(name, qualifier)
    return found


def _payload(body: str | bytes, kind: str) -> str:
    data = body.encode() if isinstance(body, str) else body or b""
    most = MOST_ASYNCHRONOUS_BYTES if kind == "Event" else MOST_SYNCHRONOUS_BYTES
    if len(data) > most:
        raise AwsError(
            "RequestEntityTooLargeException", f"Request must be smaller than {most} bytes for Invoke.", 413
        )
    try:
        text = data.decode() or "{}"
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AwsError(
            "InvalidRequestContentException", f"Could not parse request body into json: {error}"
        ) from error
    return text


def _client_context(encoded: str | None) -> Any:
    if not encoded:
        return None
    try:
        return json.loads(base64.b64decode(encoded, validate=True))
    except (ValueError, RecursionError) as error:
        raise AwsError(
            "InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object."
        ) from error


def _invoke_later(function: LambdaFunction, payload: str, context: Any) -> None:
    """Errors: AwsError when too many events wait already."""
    if not _events.acquire(blocking=False):
        raise AwsError("TooManyRequestsException", "Rate Exceeded.", 429)

    def run() -> None:
        try:
            running.invoke(function, payload, context)
        except AwsError as error:
            # Nobody waits for the answer; AWS drops such an event in the end too.
            log.warning("an event for %s was dropped: %s", function.function_name, error)
        finally:
            _events.release()

    threading.Thread(target=copy_context().run, args=(run,), name="lambda-event", daemon=True).start()


def _invoke_within(self: LambdaFunction, event: Any = None) -> tuple[str, bool, str]:
    """How moto's other services (SNS, SQS, Step Functions) invoke a function."""
    payload = event if isinstance(event, str) else json.dumps(event or {})
    try:
        invocation = running.invoke(self, payload)
    except AwsError as error:
        return json.dumps({"errorType": error.code, "errorMessage": error.message}), True, ""
    return invocation.payload, invocation.error is not None, invocation.log


def install() -> None:
    """Make moto's Lambda run functions here."""
    create = LambdaResponse.create_function

    def create_function(self: LambdaResponse) -> Any:
        answer = create(self)
        function = self.backend.get_function(self.json_body["FunctionName"].rsplit(":", 1)[-1], None)
        try:
            running.check_role(function)
        except AwsError:
            self.backend.delete_function(function.function_name)
            raise
        return answer

    responses: Any = LambdaResponse
    responses.invoke, responses.create_function = _invoke, create_function
    functions: Any = LambdaFunction
    functions._invoke_lambda = _invoke_within
