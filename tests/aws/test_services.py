"""Targets, service roles and people's own identities: what is kept, refused and recorded."""

from datetime import timedelta

import pytest

from audit.models import AuditEntry
from aws import jobs, services
from aws.models import AwsTarget, CallerIdentity, ServiceRole
from aws.vault import open_sealed
from common import access, queueing
from common.clock import now
from common.errors import Forbidden, Invalid, NotFound
from tests.support.factories import ACCOUNT, ROLE_ARN, make_delegation, make_document, make_role, make_target

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
KEY = {"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": SECRET}


def target_values(**changes):
    return {"name": "Ireland", "account_id": ACCOUNT, "region": "eu-west-1", **changes}


def refused(call, field, **values):
    with pytest.raises(Invalid) as caught:
        call(**values)
    return caught.value.fields[field]


def recorded():
    return list(AuditEntry.objects.order_by("number").values_list("action", flat=True))


def test_a_target_is_added_and_its_secret_is_sealed_and_never_recorded(administrator):
    made = services.create_target(actor=administrator, **target_values(**KEY))
    assert open_sealed(made.sealed_secret) == {"secret_access_key": SECRET}
    entry = AuditEntry.objects.get()
    assert entry.action == "target.created"
    assert SECRET not in str(entry.data)


def test_only_administrators_touch_targets_and_roles(author, operator):
    target = make_target()
    role = make_role(target)
    for person in (author, operator):
        with pytest.raises(NotFound):
            services.create_target(actor=person, **target_values())
        with pytest.raises(NotFound):
            services.set_target_enabled(actor=person, target=target, enabled=False)
        with pytest.raises(NotFound):
            services.create_role(actor=person, target=target, name="R", arn=ROLE_ARN)
        with pytest.raises(NotFound):
            services.grant_use(actor=person, role=role, holder=person)
        with pytest.raises(NotFound):
            services.assign_role(actor=person, user=person, target=target, role_arn=ROLE_ARN)
    assert recorded() == []


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"account_id": "12"}, "account_id", "12 digits"),
        ({"region": "Ireland"}, "region", "eu-west-1"),
        ({"role_arn": "admin"}, "role_arn", "arn:aws:iam"),
        ({"role_arn": "arn:aws:iam::210987654321:role/P"}, "role_arn", "in account 210987654321"),
        ({"external_id": "7f"}, "external_id", "give the role too"),
        ({"access_key_id": "AKIAX"}, "secret_access_key", "together"),
        ({"endpoint_url": "file:///etc/passwd"}, "endpoint_url", "http://"),
    ],
)
def test_a_target_that_cannot_work_is_refused(administrator, changes, field, said):
    values = target_values(**changes)
    assert said in refused(services.create_target, field, actor=administrator, **values)
    assert not AwsTarget.objects.exists()


def test_outside_a_demonstration_no_target_keeps_keys_or_another_address(administrator, settings):
    settings.LAB_TARGETS_ALLOWED = False
    create = services.create_target
    assert "Only a demonstration" in refused(
        create, "access_key_id", actor=administrator, **target_values(**KEY)
    )
    values = target_values(endpoint_url="http://127.0.0.1:8001")
    assert "Only a demonstration" in refused(create, "endpoint_url", actor=administrator, **values)


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_the_partition_follows_from_the_region(administrator, region, partition):
    made = services.create_target(actor=administrator, **target_values(region=region))
    assert made.partition == partition


def test_a_stored_secret_stays_when_none_is_given_and_goes_with_its_key(administrator):
    target = services.create_target(actor=administrator, **target_values(**KEY))
    kept = {"access_key_id": KEY["access_key_id"]}
    changed = services.update_target(actor=administrator, target=target, **target_values(name="I", **kept))
    assert open_sealed(changed.sealed_secret) == {"secret_access_key": SECRET}
    gone = services.update_target(actor=administrator, target=target, **target_values(name="I"))
    assert gone.sealed_secret is None
    assert AuditEntry.objects.last().data is not None


def test_a_target_in_use_keeps_its_account_and_region(administrator):
    target = make_target()
    make_role(target)
    values = target_values(name="Sandbox", region="eu-west-1")
    said = refused(services.update_target, "region", actor=administrator, target=target, **values)
    assert "add another target" in said


def test_a_role_must_be_of_its_targets_account_and_known_once(administrator):
    target = make_target()
    create, at = services.create_role, {"actor": administrator, "target": target, "name": "R"}
    assert "account 210987654321" in refused(create, "arn", **at, arn="arn:aws:iam::210987654321:role/R")
    assert "role's ARN" in refused(create, "arn", **at, arn="R")
    create(**at, arn=ROLE_ARN)
    assert "already" in refused(create, "arn", **at, arn=ROLE_ARN)


def test_nobody_may_bind_a_new_role_until_it_is_granted(administrator, administrators):
    role = services.create_role(actor=administrator, target=make_target(), name="R", arn=ROLE_ARN)
    assert not access.decide(administrator, "use", role).allowed
    for _ in range(2):
        services.grant_use(actor=administrator, role=role, holder=administrators)
    assert access.decide(administrator, "use", role).allowed
    for _ in range(2):
        services.revoke_use(actor=administrator, role=role, holder=administrators)
    assert not access.decide(administrator, "use", role).allowed
    assert recorded() == ["role.created", "role.granted", "role.revoked"]
    with pytest.raises(Invalid):
        services.grant_use(actor=administrator, role=role, holder=administrators, permission="own")


