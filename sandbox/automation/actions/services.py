"""How failure messages of actions quote a refusal: as the Java client of the service words it."""

from botocore.exceptions import ClientError

from sandbox.automation.context import call_failure
from sandbox.automation.outcomes import StepFailed

CLIENTS = {
    "cloudformation": "AmazonCloudFormation",
    "ec2": "AmazonEC2",
    "lambda": "AWSLambda",
    "ssm": "AWSSimpleSystemsManagement",
    "stepfunctions": "AWSStepFunctions",
}


def quoted(error: ClientError, service: str) -> str:
    """What `service` (botocore's name) said, with the status and the code behind it."""
    body = error.response.get("Error", {})
    meta = error.response.get("ResponseMetadata", {})
    return (
        f"{body.get('Message', '')} (Service: {CLIENTS[service]}; Status Code: {meta.get('HTTPStatusCode')}; "
        f"Error Code: {body.get('Code')}; Request ID: {meta.get('RequestId')})"
    )


def api_failure(error: ClientError, service: str, *, doing: str) -> StepFailed:
    """The failure of a step at one of the API calls that make up its action."""
    api = error.operation_name
    return call_failure(
        error,
        reason=f"Get Exception from {api} API of {service} Service. "
        f"Exception Message from {api} API: [{quoted(error, service)}]",
        doing=doing,
    )
