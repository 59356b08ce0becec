"""Actions that run another document."""

from __future__ import annotations

from ssmdoc.specs.model import GUIDE, ActionSpec, may, need, returns

SPECS = (
    ActionSpec(
        "aws:executeAutomation",
        "Run a child automation",
        "Runs another Automation document and waits for it.",
        (
            need("DocumentName", "String", "The document."),
            may("DocumentVersion", "String", "Its version; the default version when left out."),
            may("RuntimeParameters", "Any", "The child's parameters."),
            may("MaxConcurrency", "String", "How many targets at once: a number or a percentage."),
            may("MaxErrors", "String", "How many errors stop it: a number or a percentage."),
            may("Tags", "MapList", "Tags of the child's execution."),
            may("TargetLocations", "MapList", "Accounts and Regions to run in."),
            may("TargetMaps", "MapList", "Maps of parameters, one run each."),
            may("TargetParameterName", "String", "The parameter that takes the target."),
            may("Targets", "MapList", "Key and Values that choose targets."),
        ),
        returns(Output="StringList", ExecutionId="String", Status="String"),
        "change",
        GUIDE + "executeAutomation.html",
        iam=("ssm:GetAutomationExecution", "ssm:StartAutomationExecution"),
        examples=(
            {
                "DocumentName": "AWS-StopEC2Instance",
                "RuntimeParameters": {"InstanceId": ["{{ InstanceId }}"]},
            },
        ),
    ),
    ActionSpec(
        "aws:runCommand",
        "Run a command",
        "Runs a command document on managed nodes and waits for it.",
        (
            need("DocumentName", "String", "The command document."),
            may("InstanceIds", "StringList", "The nodes; they or Targets is needed."),
            may("Targets", "MapList", "Key and Values that choose nodes."),
            may("Parameters", "Any", "The command document's parameters."),
            may("CloudWatchOutputConfig", "StringMap", "Where the output goes in CloudWatch Logs."),
            may("Comment", "String", "What the command is for."),
            may("DocumentHash", "String", "The hash of the document."),
            may("DocumentHashType", "String", "The kind of hash.", "Sha256", "Sha1"),
            may("DocumentVersion", "String", "The document's version."),
            may("MaxConcurrency", "String", "How many nodes at once: a number or a percentage."),
            may("MaxErrors", "String", "How many errors stop it: a number or a percentage."),
            may("NotificationConfig", "Any", "Notifications of the command's progress."),
            may("OutputS3BucketName", "String", "The bucket for the output."),
            may("OutputS3KeyPrefix", "String", "The prefix in the bucket."),
            may("OutputS3Region", "String", "The bucket's Region."),
            may("ServiceRoleArn", "String", "The role for notifications."),
            may("TimeoutSeconds", "Integer", "How long to wait for a node to take the command."),
        ),
        returns(
            CommandId="String",
            Status="String",
            ResponseCode="Integer",
            Output="String",
            InstanceIds="StringList",
        ),
        "change",
        GUIDE + "runcommand.html",
        iam=("ssm:ListCommandInvocations", "ssm:ListCommands", "ssm:SendCommand"),
        examples=(
            {
                "DocumentName": "AWS-RunShellScript",
                "InstanceIds": ["{{ InstanceId }}"],
                "Parameters": {"commands": ["uptime"]},
            },
        ),
    ),
)
