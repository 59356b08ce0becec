"""aws:executeAwsApi (https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-executeAwsApi.html)."""

from botocore.exceptions import ClientError

from sandbox.automation.actions.registry import Action
from sandbox.automation.context import StepContext, call_failure
from sandbox.automation.outcomes import Done, Outcome

OWN_INPUTS = frozenset({"Service", "Api"})


def run(context: StepContext) -> Outcome:
    params = {name: value for name, value in context.inputs.items() if name not in OWN_INPUTS}
    try:
        response = context.call(str(context.required("Service")), str(context.required("Api")), params)
    except ClientError as error:
        raise call_failure(error) from error
    code = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return Done(payload=response, response_code=str(code) if code else None)


ACTION = Action(
    "aws:executeAwsApi",
    run,
    timeout_seconds=25,
    inputs=OWN_INPUTS,
    note="Operations that moto does not have fail with the error NotImplemented.",
)
