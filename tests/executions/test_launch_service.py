"""What an operator's press on Execute does, before any worker or AWS is involved."""

import uuid

import pytest

from accounts.models import Delegation
from audit.models import AuditEntry
from common import access, queueing
from common.errors import Conflict, Forbidden, Invalid, NotFound
from executions import services
from executions.models import Execution, Status

pytestmark = pytest.mark.django_db(transaction=True)

VALUES = {"ImageId": "ami-12c6146b", "InstanceType": "t3.micro"}


def test_it_freezes_everything_that_decides_what_runs(operator, frozen, valkey):
    run = services.launch(actor=operator, delegation=frozen, values=VALUES)

    run.refresh_from_db()
    assert run.status == Status.QUEUED
    assert run.content_hash == frozen.version.sha256
    assert run.aws_document_name == "launch-instance"
    assert run.service_role_arn == frozen.service_role.arn
    assert run.parameters == {
        "AutomationAssumeRole": [frozen.service_role.arn],
        "ImageId": ["ami-12c6146b"],
        "InstanceType": ["t3.micro"],
    }


def test_it_queues_one_job_and_records_who_launched(operator, frozen, valkey):
    run = services.launch(actor=operator, delegation=frozen, values=VALUES)
    assert queueing.waiting("launch") == 1
    assert run.events.get().kind == "launched"
    entry = AuditEntry.objects.get(action="run.launched")
    assert (entry.actor_id, entry.object_id) == (operator.pk, str(run.pk))


@pytest.mark.parametrize("value", ["t3.large", "m5.24xlarge", ""])
def test_it_refuses_a_value_outside_the_limits_before_anything_is_called(operator, frozen, valkey, value):
    with pytest.raises(Invalid) as refused:
        services.launch(actor=operator, delegation=frozen, values={**VALUES, "InstanceType": value})
    assert set(refused.value.fields) == {"InstanceType"}
    assert not Execution.objects.exists()
    assert queueing.waiting("launch") == 0


def test_it_refuses_another_role_than_the_delegations(operator, frozen, valkey):
    other = "arn:aws:iam::123456789012:role/Admin"
    with pytest.raises(Invalid):
        services.launch(actor=operator, delegation=frozen, values={**VALUES, "AutomationAssumeRole": other})


def test_it_hides_from_strangers_and_explains_to_those_who_may_only_look(
    stranger, colleague, frozen, operators, valkey
):
    with pytest.raises(NotFound):
        services.launch(actor=stranger, delegation=frozen, values=VALUES)
    access.revoke("execute", frozen, operators)
    access.grant("view", frozen, colleague)
    with pytest.raises(Forbidden):
        services.launch(actor=colleague, delegation=frozen, values=VALUES)


def test_it_refuses_a_disabled_delegation(operator, frozen, valkey):
    Delegation.objects.update(enabled=False)
    frozen.refresh_from_db()
    with pytest.raises(Forbidden, match="disabled"):
        services.launch(actor=operator, delegation=frozen, values=VALUES)


def test_it_asks_for_an_identity_where_the_run_acts_as_the_caller(operator, frozen, valkey):
    frozen.service_role = None
    frozen.save()
    with pytest.raises(Conflict, match="your own AWS identity"):
        services.launch(actor=operator, delegation=frozen, values=VALUES)


def test_the_same_form_sent_twice_is_one_run(operator, frozen, valkey):
    chosen = uuid.uuid4()
    first = services.launch(actor=operator, delegation=frozen, values=VALUES, run_id=chosen)
    second = services.launch(actor=operator, delegation=frozen, values=VALUES, run_id=chosen)
    assert first.pk == second.pk == chosen
    assert Execution.objects.count() == 1


def test_an_id_in_use_does_not_launch_something_else(operator, colleague, frozen, valkey):
    chosen = uuid.uuid4()
    services.launch(actor=operator, delegation=frozen, values=VALUES, run_id=chosen)
    for actor, values in ((operator, {**VALUES, "InstanceType": "t3.small"}), (colleague, VALUES)):
        with pytest.raises(Conflict, match="already launched"):
            services.launch(actor=actor, delegation=frozen, values=values, run_id=chosen)


def test_step_by_step_is_part_of_what_was_launched_and_stands_in_the_audit(operator, frozen, valkey):
    chosen = uuid.uuid4()
    given = {"actor": operator, "delegation": frozen, "values": VALUES, "run_id": chosen}
    run = services.launch(**given, step_by_step=True)
    assert services.launch(**given, step_by_step=True).step_by_step
    with pytest.raises(Conflict, match="already launched"):
        services.launch(**given)
    assert AuditEntry.objects.get(action="run.launched", object_id=run.pk).data["step_by_step"] is True


def test_a_queued_run_is_cancelled_at_once(operator, frozen, valkey):
    run = services.launch(actor=operator, delegation=frozen, values=VALUES)
    services.cancel(actor=operator, execution=run)
    run.refresh_from_db()
    assert run.status == Status.CANCELLED
    with pytest.raises(Conflict, match="ended already"):
        services.cancel(actor=operator, execution=run)


def test_a_run_that_aws_may_know_of_is_cancelled_through_aws(make_run, operator, valkey):
    run = make_run(status=Status.IN_PROGRESS, aws_execution_id=str(uuid.uuid4()))
    for _ in range(2):
        services.cancel(actor=operator, execution=run)
    run.refresh_from_db()
    assert run.status == Status.IN_PROGRESS
    assert run.cancel_requested_at is not None
    assert [event.kind for event in run.events.all()] == ["cancel-requested"]
    assert AuditEntry.objects.filter(action="run.cancel-requested").count() == 1


def test_a_colleague_sees_the_run_and_may_not_cancel_it(make_run, colleague, stranger, valkey):
    run = make_run(status=Status.IN_PROGRESS)
    with pytest.raises(Forbidden):
        services.cancel(actor=colleague, execution=run)
    with pytest.raises(NotFound):
        services.cancel(actor=stranger, execution=run)
