"""Who may write, share and rule: the services ask the door themselves, whoever calls them."""

import pytest

from audit.models import AuditEntry
from common import access
from common.errors import Forbidden, Invalid, NotFound
from documents import services
from documents.models import Document, Policy
from tests.support.factories import LAUNCH_TEXT, make_document


@pytest.fixture
def document(author):
    return make_document(author).document


def create(actor, **more):
    given = {"name": "Launch-One", "description": "", "text": LAUNCH_TEXT, "format": "YAML", **more}
    return services.create_document(actor=actor, **given)


def test_who_creates_a_document_owns_it_and_may_do_everything_with_it(author):
    document = create(author)
    assert document.owner == author
    assert access.permissions(author, [document])[document.pk] == {"view", "edit", "share", "publish"}
    assert AuditEntry.objects.get().action == "document.created"


def test_it_refuses_a_new_document_of_somebody_who_does_not_author(operator):
    with pytest.raises(NotFound):
        create(operator)
    assert not Document.objects.exists()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "ab"}, "name"),
        ({"name": "AWS-Mine"}, "name"),
        ({"name": "with space"}, "name"),
        ({"text": "  \n"}, "text"),
        ({"text": "a: \x00"}, "text"),
        ({"text": "a: \ud800"}, "text"),
        ({"text": "a" * (64 * 1024 + 1)}, "text"),
        ({"format": "TEXT"}, "format"),
        ({"note": "n" * 201}, "note"),
    ],
)
def test_it_refuses_what_aws_or_the_database_would_not_take(author, given, field):
    with pytest.raises(Invalid) as refused:
        create(author, **given)
    assert list(refused.value.fields) == [field]
    assert not Document.objects.exists()


def test_the_same_text_makes_no_new_version(author, document):
    same = services.save_version(
        actor=author, document=document, text=LAUNCH_TEXT, format="YAML", base_number=1
    )
    assert same.number == 1
    assert not AuditEntry.objects.exists()


def test_nobody_writes_without_the_right_to_edit(document, colleague, stranger):
    access.grant("view", document, colleague)
    given = {"document": document, "text": "a: 1", "format": "YAML", "base_number": 1}
    with pytest.raises(Forbidden):
        services.save_version(actor=colleague, **given)
    with pytest.raises(NotFound):
        services.save_version(actor=stranger, **given)


def test_sharing_gives_and_takes_and_is_recorded(author, document, operator, operators):
    services.share(actor=author, document=document, permission="view", holder=operators)
    assert access.decide(operator, "view", document).allowed
    services.unshare(actor=author, document=document, permission="view", holder=operators)
    assert not access.decide(operator, "view", document).visible
    kept = list(AuditEntry.objects.order_by("number").values_list("action", "data__holder", "data__kind"))
    assert kept == [("document.shared", "Operators", "group"), ("document.unshared", "Operators", "group")]


def test_nobody_gives_away_more_than_they_hold(author, document, colleague, stranger):
    access.grant("share", document, colleague)
    services.share(actor=colleague, document=document, permission="view", holder=stranger)
    for permission in ("edit", "publish"):
        with pytest.raises(Forbidden, match="do not have"):
            services.share(actor=colleague, document=document, permission=permission, holder=colleague)
    with pytest.raises(Forbidden):
        services.unshare(actor=colleague, document=document, permission="edit", holder=author)


def test_an_administrator_may_share_any_document(administrator, document, stranger):
    services.share(actor=administrator, document=document, permission="publish", holder=stranger)
    assert access.decide(stranger, "publish", document).allowed


def test_only_an_administrator_makes_policies(author, administrator):
    with pytest.raises(NotFound):
        services.create_policy(actor=author, name="Mine", rules={"require_assume_role": True})
    policy = services.create_policy(actor=administrator, name="Ours", rules={"require_assume_role": True})
    with pytest.raises(NotFound):
        services.enable_policy(actor=author, policy=policy, enabled=False)
    assert services.enable_policy(actor=administrator, policy=policy, enabled=False)
    assert not services.enable_policy(actor=administrator, policy=policy, enabled=False), "nothing to change"
    assert not Policy.objects.get().enabled


def test_a_suspended_policy_refuses_nothing(author, administrator):
    untagged = LAUNCH_TEXT.split("      TagSpecifications:", maxsplit=1)[0]
    policy = services.create_policy(actor=administrator, name="Tags", rules={"required_tags": ["Owner"]})
    assert any("Policy “Tags”" in finding.message for finding in services.check_text(untagged, "YAML"))
    services.enable_policy(actor=administrator, policy=policy, enabled=False)
    assert not any("Policy" in finding.message for finding in services.check_text(untagged, "YAML"))


def test_a_policy_that_was_suspended_meanwhile_stays_suspended_when_it_is_changed(administrator):
    rules = {"require_assume_role": True}
    policy = services.create_policy(actor=administrator, name="Ours", rules=rules)
    services.enable_policy(actor=administrator, policy=Policy.objects.get(), enabled=False)
    services.update_policy(actor=administrator, policy=policy, name="Ours", description="Why", rules=rules)
    kept = Policy.objects.get()
    assert (kept.description, kept.enabled) == ("Why", False)
