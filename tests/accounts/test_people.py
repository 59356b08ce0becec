"""People and groups through the services and the command line."""

import io
import threading

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from accounts import services
from accounts.models import User
from accounts.services.groups import STANDARD_GROUPS, capabilities_of
from audit.models import AuditEntry
from common import access
from common.errors import Conflict, Invalid, NotFound
from tests.support.people import person


def test_the_standard_groups_are_made_once_and_then_left_alone(db):
    made = services.ensure_standard_groups()
    assert {name: capabilities_of(group) for name, group in made.items()} == {
        name: frozenset(capabilities) for name, capabilities in STANDARD_GROUPS.items()
    }
    made["Authors"].permissions.clear()
    again = services.ensure_standard_groups()
    assert capabilities_of(again["Authors"]) == frozenset()
    assert AuditEntry.objects.filter(action="group.created").count() == len(STANDARD_GROUPS)


def test_only_administrators_make_and_change_people(author, operator, operators):
    for call in (
        lambda: services.create_user(actor=author, username="new", password="a long enough secret"),
        lambda: services.set_active(actor=author, user=operator, active=False),
        lambda: services.set_groups(actor=author, user=operator, groups=[]),
        lambda: services.set_password(actor=author, user=operator, password="a long enough secret"),
        lambda: services.create_group(actor=author, name="New"),
        lambda: services.add_member(actor=author, group=operators, user=author),
        lambda: services.set_capabilities(actor=author, group=operators, capabilities=["administer"]),
    ):
        with pytest.raises(NotFound):
            call()
    assert not AuditEntry.objects.exists()


def test_a_password_is_never_recorded(administrator, operator):
    services.set_password(actor=administrator, user=operator, password="a long enough secret")
    services.create_user(actor=administrator, username="new", password="another long secret")
    assert "secret" not in str(list(AuditEntry.objects.values_list("data", flat=True)))
    assert User.objects.get(username="operator").check_password("a long enough secret")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"username": ""}, "username"),
        ({"username": "operator"}, "username"),
        ({"username": "two words"}, "username"),
        ({"email": "nowhere"}, "email"),
        ({"password": "short"}, "password"),
        ({"password": "administrator"}, "password"),
    ],
)
def test_somebody_new_is_refused_beside_the_field(administrator, operator, values, field):
    given = {"username": "new", "password": "a long enough secret", "email": "", **values}
    if values.get("password") == "administrator":
        given["username"] = "administrators"
    with pytest.raises(Invalid) as caught:
        services.create_user(actor=administrator, **given)
    assert field in caught.value.fields
    assert not User.objects.filter(username="new").exists()


def test_a_deactivated_person_may_do_nothing(administrator, operator, operators):
    services.set_active(actor=administrator, user=operator, active=False)
    services.set_active(actor=administrator, user=operator, active=False)
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["person.deactivated"]
    assert access.capabilities(User.objects.get(pk=operator.pk)) == frozenset()


def test_somebody_always_remains_to_administer(administrator, administrators):
    with pytest.raises(Conflict):
        services.set_active(actor=administrator, user=administrator, active=False)
    assert User.objects.get(pk=administrator.pk).is_active
    other = services.create_user(
        actor=administrator, username="other", password="a long enough secret", groups=[administrators]
    )
    services.set_active(actor=administrator, user=other, active=False)
    with pytest.raises(Conflict):
        services.remove_member(actor=administrator, group=administrators, user=administrator)
    with pytest.raises(Conflict):
        services.set_capabilities(actor=administrator, group=administrators, capabilities=[])
    assert access.capable(User.objects.get(pk=administrator.pk), "administer")


def test_an_unknown_capability_is_refused(administrator, operators):
    with pytest.raises(Invalid):
        services.set_capabilities(actor=administrator, group=operators, capabilities=["rule"])


def test_the_command_makes_the_first_administrator(db, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("a long enough secret\n"))
    said = io.StringIO()
    call_command("create_administrator", "abel", "--password-stdin", stdout=said)
    abel = User.objects.get(username="abel")
    assert access.capable(abel, "administer")
    assert abel.check_password("a long enough secret")
    assert Group.objects.filter(name__in=STANDARD_GROUPS).count() == len(STANDARD_GROUPS)
    assert "a long enough secret" not in said.getvalue()


@pytest.mark.parametrize("typed", ["", "short\n"])
def test_the_command_refuses_no_or_a_weak_password(db, monkeypatch, typed):
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    with pytest.raises(CommandError, match="password"):
        call_command("create_administrator", "abel", "--password-stdin")
    assert not User.objects.exists()


def test_the_command_asks_twice(db, monkeypatch):
    typed = iter(["a long enough secret", "another one"])
    monkeypatch.setattr(
        "accounts.management.commands.create_administrator.getpass", lambda prompt: next(typed)
    )
    with pytest.raises(CommandError, match="differ"):
        call_command("create_administrator", "abel")


def test_two_people_do_not_differ_in_capitals_alone(administrator, operator):
    with pytest.raises(Invalid) as refused:
        services.create_user(actor=administrator, username="Operator", password="a long enough secret")
    assert "written otherwise" in refused.value.fields["username"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one transaction write at a time.")
def test_two_administrators_who_deactivate_each_other_at_once_do_not_both_succeed(administrators):
    pair = [person("first", administrators), person("second", administrators)]
    gate, done = threading.Barrier(2, timeout=10), []

    def deactivate(actor, user):
        try:
            with transaction.atomic():
                gate.wait()
                services.set_active(actor=actor, user=user, active=False)
        except Conflict as error:
            done.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=deactivate, args=args) for args in (pair, pair[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == ["last-administrator"]
    assert User.objects.filter(is_active=True).count() == 1
