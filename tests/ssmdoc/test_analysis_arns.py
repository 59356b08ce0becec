"""The resources and conditions of what a document needs: as narrow as its text tells, and no narrower."""

import json
from typing import Any

import pytest

import ssmdoc
from ssmdoc import analysis
from ssmdoc.analysis import reference, resources
from ssmdoc.analysis.resources import Place

PLACE = Place("aws", "eu-west-1", "111122223333")
HERE = "eu-west-1:111122223333"
BALANCER = f"arn:aws:elasticloadbalancing:{HERE}:loadbalancer"


def needs(step: dict[str, Any]) -> dict[str, analysis.Need]:
    text = json.dumps({"schemaVersion": "0.3", "mainSteps": [{"name": "step", **step}]})
    document = ssmdoc.parse(text).document
    assert document is not None
    found = analysis.analyse(document, region="eu-west-1", account="111122223333")
    return {need.action: need for need in found.needs}


def call(service: str, api: str, /, **inputs: Any) -> dict[str, Any]:
    return {"action": "aws:executeAwsApi", "inputs": {"Service": service, "Api": api, **inputs}}


def script(source: str) -> dict[str, analysis.Need]:
    inputs = {"Runtime": "python3.11", "Handler": "h", "Script": f"import boto3\n{source}"}
    return needs({"action": "aws:executeScript", "inputs": inputs})


