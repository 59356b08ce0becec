import pytest
from django.db import DatabaseError, connection, transaction

from audit.models import AuditEntry
from audit.services import first_break, record
from common.context import Origin, acting_from


@pytest.fixture
def entries(author):
    with acting_from(Origin(channel="web", address="192.0.2.7")):
        return [record(actor=author, action="person.greeted", obj=author, data={"n": n}) for n in range(3)]


def test_an_entry_says_who_what_and_from_where(entries, author):
    entry = AuditEntry.objects.get(number=2)
    assert (entry.actor, entry.actor_name, entry.action) == (author, "author", "person.greeted")
    assert (entry.object_type, entry.object_id, entry.object_name) == ("user", str(author.pk), "author")
    assert (entry.channel, entry.address, entry.data) == ("web", "192.0.2.7", {"n": 1})


def test_the_chain_is_whole(entries):
    assert first_break() is None


def test_a_changed_entry_is_found(entries):
    entry = AuditEntry.objects.get(number=2)
    entry.data = {"n": 7}
    assert entry.digest != entry.expected_digest()


def test_a_missing_entry_is_found(entries):
    AuditEntry.objects.filter(number=2).delete()
    assert first_break() == 2


def test_a_missing_end_is_found(entries):
    AuditEntry.objects.filter(number=3).delete()
    assert first_break() == 3


def test_an_entry_cannot_be_changed_by_anybody(entries):
    entry = AuditEntry.objects.get(number=2)
    with pytest.raises(TypeError):
        entry.save()
    with pytest.raises(TypeError):
        entry.delete()
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        AuditEntry.objects.filter(number=2).update(actor_name="somebody else")
    with (
        pytest.raises(DatabaseError, match="never changed"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE audit_auditentry SET data = '{}'")


@pytest.mark.django_db(transaction=True)
def test_what_was_rolled_back_was_not_done():
    from accounts.models import User

    user = User.objects.create_user("author")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        record(actor=user, action="person.greeted", obj=user)
        1 / 0  # noqa: B018
    assert AuditEntry.objects.count() == 0
    assert record(actor=user, action="person.greeted", obj=user).number == 1
