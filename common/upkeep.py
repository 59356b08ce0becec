"""What an embedded database leaves to whoever uses it."""

from django.db import connection

# Rows that are read of each index: enough to tell a small one from a large one, and quick in any table.
# https://www.sqlite.org/pragma.html#pragma_analysis_limit
SAMPLE = 400


def keep_statistics() -> None:
    """Let SQLite look at its tables, for its planner to know which index leads to few rows.

    PostgreSQL does this by itself.
    """
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA analysis_limit={SAMPLE}")
        cursor.execute("ANALYZE")
