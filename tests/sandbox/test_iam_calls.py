"""IAM over the wire: what policies of users, groups and roles let through, and how a refusal reads."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import ACCOUNT_ID, Sandbox, policy_text

IMAGE = "ami-12c6146b"
INSTANCES = f"arn:aws:ec2:us-east-1:{ACCOUNT_ID}:instance/*"
ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
DENY_EC2 = {"Effect": "Deny", "Action": "ec2:*", "Resource": "*"}
REFUSED_RUN = (
    "You are not authorized to perform this operation. User: arn:aws:iam::123456789012:user/{user} is not "
    "authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:us-east-1:123456789012:instance/* "
    "with an explicit deny in an identity-based policy"
)


def refusal(call: Any, /, *arguments: Any, **parameters: Any) -> tuple[str, str]:
    """Code and message of the error that a call must end in."""
    with pytest.raises(ClientError) as caught:
        call(*arguments, **parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def run(client: Any, **parameters: Any) -> str:
    given = {"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1, "InstanceType": "t3.micro", **parameters}
    return str(client.run_instances(**given)["Instances"][0]["InstanceId"])


def tagged(kind: str = "instance", **tags: str) -> dict[str, Any]:
    return {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def test_a_user_denied_ec2_cannot_run_an_instance(sandbox: Sandbox) -> None:
    keys = sandbox.make_user("denied-run", ALLOW_ALL, DENY_EC2)

    code, message = refusal(run, sandbox.client("ec2", keys))

    assert code == "UnauthorizedOperation"
    assert message == REFUSED_RUN.format(user="denied-run")


def test_the_aws_cli_is_told_the_same(sandbox: Sandbox) -> None:
    keys = sandbox.make_user("denied-cli", ALLOW_ALL, DENY_EC2)

    result = sandbox.aws(keys, "ec2", "run-instances", "--image-id", IMAGE)

    assert result.returncode != 0
    assert "(UnauthorizedOperation)" in result.stderr
    assert REFUSED_RUN.format(user="denied-cli") in result.stderr


def test_a_user_without_policies_may_only_ask_who_it_is(sandbox: Sandbox) -> None:
    keys = sandbox.make_user("nobody")

    assert sandbox.client("sts", keys).get_caller_identity()["Arn"].endswith(":user/nobody")
    code, message = refusal(sandbox.client("ssm", keys).list_documents)
    assert code == "AccessDeniedException"
    assert message.endswith("because no identity-based policy allows the ssm:ListDocuments action")
    assert refusal(sandbox.client("iam", keys).list_users)[0] == "AccessDenied"
    assert refusal(sandbox.client("s3", keys).list_buckets)[0] == "AccessDenied"
    assert refusal(sandbox.client("ec2", keys).describe_instances)[0] == "UnauthorizedOperation"
    assert refusal(sandbox.client("lambda", keys).list_functions)[0] == "AccessDeniedException"


def test_policies_come_from_groups_and_managed_policies_too(sandbox: Sandbox) -> None:
    iam = sandbox.client("iam")
    keys = sandbox.make_user("grouped")
    client = sandbox.client("ec2", keys)
    iam.create_group(GroupName="launchers")
    iam.add_user_to_group(GroupName="launchers", UserName="grouped")
    assert refusal(run, client)[0] == "UnauthorizedOperation"

    iam.attach_group_policy(GroupName="launchers", PolicyArn="arn:aws:iam::aws:policy/AmazonEC2FullAccess")
    assert run(client)

    denying = iam.create_policy(PolicyName="no-ec2", PolicyDocument=policy_text(DENY_EC2))["Policy"]["Arn"]
    iam.attach_user_policy(UserName="grouped", PolicyArn=denying)
    assert refusal(run, client)[1].endswith("with an explicit deny in an identity-based policy")

    iam.detach_user_policy(UserName="grouped", PolicyArn=denying)
    iam.remove_user_from_group(GroupName="launchers", UserName="grouped")
    assert refusal(run, client)[1].endswith(
        "because no identity-based policy allows the ec2:RunInstances action"
    )


def test_only_the_default_version_of_a_managed_policy_counts(sandbox: Sandbox) -> None:
    iam = sandbox.client("iam")
    keys = sandbox.make_user("versioned")
    arn = iam.create_policy(PolicyName="versions", PolicyDocument=policy_text(ALLOW_ALL))["Policy"]["Arn"]
    iam.attach_user_policy(UserName="versioned", PolicyArn=arn)
    assert sandbox.client("iam", keys).list_users()["Users"]

    iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy_text(DENY_EC2), SetAsDefault=True)

    assert refusal(sandbox.client("iam", keys).list_users)[0] == "AccessDenied"


def test_instances_may_be_limited_by_type_and_by_tags(sandbox: Sandbox) -> None:
    keys = sandbox.make_user(
        "tagger",
        {
            "Effect": "Allow",
            "Action": "ec2:RunInstances",
            "Resource": INSTANCES,
            "Condition": {
                "StringEquals": {"ec2:InstanceType": ["t3.micro", "t3.small"]},
                "StringLike": {"aws:RequestTag/Owner": "?*"},
                "ForAllValues:StringEquals": {"aws:TagKeys": ["Owner", "CostCentre"]},
            },
        },
        {
            "Effect": "Allow",
            "Action": "ec2:RunInstances",
            "NotResource": INSTANCES,
        },
        {
            "Effect": "Allow",
            "Action": "ec2:CreateTags",
            "Resource": "*",
            "Condition": {"StringEquals": {"ec2:CreateAction": "RunInstances"}},
        },
    )
    client = sandbox.client("ec2", keys)
    owned = [tagged(Owner="olga", CostCentre="42")]

    assert run(client, TagSpecifications=owned)
    assert refusal(run, client)[0] == "UnauthorizedOperation"
    assert INSTANCES in refusal(run, client, TagSpecifications=owned, InstanceType="m5.large")[1]
    assert (
        refusal(run, client, TagSpecifications=[tagged(Owner="olga", Other="x")])[0]
        == "UnauthorizedOperation"
    )
    # Tags may be given while launching only.
    machine = run(client, TagSpecifications=owned)
    code, message = refusal(client.create_tags, Resources=[machine], Tags=[{"Key": "Owner", "Value": "me"}])
    assert (code, "ec2:CreateTags" in message) == ("UnauthorizedOperation", True)


def test_tagging_a_launch_needs_create_tags(sandbox: Sandbox) -> None:
    keys = sandbox.make_user("untagger", {"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "*"})

    code, message = refusal(run, sandbox.client("ec2", keys), TagSpecifications=[tagged(Owner="x")])

    assert code == "UnauthorizedOperation"
    assert f"ec2:CreateTags on resource: {INSTANCES}" in message


def test_instances_may_be_chosen_by_the_tags_they_have(sandbox: Sandbox) -> None:
    root = sandbox.client("ec2")
    mine = run(root, TagSpecifications=[tagged(Team="red")])
    others = run(root, TagSpecifications=[tagged(Team="blue")])
    keys = sandbox.make_user(
        "by-tag",
        {
            "Effect": "Allow",
            "Action": "ec2:*Instances",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:ResourceTag/Team": "red"}},
        },
    )
    client = sandbox.client("ec2", keys)

    assert client.stop_instances(InstanceIds=[mine])
    assert refusal(client.stop_instances, InstanceIds=[others])[0] == "UnauthorizedOperation"
    assert refusal(client.stop_instances, InstanceIds=[mine, others])[0] == "UnauthorizedOperation"


def test_an_instance_profile_needs_pass_role(sandbox: Sandbox) -> None:
    iam = sandbox.client("iam")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
    role = sandbox.make_role("machine", trust)
    iam.create_instance_profile(InstanceProfileName="machine")
    iam.add_role_to_instance_profile(InstanceProfileName="machine", RoleName="machine")
    keys = sandbox.make_user("passer", {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"})
    client = sandbox.client("ec2", keys)

    code, message = refusal(run, client, IamInstanceProfile={"Name": "machine"})
    assert code == "UnauthorizedOperation"
    assert f"iam:PassRole on resource: {role}" in message

    def permit(service: str) -> None:
        condition = {"StringEquals": {"iam:PassedToService": service}}
        statement = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role, "Condition": condition}
        iam.put_user_policy(UserName="passer", PolicyName="pass", PolicyDocument=policy_text(statement))

    permit("ssm.amazonaws.com")
    assert refusal(run, client, IamInstanceProfile={"Name": "machine"})[0] == "UnauthorizedOperation"
    permit("ec2.amazonaws.com")
    assert run(client, IamInstanceProfile={"Name": "machine"})


def test_documents_are_resources(sandbox: Sandbox) -> None:
    document = f"arn:aws:ssm:us-east-1:{ACCOUNT_ID}:document/team-*"
    keys = sandbox.make_user("author", {"Effect": "Allow", "Action": "ssm:*Document", "Resource": document})
    client = sandbox.client("ssm", keys)
    content = json.dumps(
        {
            "schemaVersion": "0.3",
            "mainSteps": [
                {"name": "wait", "action": "aws:sleep", "inputs": {"Duration": "PT1S"}, "isEnd": True}
            ],
        }
    )

    def create(name: str) -> Any:
        return client.create_document(
            Name=name, Content=content, DocumentType="Automation", DocumentFormat="JSON"
        )

    code, message = refusal(create, "other-doc")
    assert code == "AccessDeniedException"
    assert message == (
        "User: arn:aws:iam::123456789012:user/author is not authorized to perform: ssm:CreateDocument on "
        "resource: arn:aws:ssm:us-east-1:123456789012:document/other-doc because no identity-based policy "
        "allows the ssm:CreateDocument action"
    )


def test_an_automation_may_be_named_as_definition_or_as_document(sandbox: Sandbox) -> None:
    ssm_arn = f"arn:aws:ssm:*:{ACCOUNT_ID}"
    for user, resources in (
        ("starter-a", [f"{ssm_arn}:automation-definition/ops-*:*"]),
        ("starter-b", [f"{ssm_arn}:document/ops-*", f"{ssm_arn}:automation-execution/*"]),
    ):
        keys = sandbox.make_user(
            user, {"Effect": "Allow", "Action": "ssm:StartAutomationExecution", "Resource": resources}
        )
        start = sandbox.client("ssm", keys).start_automation_execution
        # Past the gate the document is looked for, and is not there.
        assert refusal(start, DocumentName="ops-none")[0] == "AutomationDefinitionNotFoundException"
        code, message = refusal(start, DocumentName="other")
        assert code == "AccessDeniedException"
        assert "automation-definition/other:$DEFAULT because" in message


def test_who_may_start_a_document_must_be_allowed_the_execution_too(sandbox: Sandbox) -> None:
    document = f"arn:aws:ssm:*:{ACCOUNT_ID}:document/ops-*"
    keys = sandbox.make_user(
        "starter-c", {"Effect": "Allow", "Action": "ssm:StartAutomationExecution", "Resource": document}
    )
    code, message = refusal(sandbox.client("ssm", keys).start_automation_execution, DocumentName="ops-none")
    assert code == "AccessDeniedException"
    assert f":{ACCOUNT_ID}:automation-execution/* because" in message


def test_the_version_of_an_automation_may_be_limited(sandbox: Sandbox) -> None:
    version = {"StringEquals": {"ssm:DocumentVersion": "2"}}
    keys = sandbox.make_user(
        "starter-d",
        {
            "Effect": "Allow",
            "Action": "ssm:StartAutomationExecution",
            "Resource": "*",
            "Condition": version,
        },
    )
    start = sandbox.client("ssm", keys).start_automation_execution
    for more, code in (
        ({"DocumentVersion": "2"}, "AutomationDefinitionNotFoundException"),
        ({"DocumentVersion": "3"}, "AccessDeniedException"),
        ({}, "AccessDeniedException"),
    ):
        assert refusal(start, DocumentName="ops-none", **more)[0] == code


def test_documents_and_automations_may_be_chosen_by_their_tags(sandbox: Sandbox) -> None:
    root = sandbox.client("ssm")
    pause = {"schemaVersion": "0.3", "mainSteps": [{"name": "hold", "action": "aws:pause", "inputs": {}}]}
    for team in ("blue", "red"):
        root.create_document(
            Name=f"of-{team}",
            DocumentType="Automation",
            Content=json.dumps(pause),
            Tags=[{"Key": "team", "Value": team}],
        )
    mine = {"StringEquals": {"aws:ResourceTag/team": "blue"}}
    keys = sandbox.make_user(
        "blue-operator",
        {"Effect": "Allow", "Action": "ssm:*", "Resource": "*", "Condition": mine},
        {
            "Effect": "Allow",
            "Action": "ssm:StartAutomationExecution",
            "Resource": f"arn:aws:ssm:*:{ACCOUNT_ID}:automation-execution/*",
        },
    )
    blue = sandbox.client("ssm", keys)
    started = blue.start_automation_execution(
        DocumentName="of-blue", Tags=[{"Key": "team", "Value": "blue"}]
    )["AutomationExecutionId"]
    others = root.start_automation_execution(DocumentName="of-red")["AutomationExecutionId"]

    assert blue.stop_automation_execution(AutomationExecutionId=started)
    assert refusal(blue.start_automation_execution, DocumentName="of-red")[0] == "AccessDeniedException"
    assert refusal(blue.stop_automation_execution, AutomationExecutionId=others)[0] == "AccessDeniedException"


def test_what_does_not_exist_cannot_be_launched(sandbox: Sandbox) -> None:
    launch = sandbox.client("ec2").run_instances
    given = {"ImageId": IMAGE, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
    for wrong, code in (
        ({"ImageId": "ami-00000000"}, "InvalidAMIID.NotFound"),
        ({"InstanceType": "t9.mega"}, "InvalidInstanceType.NotFound"),
        ({"KeyName": "nobodys"}, "InvalidKeyPair.NotFound"),
        ({"ImageId": ""}, "MissingParameter"),
        ({"MinCount": 2}, "InvalidParameterValue"),
        ({"MaxCount": 9_999_999}, "InstanceLimitExceeded"),
    ):
        assert refusal(launch, **{**given, **wrong})[0] == code


def test_s3_objects_are_resources(sandbox: Sandbox) -> None:
    root = sandbox.client("s3")
    root.create_bucket(Bucket="gate-bucket")
    root.put_object(Bucket="gate-bucket", Key="open/a b+c.txt", Body=b"1", Metadata={"a_b": "c", "d-e": "f"})
    root.put_object(Bucket="gate-bucket", Key="closed/x", Body=b"2")
    keys = sandbox.make_user(
        "reader",
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::gate-bucket/open/*"},
        {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": "arn:aws:s3:::gate-bucket",
            "Condition": {"StringLike": {"s3:prefix": "open/*"}},
        },
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::gate-bucket/open/*"},
    )
    client = sandbox.client("s3", keys)

    read = client.get_object(Bucket="gate-bucket", Key="open/a b+c.txt")
    assert (read["Body"].read(), read["Metadata"]) == (b"1", {"a_b": "c", "d-e": "f"})
    assert client.list_objects_v2(Bucket="gate-bucket", Prefix="open/")["KeyCount"] == 1
    assert refusal(client.get_object, Bucket="gate-bucket", Key="closed/x")[0] == "AccessDenied"
    assert refusal(client.list_objects_v2, Bucket="gate-bucket")[0] == "AccessDenied"
    assert refusal(client.delete_objects, Bucket="gate-bucket", Delete={"Objects": [{"Key": "open/a"}]})[
        0
    ] == ("AccessDenied")
    # A copy reads its source.
    source = {"Bucket": "gate-bucket", "Key": "closed/x"}
    assert refusal(client.copy_object, Bucket="gate-bucket", Key="open/stolen", CopySource=source)[0] == (
        "AccessDenied"
    )


def test_a_permissions_boundary_limits_a_role(sandbox: Sandbox) -> None:
    iam = sandbox.client("iam")
    allowed = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    boundary = iam.create_policy(PolicyName="edge", PolicyDocument=policy_text(allowed))["Policy"]["Arn"]
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT_ID}}
    role = sandbox.make_role("bounded", trust, ALLOW_ALL, PermissionsBoundary=boundary)
    keys = sandbox.make_user("bounded-user", ALLOW_ALL)
    session = sandbox.assume(keys, role, "s-1")

    assert sandbox.client("s3", session).list_buckets()
    code, message = refusal(sandbox.client("ec2", session).describe_instances)
    assert code == "UnauthorizedOperation"
    assert message.endswith("because no permissions boundary allows the ec2:DescribeInstances action")


def test_iam_calls_on_an_entity_are_limited_to_it(sandbox: Sandbox) -> None:
    own = "arn:aws:iam::123456789012:user/${aws:username}"
    keys = sandbox.make_user("keymaster", {"Effect": "Allow", "Action": "iam:*AccessKey*", "Resource": own})
    client = sandbox.client("iam", keys)

    assert len(client.list_access_keys()["AccessKeyMetadata"]) == 1
    assert client.create_access_key(UserName="keymaster")
    sandbox.make_user("bystander")
    assert refusal(client.create_access_key, UserName="bystander")[0] == "AccessDenied"


def test_which_policy_may_be_attached_can_be_limited(sandbox: Sandbox) -> None:
    keys = sandbox.make_user(
        "limited-admin",
        {
            "Effect": "Allow",
            "Action": "iam:AttachUserPolicy",
            "Resource": "*",
            "Condition": {"ArnEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/ReadOnlyAccess"}},
        },
    )
    attach = sandbox.client("iam", keys).attach_user_policy

    attach(UserName="limited-admin", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    assert refusal(attach, UserName="limited-admin", PolicyArn=administrator)[0] == "AccessDenied"


def test_a_role_given_to_a_function_needs_pass_role(sandbox: Sandbox) -> None:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    role = sandbox.make_role("function-role", trust)
    keys = sandbox.make_user("deployer", {"Effect": "Allow", "Action": "lambda:*", "Resource": "*"})

    code, message = refusal(
        sandbox.client("lambda", keys).create_function,
        FunctionName="f",
        Role=role,
        Runtime="python3.11",
        Handler="m.f",
        Code={"ZipFile": b"x"},
    )

    assert code == "AccessDeniedException"
    assert f"iam:PassRole on resource: {role}" in message


def test_regions_may_be_limited(sandbox: Sandbox) -> None:
    condition = {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
    keys = sandbox.make_user("homely", {**ALLOW_ALL, "Condition": condition})

    assert sandbox.client("sqs", keys).list_queues()
    assert refusal(sandbox.client("sqs", keys, region="eu-west-1").list_queues)[0] == (
        "AccessDeniedException"
    )


def test_a_role_that_a_stack_makes_may_do_what_its_template_says(sandbox: Sandbox) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}
    looks = {"Effect": "Allow", "Action": "ec2:DescribeVolumes", "Resource": "*"}
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": "of-a-stack",
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [
                {"PolicyName": "own", "PolicyDocument": {"Version": "2012-10-17", "Statement": [looks]}}
            ],
        },
    }
    sandbox.client("cloudformation").create_stack(
        StackName="of-a-role",
        TemplateBody=json.dumps({"Resources": {"Role": role}}),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    keys = sandbox.assume(
        sandbox.make_user("user-of-a-stack", ALLOW_ALL), "arn:aws:iam::123456789012:role/of-a-stack", "trial"
    )
    assert "Volumes" in sandbox.client("ec2", keys).describe_volumes()
    with pytest.raises(ClientError, match="no identity-based policy allows the ec2:DescribeSubnets action"):
        sandbox.client("ec2", keys).describe_subnets()