@pytest.mark.parametrize(
    ("step", "action", "expected"),
    [
        # The name stands where the ARN has it, not in the first place that is free.
        (
            call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName="web"),
            "autoscaling:UpdateAutoScalingGroup",
            [f"arn:aws:autoscaling:{HERE}:autoScalingGroup:*:autoScalingGroupName/web"],
        ),
        (
            call("ecs", "UpdateService", cluster="main", service="web"),
            "ecs:UpdateService",
            [f"arn:aws:ecs:{HERE}:service/main/web"],
        ),
        (
            call("eks", "DeleteNodegroup", clusterName="main", nodegroupName="small"),
            "eks:DeleteNodegroup",
            [f"arn:aws:eks:{HERE}:nodegroup/main/small/*"],
        ),
        (
            call("ecs", "DeregisterTaskDefinition", taskDefinition="web:3"),
            "ecs:DeregisterTaskDefinition",
            ["*"],
        ),
        # A name alone tells neither the path of a role nor the key behind an alias.
        (
            call("iam", "GetRole", RoleName="deploy"),
            "iam:GetRole",
            ["arn:aws:iam::111122223333:role/deploy", "arn:aws:iam::111122223333:role/*/deploy"],
        ),
        (
            call("iam", "CreateRole", RoleName="deploy"),
            "iam:CreateRole",
            ["arn:aws:iam::111122223333:role/deploy"],
        ),
        (
            call("kms", "DescribeKey", KeyId="alias/aws/rds"),
            "kms:DescribeKey",
            [f"arn:aws:kms:{HERE}:key/*"],
        ),
        # Documents and parameters of AWS belong to no account, nor may what a parameter names.
        (
            call("ssm", "GetDocument", Name="AWSSupport-ExecuteEC2Rescue"),
            "ssm:GetDocument",
            ["arn:aws:ssm:eu-west-1:*:document/AWSSupport-ExecuteEC2Rescue"],
        ),
        (
            call("ssm", "GetDocument", Name="{{ Name }}"),
            "ssm:GetDocument",
            ["arn:aws:ssm:eu-west-1:*:document/*"],
        ),
        (
            call("ssm", "GetDocument", Name="Own"),
            "ssm:GetDocument",
            [f"arn:aws:ssm:{HERE}:document/Own"],
        ),
        (
            call("ssm", "GetParameter", Name="/aws/service/ami"),
            "ssm:GetParameter",
            ["arn:aws:ssm:eu-west-1:*:parameter/aws/service/ami"],
        ),
        (
            call("ssm", "GetParametersByPath", Path="/a"),
            "ssm:GetParametersByPath",
            [f"arn:aws:ssm:{HERE}:parameter/a", f"arn:aws:ssm:{HERE}:parameter/a/*"],
        ),
        # Some operations of logs ask for the group and others for its streams.
        (
            call("logs", "CreateLogGroup", logGroupName="a"),
            "logs:CreateLogGroup",
            [f"arn:aws:logs:{HERE}:log-group:a", f"arn:aws:logs:{HERE}:log-group:a:*"],
        ),
        (
            call("lambda", "Invoke", FunctionName="f", Qualifier="live"),
            "lambda:InvokeFunction",
            [f"arn:aws:lambda:{HERE}:function:f", f"arn:aws:lambda:{HERE}:function:f:*"],
        ),
        # A copy reads one object and writes another.
        (
            call("s3", "CopyObject", Bucket="to", Key="b", CopySource="from/a"),
            "s3:GetObject",
            ["arn:aws:s3:::from/a"],
        ),
        (
            call("s3", "CopyObject", Bucket="to", Key="b", CopySource="from/a"),
            "s3:PutObject",
            ["arn:aws:s3:::to/b"],
        ),
        # What is copied from may lie elsewhere.
        (
            call(
                "rds", "CopyDBSnapshot", SourceDBSnapshotIdentifier="{{ S }}", TargetDBSnapshotIdentifier="t"
            ),
            "rds:CopyDBSnapshot",
            ["arn:aws:rds:*:*:snapshot:*", f"arn:aws:rds:{HERE}:snapshot:t"],
        ),
        # RDS asks for its own defaults by name, and for everything when nothing is named.
        (
            call("rds", "CreateDBInstance", DBInstanceIdentifier="a", DBSubnetGroupName="s"),
            "rds:CreateDBInstance",
            [
                f"arn:aws:rds:{HERE}:db:a",
                f"arn:aws:rds:{HERE}:subgrp:s",
                f"arn:aws:rds:{HERE}:og:*",
                f"arn:aws:rds:{HERE}:pg:*",
                f"arn:aws:rds:{HERE}:secgrp:*",
            ],
        ),
        (call("rds", "DescribeDBInstances"), "rds:DescribeDBInstances", [f"arn:aws:rds:{HERE}:db:*"]),
        (call("cloudformation", "DescribeStacks"), "cloudformation:DescribeStacks", ["*"]),
        (
            call("cloudwatch", "DescribeAlarms", AlarmNames=["a"]),
            "cloudwatch:DescribeAlarms",
            [f"arn:aws:cloudwatch:{HERE}:alarm:*"],
        ),
        (
            call("cloudwatch", "DescribeAlarms", AlarmTypes=["CompositeAlarm"]),
            "cloudwatch:DescribeAlarms",
            ["*"],
        ),
        # API Gateway's resources are the paths of its operations.
        (
            call("apigateway", "GetStage", restApiId="{{ Api }}", stageName="live"),
            "apigateway:GET",
            ["arn:aws:apigateway:eu-west-1::/restapis/*/stages/live"],
        ),
        (
            call("apigatewayv2", "UpdateStage", ApiId="abc", StageName="live"),
            "apigateway:PATCH",
            ["arn:aws:apigateway:eu-west-1::/apis/abc/stages/live"],
        ),
        (
            call(
                "apigateway", "TagResource", resourceArn="arn:aws:apigateway:eu-west-1::/restapis/a", tags={}
            ),
            "apigateway:PUT",
            ["arn:aws:apigateway:eu-west-1::/tags/*"],
        ),
        # The beginning of an identifier of EC2 tells what it is.
        (
            call("ec2", "CreateTags", Resources=["i-1", "ami-2"], Tags=[]),
            "ec2:CreateTags",
            [f"arn:aws:ec2:{HERE}:instance/i-1", "arn:aws:ec2:eu-west-1::image/ami-2"],
        ),
        (
            call("ec2", "CreateTags", Resources=["{{ Id }}"], Tags=[]),
            "ec2:CreateTags",
            ["arn:aws:ec2:*:*:*"],
        ),
        (
            call("ec2", "CreateVolume", TagSpecifications=[{"ResourceType": "volume"}]),
            "ec2:CreateTags",
            [f"arn:aws:ec2:{HERE}:volume/*"],
        ),
        (
            call("ec2", "AuthorizeSecurityGroupIngress", GroupId="sg-1"),
            "ec2:AuthorizeSecurityGroupIngress",
            [f"arn:aws:ec2:{HERE}:security-group/sg-1"],
        ),
        # A template of instances may ask for more than the step shows.
        (call("ec2", "RunInstances", LaunchTemplate={"LaunchTemplateName": "a"}), "ec2:RunInstances", ["*"]),
        (
            call("rds", "AddTagsToResource", ResourceName=f"arn:aws:rds:{HERE}:db:a", Tags=[]),
            "rds:AddTagsToResource",
            [f"arn:aws:rds:{HERE}:db:a"],
        ),
        (
            call("rds", "AddTagsToResource", ResourceName="{{ Arn }}", Tags=[]),
            "rds:AddTagsToResource",
            ["arn:aws:rds:*:111122223333:*"],
        ),
        (
            call("ssm", "AddTagsToResource", ResourceType="Document", ResourceId="a", Tags=[]),
            "ssm:AddTagsToResource",
            ["arn:aws:ssm:eu-west-1:111122223333:document/*"],
        ),
        # An ARN is itself, whichever argument gives it.
        (
            call("elbv2", "CreateListener", LoadBalancerArn=f"{BALANCER}/app/a/1"),
            "elasticloadbalancing:CreateListener",
            [f"{BALANCER}/app/a/1"],
        ),
        (
            call("cloudfront", "GetDistributionConfig", Id="ABC"),
            "cloudfront:GetDistributionConfig",
            ["arn:aws:cloudfront::111122223333:distribution/ABC"],
        ),
        (
            call("sts", "AssumeRole", RoleArn="{{ Role }}"),
            "sts:AssumeRole",
            ["arn:aws:iam::*:role/*"],
        ),
        (
            {"action": "aws:createStack", "inputs": {"StackName": "a-{{ automation:EXECUTION_ID }}"}},
            "cloudformation:DescribeStacks",
            [f"arn:aws:cloudformation:{HERE}:stack/a-*/*"],
        ),
    ],
)
def test_the_resource_of_an_action(step: dict[str, Any], action: str, expected: list[str]) -> None:
    assert list(needs(step)[action].resources) == expected


