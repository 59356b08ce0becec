"""Actions on CloudFormation stacks."""

from __future__ import annotations

from ssmdoc.specs.model import GUIDE, ActionSpec, may, need, returns

SPECS = (
    ActionSpec(
        "aws:createStack",
        "Create a stack",
        "Creates a CloudFormation stack and waits for it.",
        (
            need("StackName", "String", "The name of the stack."),
            may("TemplateBody", "Any", "The template; it or TemplateURL is needed."),
            may("TemplateURL", "String", "Where the template stands in S3."),
            may("Parameters", "MapList", "ParameterKey and ParameterValue of each parameter."),
            may("Capabilities", "StringList", "CAPABILITY_IAM and others that the template needs."),
            may("ClientRequestToken", "String", "Makes a repeated request count once."),
            may("DisableRollback", "Boolean", "Keeps what was created when creation fails."),
            may("NotificationARNs", "StringList", "SNS topics for the stack's events."),
            may("OnFailure", "String", "What to do when creation fails.", "DO_NOTHING", "ROLLBACK", "DELETE"),
            may("ResourceTypes", "StringList", "The resource types that the stack may hold."),
            may("RoleARN", "String", "The role that CloudFormation assumes."),
            may("StackPolicyBody", "Any", "The stack policy."),
            may("StackPolicyURL", "String", "Where the stack policy stands."),
            may("Tags", "MapList", "Tags of the stack and what it creates."),
            may("TimeoutInMinutes", "Integer", "When creation counts as failed."),
        ),
        returns(StackId="String", StackStatus="String", StackStatusReason="String"),
        "change",
        GUIDE + "createstack.html",
        iam=("cloudformation:CreateStack", "cloudformation:DescribeStacks"),
        cancel_target=False,
        either=("TemplateBody", "TemplateURL"),
        examples=(
            {
                "StackName": "network",
                "TemplateURL": "https://example.s3.amazonaws.com/network.yaml",
                "Capabilities": ["CAPABILITY_IAM"],
            },
        ),
    ),
    ActionSpec(
        "aws:deleteStack",
        "Delete a stack",
        "Deletes a CloudFormation stack and waits for it.",
        (
            need("StackName", "String", "The name or id of the stack."),
            may("ClientRequestToken", "String", "Makes a repeated request count once."),
            may("RetainResources", "StringList", "Resources to keep."),
            may("RetainResources.member.N", "StringList", "Resources to keep."),
            may("RoleARN", "String", "The role that CloudFormation assumes."),
        ),
        returns(),
        "destroy",
        GUIDE + "deletestack.html",
        iam=("cloudformation:DeleteStack", "cloudformation:DescribeStacks"),
        examples=({"StackName": "{{ createStack.StackId }}"},),
    ),
)
