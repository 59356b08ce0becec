"""The lookup of our own: what it finds, and that many keys are one value."""

import pytest

from accounts.models import User
from documents.models import Document
from tests.support.factories import make_document
from tests.support.people import person


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_it_finds_what_in_finds(db, count):
    keys = [person(f"person-{number}").pk for number in range(7)][:count]
    assert set(User.objects.filter(pk__among=keys).values_list("pk", flat=True)) == set(keys)
    assert not User.objects.exclude(pk__among=keys).filter(pk__in=keys)


def test_it_follows_a_foreign_key(author, colleague):
    document = make_document(author, "restart").document
    make_document(colleague, "stop")
    assert list(Document.objects.filter(owner__among=[author.pk])) == [document]
    assert Document.objects.filter(owner__among=[author.pk, colleague.pk]).count() == 2


def test_many_keys_are_one_value(db):
    found = User.objects.filter(pk__among=range(100_000, 100_900))
    statement, values = found.query.sql_with_params()
    assert statement.count("%s") == len(values) == 1


def test_what_is_no_number_is_no_key(db):
    with pytest.raises(ValueError, match="invalid literal"):
        list(User.objects.filter(pk__among=["1) OR (1=1"]))
