"""What EC2 refuses of RunInstances before it launches anything, and moto does not.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
"""

from __future__ import annotations

from sandbox.calls import Call
from sandbox.errors import AwsError

MOST_INSTANCES = 100


def check_launch(call: Call) -> None:
    """Raise AwsError when a RunInstances call lacks something, or asks for more than the account's limit.

    Without a limit one call with a digit too many would fill the memory, and the sandbox would be gone.
    """
    if (call.service, call.operation) != ("ec2", "RunInstances"):
        return
    params = call.params
    for name in ("MinCount", "MaxCount"):
        if params.get(name) is None:
            raise AwsError("MissingParameter", f"The request must contain the parameter {name}")
    if not params.get("ImageId") and not params.get("LaunchTemplate"):
        raise AwsError("MissingParameter", "The request must contain the parameter ImageId")
    least, most = params["MinCount"], params["MaxCount"]
    if least < 1 or most < least:
        raise AwsError("InvalidParameterValue", f"Value ({least}) for parameter minCount is invalid.")
    if most > MOST_INSTANCES:
        raise AwsError(
            "InstanceLimitExceeded",
            f"You have requested more instances ({most}) than your current instance limit of "
            f"{MOST_INSTANCES} allows for the specified instance type.",
        )