def test_a_role_keeps_its_arn_when_it_is_renamed(administrator):
    role = make_role(make_target())
    services.update_role(actor=administrator, role=role, name="New name", description="What it may do.")
    assert ServiceRole.objects.get().name == "New name"
    assert ServiceRole.objects.get().arn == ROLE_ARN


@pytest.fixture
def as_caller(author, administrator, operator, operators):
    """A target where the operators may launch something as themselves."""
    target = make_target()
    delegation = make_delegation(make_document(author), target, None, administrator)
    access.grant("execute", delegation, operators)
    return target


def test_a_person_keeps_their_key_where_they_act_as_themselves(as_caller, operator):
    identity = services.set_own_key(actor=operator, target=as_caller, **KEY)
    assert open_sealed(identity.sealed_secret) == {"secret_access_key": SECRET}
    assert identity.checked_at is None
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.data) == ("identity.key-set", {"access_key_id": KEY["access_key_id"]})


def test_a_person_gives_no_key_where_nothing_runs_as_them(as_caller, stranger, administrator):
    with pytest.raises(NotFound):
        services.set_own_key(actor=stranger, target=as_caller, **KEY)
    with pytest.raises(Forbidden):
        services.set_own_key(actor=administrator, target=as_caller, **KEY)


def test_a_delegation_that_is_switched_off_asks_for_no_identity(as_caller, operator):
    as_caller.delegations.update(enabled=False)
    with pytest.raises(NotFound):
        services.set_own_key(actor=operator, target=as_caller, **KEY)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"access_key_id": "zebra"}, "access_key_id"),
        ({"secret_access_key": " "}, "secret_access_key"),
        ({"session_token": "token"}, "session_token"),
        ({"access_key_id": "ASIAIOSFODNN7EXAMPLE"}, "session_token"),
        ({"expires_at": now() - timedelta(seconds=1)}, "expires_at"),
    ],
)
def test_a_key_that_cannot_work_is_refused(as_caller, operator, changes, field):
    values = {**KEY, **changes}
    assert refused(services.set_own_key, field, actor=operator, target=as_caller, **values)
    assert not CallerIdentity.objects.exists()


def test_outside_a_demonstration_only_temporary_keys_are_kept(as_caller, operator, settings):
    settings.LAB_TARGETS_ALLOWED = False
    call = services.set_own_key
    assert "temporary" in refused(call, "access_key_id", actor=operator, target=as_caller, **KEY)
    temporary = {**KEY, "access_key_id": "ASIAIOSFODNN7EXAMPLE", "session_token": "token"}
    assert refused(call, "expires_at", actor=operator, target=as_caller, **temporary)
    kept = call(actor=operator, target=as_caller, **temporary, expires_at=now() + timedelta(hours=1))
    assert open_sealed(kept.sealed_secret)["session_token"] == "token"


def test_an_assigned_role_replaces_a_key_and_the_other_way_round(as_caller, operator, administrator):
    services.set_own_key(actor=operator, target=as_caller, **KEY)
    arn = f"arn:aws:iam::{ACCOUNT}:role/Own"
    identity = services.assign_role(actor=administrator, user=operator, target=as_caller, role_arn=arn)
    assert (identity.access_key_id, identity.sealed_secret, identity.role_arn) == ("", None, arn)
    identity = services.set_own_key(actor=operator, target=as_caller, **KEY)
    assert identity.role_arn == ""


@pytest.mark.parametrize(
    ("arn", "said"),
    [
        ("", "Write the role's ARN"),
        ("Own", "role's ARN"),
        ("arn:aws:iam::210987654321:role/Own", "in account 210987654321"),
        (f"arn:aws:iam::{ACCOUNT}:role/Portal", "the portal itself works as"),
    ],
)
def test_a_role_that_a_person_must_not_have_is_refused(as_caller, operator, administrator, arn, said):
    as_caller.role_arn = f"arn:aws:iam::{ACCOUNT}:role/Portal"
    as_caller.save()
    values = {"actor": administrator, "user": operator, "target": as_caller, "role_arn": arn}
    assert said in refused(services.assign_role, "role_arn", **values)


def test_an_identity_is_removed_by_its_owner_or_an_administrator(
    as_caller, operator, colleague, administrator
):
    for remover in (operator, administrator):
        identity = services.set_own_key(actor=operator, target=as_caller, **KEY)
        with pytest.raises(NotFound):
            services.remove_identity(actor=colleague, identity=identity)
        services.remove_identity(actor=remover, identity=identity)
        assert not CallerIdentity.objects.exists()


def test_the_check_says_in_awss_words_why_an_identity_does_not_work(as_caller, operator):
    as_caller.endpoint_url = "http://127.0.0.1:9"
    as_caller.save()
    identity = services.set_own_key(actor=operator, target=as_caller, **KEY)
    jobs.check_identity(identity.pk)
    identity.refresh_from_db()
    assert identity.checked_at is not None
    assert identity.arn == ""
    assert "http://127.0.0.1:9" in identity.failure


def test_the_check_of_an_identity_that_is_gone_does_nothing(db):
    jobs.check_identity(4711)


def test_a_check_that_was_lost_is_asked_for_again(as_caller, operator, valkey):
    identity = services.set_own_key(actor=operator, target=as_caller, **KEY)
    jobs.resume_checks()
    assert queueing.waiting("default") == 0
    CallerIdentity.objects.update(updated_at=now() - timedelta(minutes=2))
    jobs.resume_checks()
    assert queueing.waiting("default") == 1
    CallerIdentity.objects.filter(pk=identity.pk).update(checked_at=now())
    jobs.resume_checks()
    assert queueing.waiting("default") == 1
