"""Publishing to the sandbox by a real queue: once however often it is asked, and failures told in words."""

from datetime import timedelta

import pytest

from audit.models import AuditEntry
from common import access
from documents import jobs, publishing, services
from documents.models import Policy, Publication
from tests.executions.conftest import account as account
from tests.executions.conftest import laboratory as laboratory
from tests.executions.conftest import portal_key as portal_key
from tests.executions.conftest import target as target
from tests.executions.conftest import work
from tests.support.factories import LAUNCH_TEXT, make_document

UNTAGGED = LAUNCH_TEXT.split("      TagSpecifications:", maxsplit=1)[0]


@pytest.fixture
def version(author, request):
    # One sandbox serves the module: each test has a name of its own there.
    return make_document(author, name=f"doc-{request.node.name[:100]}")


@pytest.fixture
def publish(valkey, django_capture_on_commit_callbacks):
    """Press Publish, and hand the job to the queue as the end of the request does."""

    def press(version, target, actor=None):
        with django_capture_on_commit_callbacks(execute=True):
            return services.publish(
                actor=actor or version.author, document=version.document, number=version.number, target=target
            )

    return press


def save(version, text):
    document = version.document
    return services.save_version(
        actor=version.author, document=document, text=text, format="YAML", base_number=document.latest_number
    )


def now_is(publication):
    publication.refresh_from_db()
    return publication


def versions_in_aws(account, name):
    return account.client("ssm").list_document_versions(Name=name)["DocumentVersions"]


def test_a_worker_brings_the_text_to_aws_and_checks_what_stands_there(version, target, publish, account):
    publication = publish(version, target)
    assert publication.status == "Publishing"
    work("default")
    assert now_is(publication).status == "Active"
    assert publication.aws_version == "1"
    assert publication.aws_hash == version.sha256
    held = account.client("ssm").get_document(Name=version.document.name, DocumentFormat="YAML")
    assert held["Content"] == version.text
    actions = list(AuditEntry.objects.order_by("number").values_list("action", "actor_name", "channel"))
    assert [action for action, _, _ in actions] == ["document.publication-requested", "document.published"]
    assert actions[1][1:] == ("author", "worker")


def test_publishing_what_is_published_changes_nothing(version, target, publish, account):
    publication = publish(version, target)
    work("default")
    assert publish(version, target).pk == publication.pk
    jobs.publish(publication.pk)
    assert now_is(publication).status == "Active"
    assert len(versions_in_aws(account, version.document.name)) == 1
    assert AuditEntry.objects.filter(action="document.published").count() == 1


def test_what_a_dead_worker_left_in_aws_is_adopted(version, target, publish, account):
    publication = publish(version, target)
    publishing._send(publication)
    work("default")
    assert now_is(publication).status == "Active"
    assert publication.aws_version == "1"
    assert len(versions_in_aws(account, version.document.name)) == 1


def test_an_older_text_is_found_where_it_stands_in_aws(version, target, publish, account):
    older = publish(version, target)
    newer = publish(save(version, LAUNCH_TEXT + "# newer\n"), target)
    work("default")
    assert {now_is(older).aws_version, now_is(newer).aws_version} == {"1", "2"}
    standing = older.aws_version
    Publication.objects.filter(pk=older.pk).update(status="Failed", aws_version="")
    publish(version, target)
    work("default")
    assert now_is(older).status == "Active"
    assert older.aws_version == standing
    assert len(versions_in_aws(account, version.document.name)) == 2


def test_a_document_of_the_same_name_from_elsewhere_is_never_written_over(version, target, publish, account):
    name = version.document.name
    ssm = account.client("ssm")
    theirs = UNTAGGED + "# theirs\n"
    ssm.create_document(Name=name, Content=theirs, DocumentFormat="YAML", DocumentType="Automation")
    publication = publish(version, target)
    work("default")
    assert now_is(publication).status == "Failed"
    assert "was not written here" in publication.failure
    assert ssm.get_document(Name=name, DocumentFormat="YAML")["Content"] == theirs


def test_a_right_taken_away_before_the_worker_comes_stops_it(version, target, publish, account):
    publication = publish(version, target)
    access.revoke("publish", version.document, version.author)
    work("default")
    assert now_is(publication).status == "Failed"
    assert "may no longer publish" in publication.failure
    assert AuditEntry.objects.filter(action="document.publication-failed").count() == 1


def test_a_policy_set_before_the_worker_comes_is_kept(author, target, publish):
    version = make_document(author, name="doc-untagged", text=UNTAGGED)
    publication = publish(version, target)
    Policy.objects.create(name="Tags", rules={"required_tags": ["Owner"]})
    work("default")
    assert now_is(publication).status == "Failed"
    assert "Policy “Tags”" in publication.failure
    step = UNTAGGED.splitlines().index("  - name: launch") + 1
    assert f"Line {step}, column " in publication.failure


def test_a_refusal_of_aws_is_shown_in_its_words_and_can_be_tried_again(version, target, publish):
    right, target.role_arn = target.role_arn, "arn:aws:iam::123456789012:role/NoSuchRole"
    target.save()
    publication = publish(version, target)
    work("default")
    assert now_is(publication).status == "Failed"
    assert "sts:AssumeRole" in publication.failure
    target.role_arn = right
    target.save()
    again = publish(version, target)
    assert (again.pk, again.status, again.failure) == (publication.pk, "Publishing", "")
    work("default")
    assert now_is(publication).status == "Active"


def test_an_aws_that_does_not_answer_is_waited_for(version, target, publish):
    # Nobody listens on the discard port of this host.
    right, target.endpoint_url = target.endpoint_url, "http://127.0.0.1:9"
    target.save()
    publication = publish(version, target)
    work("default")
    assert now_is(publication).status == "Publishing"
    assert "Could not connect" in publication.failure
    target.endpoint_url = right
    target.save()
    jobs.publish(publication.pk)
    assert now_is(publication).status == "Active"
    assert publication.failure == ""


def test_what_a_lost_queue_forgot_is_taken_up_again_and_nothing_fresh_is(version, target, publish, valkey):
    publication = publish(version, target)
    valkey.flushall()
    jobs.resume_publications()
    work("default")
    assert now_is(publication).status == "Publishing", "it may still have its worker"
    Publication.objects.update(requested_at=publication.requested_at - publishing.STALE)
    jobs.resume_publications()
    work("default")
    assert now_is(publication).status == "Active"


def test_what_takes_too_long_is_given_up_with_the_last_answer(version, target, publish, valkey):
    publication = publish(version, target)
    valkey.flushall()
    long_ago = publication.requested_at - publishing.GIVE_UP - timedelta(seconds=1)
    Publication.objects.update(requested_at=long_ago, failure="Rate exceeded")
    jobs.resume_publications()
    assert now_is(publication).status == "Failed"
    assert "publish again" in publication.failure
    assert "Rate exceeded" in publication.failure
