"""A sandbox AWS for the runs of these tests, and what stands in it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from accounts.models import Delegation, User
from aws.connections import as_portal
from aws.laboratory import PORTAL_USER, Key, Laboratory, LaboratoryAccount
from aws.models import AwsTarget, ServiceRole
from aws.vault import seal
from common import access, queueing
from common.workers import Worker
from documents.models import DocumentVersion, Publication
from executions.models import Execution
from tests.sandbox.conftest import ROOT, start_sandbox, stop_sandbox
from tests.support import factories

PAUSED_TEXT = """\
schemaVersion: "0.3"
description: Waits for somebody to say yes.
assumeRole: "{{ AutomationAssumeRole }}"
parameters:
  AutomationAssumeRole: {type: "AWS::IAM::Role::Arn", default: ""}
  Approver: {type: String}
mainSteps:
  - name: ask
    action: aws:approve
    inputs:
      Message: May it go on?
      MinRequiredApprovals: 1
      Approvers: ["{{ Approver }}"]
  - name: hold
    action: aws:sleep
    inputs: {Duration: PT1H}
"""


@pytest.fixture(scope="session")
def account() -> Iterator[LaboratoryAccount]:
    """An account in a sandbox of these tests' own."""
    sandbox = start_sandbox()
    root = Key(ROOT["aws_access_key_id"], ROOT["aws_secret_access_key"])
    yield LaboratoryAccount(endpoint_url=sandbox.url, root=root)
    stop_sandbox(sandbox)


@pytest.fixture(scope="session")
def laboratory(account: LaboratoryAccount) -> Laboratory:
    """The identities in the account."""
    return account.provision(external_id="the-tests")


@pytest.fixture(scope="session")
def portal_key(account: LaboratoryAccount, laboratory: Laboratory) -> Key:
    """The key that the portal goes in with."""
    return account.new_key(PORTAL_USER)


def lab_target(account_url: str, laboratory: Laboratory, key: Key) -> AwsTarget:
    """Return the sandbox as a target."""
    return factories.make_target(
        account_id=laboratory.account_id,
        endpoint_url=account_url,
        role_arn=laboratory.portal_role_arn,
        external_id="the-tests",
        access_key_id=key.access_key_id,
        sealed_secret=seal({"secret_access_key": key.secret_access_key}),
    )


def publish(version: DocumentVersion, target: AwsTarget) -> Publication:
    """Bring `version` to AWS for real."""
    remote = as_portal(target, on_behalf_of="tests").create_or_update_document(
        name=version.document.name, text=version.text, format=version.format
    )
    return Publication.objects.create(
        version=version,
        target=target,
        status=Publication.Status.ACTIVE,
        aws_name=remote.name,
        aws_version=remote.version,
        aws_hash=remote.sha256,
        requested_by=version.author,
    )


@pytest.fixture
def target(db: None, account: LaboratoryAccount, laboratory: Laboratory, portal_key: Key) -> AwsTarget:
    """The sandbox as a target."""
    return lab_target(account._endpoint_url, laboratory, portal_key)


@pytest.fixture
def role(target: AwsTarget, laboratory: Laboratory) -> ServiceRole:
    """The service role in the sandbox."""
    return factories.make_role(target, arn=laboratory.service_role_arn)


@pytest.fixture
def delegation(
    author: User, administrator: User, operators: Any, target: AwsTarget, role: ServiceRole
) -> Delegation:
    """The launch of an instance, in the sandbox, which the operators may execute."""
    version = factories.make_document(author)
    publish(version, target)
    limits = {"InstanceType": {"allowed": ["t3.micro", "t3.small"]}}
    made = factories.make_delegation(version, target, role, administrator, constraints=limits)
    access.grant("execute", made, operators)
    return made


@pytest.fixture
def paused(
    author: User,
    administrator: User,
    operators: Any,
    administrators: Any,
    target: AwsTarget,
    role: ServiceRole,
    laboratory: Laboratory,
) -> Delegation:
    """A document that waits for an approval, which administrators may give."""
    version = factories.make_document(author, name="ask-first", text=PAUSED_TEXT)
    publish(version, target)
    limits = {"Approver": {"fixed": laboratory.portal_role_arn}}
    made = factories.make_delegation(
        version, target, role, administrator, name="Ask first", constraints=limits
    )
    access.grant("execute", made, operators)
    access.grant("approve", made, administrators)
    return made


@pytest.fixture
def values(laboratory: Laboratory) -> dict[str, str]:
    """What an operator fills in to launch an instance."""
    return {"ImageId": laboratory.image_id, "InstanceType": "t3.micro"}


@pytest.fixture
def frozen(db: None, author: User, administrator: User, operators: Any) -> Delegation:
    """A delegation in a target that no test calls."""
    target = factories.make_target(name="Elsewhere")
    role = factories.make_role(target)
    limits = {"InstanceType": {"allowed": ["t3.micro", "t3.small"]}}
    made = factories.make_delegation(
        factories.make_document(author), target, role, administrator, constraints=limits
    )
    access.grant("execute", made, operators)
    return made


@pytest.fixture
def make_run(frozen: Delegation, operator: User) -> Callable[..., Execution]:
    """Make runs of the frozen delegation, in whatever state."""

    def make(**fields: Any) -> Execution:
        values = {
            "delegation": frozen,
            "operator": operator,
            "version": frozen.version,
            "target": frozen.target,
            "content_hash": frozen.version.sha256,
            "aws_document_name": frozen.document.name,
            "aws_document_version": "1",
            "service_role_arn": factories.ROLE_ARN,
            **fields,
        }
        return Execution.objects.create(**values)

    return make


def work(*queues: str) -> None:
    """Work through `queues` in this process until they are empty."""
    import django_rq

    Worker([django_rq.get_queue(name) for name in queues], connection=queueing.connection()).work(
        burst=True, logging_level="WARNING"
    )
