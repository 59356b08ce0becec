"""The door for many at once answers as it does for one."""

import uuid

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Delegation
from aws.models import AwsTarget
from common import access
from common.access_in_bulk import permitted
from executions.models import Execution
from tests.support.factories import make_delegation, make_document, make_role, make_target
from tests.support.people import person


@pytest.fixture
def world(author, administrator, operators, operator, colleague, stranger):
    """People with rights of every kind, delegations granted in every way, and runs of each."""
    gone = person("gone", operators)
    gone.is_active = False
    gone.save()
    people = [author, administrator, operator, colleague, stranger, gone]
    target = make_target()
    role, version = make_role(target), make_document(author)
    made = [make_delegation(version, target, role, administrator, name=str(n)) for n in range(4)]
    access.grant("execute", made[0], operators)
    access.grant("view", made[1], stranger)
    access.grant("approve", made[1], operators)
    access.grant("approve", made[2], colleague)
    runs = [
        Execution.objects.create(
            delegation=delegation,
            operator=somebody,
            version=version,
            target=target,
            content_hash=version.sha256,
            aws_document_name=version.document.name,
            aws_document_version="1",
        )
        for delegation in made
        for somebody in (operator, stranger, gone)
    ]
    return people, made, runs


@pytest.mark.parametrize("model", [Delegation, Execution])
def test_it_agrees_with_the_door_for_one(world, model):
    people, made, runs = world
    objects = made if model is Delegation else runs
    for permission in access.rules_for(model).permissions:
        one_by_one = {
            (someone.pk, key)
            for someone in people
            for key, held in access.permissions(someone, objects).items()
            if permission in held
        }
        assert one_by_one, "the world has nobody to agree about"
        asked = [(someone, obj.pk) for someone in people for obj in objects]
        assert permitted(permission, model, asked) == one_by_one


@pytest.mark.parametrize("model", [Delegation, Execution])
def test_what_one_holds_in_a_list_is_what_one_is_shown(world, model):
    people, made, runs = world
    objects = made if model is Delegation else runs
    for someone in people:
        held = access.permissions(someone, objects)
        for permission in access.rules_for(model).permissions:
            shown = access.visible(someone, permission, model.objects.all())
            assert {key for key, names in held.items() if permission in names} == {row.pk for row in shown}


def test_only_what_is_asked_is_answered(world):
    (_, administrator, operator, *_), _, runs = world
    asked = [(operator, runs[0].pk), (administrator, runs[1].pk)]
    assert permitted("view", Execution, asked) == {(operator.pk, runs[0].pk), (administrator.pk, runs[1].pk)}
    assert permitted("view", Execution, [(operator, uuid.uuid4()), (AnonymousUser(), runs[0].pk)]) == set()


def test_the_number_of_queries_does_not_grow(world, operators, django_assert_num_queries):
    people, _, runs = world
    few = [(people[3], runs[3].pk), (people[4], runs[-1].pk)]
    many = [(someone, run.pk) for someone in people for run in runs]
    with CaptureQueriesContext(connection) as once:
        permitted("view", Execution, few)
    assert len(once) <= 8
    with django_assert_num_queries(len(once)):
        permitted("view", Execution, many)


def test_what_can_only_be_asked_for_one_is_refused(operator):
    with pytest.raises(LookupError):
        permitted("identify", AwsTarget, [(operator, make_target().pk)])
