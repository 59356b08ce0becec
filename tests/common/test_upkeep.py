"""What SQLite is told about its tables."""

import pytest
from django.db import connection

from common.upkeep import keep_statistics
from tests.support.people import person


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL keeps its statistics itself.")
def test_sqlite_learns_how_many_rows_an_index_leads_to(db):
    for number in range(30):
        person(f"person-{number}")
    keep_statistics()
    with connection.cursor() as cursor:
        cursor.execute("SELECT stat FROM sqlite_stat1 WHERE tbl = 'accounts_user'")
        assert {row[0].split()[0] for row in cursor.fetchall()} == {"30"}


@pytest.mark.skipif(connection.vendor != "postgresql", reason="For what PostgreSQL must be left alone.")
def test_postgresql_is_left_to_itself(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        keep_statistics()
