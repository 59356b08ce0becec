"""Making and changing delegations: what is refused, and what is recorded."""

from datetime import timedelta

import pytest

from accounts import services
from accounts.models import Delegation
from audit.models import AuditEntry
from common import access
from common.clock import now
from common.errors import Conflict, Forbidden, Invalid, NotFound
from documents.models import Policy, Publication
from ssmdoc import Finding
from tests.support.factories import LAUNCH_TEXT, make_document, make_role, make_target, publish

ROLE = "arn:aws:iam::123456789012:role/AutomationServiceRole"


def create(world, **changes):
    values = {
        "actor": world.administrator,
        "name": "Another",
        "document": world.version.document,
        "version": world.version,
        "target": world.target,
        "service_role": world.role,
        **changes,
    }
    return services.create_delegation(**values)


def refusal(world, field, **changes):
    with pytest.raises(Invalid) as caught:
        create(world, **changes)
    assert Delegation.objects.count() == 1
    return caught.value.fields[field]


def written(world, text, name):
    """Return a published document of this text."""
    version = make_document(world.author, name=name, text=text)
    publish(version, world.target)
    return {"document": version.document, "version": version}


def test_it_is_made_and_recorded(world):
    made = create(world, constraints={"InstanceType": {"fixed": "t3.micro"}})
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.object_id) == ("delegation.created", str(made.pk))
    assert entry.data["service_role"] == ROLE
    assert entry.data["constraints"] == {"InstanceType": {"fixed": "t3.micro"}}


def test_only_administrators_make_them(world, stranger):
    for person in (stranger, world.author, world.operator):
        with pytest.raises(NotFound):
            create(world, actor=person)


def test_an_administrator_without_use_cannot_bind_the_role(world, administrators):
    access.revoke("use", world.role, administrators)
    assert "grant you “use”" in refusal(world, "service_role")


def test_it_refuses_a_version_that_is_not_published_there(world):
    publications = Publication.objects.filter(version=world.version)
    publications.update(status=Publication.Status.FAILED)
    assert "failed" in refusal(world, "version")
    publications.update(status=Publication.Status.PUBLISHING)
    assert "still being published" in refusal(world, "version")
    publications.delete()
    assert "not published in Sandbox" in refusal(world, "version")


def test_it_refuses_a_disabled_target(world):
    world.target.enabled = False
    world.target.save()
    assert "disabled" in refusal(world, "target")


def test_it_refuses_a_role_of_another_target(world, administrators):
    other = make_role(make_target("Elsewhere"))
    access.grant("use", other, administrators)
    assert "is a role of Elsewhere" in refusal(world, "service_role", service_role=other)


def test_it_refuses_a_role_for_a_document_without_assume_role(world):
    text = LAUNCH_TEXT.replace('assumeRole: "{{ AutomationAssumeRole }}"\n', "")
    assert "names no assumeRole" in refusal(world, "service_role", **written(world, text, "plain"))


def test_it_refuses_a_role_that_the_document_does_not_write_out(world):
    text = LAUNCH_TEXT.replace("{{ AutomationAssumeRole }}", "arn:aws:iam::123456789012:role/Other")
    assert "only that role" in refusal(world, "service_role", **written(world, text, "literal"))


@pytest.mark.parametrize(
    "assume_role",
    [ROLE, "arn:{{global:AWS_PARTITION}}:iam::{{ global:ACCOUNT_ID }}:role/AutomationServiceRole"],
)
def test_it_takes_the_role_that_the_document_writes_out(world, assume_role):
    text = LAUNCH_TEXT.replace("{{ AutomationAssumeRole }}", assume_role)
    assert create(world, **written(world, text, "literal")).service_role == world.role


def test_it_refuses_an_assume_role_that_the_operator_could_complete(world):
    text = LAUNCH_TEXT.replace(
        "{{ AutomationAssumeRole }}", "arn:aws:iam::123456789012:role/{{ InstanceType }}"
    )
    assert "only that role" in refusal(world, "service_role", **written(world, text, "partial"))


