"""aws:assertAwsResourceProperty and aws:waitForAwsResourceProperty.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-assertAwsResourceProperty.html
https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-waitForAwsResourceProperty.html
"""

import json
from typing import Any

from botocore.exceptions import ClientError

from sandbox.automation.actions.registry import Action
from sandbox.automation.context import StepContext, call_failure
from sandbox.automation.outcomes import Done, InvalidInputs, Outcome, StepFailed
from ssmdoc import SelectorError, selectors

OWN_INPUTS = frozenset({"Service", "Api", "PropertySelector", "DesiredValues"})


def run_assert(context: StepContext) -> Outcome:
    response, found = _look(context)
    desired = context.strings("DesiredValues")
    if _matches(found, desired):
        return Done(payload=response)
    raise StepFailed(
        f'Property value from the API output: "{_text(found)}" is not in desired values: '
        f"{json.dumps(desired)}. In asserting step: {context.step.name}.",
        stage="PostVerification",
        type="Verification",
    )


def run_wait(context: StepContext) -> Outcome:
    response, found = _look(context)
    if _matches(found, context.strings("DesiredValues")):
        return Done(payload=response)
    return context.again("Poll action status for completion")


def _look(context: StepContext) -> tuple[dict[str, Any], Any]:
    params = {name: value for name, value in context.inputs.items() if name not in OWN_INPUTS}
    selector = str(context.required("PropertySelector"))
    try:
        response = context.call(str(context.required("Service")), str(context.required("Api")), params)
    except ClientError as error:
        raise call_failure(error) from error
    try:
        return response, selectors.select(selector, response)
    except selectors.SelectorMissing:
        return response, None
    except SelectorError as error:
        # Waiting would not mend it.
        raise InvalidInputs(f"The PropertySelector cannot be used: {error}") from error


def _matches(found: Any, desired: list[str]) -> bool:
    # A deep scan finds a list: the state is reached when all that was found is in it.
    values = found if isinstance(found, list) else [found]
    wanted = {_text(value).lower() if _is_boolean(value) else value for value in desired}
    return bool(values) and all(value is not None and _text(value) in wanted for value in values)


def _is_boolean(text: str) -> bool:
    return text.lower() in {"true", "false"}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


ASSERT = Action("aws:assertAwsResourceProperty", run_assert, inputs=OWN_INPUTS)
WAIT = Action("aws:waitForAwsResourceProperty", run_wait, timeout_seconds=3600, inputs=OWN_INPUTS)
