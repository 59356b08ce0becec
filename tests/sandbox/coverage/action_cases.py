"""For each action: a step that succeeds, and a telling value of each input."""

import base64
from collections.abc import Mapping

from tests.sandbox.coverage.rehearsal import ATTACHED, NAP, Case

RUNNING = {"InstanceId": "i-1", "State": {"Name": "running"}}
PROPERTY = {"Service": "ec2", "Api": "DescribeInstances", "InstanceIds": ["i-1"]}
STATE = "$.Reservations[0].Instances[0].State.Name"
OK = {"InstanceId": "i-1", "InstanceStatus": {"Status": "ok"}, "SystemStatus": {"Status": "ok"}}
IMAGE = {"ImageId": "ami-2", "State": "available", "BlockDeviceMappings": [{"Ebs": {"SnapshotId": "snap-1"}}]}
STACK = {"StackId": "stack-id", "StackStatus": "CREATE_COMPLETE", "StackStatusReason": "because"}
EC2 = {
    "ec2:RunInstances": [{"Instances": [{"InstanceId": "i-1"}]}],
    "ec2:DescribeInstances": [{"Reservations": [{"Instances": [RUNNING]}]}],
    "ec2:DescribeInstanceStatus": [{"InstanceStatuses": [OK]}],
    "ec2:CreateImage": [{"ImageId": "ami-2"}],
    "ec2:CopyImage": [{"ImageId": "ami-2"}],
    "ec2:DescribeImages": [{"Images": [IMAGE]}],
}
COMMAND_ID = "11111111-1111-1111-1111-111111111111"
CHILD_ID = "22222222-2222-2222-2222-222222222222"
COMMAND = {
    "ssm:SendCommand": [{"Command": {"CommandId": COMMAND_ID}}],
    "ssm:ListCommands": [{"Commands": [{"CommandId": COMMAND_ID, "Status": "Success"}]}],
    "ssm:ListCommandInvocations": [
        {
            "CommandInvocations": [
                {"InstanceId": "i-1", "CommandPlugins": [{"ResponseCode": 0, "Output": "said"}]}
            ]
        }
    ],
}
CHILD = {"AutomationExecutionStatus": "Success", "Outputs": {"a.b": ["1"]}}
MACHINE = {
    "executionArn": "execution-arn",
    "stateMachineArn": "arn-of-machine",
    "name": "run",
    "status": "SUCCEEDED",
    "startDate": "2026",
    "stopDate": "2026",
    "input": "{}",
    "output": "{}",
}
ANSWER = {"StatusCode": 200, "Payload": b'{"a": 1}', "LogResult": "log"}
TAGS = [{"Key": "tag-key", "Value": "tag-value"}]
CHOICE = {"NextStep": "other", "Variable": "a", "StringEquals": "a"}
INNER = [{"name": "inner", **NAP}]
TOPIC = "arn:aws:sns:us-east-1:123456789012:Automation"
ALICE = "arn:aws:iam::123456789012:user/alice"
BOB = "arn:aws:iam::123456789012:user/bob"

