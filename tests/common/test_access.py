"""The door: default deny, nobody above it, and a reason for every answer."""

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import Delegation
from aws.models import ServiceRole
from common import access
from common.errors import Forbidden, NotFound
from documents.models import Document
from executions.models import Execution
from tests.support.factories import make_delegation, make_document, make_role, make_target


@pytest.fixture
def document(author):
    return make_document(author).document


@pytest.fixture
def delegation(author, administrator):
    target = make_target()
    version = make_document(author, "launch-delegated")
    return make_delegation(version, target, make_role(target), administrator)


def run_of(delegation, operator):
    return Execution.objects.create(
        delegation=delegation,
        operator=operator,
        version=delegation.version,
        target=delegation.target,
        content_hash=delegation.version.sha256,
        aws_document_name=delegation.document.name,
        aws_document_version="1",
    )


def test_what_is_not_granted_does_not_exist(stranger, document):
    with pytest.raises(NotFound):
        access.fetch(stranger, "view", Document.objects.all(), pk=document.pk)


def test_what_does_not_exist_looks_the_same(stranger):
    with pytest.raises(NotFound):
        access.fetch(stranger, "view", Document.objects.all(), pk=10_000)
    with pytest.raises(NotFound):
        access.fetch(stranger, "view", Execution.objects.all(), pk="no-uuid")


def test_what_is_visible_but_forbidden_says_why(stranger, document):
    access.grant("view", document, stranger)
    assert access.fetch(stranger, "view", Document.objects.all(), pk=document.pk) == document
    with pytest.raises(Forbidden, match="Nobody has granted you “publish” on this document"):
        access.require(stranger, "publish", document)


@pytest.mark.parametrize("permission", ["edit", "share", "publish"])
def test_every_permission_lets_one_see(stranger, document, permission):
    access.grant(permission, document, stranger)
    assert access.decide(stranger, "view", document).allowed
    assert list(access.visible(stranger, "view", Document.objects.all())) == [document]


def test_a_group_grants_to_its_members_and_leaving_it_ends_that(colleague, operators, delegation):
    access.grant("execute", delegation, operators)
    assert access.decide(colleague, "execute", delegation).reasons == (
        "“execute” was granted to the group “Operators”",
    )
    colleague.groups.clear()
    assert not access.decide(colleague, "execute", delegation).allowed


def test_a_revoked_grant_is_gone(stranger, delegation):
    access.grant("execute", delegation, stranger)
    access.revoke("execute", delegation, stranger)
    assert not access.decide(stranger, "execute", delegation).visible


def test_an_administrator_sees_everything_and_executes_nothing(administrator, delegation, document):
    assert access.decide(administrator, "view", delegation).allowed
    assert not access.decide(administrator, "execute", delegation).allowed
    assert not access.decide(administrator, "publish", document).allowed
    assert not access.decide(administrator, "use", delegation.service_role).allowed


def test_nobody_is_above_the_door(stranger, document):
    stranger.is_superuser = True
    assert not access.decide(stranger, "view", document).visible
    assert not access.capable(stranger, "administer")


def test_a_deactivated_person_has_no_rights(author, document):
    author.is_active = False
    assert access.visible(author, "view", Document.objects.all()).count() == 0
    assert not access.decide(author, "view", document).allowed
    assert access.capabilities(author) == frozenset()


def test_an_anonymous_visitor_has_no_rights(document):
    visitor = AnonymousUser()
    assert not access.decide(visitor, "view", document).allowed
    assert access.visible(visitor, "view", Document.objects.all()).count() == 0


def test_a_model_without_rules_is_refused(author):
    with pytest.raises(LookupError):
        access.visible(author, "view", type(author).objects.all())


def test_a_permission_that_does_not_exist_is_a_fault(author, document):
    with pytest.raises(LookupError):
        access.decide(author, "execute", document)
    with pytest.raises(LookupError):
        access.grant("execute", document, author)


def test_a_run_is_seen_by_who_launched_it_and_who_sees_its_delegation(
    operator, colleague, stranger, delegation
):
    run = run_of(delegation, operator)
    assert access.decide(operator, "view", run).reasons == ("launched it",)
    assert not access.decide(stranger, "view", run).visible
    access.grant("view", delegation, colleague)
    assert access.decide(colleague, "view", run).reasons == ("may see its delegation",)
    assert not access.decide(colleague, "cancel", run).allowed


def test_runs_are_found_by_the_grants_alone(operator, administrator, delegation):
    run = run_of(delegation, administrator)
    access.grant("view", delegation, operator)
    found = access.visible(operator, "view", Execution.objects.all())
    assert list(found) == [run]
    # A table of ten thousand delegations would be read for every list.
    assert '"accounts_delegation"' not in str(found.query)


def test_who_may_see_every_delegation_meets_runs_through_any(administrator, operator, delegation):
    seeing = access.Through(related="delegation", model=Delegation, permission="view")
    run = run_of(delegation, operator)
    assert list(Execution.objects.filter(seeing(administrator))) == [run]
    assert not Execution.objects.filter(seeing(operator))
    administrator.is_active = False
    assert not Execution.objects.filter(seeing(administrator))


def test_only_who_may_still_launch_it_cancels_their_run(operator, administrator, delegation):
    run = run_of(delegation, operator)
    assert not access.decide(operator, "cancel", run).allowed
    access.grant("execute", delegation, operator)
    assert access.decide(operator, "cancel", run).allowed
    assert access.decide(administrator, "cancel", run).allowed


def test_answering_a_step_takes_the_permission_to_approve(operator, administrator, colleague, delegation):
    run = run_of(delegation, operator)
    access.grant("execute", delegation, operator)
    assert not access.decide(operator, "signal", run).allowed
    assert not access.decide(administrator, "signal", run).allowed
    access.grant("approve", delegation, colleague)
    assert access.decide(colleague, "signal", run).allowed


def test_permissions_of_a_list_take_a_constant_number_of_queries(
    author, operators, operator, django_assert_num_queries
):
    documents = [make_document(author, f"document-{number}").document for number in range(8)]
    access.grant("view", documents[0], operators)
    access.grant("edit", documents[1], operator)
    with django_assert_num_queries(3):
        held = access.permissions(operator, documents)
    assert held[documents[0].pk] == {"view"}
    assert held[documents[1].pk] == {"view", "edit"}
    assert held[documents[2].pk] == frozenset()
    with django_assert_num_queries(1):
        assert access.visible(operator, "view", Document.objects.all()).count() == 2


def test_grants_name_groups_first(author, operators, stranger, document):
    access.grant("view", document, stranger)
    access.grant("view", document, operators)
    found = access.grants(document)
    assert [(str(grant.holder), grant.is_group) for grant in found] == [
        ("Operators", True),
        ("author", False),
        ("stranger", False),
    ]
    assert found[1].permissions == ("view", "edit", "share", "publish")


def test_every_registered_model_judges_through_rules():
    for model in (Document, Delegation, ServiceRole, Execution):
        assert access.rules_for(model).permissions["view"]