@pytest.mark.parametrize("start", resources.IDENTIFIERS)
def test_every_identifier_of_ec2_is_of_a_type(start: str) -> None:
    found = resources.arns("ec2:CreateTags", {"Resources": [f"{start}-1"]}, PLACE).arns
    assert found[0].endswith(f"/{start}-1")


def test_every_action_of_the_reference_has_resources_that_iam_takes() -> None:
    for prefix in sorted(reference.prefixes()):
        for action in reference.actions(prefix):
            for found in resources.arns(action.full_name, {}, PLACE).arns:
                assert found == "*" or (found.count(":") >= 5 and found.startswith("arn:aws:")), action
                assert found.split(":")[2:3] != ["*"], action


# Scripts


@pytest.mark.parametrize(
    ("source", "action", "expected"),
    [
        (
            "boto3.resource('ec2').Instance('i-1').stop()",
            "ec2:StopInstances",
            [f"arn:aws:ec2:{HERE}:instance/i-1"],
        ),
        (
            "i = boto3.resource('ec2').Instance(id='i-1')\ni.terminate(DryRun=True)",
            "ec2:TerminateInstances",
            [f"arn:aws:ec2:{HERE}:instance/i-1"],
        ),
        (
            "def h(e, c):\n  boto3.resource('ec2').Instance(e['Id']).stop()",
            "ec2:StopInstances",
            [f"arn:aws:ec2:{HERE}:instance/*"],
        ),
        ("boto3.resource('s3').Object('a', 'b').delete()", "s3:DeleteObject", ["arn:aws:s3:::a/b"]),
        ("boto3.resource('s3').Bucket('a').Object('b').put()", "s3:PutObject", ["arn:aws:s3:::a/b"]),
        ("boto3.resource('s3').Bucket('a').upload_file('f', Key='b')", "s3:PutObject", ["arn:aws:s3:::a/b"]),
        (
            "for o in boto3.resource('s3').Bucket('a').objects.all():\n  o.delete()",
            "s3:ListBucket",
            ["arn:aws:s3:::a"],
        ),
        (
            "for o in boto3.resource('s3').Bucket('a').objects.all():\n  o.delete()",
            "s3:DeleteObject",
            ["arn:aws:s3:::a/*"],
        ),
        (
            "boto3.resource('sns').create_topic(Name='t').publish(Message='m')",
            "sns:Publish",
            [f"arn:aws:sns:{HERE}:*"],
        ),
        (
            "boto3.resource('dynamodb').Table('t').put_item(Item={})",
            "dynamodb:PutItem",
            [f"arn:aws:dynamodb:{HERE}:table/t"],
        ),
        (
            "boto3.client('s3').copy({'Bucket': 'a', 'Key': 'k'}, 'b', 'l')",
            "s3:GetObject",
            ["arn:aws:s3:::a/k"],
        ),
        # The Region is the client's.
        (
            "boto3.client('sqs', region_name='us-east-1').purge_queue(QueueUrl='q')",
            "sqs:PurgeQueue",
            ["arn:aws:sqs:us-east-1:111122223333:q"],
        ),
        (
            "from botocore.config import Config\n"
            "boto3.client('sqs', config=Config(region_name='us-east-1')).purge_queue(QueueUrl='q')",
            "sqs:PurgeQueue",
            ["arn:aws:sqs:us-east-1:111122223333:q"],
        ),
        (
            "boto3.Session(region_name='us-east-1').client('sqs').purge_queue(QueueUrl='q')",
            "sqs:PurgeQueue",
            ["arn:aws:sqs:us-east-1:111122223333:q"],
        ),
        (
            "def h(e, c):\n  boto3.client('sqs', region_name=e['Region']).purge_queue(QueueUrl='q')",
            "sqs:PurgeQueue",
            ["arn:aws:sqs:*:111122223333:q"],
        ),
        (
            "from botocore.config import Config\n"
            "boto3.client('sqs', config=Config(retries={})).purge_queue(QueueUrl='q')",
            "sqs:PurgeQueue",
            [f"arn:aws:sqs:{HERE}:q"],
        ),
        # What a branch, a loop or a function may change is not certain.
        (
            "def h(e, c):\n  n = 'a'\n  if e['n']:\n    n = e['n']\n"
            "  boto3.client('sqs').purge_queue(QueueUrl=n)",
            "sqs:PurgeQueue",
            [f"arn:aws:sqs:{HERE}:*"],
        ),
        (
            "def h(e, c):\n  n = 'a'\n  for i in e:\n"
            "    boto3.client('sqs').purge_queue(QueueUrl=n)\n    n = i",
            "sqs:PurgeQueue",
            [f"arn:aws:sqs:{HERE}:*"],
        ),
        (
            "def name(e):\n  if e:\n    return 'a'\n  return e['n']\n"
            "def h(e, c):\n  boto3.client('sqs').purge_queue(QueueUrl=name(e))",
            "sqs:PurgeQueue",
            [f"arn:aws:sqs:{HERE}:*"],
        ),
        (
            "def h(e, c):\n  boto3.client('sqs').purge_queue(QueueUrl=e.get('n') or 'a')",
            "sqs:PurgeQueue",
            [f"arn:aws:sqs:{HERE}:*"],
        ),
        (
            "def h(e, c):\n  ids = ['i-1']\n  ids.extend(e['more'])\n"
            "  boto3.client('ec2').stop_instances(InstanceIds=ids)",
            "ec2:StopInstances",
            [f"arn:aws:ec2:{HERE}:instance/i-1", f"arn:aws:ec2:{HERE}:instance/*"],
        ),
    ],
)
def test_the_resource_of_a_script_s_call(source: str, action: str, expected: list[str]) -> None:
    assert list(script(source)[action].resources) == expected


