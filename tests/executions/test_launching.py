"""A worker sends runs to AWS: against a sandbox, through the real queue."""

import json
from datetime import timedelta

import pytest

from accounts.models import Delegation
from aws.gateway import SsmGateway
from aws.models import AwsTarget
from common import access, queueing
from common.clock import now
from documents.models import DocumentVersion
from executions import launching, services
from executions.models import Execution, Status
from executions.reconciling import reconcile
from tests.executions.conftest import publish, work
from tests.support import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(operator, delegation, values, valkey):
    """A run that waits for a worker."""
    return services.launch(actor=operator, delegation=delegation, values=values)


def automations(account, run):
    """Return AWS's automations that carry the run's tag."""
    ssm = account.client("ssm")
    rows = ssm.describe_automation_executions()["AutomationExecutionMetadataList"]
    found = []
    for row in rows:
        tags = ssm.list_tags_for_resource(ResourceType="Automation", ResourceId=row["AutomationExecutionId"])[
            "TagList"
        ]
        if {"Key": "automation-portal:run", "Value": str(run.pk)} in tags:
            found.append(row["AutomationExecutionId"])
    return found


def test_it_starts_the_automation_and_follows_it_to_its_end(run, account, valkey):
    work("launch")
    run.refresh_from_db()
    assert run.status == Status.PENDING
    assert run.aws_execution_id
    assert run.claimed_at and run.started_at

    work("tracking")
    run.refresh_from_db()
    assert run.status == Status.SUCCESS, run.failure
    (step,) = run.steps.all()
    assert (step.name, step.status) == ("launch", Status.SUCCESS)
    (instance,) = run.outputs["launch.InstanceIds"]
    assert account.instances()[instance]["tags"]["CostCentre"] == "4711"
    assert run.observed_at and run.ended_at
    assert [event.number for event in run.events.all()] == list(range(1, run.last_event + 1))


def test_a_second_worker_finds_nothing_to_do(run, valkey):
    launching.launch(run.pk)
    launching.launch(run.pk)
    assert run.events.filter(kind="sending").count() == 1


@pytest.mark.parametrize(
    ("withdraw", "says"),
    [
        (lambda run: Delegation.objects.update(enabled=False), "disabled"),
        (lambda run: Delegation.objects.update(expires_at=now()), "ended at"),
        (lambda run: AwsTarget.objects.update(enabled=False), "is disabled"),
        (
            lambda run: type(run.operator).objects.filter(pk=run.operator_id).update(is_active=False),
            "deactiv",
        ),
        (
            lambda run: Delegation.objects.update(constraints={"InstanceType": {"allowed": ["t3.small"]}}),
            "InstanceType is not allowed any more",
        ),
        (lambda run: Execution.objects.update(content_hash="0" * 64), "not the one that was published"),
        (lambda run: Execution.objects.update(requested_at=now() - timedelta(days=2)), "24 hours"),
    ],
)
def test_it_refuses_what_may_not_run_any_more(run, account, withdraw, says):
    withdraw(run)
    launching.launch(run.pk)
    run.refresh_from_db()
    assert run.status == Status.REFUSED
    assert says in run.failure
    assert automations(account, run) == []


@pytest.mark.parametrize("change", ["version", "target", "service_role"])
def test_it_refuses_when_the_delegation_runs_something_else_by_now(run, author, account, change):
    delegation, target = run.delegation, run.target
    if change == "version":
        text = run.version.text.replace("Launches one", "Launches a")
        made = DocumentVersion.objects.create(
            document=run.version.document, number=2, text=text, format="YAML", author=author
        )
        publish(made, target)
    elif change == "target":
        made = factories.make_target("Elsewhere")
        factories.publish(run.version, made)
        delegation.service_role = factories.make_role(made, arn=run.service_role_arn)
    else:
        made = factories.make_role(target, "Another", arn=f"{run.service_role_arn}Too")
    setattr(delegation, change, made)
    delegation.save()
    launching.launch(run.pk)
    run.refresh_from_db()
    assert run.status == Status.REFUSED
    assert "The delegation was changed" in run.failure
    assert automations(account, run) == []


def test_it_refuses_when_the_grant_was_taken_back_meanwhile(run, operators, account):
    access.revoke("execute", run.delegation, operators)
    launching.launch(run.pk)
    run.refresh_from_db()
    assert run.status == Status.REFUSED
    assert automations(account, run) == []


def test_it_shows_awss_own_words_when_aws_refuses(run, laboratory, account):
    iam = account.client("iam")
    statement = {"Effect": "Deny", "Action": "iam:PassRole", "Resource": laboratory.service_role_arn}
    denied = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName="AutomationPortal", PolicyName="deny", PolicyDocument=denied)
    try:
        launching.launch(run.pk)
    finally:
        iam.delete_role_policy(RoleName="AutomationPortal", PolicyName="deny")
    run.refresh_from_db()
    assert run.status == Status.FAILED
    assert "is not authorized to perform: iam:PassRole" in run.failure


def test_a_run_that_aws_cannot_take_now_waits_and_is_sent_later(run, account, valkey):
    url = run.target.endpoint_url
    valkey.flushall()
    AwsTarget.objects.update(endpoint_url="http://127.0.0.1:9")
    launching.launch(run.pk)
    run.refresh_from_db()
    assert run.status == Status.QUEUED
    assert run.retry_at > now()
    assert run.events.filter(kind="postponed").count() == 1

    reconcile()
    assert queueing.waiting("launch") == 0
    AwsTarget.objects.update(endpoint_url=url)
    Execution.objects.update(retry_at=now())
    reconcile()
    work("launch")
    run.refresh_from_db()
    assert run.status == Status.PENDING
    assert automations(account, run) == [run.aws_execution_id]


def test_a_throttled_run_can_still_be_withdrawn(run, operator, monkeypatch, valkey):
    from aws.errors import AwsError

    def throttled(self, **_):
        raise AwsError(
            aws_code="ThrottlingException",
            message="Rate exceeded",
            operation="StartAutomationExecution",
            retryable=True,
        )

    monkeypatch.setattr(SsmGateway, "start", throttled)
    launching.launch(run.pk)
    run.refresh_from_db()
    assert (run.status, run.claimed_at) == (Status.QUEUED, None)
    services.cancel(actor=operator, execution=run)
    run.refresh_from_db()
    assert run.status == Status.CANCELLED


def test_a_run_that_aws_turned_away_is_not_sent_again_once_it_was_to_be_cancelled(run, account, valkey):
    Execution.objects.update(cancel_requested_at=now(), claimed_at=None)
    launching.launch(run.pk)
    run.refresh_from_db()
    assert run.status == Status.CANCELLED
    assert automations(account, run) == []


def test_a_lost_queue_loses_no_run(run, valkey):
    valkey.flushall()
    reconcile()
    assert queueing.waiting("launch") == 0
    Execution.objects.update(requested_at=now() - timedelta(seconds=11))
    reconcile()
    work("launch")
    run.refresh_from_db()
    assert run.status == Status.PENDING


def test_an_interrupted_run_that_may_not_be_sent_again_says_that_its_fate_is_unknown(run, operators):
    Execution.objects.update(status=Status.STARTING, claimed_at=now() - timedelta(seconds=61))
    access.revoke("execute", run.delegation, operators)
    launching.launch(run.pk)
    run.refresh_from_db()
    assert run.status == Status.LOST
    assert str(run.pk) in run.failure
