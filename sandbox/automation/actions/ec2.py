"""What the actions on EC2 instances share: reading states, and the way the Java client words a refusal."""

from botocore.exceptions import ClientError

from sandbox.automation.actions.services import quoted
from sandbox.automation.context import StepContext, call_failure


def states(context: StepContext, instance_ids: list[str], *, doing: str) -> dict[str, str]:
    """The state name of each instance, by id. StepFailed when EC2 refuses to tell."""
    try:
        response = context.call("ec2", "DescribeInstances", {"InstanceIds": instance_ids})
    except ClientError as error:
        raise call_failure(error, reason=service_message(error), doing=doing) from error
    return {
        instance["InstanceId"]: instance["State"]["Name"]
        for reservation in response["Reservations"]
        for instance in reservation["Instances"]
    }


def service_message(error: ClientError) -> str:
    """The refusal as the failure messages of Automation's EC2 actions quote it."""
    return quoted(error, "ec2")