CASES: Mapping[str, Case] = {
    "aws:approve": Case(
        {"Approvers": [ALICE], "NotificationArn": TOPIC, "Message": "may it?"},
        arriving={"NotificationArn": f"{TOPIC}-other"},
        quoted={"Approvers": [ALICE, BOB], "Message": "can it?"},
        steering={"MinRequiredApprovals": 2},
        also={"MinRequiredApprovals": {"Approvers": [ALICE, BOB]}},
        approver=ALICE,
    ),
    "aws:assertAwsResourceProperty": Case(
        {**PROPERTY, "PropertySelector": STATE, "DesiredValues": ["running"]},
        steering={
            "Service": "sqs",
            "Api": "DescribeVolumes",
            "PropertySelector": "$.Reservations[0].Instances[0].InstanceId",
            "DesiredValues": ["stopped"],
        },
        answers=EC2,
    ),
    "aws:branch": Case(
        {"Choices": [{**CHOICE, "Variable": "b"}]}, steering={"Choices": [CHOICE], "Default": "other"}
    ),
    "aws:changeInstanceState": Case(
        {"InstanceIds": ["i-1"], "DesiredState": "running"},
        arriving={"InstanceIds": ["i-2"], "AdditionalInfo": "reserved"},
        steering={
            "DesiredState": "terminated",
            "CheckStateOnly": True,
            "Force": True,
            "FailOnUnexpectedStopped": True,
        },
        also={
            "Force": {"DesiredState": "stopped"},
            "FailOnUnexpectedStopped": {"DesiredState": "terminated"},
        },
        answers={
            **EC2,
            "ec2:DescribeInstances": [
                {"Reservations": [{"Instances": [{**RUNNING, "State": {"Name": "stopped"}}]}]},
                {"Reservations": [{"Instances": [RUNNING]}]},
            ],
        },
    ),
    "aws:copyImage": Case(
        {"SourceRegion": "eu-west-1", "SourceImageId": "ami-1", "ImageName": "copy"},
        arriving={
            "SourceRegion": "eu-west-2",
            "SourceImageId": "ami-3",
            "ImageName": "other",
            "ImageDescription": "described",
            "Encrypted": True,
            "KmsKeyId": "key-1",
            "ClientToken": "token-1",
        },
        answers=EC2,
    ),
    "aws:createImage": Case(
        {"InstanceId": "i-1", "ImageName": "image"},
        arriving={
            "InstanceId": "i-2",
            "ImageName": "other",
            "ImageDescription": "described",
            "NoReboot": True,
            "BlockDeviceMappings": [{"DeviceName": "/dev/sdz", "Ebs": {"VolumeSize": 77}}],
        },
        answers=EC2,
    ),
    "aws:createStack": Case(
        {"StackName": "stack", "TemplateBody": "{}"},
        arriving={
            "StackName": "other",
            "TemplateBody": '{"Resources": {}}',
            "TemplateURL": "https://bucket.s3.amazonaws.com/key",
            "Parameters": [{"ParameterKey": "one", "ParameterValue": "two"}],
            "Capabilities": ["CAPABILITY_IAM"],
            "ClientRequestToken": "token-1",
            "DisableRollback": True,
            "NotificationARNs": ["arn:topic"],
            "OnFailure": "DELETE",
            "ResourceTypes": ["AWS::S3::*"],
            "RoleARN": "arn:aws:iam::123456789012:role/stacks",
            "StackPolicyBody": '{"Statement": []}',
            "StackPolicyURL": "https://bucket.s3.amazonaws.com/policy",
            "Tags": TAGS,
            "TimeoutInMinutes": 7,
        },
        also={"TemplateURL": {"TemplateBody": None}},
        answers={
            "cloudformation:CreateStack": [{"StackId": "stack-id"}],
            "cloudformation:DescribeStacks": [{"Stacks": [STACK]}],
        },
    ),
    "aws:createTags": Case(
        {"ResourceIds": ["i-1"], "Tags": [{"Key": "a", "Value": "b"}]},
        arriving={"ResourceIds": ["i-1", "i-2"], "Tags": TAGS, "ResourceType": "Parameter"},
    ),
    "aws:deleteImage": Case({"ImageId": "ami-1"}, arriving={"ImageId": "ami-3"}, answers=EC2),
    "aws:deleteStack": Case(
        {"StackName": "stack"},
        arriving={
            "StackName": "other",
            "ClientRequestToken": "token-1",
            "RoleARN": "arn:aws:iam::123456789012:role/stacks",
            "RetainResources": ["One"],
            "RetainResources.member.N": ["Two"],
        },
        answers={
            "cloudformation:DescribeStacks": [
                {"Stacks": [STACK]},
                {"Stacks": [{**STACK, "StackStatus": "DELETE_COMPLETE"}]},
            ]
        },
    ),
    "aws:executeAutomation": Case(
        {"DocumentName": "Child"},
        arriving={
            "DocumentName": "Other",
            "DocumentVersion": "7",
            "RuntimeParameters": {"Name": ["value"]},
            "MaxConcurrency": "11%",
            "MaxErrors": "12%",
            "Tags": TAGS,
            "TargetLocations": [{"Accounts": ["111122223333"], "Regions": ["eu-west-1"]}],
            "TargetMaps": [{"Name": ["mapped"]}],
            "TargetParameterName": "Item",
            "Targets": [{"Key": "tag:A", "Values": ["b"]}],
        },
        answers={
            "ssm:StartAutomationExecution": [{"AutomationExecutionId": CHILD_ID}],
            "ssm:GetAutomationExecution": [{"AutomationExecution": CHILD}],
        },
    ),
    "aws:executeAwsApi": Case(
        PROPERTY,
        steering={"Service": "sqs", "Api": "DescribeInstanceStatus"},
        answers=EC2,
    ),
    "aws:executeScript": Case(
        {"Runtime": "python3.11", "Handler": "main", "Script": "def main(e, c): ..."},
        arriving={"Script": "def main(e, c): return 1", "Attachment": ATTACHED, "Handler": "code.main"},
        quoted={"InputPayload": {"name": "value"}},
        steering={"Runtime": "PowerShell 7.0"},
        also={"Attachment": {"Handler": "code.main", "Script": None}},
    ),
    "aws:executeStateMachine": Case(
        {"stateMachineArn": "arn-of-machine"},
        arriving={"stateMachineArn": "arn-of-another", "name": "named", "input": '{"a": 1}'},
        answers={
            "stepfunctions:StartExecution": [{"executionArn": "execution-arn"}],
            "stepfunctions:DescribeExecution": [MACHINE],
        },
    ),
    "aws:invokeLambdaFunction": Case(
        {"FunctionName": "function"},
        arriving={
            "FunctionName": "other",
            "Qualifier": "alias",
            "InvocationType": "Event",
            "LogType": "Tail",
            "ClientContext": "e30=",
            "InputPayload": '{"a": 1}',
            "Payload": '{"b": 1}',
        },
        answers={"lambda:Invoke": [ANSWER]},
        outputs={"lambda:Invoke": [{**ANSWER, "FunctionError": "Unhandled"}]},
    ),
    "aws:invokeWebhook": Case(
        {"IntegrationName": "chat"},
        arriving={"Body": '{"text": "done"}'},
        quoted={"IntegrationName": "other"},
        answers={"ssm:GetParameter": [{"Parameter": {"Value": '{"url": "http://127.0.0.1:1/"}'}}]},
    ),
    "aws:loop": Case(
        {"Iterators": ["1", "2"], "Steps": INNER},
        steering={
            "Iterators": ["3"],
            "IteratorDataType": "Boolean",
            "LoopCondition": {"Variable": "{{ variable:Word }}", "StringEquals": "z"},
            "MaxIterations": 3,
            "Steps": [*INNER, {"name": "second", **NAP}],
        },
        also={
            "LoopCondition": {
                "Iterators": None,
                "LoopCondition": {"Variable": "{{ variable:Word }}", "StringEquals": "a"},
            },
            "MaxIterations": {
                "Iterators": None,
                "LoopCondition": {"Variable": "{{ variable:Word }}", "StringEquals": "a"},
            },
        },
    ),
    "aws:pause": Case({}, shown={"Message": "for whoever resumes"}),
    "aws:runCommand": Case(
        {"DocumentName": "AWS-RunShellScript", "InstanceIds": ["i-1"]},
        arriving={
            "DocumentName": "Other",
            "InstanceIds": ["i-2"],
            "Targets": [{"Key": "tag:A", "Values": ["b"]}],
            "Parameters": {"commands": ["uptime"]},
            "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "group", "CloudWatchOutputEnabled": True},
            "Comment": "why",
            "DocumentHash": "0" * 64,
            "DocumentHashType": "Sha1",
            "DocumentVersion": "7",
            "MaxConcurrency": "11%",
            "MaxErrors": "12%",
            "NotificationConfig": {"NotificationArn": "arn:topic"},
            "OutputS3BucketName": "bucket",
            "OutputS3KeyPrefix": "prefix",
            "OutputS3Region": "eu-west-1",
            "ServiceRoleArn": "arn:role",
            "TimeoutSeconds": 77,
        },
        answers=COMMAND,
    ),
    "aws:runInstances": Case(
        {"ImageId": "ami-1"},
        arriving={
            "ImageId": "ami-2",
            "InstanceType": "t3.micro",
            "MinInstanceCount": 2,
            "MaxInstanceCount": 3,
            "AdditionalInfo": "reserved",
            "BlockDeviceMappings": [{"DeviceName": "/dev/sdz", "Ebs": {"VolumeSize": 77}}],
            "ClientToken": "token-1",
            "DisableApiTermination": True,
            "EbsOptimized": True,
            "IamInstanceProfileArn": "arn:profile",
            "IamInstanceProfileName": "profile",
            "InstanceInitiatedShutdownBehavior": "terminate",
            "KernelId": "aki-1",
            "KeyName": "key",
            "MetadataOptions": {"HttpTokens": "required"},
            "Monitoring": True,
            "NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "DeviceIndex": 0}],
            "Placement": {"AvailabilityZone": "us-east-1b"},
            "PrivateIpAddress": "10.0.0.7",
            "RamdiskId": "ari-1",
            "SecurityGroupIds": ["sg-1"],
            "SecurityGroups": ["group"],
            "SubnetId": "subnet-1",
            "TagSpecifications": [{"ResourceType": "instance", "Tags": TAGS}],
        },
        steering={"UserData": base64.b64encode(b"#!/bin/sh").decode()},
        answers=EC2,
    ),
    "aws:sleep": Case(
        {"Duration": "PT10S"},
        steering={"Duration": "PT20S", "Timestamp": "2026-01-01T00:00:50Z"},
        also={"Timestamp": {"Duration": None, "Timestamp": "2026-01-01T00:00:30Z"}},
    ),
    "aws:updateVariable": Case(
        {"Name": "variable:Word", "Value": "new"}, steering={"Name": "variable:Other", "Value": "newer"}
    ),
    "aws:waitForAwsResourceProperty": Case(
        {**PROPERTY, "PropertySelector": STATE, "DesiredValues": ["running"]},
        steering={
            "Service": "sqs",
            "Api": "DescribeVolumes",
            "PropertySelector": "$.Reservations[0].Instances[0].InstanceId",
            "DesiredValues": ["stopped"],
        },
        answers=EC2,
    ),
}
