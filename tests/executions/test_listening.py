"""Events of a sandbox's EventBridge reach the tracker through a queue, and AWS is asked before they count."""

import json

import pytest

from aws.models import AwsTarget
from executions import services
from executions.following import Subject
from executions.leases import Lease, LeaseLost
from executions.listening import Listener
from executions.looking import Looker
from executions.models import Execution, Status, TrackingLease
from executions.sweeping import Sweeper
from tests.executions.conftest import work

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def queue(account, target):
    """A queue that gets Automation's events, and that the portal may read; gives the way to it as root."""
    sqs, events, iam = account.client("sqs"), account.client("events"), account.client("iam")
    url = sqs.create_queue(QueueName="automation-events")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def policy(**statement) -> str:
        return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})

    delivering = policy(Principal={"Service": "events.amazonaws.com"}, Action="sqs:SendMessage", Resource=arn)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": delivering})
    reading = policy(Action=["sqs:ReceiveMessage", "sqs:DeleteMessage"], Resource=arn)
    role = target.role_arn.rpartition("/")[2]
    iam.put_role_policy(RoleName=role, PolicyName="events", PolicyDocument=reading)
    events.put_rule(Name="automation", EventPattern=json.dumps({"source": ["aws.ssm"]}), State="ENABLED")
    events.put_targets(Rule="automation", Targets=[{"Id": "portal", "Arn": arn}])
    AwsTarget.objects.filter(pk=target.pk).update(events_queue_url=url)
    yield lambda **message: sqs.send_message(QueueUrl=url, **message)
    events.remove_targets(Rule="automation", Ids=["portal"])
    events.delete_rule(Name="automation")
    sqs.delete_queue(QueueUrl=url)
    iam.delete_role_policy(RoleName=role, PolicyName="events")


@pytest.fixture
def listener(target):
    lease = Lease.take(target.pk)
    assert lease is not None
    subject = Subject(target.pk, lease)
    return Listener(subject, Sweeper(subject))


def test_an_event_makes_the_tracker_look_and_a_strangers_does_not(
    queue, operator, delegation, values, listener, valkey
):
    run = services.launch(actor=operator, delegation=delegation, values=values)
    queue(MessageBody="rubbish")
    work("launch")
    run.refresh_from_db()
    Execution.objects.update(behind_since=None)
    while Execution.objects.filter(behind_since=None).exists():
        listener.step()
    run.refresh_from_db()
    # Nothing is believed yet.
    assert run.status == Status.PENDING
    looker = Looker(listener.subject)
    while not run.is_settled:
        looker.step()
        run.refresh_from_db()
    assert run.status == Status.SUCCESS


def test_what_an_event_says_is_not_believed(queue, listener, make_run, target, valkey):
    run = make_run(target=target, status=Status.IN_PROGRESS, aws_execution_id="forged")
    detail = {"ExecutionId": "forged", "Status": "Success"}
    kind = "EC2 Automation Execution Status-change Notification"
    queue(MessageBody=json.dumps({"source": "aws.ssm", "detail-type": kind, "detail": detail}))
    while run.behind_since is None:
        listener.step()
        run.refresh_from_db()
    assert (run.status, run.last_event) == (Status.IN_PROGRESS, 0)


def test_a_tracker_that_lost_its_lease_leaves_the_events_to_the_next(queue, listener, valkey):
    queue(MessageBody="rubbish")
    TrackingLease.objects.update(holder="another")
    with pytest.raises(LeaseLost):
        listener.step()
