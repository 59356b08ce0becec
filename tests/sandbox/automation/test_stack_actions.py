"""aws:createStack and aws:deleteStack, and the CloudFormation that they meet."""

import json
import time
from typing import Any

import botocore.exceptions
import pytest

TRUST_SSM = {
    "Effect": "Allow",
    "Principal": {"Service": "ssm.amazonaws.com"},
    "Action": "sts:AssumeRole",
}
STACK_CALLS = [
    "cloudformation:CreateStack",
    "cloudformation:DeleteStack",
    "cloudformation:DescribeStacks",
]


def unique(prefix: str) -> str:
    return f"{prefix}-{time.time_ns()}"


def template(queue: str, **more: Any) -> dict[str, Any]:
    return {
        "Resources": {
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": queue}},
            **more,
        }
    }


def broken(queue: str) -> dict[str, Any]:
    """The queue can be made, the subnet after it cannot."""
    subnet = {"VpcId": "vpc-00000000", "CidrBlock": "10.0.0.0/24"}
    return template(queue, Subnet={"Type": "AWS::EC2::Subnet", "DependsOn": "Queue", "Properties": subnet})


def create(**inputs: Any) -> dict[str, Any]:
    return {"name": "create", "action": "aws:createStack", "inputs": inputs}


def delete(**inputs: Any) -> dict[str, Any]:
    return {"name": "delete", "action": "aws:deleteStack", "inputs": inputs}


def outputs(run: dict[str, Any], step: str = "create") -> dict[str, Any]:
    return next(each for each in run["StepExecutions"] if each["StepName"] == step).get("Outputs", {})


@pytest.fixture
def stacks(sandbox: Any) -> Any:
    return sandbox.client("cloudformation")


def queues(sandbox: Any, prefix: str) -> list[str]:
    return list(sandbox.client("sqs").list_queues(QueueNamePrefix=prefix).get("QueueUrls", []))


