"""Indexes by which PostgreSQL finds words within names: where it may, for everything works without them."""

import logging
from typing import Any

from django.db import DatabaseError, transaction

log = logging.getLogger(__name__)


def add(schema_editor: Any, table: str, column: str) -> None:
    """Index the words of a column, in a migration.

    Arguments:
        schema_editor: of the database that is migrated; only PostgreSQL has such indexes.

    Where the extension pg_trgm is missing and may not be created, a warning says so and all names are read
    at every search instead. https://www.postgresql.org/docs/current/pgtrgm.html
    """
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            cursor.execute(
                # What is indexed is what a search with icontains compares.
                f"CREATE INDEX {_name(table, column)} ON {table} USING gin (upper({column}) gin_trgm_ops)"
            )
    except DatabaseError as error:
        log.warning(
            "Searches read every %s of %s, for PostgreSQL refused the index of its words (%s): slower, "
            "nothing else; docs/operations.md tells how to add it later.",
            *(column, table, str(error).strip()),
        )


def remove(schema_editor: Any, table: str, column: str) -> None:
    """Take the index away, if there is one; the extension stays, for it may be somebody else's."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP INDEX IF EXISTS {_name(table, column)}")


def _name(table: str, column: str) -> str:
    return f"{table}_{column}_words"
