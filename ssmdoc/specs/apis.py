"""Actions that call an operation of a service by its name."""

from __future__ import annotations

from ssmdoc.specs.model import GUIDE, ActionSpec, need, returns

_API = (
    need("Service", "String", "The AWS service, by its name in the AWS SDK for Python: ec2, s3, rds."),
    need("Api", "String", "The operation of the service: DescribeInstances."),
)
_PROPERTY = (
    need("PropertySelector", "Selector", "JSONPath to the property in the response."),
    need("DesiredValues", "StringList", "The values, one of which the property must have."),
)

SPECS = (
    ActionSpec(
        "aws:assertAwsResourceProperty",
        "Assert a property",
        "Fails unless a property of a resource has one of the values.",
        _API + _PROPERTY,
        returns(),
        "read",
        GUIDE + "assertAwsResourceProperty.html",
        open_inputs=True,
        examples=(
            {
                "Service": "ec2",
                "Api": "DescribeInstances",
                "InstanceIds": ["{{ InstanceId }}"],
                "PropertySelector": "$.Reservations[0].Instances[0].State.Name",
                "DesiredValues": ["stopped"],
            },
        ),
    ),
    ActionSpec(
        "aws:executeAwsApi",
        "Call an AWS API",
        "Calls any operation of any AWS service.",
        _API,
        returns(),
        "change",
        GUIDE + "executeAwsApi.html",
        open_inputs=True,
        timeout_seconds=25,
        examples=({"Service": "ec2", "Api": "DescribeInstances", "InstanceIds": ["{{ InstanceId }}"]},),
    ),
    ActionSpec(
        "aws:waitForAwsResourceProperty",
        "Wait for a property",
        "Waits until a property of a resource has one of the values.",
        _API + _PROPERTY,
        returns(),
        "read",
        GUIDE + "waitForAwsResourceProperty.html",
        open_inputs=True,
        timeout_seconds=3600,
        examples=(
            {
                "Service": "ec2",
                "Api": "DescribeInstances",
                "InstanceIds": ["{{ InstanceId }}"],
                "PropertySelector": "$.Reservations[0].Instances[0].State.Name",
                "DesiredValues": ["running"],
            },
        ),
    ),
)
