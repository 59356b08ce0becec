"""The permissions that a document needs, the policy for them, and the comparison with a given one."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

import ssmdoc
from ssmdoc import analysis, apis
from ssmdoc.analysis import names, reference
from ssmdoc.analysis.policies import LIMIT, characters

FOLDER = os.environ.get("SSM_CORPUS", "")
EXPECTED: dict[str, list[str]] = json.loads((Path(__file__).parent / "iam_expected.json").read_text())


def analysed(
    *steps: dict[str, Any], parameters: dict[str, Any] | None = None, **place: str
) -> analysis.Analysis:
    text = json.dumps(
        {
            "schemaVersion": "0.3",
            "parameters": parameters or {},
            "mainSteps": [{"name": f"step{number}", **step} for number, step in enumerate(steps)],
        }
    )
    document = ssmdoc.parse(text).document
    assert document is not None
    return analysis.analyse(document, **place)


def call(service: str, api: str, **inputs: Any) -> dict[str, Any]:
    return {"action": "aws:executeAwsApi", "inputs": {"Service": service, "Api": api, **inputs}}


def script(source: str, runtime: str = "python3.11") -> dict[str, Any]:
    return {"action": "aws:executeScript", "inputs": {"Runtime": runtime, "Handler": "h", "Script": source}}


def need(found: analysis.Analysis, action: str) -> analysis.Need:
    return next(item for item in found.needs if item.action == action)


# Published documents


def test_forty_documents_are_listed() -> None:
    assert len(EXPECTED) == 40


@pytest.mark.parametrize("action", sorted({name for listed in EXPECTED.values() for name in listed}))
def test_every_listed_action_exists(action: str) -> None:
    known = reference.action(action)
    assert known is not None
    assert known.full_name == action


@pytest.mark.skipif(not FOLDER, reason="SSM_CORPUS names no folder of published documents")
@pytest.mark.parametrize("file", sorted(EXPECTED))
def test_a_document_needs_what_a_person_reads_in_it(file: str) -> None:
    document = ssmdoc.parse((Path(FOLDER) / "documents" / file).read_text()).document
    assert document is not None
    assert list(analysis.analyse(document).actions) == EXPECTED[file]


@pytest.mark.skipif(not FOLDER, reason="SSM_CORPUS names no folder of published documents")
def test_every_document_is_analysed_and_its_own_policy_suffices() -> None:
    for entry in json.loads((Path(FOLDER) / "index.json").read_text()):
        document = ssmdoc.parse((Path(FOLDER) / "documents" / entry["file"]).read_text()).document
        if document is None:
            continue
        found = analysis.analyse(document)
        assert all(reference.action(action) for action in found.actions), entry["file"]
        policy = found.policy()
        assert characters(policy) <= LIMIT, entry["file"]
        assert found.compare(policy) == analysis.Comparison((), (), ()), entry["file"]
        json.dumps(found.as_dict(), default=str)


# Names


@pytest.mark.parametrize(
    ("service", "operation", "actions"),
    [
        ("ec2", "describe_instances", ["ec2:DescribeInstances"]),
        ("EC2", "describeInstances", ["ec2:DescribeInstances"]),
        ("s3", "HeadBucket", ["s3:ListBucket"]),
        ("s3", "HeadObject", ["s3:GetObject"]),
        ("s3", "CopyObject", ["s3:GetObject", "s3:PutObject"]),
        ("s3", "ListObjectsV2", ["s3:ListBucket"]),
        ("s3", "ListBuckets", ["s3:ListAllMyBuckets"]),
        ("s3", "PutBucketEncryption", ["s3:PutEncryptionConfiguration"]),
        ("s3", "GetBucketAcl", ["s3:GetBucketAcl"]),
        ("s3", "PutPublicAccessBlock", ["s3:PutBucketPublicAccessBlock"]),
        ("s3control", "PutPublicAccessBlock", ["s3:PutAccountPublicAccessBlock"]),
        ("lambda", "Invoke", ["lambda:InvokeFunction"]),
        ("cloudwatch", "PutMetricAlarm", ["cloudwatch:PutMetricAlarm"]),
        ("elbv2", "DescribeListeners", ["elasticloadbalancing:DescribeListeners"]),
        ("elb", "DescribeLoadBalancers", ["elasticloadbalancing:DescribeLoadBalancers"]),
        (
            "sesv2",
            "PutEmailIdentityConfigurationSetAttributes",
            ["ses:PutEmailIdentityConfigurationSetAttributes"],
        ),
        ("apigateway", "GetStage", ["apigateway:GET"]),
        ("apigatewayv2", "UpdateStage", ["apigateway:PATCH"]),
        ("resourcegroupstaggingapi", "GetResources", ["tag:GetResources"]),
        ("efs", "DescribeFileSystems", ["elasticfilesystem:DescribeFileSystems"]),
        ("emr", "DescribeCluster", ["elasticmapreduce:DescribeCluster"]),
        ("stepfunctions", "StartExecution", ["states:StartExecution"]),
        ("docdb", "ModifyDBCluster", ["rds:ModifyDBCluster"]),
        ("neptune", "DescribeDBClusters", ["rds:DescribeDBClusters"]),
        ("opensearch", "DescribeDomain", ["es:DescribeDomain"]),
        ("kinesisanalyticsv2", "StartApplication", ["kinesisanalytics:StartApplication"]),
        ("sso-admin", "ListInstances", ["sso:ListInstances"]),
        (
            "service-quotas",
            "GetRequestedServiceQuotaChange",
            ["servicequotas:GetRequestedServiceQuotaChange"],
        ),
        ("accessanalyzer", "CreateAnalyzer", ["access-analyzer:CreateAnalyzer"]),
        ("mwaa", "GetEnvironment", ["airflow:GetEnvironment"]),
        ("kms", "ReEncrypt", ["kms:ReEncryptFrom", "kms:ReEncryptTo"]),
        ("budgets", "DescribeBudgets", ["budgets:ViewBudget"]),
        ("sts", "GetCallerIdentity", []),
    ],
)
def test_an_operation_is_allowed_by_its_action(service: str, operation: str, actions: list[str]) -> None:
    assert list(names.iam_actions(service, operation)) == actions
    assert all(reference.action(action) for action in actions)


@pytest.mark.parametrize(
    "service",
    [
        "autoscaling", "backup", "cloudformation", "cloudtrail", "config", "dynamodb", "ec2", "ecs", "efs",
        "elasticache", "elbv2", "emr", "events", "guardduty", "iam", "kms", "lambda", "logs", "opensearch",
        "organizations", "rds", "redshift", "route53", "s3", "secretsmanager", "securityhub", "sns", "sqs",
        "ssm", "stepfunctions",
    ],
)  # fmt: skip
def test_nearly_every_operation_of_the_common_services_has_its_action(service: str) -> None:
    model = apis.service(service)
    assert model is not None
    strange = [
        name for name in model.operations if not all(map(names.known, names.iam_actions(service, name)))
    ]
    # Some operations are newer than the reference.
    assert len(strange) <= max(4, 0.06 * len(model.operations)), strange


# Needs


def test_a_profile_is_passed_by_a_role_to_ec2() -> None:
    found = analysed(
        {"action": "aws:runInstances", "inputs": {"ImageId": "ami-1", "IamInstanceProfileName": "web"}}
    )
    assert set(found.actions) >= {"ec2:RunInstances", "ec2:DescribeInstances", "iam:PassRole"}
    assert need(found, "iam:PassRole").conditions == {
        "StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}
    }


def test_without_a_profile_no_role_is_passed() -> None:
    found = analysed({"action": "aws:runInstances", "inputs": {"ImageId": "ami-1"}})
    assert "iam:PassRole" not in found.actions


def test_a_role_by_its_arn_is_the_resource_that_is_passed() -> None:
    role = "arn:aws:iam::111122223333:role/Function"
    found = analysed(call("lambda", "CreateFunction", FunctionName="f", Role=role, Code={}))
    assert need(found, "iam:PassRole").resources == (role,)


def test_tags_at_launch_need_a_permission_of_their_own() -> None:
    found = analysed(call("ec2", "CreateVolume", TagSpecifications=[{"ResourceType": "volume"}]))
    assert need(found, "ec2:CreateTags").conditions == {"StringEquals": {"ec2:CreateAction": "CreateVolume"}}


def test_a_key_is_needed_in_some_cases_only() -> None:
    found = analysed(call("rds", "CopyDBSnapshot", SourceDBSnapshotIdentifier="a", KmsKeyId="{{ Key }}"))
    assert found.actions == ("rds:CopyDBSnapshot",)
    assert "kms:CreateGrant" in found.possible


def test_a_child_is_named_and_its_role_passed() -> None:
    inputs = {
        "DocumentName": "Child",
        "RuntimeParameters": {"AutomationAssumeRole": "{{ Role }}", "TaskRole": "x"},
    }
    found = analysed({"action": "aws:executeAutomation", "inputs": inputs})
    assert found.children == ("Child",)
    assert [item.action for item in found.needs].count("iam:PassRole") == 1
    assert need(found, "iam:PassRole").resources == ("arn:aws:iam::*:role/*",)


RESTART = """
import boto3
def h(events, context):
    ssm = boto3.client('ssm')
    run = ssm.get_automation_execution(AutomationExecutionId=events['Id'])['AutomationExecution']
    ssm.start_automation_execution(DocumentName=run['DocumentName'], Parameters=run['Parameters'])
