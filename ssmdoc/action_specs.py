"""The table of the 23 actions: inputs, outputs that need no declaration, and what each does to the account.

Each entry follows the action's page in the user guide, which `ActionSpec.source` names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Effect = Literal["read", "change", "destroy", "flow"]
InputType = Literal[
    "String",
    "StringList",
    "Integer",
    "Boolean",
    "StringMap",
    "MapList",
    "Selector",
    "Steps",
    "Condition",
    "Any",
]

_GUIDE = "https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-"


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One input of an action. A reference may stand for a value of any type."""

    name: str
    type: InputType
    required: bool
    description: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action. `outputs` need no declaration; `open_inputs` takes the service's own inputs as well."""

    name: str
    title: str
    summary: str
    inputs: tuple[InputSpec, ...]
    outputs: tuple[str, ...]
    effect: Effect
    source: str
    open_inputs: bool = False

    def input(self, name: str) -> InputSpec | None:
        """The input of that name, or None."""
        return next((item for item in self.inputs if item.name == name), None)


def _need(name: str, type: InputType, description: str, *choices: str) -> InputSpec:
    return InputSpec(name, type, True, description, choices)


def _may(name: str, type: InputType, description: str, *choices: str) -> InputSpec:
    return InputSpec(name, type, False, description, choices)


_API = (
    _need("Service", "String", "The AWS service, by its name in the AWS SDK for Python: ec2, s3, rds."),
    _need("Api", "String", "The operation of the service: DescribeInstances."),
)
_PROPERTY = (
    _need("PropertySelector", "Selector", "JSONPath to the property in the response."),
    _need("DesiredValues", "StringList", "The values, one of which the property must have."),
)

