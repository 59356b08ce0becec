"""Actions that launch instances and change their state."""

from __future__ import annotations

from ssmdoc.specs.model import GUIDE, ActionSpec, may, need, returns

SPECS = (
    ActionSpec(
        "aws:changeInstanceState",
        "Change instance state",
        "Starts, stops or terminates instances, or asserts their state.",
        (
            need("InstanceIds", "StringList", "The instances."),
            need("DesiredState", "String", "The state to bring them to.", "running", "stopped", "terminated"),
            may("CheckStateOnly", "Boolean", "Only waits for the state; false by default."),
            may("Force", "Boolean", "Stops without flushing caches; false by default."),
            may("FailOnUnexpectedStopped", "Boolean", "Fails at once when an instance stops by itself."),
            may("AdditionalInfo", "String", "Reserved."),
        ),
        returns(InstanceIds="StringList", InstanceStates="StringList"),
        "change",
        GUIDE + "changestate.html",
        iam=("ec2:DescribeInstanceStatus", "ec2:DescribeInstances"),
        timeout_seconds=3600,
        examples=({"InstanceIds": ["{{ InstanceId }}"], "DesiredState": "stopped"},),
    ),
    ActionSpec(
        "aws:runInstances",
        "Run instances",
        "Launches EC2 instances and waits until they run.",
        (
            need("ImageId", "String", "The AMI."),
            may("InstanceType", "String", "The instance type; m1.small by default."),
            may("MinInstanceCount", "Integer", "The fewest instances to launch; 1 by default."),
            may("MaxInstanceCount", "Integer", "The most instances to launch; 1 by default."),
            may("AdditionalInfo", "String", "Reserved."),
            may("BlockDeviceMappings", "MapList", "The block devices."),
            may("ClientToken", "String", "Makes a repeated request count once."),
            may("DisableApiTermination", "Boolean", "Protects the instances from termination."),
            may("EbsOptimized", "Boolean", "Uses EBS optimisation."),
            may("IamInstanceProfileArn", "String", "The instance profile by ARN."),
            may("IamInstanceProfileName", "String", "The instance profile by name."),
            may(
                "InstanceInitiatedShutdownBehavior",
                "String",
                "What a shutdown from inside does.",
                "stop",
                "terminate",
            ),
            may("KernelId", "String", "The kernel."),
            may("KeyName", "String", "The key pair."),
            may("MetadataOptions", "StringMap", "Options of the metadata service."),
            may("Monitoring", "Any", "Detailed monitoring."),
            may("NetworkInterfaces", "MapList", "The network interfaces."),
            may("Placement", "StringMap", "Where the instances are placed."),
            may("PrivateIpAddress", "String", "The private address."),
            may("RamdiskId", "String", "The RAM disk."),
            may("SecurityGroupIds", "StringList", "Security groups by id."),
            may("SecurityGroups", "StringList", "Security groups by name."),
            may("SubnetId", "String", "The subnet."),
            may("TagSpecifications", "MapList", "Tags given at launch: ResourceType and Tags."),
            may("UserData", "String", "User data; base64 where the service expects it."),
        ),
        returns(InstanceIds="StringList", InstanceStates="StringList"),
        "change",
        GUIDE + "runinstance.html",
        iam=("ec2:DescribeInstanceStatus", "ec2:DescribeInstances", "ec2:RunInstances"),
        cancel_target=False,
        examples=(
            {
                "ImageId": "{{ ImageId }}",
                "InstanceType": "t3.micro",
                "MinInstanceCount": 1,
                "MaxInstanceCount": 1,
            },
        ),
    ),
)
