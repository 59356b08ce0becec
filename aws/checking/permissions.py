"""What the portal may do in a target, asked without doing it.

IAM judges a request by the names in it, before the service looks whether what is named exists. So each call
names something that does not exist: "not found" tells that it was allowed, and nothing can come of it.
https://docs.aws.amazon.com/systems-manager/latest/userguide/security_iam_service-with-iam.html
"""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from aws.checking.findings import Finding, Outcome, Remedy, allow, refusal
from aws.checking.way_in import Way, identity_of
from aws.clients import client
from aws.errors import UNKNOWN_EXECUTION, AwsError, translated
from aws.laboratory import portal_role_policy
from aws.models import AwsTarget
from aws.quotas import Quotas

# No document has this name, and no automation this id: nobody is told of the one, and the other is random.
DOCUMENT = f"automation-portal-check-{uuid.uuid4().hex}"
# It begins no JSON document: what is named by it is refused before it can be made.
NO_DOCUMENT = "nothing"
_NO_SUCH_DOCUMENT = frozenset({"InvalidDocument", "InvalidDocumentVersion"})
_NO_SUCH_AUTOMATION = frozenset({UNKNOWN_EXECUTION})


@dataclass(frozen=True)
class Probe:
    """One call. `allowed` are the error codes by which AWS says that it got as far as looking."""

    action: str
    request: Mapping[str, Any]
    allowed: frozenset[str]

    @property
    def operation(self) -> str:
        """AWS's name of the call."""
        return self.action.partition(":")[2]


def probes() -> list[Probe]:
    """Return a call for each permission on Systems Manager, in the order in which the portal needs them."""
    automation = str(uuid.uuid4())
    return [
        # The name might be anybody's: the text is none, and refused.
        Probe(
            "ssm:CreateDocument",
            {
                "Name": DOCUMENT,
                "Content": NO_DOCUMENT,
                "DocumentType": "Automation",
                "DocumentFormat": "JSON",
            },
            frozenset({"InvalidDocumentContent"}),
        ),
        Probe(
            "ssm:UpdateDocument",
            {
                "Name": DOCUMENT,
                "Content": NO_DOCUMENT,
                "DocumentFormat": "JSON",
                "DocumentVersion": "$LATEST",
            },
            _NO_SUCH_DOCUMENT | {"InvalidDocumentContent"},
        ),
        Probe(
            "ssm:UpdateDocumentDefaultVersion", {"Name": DOCUMENT, "DocumentVersion": "1"}, _NO_SUCH_DOCUMENT
        ),
        Probe("ssm:DescribeDocument", {"Name": DOCUMENT}, _NO_SUCH_DOCUMENT),
        Probe("ssm:GetDocument", {"Name": DOCUMENT}, _NO_SUCH_DOCUMENT),
        Probe("ssm:ListDocumentVersions", {"Name": DOCUMENT}, _NO_SUCH_DOCUMENT),
        Probe(
            "ssm:StartAutomationExecution",
            {"DocumentName": DOCUMENT},
            frozenset({"AutomationDefinitionNotFoundException"}),
        ),
        Probe(
            "ssm:AddTagsToResource",
            {
                "ResourceType": "Automation",
                "ResourceId": automation,
                "Tags": [{"Key": "automation-portal:run", "Value": "none"}],
            },
            frozenset({"InvalidResourceId"}),
        ),
        Probe("ssm:GetAutomationExecution", {"AutomationExecutionId": automation}, _NO_SUCH_AUTOMATION),
        Probe(
            "ssm:DescribeAutomationStepExecutions", {"AutomationExecutionId": automation}, _NO_SUCH_AUTOMATION
        ),
        Probe(
            "ssm:StopAutomationExecution",
            {"AutomationExecutionId": automation, "Type": "Cancel"},
            _NO_SUCH_AUTOMATION,
        ),
        Probe(
            "ssm:SendAutomationSignal",
            {"AutomationExecutionId": automation, "SignalType": "Resume", "Payload": {"StepName": ["none"]}},
            _NO_SUCH_AUTOMATION,
        ),
        Probe("ssm:DescribeAutomationExecutions", {"MaxResults": 1}, frozenset()),
    ]


def systems_manager(target: AwsTarget, way: Way) -> Iterator[Finding]:
    """Try every call that the portal makes of Systems Manager."""
    ssm = client("ssm", target, way.keys)
    quotas = Quotas(target)
    for probe in probes():
        remedy = Remedy(f"the policy of {identity_of(way.arn)}", documented(target, probe.action))

        def call(probe: Probe = probe) -> None:
            quotas.wait(probe.operation)
            _operation(ssm, probe.operation)(**probe.request)

        yield judged(probe.action, call, probe.allowed, remedy)


def events_queue(target: AwsTarget, way: Way) -> Iterator[Finding]:
    """Try what the tracker does with the queue of events: a message that is looked at stays where it is."""
    if not target.events_queue_url:
        return
    sqs = client("sqs", target, way.keys)
    url = target.events_queue_url
    queue = f"arn:{target.partition}:sqs:{target.region}:{target.account_id}:{url.rsplit('/', 1)[-1]}"
    calls: dict[str, Callable[[], Any]] = {
        "sqs:ReceiveMessage": lambda: sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=1, VisibilityTimeout=0, WaitTimeSeconds=0
        ),
        # A receipt that SQS never gave deletes nothing.
        "sqs:DeleteMessage": lambda: sqs.delete_message_batch(
            QueueUrl=url, Entries=[{"Id": "none", "ReceiptHandle": "none"}]
        ),
    }
    for action, call in calls.items():
        remedy = Remedy(f"the policy of {identity_of(way.arn)}", allow(action, queue))
        yield judged(action, call, frozenset({"ReceiptHandleIsInvalid"}), remedy)


def judged(what: str, call: Callable[[], Any], allowed: frozenset[str], remedy: Remedy) -> Finding:
    """Make the call, and say what its answer tells of the permission."""
    try:
        call()
    except (ClientError, BotoCoreError) as error:
        return _judged(what, translated(error, what), allowed, remedy)
    except AwsError as error:
        return _judged(what, error, allowed, remedy)
    return Finding(what, Outcome.WORKS)


def _judged(what: str, error: AwsError, allowed: frozenset[str], remedy: Remedy) -> Finding:
    if error.aws_code in allowed:
        return Finding(what, Outcome.WORKS)
    return refusal(what, error, remedy)


def _operation(ssm: Any, name: str) -> Callable[..., Any]:
    names = {api: method for method, api in ssm.meta.method_to_api_mapping.items()}
    operation: Callable[..., Any] = getattr(ssm, names[name])
    return operation


def documented(target: AwsTarget, action: str) -> dict[str, Any]:
    """Return the README's statement for `action` alone, with the target's account and Region."""
    policy = json.loads(portal_role_policy(target.account_id, target.region))
    for statement in policy["Statement"]:
        if action in statement["Action"]:
            resources = statement["Resource"]
            several = [resources] if isinstance(resources, str) else resources
            named = [text.replace("arn:aws:", f"arn:{target.partition}:") for text in several]
            return allow(action, named if len(named) > 1 else named[0], statement.get("Condition"))
    raise LookupError(f"The README's policy does not have {action}")
