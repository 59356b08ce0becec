"""Rows to begin with, made as the portal's services leave them."""

from typing import Any

from accounts.models import Delegation, User
from aws.models import AwsTarget, ServiceRole
from common import access
from common.clock import now
from documents.models import Document, DocumentVersion, Publication

ACCOUNT = "123456789012"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/AutomationServiceRole"

LAUNCH_TEXT = """\
schemaVersion: "0.3"
description: Launches one tagged instance.
assumeRole: "{{ AutomationAssumeRole }}"
parameters:
  AutomationAssumeRole:
    type: AWS::IAM::Role::Arn
    description: The role to act as.
    default: ""
  ImageId:
    type: String
    description: The AMI to launch.
  InstanceType:
    type: String
    description: The instance type.
    default: t3.micro
    allowedValues: [t3.micro, t3.small, t3.large]
mainSteps:
  - name: launch
    action: aws:runInstances
    inputs:
      ImageId: "{{ ImageId }}"
      InstanceType: "{{ InstanceType }}"
      MinInstanceCount: 1
      MaxInstanceCount: 1
      TagSpecifications:
        - ResourceType: instance
          Tags:
            - {Key: Owner, Value: "{{ global:ACCOUNT_ID }}"}
            - {Key: CostCentre, Value: "4711"}
outputs:
  - launch.InstanceIds
"""


def make_target(name: str = "Sandbox", **fields: Any) -> AwsTarget:
    """Return a target in the tests' account, whose AWS takes as many calls as anybody makes."""
    values = {
        "account_id": ACCOUNT,
        "region": "us-east-1",
        "start_rate": 1000.0,
        "read_rate": 1000.0,
        **fields,
    }
    return AwsTarget.objects.create(name=name, **values)


def make_role(target: AwsTarget, name: str = "AutomationServiceRole", arn: str = ROLE_ARN) -> ServiceRole:
    """Return a service role in `target`."""
    return ServiceRole.objects.create(target=target, name=name, arn=arn)


def make_document(owner: User, name: str = "launch-instance", text: str = LAUNCH_TEXT) -> DocumentVersion:
    """Return version 1 of a new document of `owner`."""
    document = Document.objects.create(name=name, owner=owner, latest_number=1)
    for permission in ("view", "edit", "share", "publish"):
        access.grant(permission, document, owner)
    return DocumentVersion.objects.create(document=document, number=1, text=text, format="YAML", author=owner)


def publish(version: DocumentVersion, target: AwsTarget) -> Publication:
    """Return `version` as published in `target`."""
    return Publication.objects.create(
        version=version,
        target=target,
        status=Publication.Status.ACTIVE,
        aws_name=version.document.name,
        aws_version=str(version.number),
        aws_hash=version.sha256,
        requested_by=version.author,
        published_at=now(),
    )


def make_delegation(
    version: DocumentVersion, target: AwsTarget, role: ServiceRole | None, by: User, **fields: Any
) -> Delegation:
    """Return a delegation of `version`, published in `target`, as `role` (None: as the caller)."""
    if not version.publications.filter(target=target).exists():
        publish(version, target)
    values = {"name": f"Launch as {role or 'the caller'}", **fields}
    return Delegation.objects.create(
        document=version.document, version=version, target=target, service_role=role, created_by=by, **values
    )