def test_a_stack_is_made_with_its_parameters_and_tags_and_deleted_by_its_id(sandbox, stacks, automate):
    name, queue = unique("made"), unique("queue")
    body = template("unused")
    body["Parameters"] = {"QueueName": {"Type": "String"}}
    body["Resources"]["Queue"]["Properties"]["QueueName"] = {"Ref": "QueueName"}
    topic = sandbox.client("sns").create_topic(Name=unique("stack-events"))["TopicArn"]
    policy = {"Statement": [{"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}]}
    made = automate(
        create(
            StackName=name,
            TemplateBody=body,
            Parameters=[{"ParameterKey": "QueueName", "ParameterValue": queue}],
            Tags=[{"Key": "Owner", "Value": "me"}],
            NotificationARNs=[topic],
            StackPolicyBody=policy,
            ResourceTypes=["AWS::SQS::*"],
            TimeoutInMinutes="5",
            ClientRequestToken="token-1",
        )
    )
    assert made["AutomationExecutionStatus"] == "Success", made.get("FailureMessage")
    stack = stacks.describe_stacks(StackName=name)["Stacks"][0]
    assert outputs(made) == {
        "StackId": [stack["StackId"]],
        "StackStatus": ["CREATE_COMPLETE"],
        "StackStatusReason": [""],
    }
    assert stack["Tags"] == [{"Key": "Owner", "Value": "me"}]
    assert stack["NotificationARNs"] == [topic]
    assert json.loads(stacks.get_stack_policy(StackName=name)["StackPolicyBody"]) == policy
    assert len(queues(sandbox, queue)) == 1

    again = stacks.create_stack(StackName=name, TemplateBody=json.dumps(body), ClientRequestToken="token-1")
    assert again["StackId"] == stack["StackId"]
    deleted = automate(delete(StackName=stack["StackId"]))
    assert deleted["AutomationExecutionStatus"] == "Success", deleted.get("FailureMessage")
    assert queues(sandbox, queue) == []
    assert stacks.describe_stacks(StackName=stack["StackId"])["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"


def test_a_template_is_read_from_s3_as_the_role_may_read_it(sandbox, automate):
    bucket, queue = unique("templates"), unique("queue")
    s3 = sandbox.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a b.json", Body=json.dumps(template(queue)).encode())
    url = f"https://{bucket}.s3.us-east-1.amazonaws.com/a%20b.json"
    statement = {"Effect": "Allow", "Action": STACK_CALLS, "Resource": "*"}
    may = sandbox.make_role(
        unique("Stacks"), TRUST_SSM, statement, {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    )
    may_not = sandbox.make_role(unique("Stacks"), TRUST_SSM, statement)
    refused = automate(create(StackName=unique("url"), TemplateURL=url), role=may_not)
    assert "S3 error: Access Denied" in refused["FailureMessage"]
    made = automate(create(StackName=unique("url"), TemplateURL=url), role=may)
    assert made["AutomationExecutionStatus"] == "Success", made.get("FailureMessage")
    assert len(queues(sandbox, queue)) == 1
    own_url = f"{sandbox.url}/{bucket}/a%20b.json"
    own = sandbox.client("cloudformation").get_template_summary(TemplateURL=own_url)
    assert own["ResourceTypes"] == ["AWS::SQS::Queue"]
    absent = automate(create(StackName=unique("url"), TemplateURL=f"{url}x"), role=may)
    assert "S3 error: The specified bucket or key does not exist" in absent["FailureMessage"]


@pytest.mark.parametrize(
    ("inputs", "status", "left"),
    [
        ({}, "ROLLBACK_COMPLETE", 0),
        ({"OnFailure": "DO_NOTHING"}, "CREATE_FAILED", 1),
        ({"DisableRollback": True}, "CREATE_FAILED", 1),
        ({"OnFailure": "DELETE"}, "DELETE_COMPLETE", 0),
    ],
)
def test_a_stack_that_cannot_be_made_ends_as_its_policy_says(sandbox, automate, inputs, status, left):
    name, queue = unique("broken"), unique("queue")
    run = automate(create(StackName=name, TemplateBody=json.dumps(broken(queue)), **inputs))
    assert run["AutomationExecutionStatus"] == "Failed"
    found = outputs(run)
    assert found["StackStatus"] == [status]
    assert "vpc-00000000 does not exist" in found["StackStatusReason"][0]
    assert f"entered unexpected state: {status}" in run["FailureMessage"]
    assert len(queues(sandbox, queue)) == left


def test_what_cloudformation_refuses_is_quoted(sandbox, stacks, automate):
    name = unique("taken")
    stacks.create_stack(StackName=name, TemplateBody=json.dumps(template(unique("queue"))))
    taken = automate(create(StackName=name, TemplateBody=json.dumps(template(unique("queue")))))
    assert taken["FailureMessage"].startswith(
        "Step fails when it is Execute/Creating Stack. Get Exception from CreateStack API of cloudformation "
        f"Service. Exception Message from CreateStack API: [Stack [{name}] already exists (Service: "
        "AmazonCloudFormation; Status Code: 400; Error Code: AlreadyExistsException; Request ID: "
    )


ROLE = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}
NAMED_ROLE = {**ROLE, "Properties": {**ROLE["Properties"], "RoleName": "Named"}}


@pytest.mark.parametrize(
    ("body", "parameters", "code", "message"),
    [
        ("{", {}, "ValidationError", "Template format error"),
        ("!!python/object/apply:os.getcwd []", {}, "ValidationError", "Template format error"),
        ({"Resources": {}}, {}, "ValidationError", "At least one Resources member"),
        (
            template("x", R=ROLE),
            {},
            "InsufficientCapabilitiesException",
            "Requires capabilities : [CAPABILITY_IAM]",
        ),
        (
            template("x", R=NAMED_ROLE),
            {"Capabilities": ["CAPABILITY_IAM"]},
            "InsufficientCapabilitiesException",
            "[CAPABILITY_NAMED_IAM]",
        ),
        (
            {**template("x"), "Transform": "AWS::Serverless-2016-10-31"},
            {},
            "InsufficientCapabilitiesException",
            "[CAPABILITY_AUTO_EXPAND]",
        ),
        (
            {**template("x"), "Parameters": {"A": {"Type": "String"}}},
            {},
            "ValidationError",
            "Parameters: [A] must have values",
        ),
        (
            template("x"),
            {"Parameters": [{"ParameterKey": "B", "ParameterValue": "1"}]},
            "ValidationError",
            "Parameters: [B] do not exist in the template",
        ),
        (template("x"), {"ResourceTypes": ["AWS::EC2::*"]}, "ValidationError", "ResourceTypes"),
        (template("x"), {"OnFailure": "DELETE", "DisableRollback": True}, "ValidationError", "not both"),
        (
            template("x"),
            {"RoleARN": "arn:aws:iam::123456789012:role/NoSuchRole"},
            "ValidationError",
            "is invalid or cannot be assumed",
        ),
        (template("x"), {"StackPolicyBody": "{"}, "ValidationError", "Invalid stack policy"),
    ],
)
def test_a_stack_is_refused_before_anything_is_made(stacks, body, parameters, code, message):
    text = body if isinstance(body, str) else json.dumps(body)
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        stacks.create_stack(StackName=unique("never"), TemplateBody=text, **parameters)
    assert caught.value.response["Error"]["Code"] == code
    assert message in caught.value.response["Error"]["Message"]


def test_aliases_are_refused_before_they_are_written_out(stacks):
    layers = "".join(f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    body = f"Metadata:\n  a0: &a0 [x]\n{layers}Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n"
    with pytest.raises(botocore.exceptions.ClientError, match="YAML aliases are not allowed"):
        stacks.create_stack(StackName=f"aliases-{time.time_ns()}", TemplateBody=body)


def test_a_resource_that_is_not_emulated_fails_the_stack_instead_of_being_passed_over(automate):
    body = template(unique("queue"), Odd={"Type": "AWS::Odd::Thing"})
    run = automate(create(StackName=unique("odd"), TemplateBody=body))
    assert "does not emulate the resource type AWS::Odd::Thing" in run["FailureMessage"]


def test_the_role_that_cloudformation_assumes_must_be_passed(sandbox, automate):
    trust = {**TRUST_SSM, "Principal": {"Service": "cloudformation.amazonaws.com"}}
    handed = sandbox.make_role(unique("ForStacks"), trust)
    allow = {"Effect": "Allow", "Action": STACK_CALLS, "Resource": "*"}
    pass_it = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": handed}
    step = create(StackName=unique("passed"), TemplateBody=template(unique("queue")), RoleARN=handed)
    refused = automate(step, role=sandbox.make_role(unique("Stacks"), TRUST_SSM, allow))
    assert "not authorized to perform: iam:PassRole" in refused["FailureMessage"]
    made = automate(step, role=sandbox.make_role(unique("Stacks"), TRUST_SSM, allow, pass_it))
    assert made["AutomationExecutionStatus"] == "Success", made.get("FailureMessage")


def test_a_role_without_the_right_makes_and_deletes_no_stack(sandbox, stacks, automate):
    name = unique("kept")
    stacks.create_stack(StackName=name, TemplateBody=json.dumps(template(unique("queue"))))
    role = sandbox.make_role(
        unique("Look"),
        TRUST_SSM,
        {"Effect": "Allow", "Action": "cloudformation:DescribeStacks", "Resource": "*"},
    )
    for step, api in (
        (create(StackName="x", TemplateBody=template("x")), "CreateStack"),
        (delete(StackName=name), "DeleteStack"),
    ):
        run = automate(step, role=role)
        assert f"not authorized to perform: cloudformation:{api}" in run["FailureMessage"]
        assert run["StepExecutions"][0]["FailureDetails"]["FailureType"] == "Permission"
    assert stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"


def test_a_stack_that_is_not_there_is_deleted_already(automate):
    assert automate(delete(StackName=unique("absent")))["AutomationExecutionStatus"] == "Success"


def test_a_protected_stack_is_not_deleted(stacks, automate):
    name = unique("protected")
    stacks.create_stack(
        StackName=name, TemplateBody=json.dumps(template(unique("queue"))), EnableTerminationProtection=True
    )
    assert "TerminationProtection is enabled" in automate(delete(StackName=name))["FailureMessage"]


def test_resources_are_retained_only_of_a_stack_that_could_not_be_deleted(sandbox, stacks, automate):
    name, bucket = unique("retained"), unique("bucket")
    body = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": bucket}}}}
    stacks.create_stack(StackName=name, TemplateBody=json.dumps(body))
    early = automate(delete(StackName=name, RetainResources=["Bucket"]))
    assert "for stacks in the DELETE_FAILED state" in early["FailureMessage"]
    sandbox.client("s3").put_object(Bucket=bucket, Key="kept", Body=b"1")
    failed = automate(delete(StackName=name))
    assert "entered unexpected state: DELETE_FAILED" in failed["FailureMessage"]
    run = automate(delete(StackName=name, **{"RetainResources.member.1": "Bucket"}))
    assert run["AutomationExecutionStatus"] == "Success", run.get("FailureMessage")
    assert sandbox.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 1
