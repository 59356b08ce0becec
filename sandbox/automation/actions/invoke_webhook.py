"""aws:invokeWebhook.

https://docs.aws.amazon.com/systems-manager/latest/userguide/invoke-webhook.html
"""

import json
from typing import Any

from botocore.exceptions import ClientError

from sandbox.automation import webhooks
from sandbox.automation.actions.registry import Action
from sandbox.automation.actions.services import api_failure
from sandbox.automation.context import StepContext
from sandbox.automation.outcomes import Done, Outcome, StepFailed

DOING = "Execute/Invoking webhook"
# Where integrations are kept; the name is AWS's.
# https://docs.aws.amazon.com/systems-manager/latest/userguide/creating-webhook-integrations.html
NAMESPACE = "/d9d01087-4a3f-49e0-b0b4-d568d7826553/ssm/integrations/webhook/"


def run(context: StepContext) -> Outcome:
    name = str(context.required("IntegrationName"))
    integration = _integration(context, name)
    body = context.inputs.get("Body")
    if body in (None, ""):
        body = integration.get("payload") or ""
    text = body if isinstance(body, str) else json.dumps(body)
    headers = {str(key): str(value) for key, value in (integration.get("headers") or {}).items()}
    # A message that was sent cannot be taken back.
    context.mark_call(f"the webhook {name}")
    try:
        answer = webhooks.post(str(integration["url"]), headers, text)
    except webhooks.WebhookError as error:
        reason = f"The webhook of the integration {name} was not invoked. {error}"
        raise StepFailed(reason, doing=DOING) from error
    outputs = {"Response": answer.text, "ResponseCode": str(answer.status)}
    if answer.status < 400:
        return Done(outputs=outputs, response=answer.text, response_code=outputs["ResponseCode"])
    raise StepFailed(
        f"The webhook of the integration {name} answered with the status {answer.status}.",
        doing=DOING,
        type="Throttling" if answer.status == 429 else "Action",
        outputs=outputs,
        response=answer.text,
        response_code=outputs["ResponseCode"],
    )


def _integration(context: StepContext, name: str) -> dict[str, Any]:
    request = {"Name": f"{NAMESPACE}{name}", "WithDecryption": True}
    try:
        parameter = context.call("ssm", "GetParameter", request)["Parameter"]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "ParameterNotFound":
            raise StepFailed(f"The integration {name} does not exist.", doing=DOING) from error
        raise api_failure(error, "ssm", doing=DOING) from error
    try:
        found = json.loads(parameter["Value"])
    except ValueError:
        found = None
    members = {key.lower(): value for key, value in found.items()} if isinstance(found, dict) else {}
    if not isinstance(members.get("url"), str) or not isinstance(members.get("headers") or {}, dict):
        raise StepFailed(f"The integration {name} holds no url, or its headers are no map.", doing=DOING)
    return members


ACTION = Action(
    "aws:invokeWebhook",
    run,
    inputs=frozenset({"Body", "IntegrationName"}),
    note="Webhooks go to loopback, and over HTTPS to hosts that the sandbox was told of; redirects are not "
    "followed.",
)
