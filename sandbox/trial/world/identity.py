"""Identities, keys and secrets of a trial's world."""

from __future__ import annotations

from sandbox.trial.world.things import Thing, World, makes, policy

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
_SERVICES = [
    f"{name}.amazonaws.com"
    for name in (
        "ssm",
        "lambda",
        "ec2",
        "states",
        "events",
        "cloudformation",
        "config",
        "rds",
        "ecs",
        "backup",
    )
]


@makes("role")
def role(world: World, name: str) -> Thing:
    iam = world.client("iam")
    name = name or "TrialAutomationRole"
    trust = policy(
        {"Effect": "Allow", "Principal": {"Service": _SERVICES}, "Action": "sts:AssumeRole"},
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{world.account_id}:root"},
            "Action": "sts:AssumeRole",
        },
    )
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]
    iam.attach_role_policy(RoleName=name, PolicyArn=ADMINISTRATOR)
    return Thing(made["RoleId"], name, made["Arn"])


@makes("instance-profile")
def instance_profile(world: World, name: str) -> Thing:
    iam = world.client("iam")
    name = name or "TrialInstanceProfile"
    made = iam.create_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    iam.add_role_to_instance_profile(
        InstanceProfileName=name, RoleName=world.need("role", "TrialInstanceRole").name
    )
    return Thing(made["InstanceProfileId"], name, made["Arn"])


@makes("user")
def user(world: World, name: str) -> Thing:
    iam = world.client("iam")
    name = name or "trial-user"
    made = iam.create_user(UserName=name)["User"]
    iam.create_access_key(UserName=name)
    return Thing(made["UserId"], name, made["Arn"])


@makes("iam-group")
def group(world: World, name: str) -> Thing:
    made = world.client("iam").create_group(GroupName=name or "trial-group")["Group"]
    return Thing(made["GroupId"], made["GroupName"], made["Arn"])


@makes("policy")
def managed_policy(world: World, name: str) -> Thing:
    made = world.client("iam").create_policy(
        PolicyName=name or "TrialPolicy",
        PolicyDocument=policy({"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}),
    )["Policy"]
    return Thing(made["PolicyId"], made["PolicyName"], made["Arn"])


@makes("access-key")
def access_key(world: World, name: str) -> Thing:
    owner = world.need("user", name)
    made = world.client("iam").create_access_key(UserName=owner.name)["AccessKey"]
    return Thing(made["AccessKeyId"], made["AccessKeyId"])


@makes("key")
def kms_key(world: World, name: str) -> Thing:
    made = world.client("kms").create_key(Description="of the trial")["KeyMetadata"]
    return Thing(made["KeyId"], made["KeyId"], made["Arn"])


@makes("secret")
def secret(world: World, name: str) -> Thing:
    made = world.client("secretsmanager").create_secret(
        Name=name or "trial-secret",
        SecretString='{"username": "admin", "password": "trial-password", "engine": "mysql", '
        '"host": "db.example.com", "port": 3306, "dbname": "trial"}',
    )
    return Thing(made["ARN"], made["Name"], made["ARN"])


@makes("certificate")
def certificate(world: World, name: str) -> Thing:
    made = world.client("acm").request_certificate(DomainName="trial.example.com")
    return Thing(made["CertificateArn"], "", made["CertificateArn"])