_TABLE = (
    ActionSpec(
        "aws:approve",
        "Wait for approval",
        "Waits until the people named approve or reject.",
        (
            _may(
                "Approvers", "StringList", "User names, user ARNs or role ARNs that may answer; 10 at most."
            ),
            _may("NotificationArn", "String", "The SNS topic that is told; its name starts with Automation."),
            _may("Message", "String", "What the approvers read."),
            _may("MinRequiredApprovals", "Integer", "How many must approve; 1 by default."),
            _may("EnhancedApprovals", "Any", "Approvers of a change template."),
        ),
        ("ApprovalStatus", "ApproverDecisions"),
        "flow",
        _GUIDE + "approve.html",
    ),
    ActionSpec(
        "aws:assertAwsResourceProperty",
        "Assert a property",
        "Fails unless a property of a resource has one of the values.",
        _API + _PROPERTY,
        (),
        "read",
        _GUIDE + "assertAwsResourceProperty.html",
        open_inputs=True,
    ),
    ActionSpec(
        "aws:branch",
        "Branch",
        "Goes on with the first step whose condition holds.",
        (
            _need("Choices", "MapList", "Conditions, each with the NextStep that it leads to."),
            _may("Default", "String", "The step to go on with when no condition holds."),
        ),
        ("NextStep",),
        "flow",
        _GUIDE + "branch.html",
    ),
    ActionSpec(
        "aws:changeInstanceState",
        "Change instance state",
        "Starts, stops or terminates instances, or asserts their state.",
        (
            _need("InstanceIds", "StringList", "The instances."),
            _need(
                "DesiredState", "String", "The state to bring them to.", "running", "stopped", "terminated"
            ),
            _may("CheckStateOnly", "Boolean", "Only waits for the state; false by default."),
            _may("Force", "Boolean", "Stops without flushing caches; false by default."),
            _may("FailOnUnexpectedStopped", "Boolean", "Fails at once when an instance stops by itself."),
            _may("AdditionalInfo", "String", "Reserved."),
        ),
        ("InstanceIds", "InstanceStates"),
        "change",
        _GUIDE + "changestate.html",
    ),
    ActionSpec(
        "aws:copyImage",
        "Copy an image",
        "Copies an AMI from another Region into this one.",
        (
            _need("SourceRegion", "String", "The Region of the AMI."),
            _need("SourceImageId", "String", "The AMI to copy."),
            _need("ImageName", "String", "The name of the copy."),
            _may("ImageDescription", "String", "A description of the copy."),
            _may("Encrypted", "Boolean", "Encrypts the copy."),
            _may("KmsKeyId", "String", "The KMS key to encrypt with."),
            _may("ClientToken", "String", "Makes a repeated request count once."),
        ),
        ("ImageId", "ImageState"),
        "change",
        _GUIDE + "copyimage.html",
    ),
    ActionSpec(
        "aws:createImage",
        "Create an image",
        "Makes an AMI of an instance and waits until it is available.",
        (
            _need("InstanceId", "String", "The instance."),
            _need("ImageName", "String", "The name of the image."),
            _may("ImageDescription", "String", "A description of the image."),
            _may("NoReboot", "Boolean", "Leaves the instance running; false by default."),
            _may("BlockDeviceMappings", "Any", "The block devices."),
        ),
        ("ImageId", "ImageState"),
        "change",
        _GUIDE + "create.html",
    ),
    ActionSpec(
        "aws:createStack",
        "Create a stack",
        "Creates a CloudFormation stack and waits for it.",
        (
            _need("StackName", "String", "The name of the stack."),
            _may("TemplateBody", "Any", "The template; it or TemplateURL is needed."),
            _may("TemplateURL", "String", "Where the template stands in S3."),
            _may("Parameters", "MapList", "ParameterKey and ParameterValue of each parameter."),
            _may("Capabilities", "StringList", "CAPABILITY_IAM and others that the template needs."),
            _may("ClientRequestToken", "String", "Makes a repeated request count once."),
            _may("DisableRollback", "Boolean", "Keeps what was created when creation fails."),
            _may("NotificationARNs", "StringList", "SNS topics for the stack's events."),
            _may(
                "OnFailure", "String", "What to do when creation fails.", "DO_NOTHING", "ROLLBACK", "DELETE"
            ),
            _may("ResourceTypes", "StringList", "The resource types that the stack may hold."),
            _may("RoleARN", "String", "The role that CloudFormation assumes."),
            _may("StackPolicyBody", "Any", "The stack policy."),
            _may("StackPolicyURL", "String", "Where the stack policy stands."),
            _may("Tags", "MapList", "Tags of the stack and what it creates."),
            _may("TimeoutInMinutes", "Integer", "When creation counts as failed."),
        ),
        ("StackId", "StackStatus", "StackStatusReason"),
        "change",
        _GUIDE + "createstack.html",
    ),
    ActionSpec(
        "aws:createTags",
        "Create tags",
        "Tags EC2 or Systems Manager resources.",
        (
            _need("ResourceIds", "StringList", "The resources."),
            _need("Tags", "MapList", "Key and Value of each tag."),
            _may(
                "ResourceType",
                "String",
                "The kind of resource; EC2 by default.",
                "EC2",
                "ManagedInstance",
                "MaintenanceWindow",
                "Parameter",
            ),
        ),
        (),
        "change",
        _GUIDE + "createtag.html",
    ),
    ActionSpec(
        "aws:deleteImage",
        "Delete an image",
        "Deletes an AMI and its snapshots.",
        (_need("ImageId", "String", "The AMI."),),
        (),
        "destroy",
        _GUIDE + "delete.html",
    ),
    ActionSpec(
        "aws:deleteStack",
        "Delete a stack",
        "Deletes a CloudFormation stack and waits for it.",
        (
            _need("StackName", "String", "The name or id of the stack."),
            _may("ClientRequestToken", "String", "Makes a repeated request count once."),
            _may("RetainResources", "StringList", "Resources to keep."),
            _may("RetainResources.member.N", "StringList", "Resources to keep."),
            _may("RoleARN", "String", "The role that CloudFormation assumes."),
        ),
        (),
        "destroy",
        _GUIDE + "deletestack.html",
    ),
    ActionSpec(
        "aws:executeAutomation",
        "Run a child automation",
        "Runs another Automation document and waits for it.",
        (
            _need("DocumentName", "String", "The document."),
            _may("DocumentVersion", "String", "Its version; the default version when left out."),
            _may("RuntimeParameters", "Any", "The child's parameters."),
            _may("MaxConcurrency", "String", "How many targets at once: a number or a percentage."),
            _may("MaxErrors", "String", "How many errors stop it: a number or a percentage."),
            _may("Tags", "MapList", "Tags of the child's execution."),
            _may("TargetLocations", "MapList", "Accounts and Regions to run in."),
            _may("TargetMaps", "MapList", "Maps of parameters, one run each."),
            _may("TargetParameterName", "String", "The parameter that takes the target."),
            _may("Targets", "MapList", "Key and Values that choose targets."),
        ),
        ("Output", "ExecutionId", "Status"),
        "change",
        _GUIDE + "executeAutomation.html",
    ),
    ActionSpec(
        "aws:executeAwsApi",
        "Call an AWS API",
        "Calls any operation of any AWS service.",
        _API,
        (),
        "change",
        _GUIDE + "executeAwsApi.html",
        open_inputs=True,
    ),
    ActionSpec(
        "aws:executeScript",
        "Run a script",
        "Runs Python or PowerShell for ten minutes at most.",
        (
            _need("Runtime", "String", "The language and its version, like python3.11."),
            _may("Handler", "String", "The function to call; Python needs it."),
            _may("InputPayload", "Any", "What the handler gets as events."),
            _may("Script", "String", "The script; it or Attachment is needed."),
            _may("Attachment", "String", "The attached file that holds the script."),
        ),
        ("OutputPayload",),
        "change",
        _GUIDE + "executeScript.html",
    ),
    ActionSpec(
        "aws:executeStateMachine",
        "Run a state machine",
        "Starts a Step Functions state machine and waits for it.",
        (
            _need("stateMachineArn", "String", "The state machine."),
            _may("name", "String", "A name for its execution."),
            _may("input", "Any", "Its input as JSON."),
        ),
        ("executionArn", "input", "name", "output", "startDate", "stateMachineArn", "status", "stopDate"),
        "change",
        _GUIDE + "executeStateMachine.html",
    ),
    ActionSpec(
        "aws:invokeLambdaFunction",
        "Invoke a Lambda function",
        "Invokes a function and waits five minutes at most.",
        (
            _need("FunctionName", "String", "The function's name or ARN."),
            _may("Qualifier", "String", "Its version or alias."),
            _may("InvocationType", "String", "How to invoke.", "RequestResponse", "Event", "DryRun"),
            _may("LogType", "String", "Tail returns the last 4 KB of log.", "None", "Tail"),
            _may("ClientContext", "Any", "Context of the client."),
            _may("InputPayload", "Any", "The event as a map."),
            _may("Payload", "Any", "The event as JSON text."),
        ),
        ("StatusCode", "FunctionError", "LogResult", "Payload", "OutputPayload"),
        "change",
        _GUIDE + "lamb.html",
    ),
    ActionSpec(
        "aws:invokeWebhook",
        "Invoke a webhook",
        "Calls a webhook integration.",
        (
            _need("IntegrationName", "String", "The integration."),
            _may("Body", "String", "What to send."),
        ),
        ("Response", "ResponseCode"),
        "change",
        _GUIDE + "invoke-webhook.html",
    ),
    ActionSpec(
        "aws:loop",
        "Loop",
        "Repeats steps for each item, or while a condition holds; 100 times at most.",
        (
            _need("Steps", "Steps", "The steps to repeat."),
            _may("Iterators", "Any", "The items; they or LoopCondition is needed."),
            _may("IteratorDataType", "String", "The type of the items."),
            _may("LoopCondition", "Condition", "Goes on while it holds."),
            _may("MaxIterations", "Integer", "The most repetitions with LoopCondition; 100 at most."),
        ),
        ("CurrentIteratorValue", "CurrentIteration"),
        "flow",
        _GUIDE + "loop.html",
    ),
    ActionSpec(
        "aws:pause",
        "Pause",
        "Waits until someone resumes the run.",
        (_may("Message", "String", "What the person who resumes should know."),),
        (),
        "flow",
        _GUIDE + "pause.html",
    ),
    ActionSpec(
        "aws:runCommand",
        "Run a command",
        "Runs a command document on managed nodes and waits for it.",
        (
            _need("DocumentName", "String", "The command document."),
            _may("InstanceIds", "StringList", "The nodes; they or Targets is needed."),
            _may("Targets", "MapList", "Key and Values that choose nodes."),
            _may("Parameters", "Any", "The command document's parameters."),
            _may("CloudWatchOutputConfig", "StringMap", "Where the output goes in CloudWatch Logs."),
            _may("Comment", "String", "What the command is for."),
            _may("DocumentHash", "String", "The hash of the document."),
            _may("DocumentHashType", "String", "The kind of hash.", "Sha256", "Sha1"),
            _may("DocumentVersion", "String", "The document's version."),
            _may("MaxConcurrency", "String", "How many nodes at once: a number or a percentage."),
            _may("MaxErrors", "String", "How many errors stop it: a number or a percentage."),
            _may("NotificationConfig", "Any", "Notifications of the command's progress."),
            _may("OutputS3BucketName", "String", "The bucket for the output."),
            _may("OutputS3KeyPrefix", "String", "The prefix in the bucket."),
            _may("OutputS3Region", "String", "The bucket's Region."),
            _may("ServiceRoleArn", "String", "The role for notifications."),
            _may("TimeoutSeconds", "Integer", "How long to wait for a node to take the command."),
        ),
        ("CommandId", "Status", "ResponseCode", "Output", "InstanceIds"),
        "change",
        _GUIDE + "runcommand.html",
    ),
    ActionSpec(
        "aws:runInstances",
        "Run instances",
        "Launches EC2 instances and waits until they run.",
        (
            _need("ImageId", "String", "The AMI."),
            _may("InstanceType", "String", "The instance type; m1.small by default."),
            _may("MinInstanceCount", "Integer", "The fewest instances to launch; 1 by default."),
            _may("MaxInstanceCount", "Integer", "The most instances to launch; 1 by default."),
            _may("AdditionalInfo", "String", "Reserved."),
            _may("BlockDeviceMappings", "MapList", "The block devices."),
            _may("ClientToken", "String", "Makes a repeated request count once."),
            _may("DisableApiTermination", "Boolean", "Protects the instances from termination."),
            _may("EbsOptimized", "Boolean", "Uses EBS optimisation."),
            _may("IamInstanceProfileArn", "String", "The instance profile by ARN."),
            _may("IamInstanceProfileName", "String", "The instance profile by name."),
            _may(
                "InstanceInitiatedShutdownBehavior",
                "String",
                "What a shutdown from inside does.",
                "stop",
                "terminate",
            ),
            _may("KernelId", "String", "The kernel."),
            _may("KeyName", "String", "The key pair."),
            _may("MetadataOptions", "StringMap", "Options of the metadata service."),
            _may("Monitoring", "Any", "Detailed monitoring."),
            _may("NetworkInterfaces", "MapList", "The network interfaces."),
            _may("Placement", "StringMap", "Where the instances are placed."),
            _may("PrivateIpAddress", "String", "The private address."),
            _may("RamdiskId", "String", "The RAM disk."),
            _may("SecurityGroupIds", "StringList", "Security groups by id."),
            _may("SecurityGroups", "StringList", "Security groups by name."),
            _may("SubnetId", "String", "The subnet."),
            _may("TagSpecifications", "MapList", "Tags given at launch: ResourceType and Tags."),
            _may("UserData", "String", "User data; base64 where the service expects it."),
        ),
        ("InstanceIds", "InstanceStates"),
        "change",
        _GUIDE + "runinstance.html",
    ),
    ActionSpec(
        "aws:sleep",
        "Sleep",
        "Waits for a time, or until a time.",
        (
            _may("Duration", "String", "An ISO 8601 duration like PT10M; it or Timestamp is needed."),
            _may("Timestamp", "String", "An ISO 8601 time like 2030-01-01T01:00:00Z."),
        ),
        (),
        "flow",
        _GUIDE + "sleep.html",
    ),
    ActionSpec(
        "aws:updateVariable",
        "Update a variable",
        "Gives a document variable a new value.",
        (
            _need("Name", "String", "The variable, like variable:Counter."),
            _need("Value", "Any", "Its new value."),
        ),
        (),
        "flow",
        _GUIDE + "update-variable.html",
    ),
    ActionSpec(
        "aws:waitForAwsResourceProperty",
        "Wait for a property",
        "Waits until a property of a resource has one of the values.",
        _API + _PROPERTY,
        (),
        "read",
        _GUIDE + "waitForAwsResourceProperty.html",
        open_inputs=True,
    ),
)

BY_NAME = {spec.name: spec for spec in _TABLE}