def test_the_caller_needs_an_assume_role_that_may_be_empty(world):
    assert create(world, service_role=None).as_caller
    Delegation.objects.filter(name="Another").delete()
    text = LAUNCH_TEXT.replace("{{ AutomationAssumeRole }}", ROLE)
    literal = written(world, text, "literal")
    assert "written out" in refusal(world, "service_role", service_role=None, **literal)
    text = LAUNCH_TEXT.replace('    default: ""\n', "")
    needed = written(world, text, "needed")
    assert "empty text as its default" in refusal(world, "service_role", service_role=None, **needed)


@pytest.mark.parametrize(
    ("parameter", "limit", "said"),
    [
        ("Zebra", {"fixed": "1"}, "no parameter Zebra"),
        ("AutomationAssumeRole", {"fixed": ROLE}, "binds itself"),
        ("InstanceType", {"fixed": "m5.large"}, "not allowed"),
        ("InstanceType", {"allowed": []}, "at least one"),
        ("InstanceType", {"allowed": ["t3.micro", "m5.large"]}, "m5.large"),
        ("InstanceType", {"forbidden": ["t3.micro"]}, "says one of"),
        ("InstanceType", {"fixed": "t3.micro", "default": "t3.small"}, "says one of"),
        ("ImageId", {"fixed": ""}, "Give a value"),
    ],
)
def test_it_refuses_limits_that_the_document_cannot_keep(world, parameter, limit, said):
    assert said in refusal(world, f"constraints.{parameter}", constraints={parameter: limit})


def test_it_refuses_an_end_in_the_past_and_a_name_that_is_taken(world):
    assert "past" in refusal(world, "expires_at", expires_at=now() - timedelta(minutes=1))
    assert refusal(world, "name", name="Launch it")


def change(world, **changes):
    current = Delegation.objects.get(pk=world.delegation.pk)
    values = {
        "actor": world.administrator,
        "delegation": current,
        "name": current.name,
        "version": current.version,
        "target": current.target,
        "service_role": current.service_role,
        "description": current.description,
        "constraints": current.constraints,
        "max_concurrent": current.max_concurrent,
        "max_per_day": current.max_per_day,
        "approvals_needed": current.approvals_needed,
        "expires_at": current.expires_at,
        "seen": current.updated_at,
        **changes,
    }
    return services.update_delegation(**values)


def test_a_change_is_recorded_with_what_was_before(world):
    change(world, description="Now described.")
    entry = AuditEntry.objects.get()
    assert entry.action == "delegation.changed"
    assert entry.data == {"description": {"from": "", "to": "Now described."}}


def test_how_many_runs_there_may_be_is_kept_and_each_change_recorded(world):
    made = create(world, max_concurrent=2)
    assert (made.max_concurrent, made.max_per_day) == (2, None)
    assert AuditEntry.objects.get().data["max_concurrent"] == 2
    change(world, max_concurrent=3, max_per_day=10)
    change(world, max_concurrent=None)
    entries = AuditEntry.objects.filter(object_id=str(world.delegation.pk)).order_by("number")
    assert [entry.data for entry in entries] == [
        {"max_concurrent": {"from": None, "to": 3}, "max_per_day": {"from": None, "to": 10}},
        {"max_concurrent": {"from": 3, "to": None}},
    ]


@pytest.mark.parametrize("number", [0, -1])
def test_a_limit_that_lets_nothing_run_is_refused(world, number):
    assert "disable the delegation" in refusal(world, "max_concurrent", max_concurrent=number)
    assert "disable the delegation" in refusal(world, "max_per_day", max_per_day=number)


def test_how_many_must_approve_is_kept_and_recorded(world):
    assert create(world, approvals_needed=2).approvals_needed == 2
    change(world, approvals_needed=1)
    entry = AuditEntry.objects.get(object_id=str(world.delegation.pk))
    assert entry.data == {"approvals_needed": {"from": 0, "to": 1}}
    with pytest.raises(Invalid) as caught:
        change(world, approvals_needed=6)
    assert caught.value.fields == {"approvals_needed": "Ask for 5 approvals at most, or for none."}