def test_calls_with_another_role_s_keys_are_not_this_role_s() -> None:
    found = script(
        "k = boto3.client('sts').assume_role(RoleArn='arn:aws:iam::444455556666:role/r')['Credentials']\n"
        "s = boto3.Session(aws_access_key_id=k['AccessKeyId'], aws_secret_access_key=k['SecretAccessKey'])\n"
        "s.client('ec2').stop_instances(InstanceIds=['i-1'])"
    )
    assert found["sts:AssumeRole"].certain
    assert not found["ec2:StopInstances"].certain
    assert found["ec2:StopInstances"].resources == ("arn:aws:ec2:eu-west-1:*:instance/i-1",)


# Conditions


@pytest.mark.parametrize(
    ("found", "action", "expected"),
    [
        (
            needs(
                call(
                    "iam",
                    "AttachRolePolicy",
                    RoleName="r",
                    PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess",
                )
            ),
            "iam:AttachRolePolicy",
            {"ArnEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/ReadOnlyAccess"}},
        ),
        (
            script(
                "def h(e, c):\n  p = f\"arn:{e['p']}:iam::aws:policy/{e['n']}Access\"\n"
                "  boto3.client('iam').attach_role_policy(RoleName='r', PolicyArn=p)"
            ),
            "iam:AttachRolePolicy",
            {"ArnLike": {"iam:PolicyARN": "arn:aws:iam::aws:policy/*Access"}},
        ),
        (
            needs(call("iam", "AttachRolePolicy", RoleName="r", PolicyArn="{{ Policy }}")),
            "iam:AttachRolePolicy",
            {},
        ),
        (
            needs(call("iam", "CreateServiceLinkedRole", AWSServiceName="config.amazonaws.com")),
            "iam:CreateServiceLinkedRole",
            {"StringEquals": {"iam:AWSServiceName": "config.amazonaws.com"}},
        ),
        (
            needs(call("lambda", "AddPermission", FunctionName="f", Principal="s3.amazonaws.com")),
            "lambda:AddPermission",
            {"StringEquals": {"lambda:Principal": "s3.amazonaws.com"}},
        ),
        (
            needs(call("lambda", "AddPermission", FunctionName="f", Principal="{{ P }}")),
            "lambda:AddPermission",
            {},
        ),
        (
            script("boto3.client('ec2', region_name='us-east-1').describe_vpcs()"),
            "ec2:DescribeVpcs",
            {"StringEquals": {"aws:RequestedRegion": "us-east-1"}},
        ),
        (script("boto3.client('ec2').describe_vpcs()"), "ec2:DescribeVpcs", {}),
        # These answer from one Region, whichever a client is made for.
        (script("boto3.client('iam', region_name='eu-west-1').list_roles()"), "iam:ListRoles", {}),
        (script("boto3.client('s3', region_name='eu-west-1').list_buckets()"), "s3:ListAllMyBuckets", {}),
    ],
)
def test_a_condition_comes_of_what_is_written_out(
    found: dict[str, analysis.Need], action: str, expected: dict[str, Any]
) -> None:
    assert found[action].conditions == expected


def test_a_service_s_role_is_the_resource_that_is_made() -> None:
    found = needs(call("iam", "CreateServiceLinkedRole", AWSServiceName="config.amazonaws.com"))
    assert found["iam:CreateServiceLinkedRole"].resources == (
        "arn:aws:iam::111122223333:role/aws-service-role/config.amazonaws.com/*",
    )


def test_a_policy_leaves_out_what_another_of_its_resources_covers() -> None:
    text = json.dumps(
        {
            "schemaVersion": "0.3",
            "mainSteps": [
                {"name": "a", **call("ec2", "StopInstances", InstanceIds=["i-1"])},
                {"name": "b", **call("ec2", "StopInstances", InstanceIds=["{{ Id }}"])},
            ],
        }
    )
    document = ssmdoc.parse(text).document
    assert document is not None
    found = analysis.analyse(document)
    assert found.policy()["Statement"][0]["Resource"] == "arn:aws:ec2:*:*:instance/*"
    assert found.compare(found.policy()) == analysis.Comparison((), (), ())
