"""aws:invokeLambdaFunction.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-lamb.html
"""

import base64
import json
from typing import Any

from botocore.exceptions import ClientError

from sandbox.automation.actions.registry import Action
from sandbox.automation.actions.services import api_failure
from sandbox.automation.context import StepContext
from sandbox.automation.outcomes import Done, InvalidInputs, Outcome, StepFailed

DOING = "Execute/Invoking Lambda function"
LONGEST_SECONDS = 300
MOST_PAYLOAD = 200_000
INVOCATION_TYPES = ("RequestResponse", "Event", "DryRun")


def run(context: StepContext) -> Outcome:
    try:
        response = context.call("lambda", "Invoke", _parameters(context), seconds=_seconds(context))
    except ClientError as error:
        raise api_failure(error, "lambda", doing=DOING) from error
    outputs: dict[str, Any] = {"StatusCode": str(response["StatusCode"])}
    for name in ("FunctionError", "LogResult"):
        if response.get(name):
            outputs[name] = response[name]
    if response.get("Payload"):
        outputs["Payload"] = response["Payload"][:MOST_PAYLOAD]
    selected = {**outputs, "Payload": _parsed(outputs.get("Payload"))}
    outputs["OutputPayload"] = json.dumps(outputs, separators=(",", ":"))
    if "FunctionError" in outputs:
        raise StepFailed(
            f"The Lambda function {context.inputs['FunctionName']} ended with the function error "
            f"{outputs['FunctionError']}: {outputs.get('Payload', '')}",
            doing=DOING,
            outputs=outputs,
            response_code=outputs["StatusCode"],
        )
    return Done(outputs=outputs, payload=selected, response_code=outputs["StatusCode"])


def _seconds(context: StepContext) -> int:
    given = str(context.resolve(context.step.timeout_seconds))
    return min(int(given), LONGEST_SECONDS) if given.isdecimal() and int(given) else LONGEST_SECONDS


def _parameters(context: StepContext) -> dict[str, Any]:
    given = {name: value for name, value in context.inputs.items() if value not in (None, "")}
    params: dict[str, Any] = {"FunctionName": context.required("FunctionName")}
    for name in ("Qualifier", "LogType", "InvocationType"):
        if name in given:
            params[name] = given[name]
    kind = params.get("InvocationType", INVOCATION_TYPES[0])
    if kind not in INVOCATION_TYPES:
        raise InvalidInputs(f"InvocationType must be one of {', '.join(INVOCATION_TYPES)}, not {kind}.")
    if "ClientContext" in given:
        text = given["ClientContext"]
        params["ClientContext"] = text if isinstance(text, str) else _encoded(text)
    # Where both are given, InputPayload counts.
    payload = given.get("InputPayload", given.get("Payload"))
    if payload is not None:
        params["Payload"] = payload if isinstance(payload, str) else json.dumps(payload)
    return params


def _encoded(value: Any) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def _parsed(payload: str | None) -> Any:
    try:
        return json.loads(payload) if payload else None
    except ValueError:
        return payload


ACTION = Action(
    "aws:invokeLambdaFunction",
    run,
    timeout_seconds=LONGEST_SECONDS,
    inputs=frozenset(
        {
            "ClientContext",
            "FunctionName",
            "InputPayload",
            "InvocationType",
            "LogType",
            "Payload",
            "Qualifier",
        }
    ),
    note="Functions run when they are written in Python; other runtimes and images are refused.",
)