def test_saving_without_a_change_records_nothing(world):
    change(world)
    assert not AuditEntry.objects.exists()


def test_a_change_on_top_of_somebody_elses_is_a_conflict(world):
    seen = world.delegation.updated_at
    change(world, description="Mine.")
    with pytest.raises(Conflict, match="Somebody else changed"):
        change(world, description="Yours.", seen=seen)


def test_without_use_one_may_stop_a_delegation_but_not_change_start_or_hand_it_on(
    world, administrators, stranger
):
    access.revoke("use", world.role, administrators)
    admin, delegation = world.administrator, world.delegation
    with pytest.raises(Forbidden):
        change(world, description="Mine.")
    with pytest.raises(Forbidden):
        services.grant(actor=admin, delegation=delegation, permission="execute", holder=stranger)
    services.revoke(actor=admin, delegation=delegation, permission="execute", holder=world.operators)
    services.set_enabled(actor=admin, delegation=delegation, enabled=False)
    with pytest.raises(Forbidden):
        services.set_enabled(actor=admin, delegation=delegation, enabled=True)
    assert not Delegation.objects.get().enabled


def test_moving_a_delegation_off_a_role_needs_use_of_it_as_well(world, administrators):
    access.revoke("use", world.role, administrators)
    with pytest.raises(Forbidden):
        change(world, service_role=None)


def test_granting_twice_is_recorded_once(world, stranger):
    for _ in range(2):
        services.grant(
            actor=world.administrator, delegation=world.delegation, permission="view", holder=stranger
        )
    for _ in range(2):
        services.revoke(
            actor=world.administrator, delegation=world.delegation, permission="view", holder=stranger
        )
    actions = list(AuditEntry.objects.order_by("number").values_list("action", flat=True))
    assert actions == ["delegation.granted", "delegation.revoked"]


def test_an_unknown_permission_and_a_deactivated_holder_are_refused(world, stranger):
    with pytest.raises(Invalid):
        services.grant(
            actor=world.administrator, delegation=world.delegation, permission="own", holder=stranger
        )
    stranger.is_active = False
    stranger.save()
    with pytest.raises(Invalid, match="deactivated"):
        services.grant(
            actor=world.administrator, delegation=world.delegation, permission="execute", holder=stranger
        )


def test_what_stands_may_be_launched(world):
    services.check_launchable(world.delegation)


def test_what_a_policy_only_warns_of_may_be_launched_as_it_may_be_published(world, monkeypatch):
    Policy.objects.create(name="Careful", rules={"require_assume_role": True})
    warning = Finding("policy-unsure", "warning", "Nobody can tell.", 1, 1, 1, 2)
    monkeypatch.setattr("accounts.services.launchable.policy_findings", lambda *_: (warning,))
    services.check_launchable(world.delegation)


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        ("disabled", Forbidden, "is disabled: ask an administrator"),
        ("expired", Forbidden, "ended at"),
        ("target", Conflict, "target Sandbox is disabled"),
        ("unpublished", Conflict, "not published"),
        ("role", Conflict, "not of Sandbox"),
        ("policy", Forbidden, "line"),
    ],
)
def test_what_does_not_stand_may_not_be_launched(world, fault, kind, said):
    delegation = world.delegation
    if fault == "disabled":
        delegation.enabled = False
    elif fault == "expired":
        delegation.expires_at = now() - timedelta(seconds=1)
    elif fault == "target":
        delegation.target.enabled = False
    elif fault == "unpublished":
        Publication.objects.all().delete()
    elif fault == "role":
        delegation.service_role = make_role(make_target("Elsewhere"))
    else:
        Policy.objects.create(name="Tags", rules={"required_tags": ["Team"]})
    with pytest.raises(kind) as caught:
        services.check_launchable(delegation)
    assert said in caught.value.message.lower() or said in caught.value.message
