"""Indexes of words: on PostgreSQL, where it may; nowhere in anybody's way."""

import pytest
from django.db import connection

from common import word_indexes

TABLES = ["accounts_delegation", "documents_document"]
on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="Only PostgreSQL has them.")


def names():
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE indexdef LIKE '%gin_trgm_ops%'")
        return {name for (name,) in cursor.fetchall()}


@on_postgresql
def test_names_are_indexed_as_a_search_compares_them(db):
    from accounts.models import Delegation

    assert names() == {f"{table}_name_words" for table in TABLES}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = Delegation.objects.order_by().filter(name__icontains="fleet").explain()
    assert "accounts_delegation_name_words" in plan


@on_postgresql
def test_where_the_role_may_not_a_warning_says_so_and_the_migration_goes_on(db, caplog):
    with connection.schema_editor() as editor, connection.cursor() as cursor:
        cursor.execute("DROP EXTENSION pg_trgm CASCADE")
        cursor.execute("CREATE ROLE restricted")
        cursor.execute("SET LOCAL ROLE restricted")
        word_indexes.add(editor, "accounts_delegation", "name")
        cursor.execute("RESET ROLE")
        assert names() == set()
        assert "docs/operations.md tells how to add it later" in caplog.text
        # Once it may, the same statement is taken; and what is not there is taken away without complaint.
        word_indexes.add(editor, "accounts_delegation", "name")
        assert names() == {"accounts_delegation_name_words"}
        for table in TABLES:
            word_indexes.remove(editor, table, "name")
        assert names() == set()


@pytest.mark.skipif(connection.vendor == "postgresql", reason="For whatever has no such indexes.")
def test_another_database_is_asked_nothing(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        word_indexes.add(connection.schema_editor(), "accounts_delegation", "name")
        word_indexes.remove(connection.schema_editor(), "accounts_delegation", "name")