"""


@pytest.mark.parametrize(
    "role", [{"assumeRole": "{{ Role }}", "parameters": {"Role": {"type": "String"}}}, {}]
)
def test_a_document_that_starts_itself_again_passes_its_role(role: dict[str, Any]) -> None:
    text = json.dumps({"schemaVersion": "0.3", "mainSteps": [{"name": "a", **script(RESTART)}], **role})
    document = ssmdoc.parse(text).document
    assert document is not None
    found = analysis.analyse(document)
    assert "iam:PassRole" in (found.actions if role else found.possible)


def test_a_query_asks_the_catalogue_and_writes_to_its_bucket() -> None:
    results = {"OutputLocation": "s3://results-{{ global:REGION }}/athena"}
    query = {"QueryString": " CREATE EXTERNAL TABLE a (b STRING)", "ResultConfiguration": results}
    found = analysed(call("athena", "StartQueryExecution", **query), region="eu-west-1")
    assert [action for action in found.actions if action.startswith("glue:")] == [
        "glue:CreateTable",
        "glue:GetDatabase",
        "glue:GetPartitions",
        "glue:GetTable",
    ]
    assert need(found, "s3:PutObject").resources == ("arn:aws:s3:::results-eu-west-1/athena*",)
    assert need(found, "s3:GetObject").resources == ("arn:aws:s3:::*",)
    assert "glue:CreateTable" not in analysed(call("athena", "StartQueryExecution")).actions
    assert analysed(call("athena", "GetQueryResults")).actions == ("athena:GetQueryResults", "s3:GetObject")


def test_what_an_operation_makes_besides_has_an_action_of_its_own() -> None:
    replica = call("efs", "CreateReplicationConfiguration", Destinations=[{"Region": "eu-west-1"}])
    assert "elasticfilesystem:CreateFileSystem" in analysed(replica).actions
    replica["inputs"]["Destinations"] = [{"FileSystemId": "{{ Replica }}"}]
    assert "elasticfilesystem:CreateFileSystem" not in analysed(replica).actions
    assert "rds:ListTagsForResource" in analysed(call("rds", "CopyDBSnapshot", CopyTags=True)).actions


def test_a_literal_names_the_resource_and_a_parameter_is_told() -> None:
    found = analysed(
        call("sqs", "DeleteQueue", QueueUrl="https://sqs.eu-west-1.amazonaws.com/111122223333/jobs"),
        call("ec2", "StopInstances", InstanceIds=["{{ InstanceId }}"]),
        region="eu-west-1",
        account="111122223333",
    )
    assert need(found, "sqs:DeleteQueue").resources == ("arn:aws:sqs:eu-west-1:111122223333:jobs",)
    stop = need(found, "ec2:StopInstances")
    assert stop.resources == ("arn:aws:ec2:eu-west-1:111122223333:instance/*",)
    assert "InstanceId" in stop.why


def test_a_bucket_and_a_key_are_an_object() -> None:
    found = analysed(call("s3", "GetObject", Bucket="logs", Key="{{ Key }}"))
    assert need(found, "s3:GetObject").resources == ("arn:aws:s3:::logs/*",)


def test_a_version_of_an_object_has_a_permission_of_its_own() -> None:
    found = analysed(call("s3", "DeleteObject", Bucket="logs", Key="a", VersionId="{{ Version }}"))
    assert found.actions == ("s3:DeleteObjectVersion",)
    assert need(found, "s3:DeleteObjectVersion").resources == ("arn:aws:s3:::logs/a",)


def test_a_command_needs_its_document_and_the_nodes() -> None:
    inputs = {"DocumentName": "AWS-RunShellScript", "Targets": [{"Key": "tag:a", "Values": ["b"]}]}
    found = analysed({"action": "aws:runCommand", "inputs": inputs}, account="111122223333")
    assert found.actions == ("ssm:ListCommandInvocations", "ssm:ListCommands", "ssm:SendCommand")
    assert "arn:aws:ec2:*:111122223333:instance/*" in need(found, "ssm:SendCommand").resources
    assert "arn:aws:ssm:*:*:document/AWS-RunShellScript" in need(found, "ssm:SendCommand").resources


def test_an_operation_that_a_parameter_decides_is_each_that_it_may_be() -> None:
    parameters = {"Do": {"type": "String", "allowedValues": ["StopInstances", "StartInstances"]}}
    found = analysed(call("ec2", "{{ Do }}"), parameters=parameters)
    assert found.actions == ("ec2:StartInstances", "ec2:StopInstances")
    assert found.unknown


def test_what_cannot_be_told_is_listed() -> None:
    found = analysed(
        call("ec2", "{{ Api }}"),
        {"action": "aws:createStack", "inputs": {"StackName": "a"}},
        {"action": "aws:executeScript", "inputs": {"Runtime": "python3.11", "Attachment": "a.zip"}},
    )
    assert [step.step for step in found.steps if step.unknown] == ["step0", "step1", "step2"]


def test_the_steps_of_a_loop_are_counted() -> None:
    inner = {"name": "inner", **call("ec2", "RebootInstances", InstanceIds=["i-1"])}
    found = analysed({"action": "aws:loop", "inputs": {"Steps": [inner]}})
    assert found.actions == ("ec2:RebootInstances",)


def test_a_powershell_command_is_the_operation_that_it_is_named_after() -> None:
    source = "$i = Get-EC2Instance\nStop-EC2Instance -InstanceId $i\nGet-S3Widget\n# Remove-S3Bucket\n"
    found = analysed(script(source, "PowerShell 7.4"))
    assert found.actions == ("ec2:DescribeInstances", "ec2:StopInstances")
    assert "Line 3" in found.unknown[0]


# Policies


def test_a_policy_is_sorted_grouped_and_has_statement_ids() -> None:
    policy = analysed(
        call("ec2", "DescribeVolumes"),
        call("ec2", "DescribeInstances"),
        call("s3", "GetObject", Bucket="a", Key="b"),
    ).policy()
    assert policy == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Ec21",
                "Effect": "Allow",
                "Action": ["ec2:DescribeInstances", "ec2:DescribeVolumes"],
                "Resource": "*",
            },
            {"Sid": "S32", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::a/b"},
        ],
    }
    assert all(re.fullmatch("[A-Za-z0-9]+", item["Sid"]) for item in policy["Statement"])


# Comparisons


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def compared(*statements: dict[str, Any]) -> analysis.Comparison:
    found = analysed(
        call("ec2", "StopInstances", InstanceIds=["i-1"]), region="eu-west-1", account="111122223333"
    )
    return found.compare({"Version": "2012-10-17", "Statement": list(statements)})


INSTANCE = "arn:aws:ec2:eu-west-1:111122223333:instance/i-1"


@pytest.mark.parametrize(
    "statement",
    [
        allow("ec2:StopInstances", INSTANCE),
        allow("EC2:stopinstances", INSTANCE),
        allow(["ec2:StopInstances"], "arn:aws:ec2:*:*:instance/i-?"),
    ],
)
def test_what_is_granted_exactly_differs_in_nothing(statement: dict[str, Any]) -> None:
    assert compared(statement) == analysis.Comparison((), (), ())


@pytest.mark.parametrize(
    ("statements", "why"),
    [
        ((), "Nothing grants it"),
        ((allow("ec2:StartInstances", INSTANCE),), "Nothing grants it"),
        ((allow("ec2:StopInstances", "arn:aws:ec2:*:*:instance/i-2"),), "other resources only"),
        (
            (allow("*"), {"Effect": "Deny", "Action": "ec2:Stop*", "Resource": "*", "Sid": "Never"}),
            '"Never" denies it',
        ),
        ((allow("*"), {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}), "denies it"),
        (({"Effect": "Allow", "NotAction": "ec2:*", "Resource": "*"},), "Nothing grants it"),
    ],
)
def test_what_is_missing_says_why(statements: tuple[dict[str, Any], ...], why: str) -> None:
    missing = compared(*statements).missing
    assert [item.action for item in missing] == ["ec2:StopInstances"]
    assert why in missing[0].why


def test_a_condition_limits_a_grant() -> None:
    found = compared(
        allow("ec2:StopInstances", INSTANCE, Condition={"Bool": {"aws:SecureTransport": "true"}})
    )
    assert not found.missing
    assert "under a condition" in found.limited[0].why


def test_a_policy_for_some_resources_limits_what_a_parameter_may_name() -> None:
    found = analysed(call("ec2", "StopInstances", InstanceIds=["{{ Id }}"])).compare(
        {"Statement": allow("ec2:StopInstances", "arn:aws:ec2:*:*:instance/i-1")}
    )
    assert not found.missing
    assert "some of these resources" in found.limited[0].why


@pytest.mark.parametrize(
    ("statement", "pattern", "why"),
    [
        (allow(["ec2:StopInstances", "s3:GetObject"], INSTANCE), "s3:GetObject", "no step needs it"),
        (allow("ec2:*"), "ec2:*", "the document needs 1: ec2:StopInstances"),
        (allow("*"), "*", "every service"),
        (allow("ec2:StopInstances"), "ec2:StopInstances", "grants it for every resource"),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, "NotAction", "every action but"),
    ],
)
def test_what_is_granted_beyond_says_why(statement: dict[str, Any], pattern: str, why: str) -> None:
    found = compared(statement)
    assert not found.missing
    assert [item.action for item in found.excess] == [pattern]
    assert why in found.excess[0].why


@pytest.mark.parametrize(
    "policy", [{}, {"Statement": None}, {"Statement": ["a"]}, {"Statement": {"Effect": 1}}]
)
def test_a_malformed_policy_grants_nothing(policy: dict[str, Any]) -> None:
    found = analysed(call("ec2", "StopInstances")).compare(policy)
    assert len(found.missing) == 1


# Effects


@pytest.mark.parametrize(
    ("step", "effect"),
    [
        (call("ec2", "DescribeInstances"), "read"),
        (call("dynamodb", "batch_get_item"), "read"),
        (call("sts", "AssumeRole"), "read"),
        (call("logs", "StartQuery"), "read"),
        (call("ec2", "StopInstances"), "change"),
        (call("kms", "CancelKeyDeletion"), "change"),
        (call("kms", "ScheduleKeyDeletion"), "destroy"),
        (call("ec2", "TerminateInstances"), "destroy"),
        (call("s3", "delete_object"), "destroy"),
        (call("ec2", "{{ Api }}"), "change"),
        (call("nothing", "DescribeThings"), "read"),
        (script("def h(e, c): return e"), "flow"),
        (script("import requests\ndef h(e, c): requests.get('u')"), "change"),
        (script("import boto3\nboto3.client('ec2').describe_instances()"), "read"),
        (
            script("import boto3\ne = boto3.client('ec2')\ne.describe_instances()\ne.delete_volume()"),
            "destroy",
        ),
        (script("import boto3\ne = boto3.client(x)\ne.describe_instances()"), "change"),
        ({"action": "aws:sleep", "inputs": {}}, "flow"),
        ({"action": "aws:deleteStack", "inputs": {"StackName": "a"}}, "destroy"),
        ({"action": "aws:changeInstanceState", "inputs": {"DesiredState": "terminated"}}, "destroy"),
        ({"action": "aws:changeInstanceState", "inputs": {"DesiredState": "stopped"}}, "change"),
        (
            {
                "action": "aws:changeInstanceState",
                "inputs": {"DesiredState": "stopped", "CheckStateOnly": True},
            },
            "read",
        ),
        ({"action": "aws:invented", "inputs": {}}, "change"),
    ],
)
def test_each_step_is_labelled(step: dict[str, Any], effect: str) -> None:
    assert analysed(step).steps[0].effect == effect
