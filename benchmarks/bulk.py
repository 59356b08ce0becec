"""Filling tables of millions of rows: by COPY and INSERT … SELECT, without their indexes and foreign keys."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.models import JSONField, Model

from common.upkeep import keep_statistics
from executions.models import Execution, ExecutionEvent, StepExecution


def _blank(model: type[Model]) -> dict[str, Any]:
    """Return what each column of a new row holds when nobody says otherwise, but for an automatic key."""
    return {
        field.attname: json.dumps(field.get_default())
        if isinstance(field, JSONField)
        else field.get_default()
        for field in model._meta.concrete_fields
        if not (field.primary_key and field.get_internal_type() == "BigAutoField")
    }


def write(model: type[Model], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows of columns' values; what a row does not name is as a new object has it."""
    blank = _blank(model)
    fields = {field.attname: field for field in model._meta.concrete_fields}
    columns = ", ".join(fields[name].column for name in blank)
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(list({**blank, **row}.values()))
            return
        marks = ", ".join(["%s"] * len(blank))
        # JSON stands as text already.
        prepared = (
            [
                value
                if isinstance(fields[name], JSONField)
                else fields[name].get_db_prep_save(value, connection)
                for name, value in {**blank, **row}.items()
            ]
            for row in rows
        )
        cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", prepared)


def write_steps_and_events() -> None:
    """Give each run that AWS knows two steps and four events."""
    look = json.dumps({"Service": '"ec2"', "Api": '"DescribeInstances"', "InstanceIds": '["i-0123456789"]'})
    _write_from_runs(
        StepExecution,
        numbers=(0, 1),
        aws_step_id="CASE n.n WHEN 0 THEN 'look' ELSE 'act' END",
        position="n.n",
        name="CASE n.n WHEN 0 THEN 'look' ELSE 'act' END",
        action="CASE WHEN n.n = 0 THEN 'aws:executeAwsApi' WHEN e.status = 'Waiting' THEN 'aws:approve' "
        "ELSE 'aws:changeInstanceState' END",
        status="CASE n.n WHEN 0 THEN 'Success' ELSE e.status END",
        started_at="e.requested_at",
        ended_at="CASE n.n WHEN 0 THEN e.requested_at ELSE e.ended_at END",
        inputs=f"'{look}'",
    )
    _write_from_runs(
        ExecutionEvent,
        numbers=(1, 2, 3, 4),
        number="n.n",
        at="e.requested_at",
        kind="'status'",
        message="'The run went on, as AWS says, to its next step.'",
    )


def _write_from_runs(model: type[Model], numbers: tuple[int, ...], **expressions: str) -> None:
    """Write a row of `model` for each run that AWS knows and each of `numbers`.

    Arguments:
        expressions: column → SQL; `e` is the run, `n.n` the number.
    """
    blank = _blank(model)
    columns = {field.attname: field.column for field in model._meta.concrete_fields}
    values = {"execution_id": "e.id", **expressions}
    constants = [value for name, value in blank.items() if name not in values]
    chosen = ", ".join(values.get(name, "%s") for name in blank)
    series = " UNION ALL ".join(f"SELECT {number} AS n" for number in numbers)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({', '.join(columns[name] for name in blank)}) "
            f"SELECT {chosen} FROM {Execution._meta.db_table} e CROSS JOIN ({series}) n "
            "WHERE e.status NOT IN ('Queued', 'Starting', 'Refused')",
            constants,
        )


@contextmanager
def unguarded(tables: list[str]) -> Iterator[None]:
    """Fill tables without their foreign keys looked at, and build their indexes afterwards."""
    if connection.vendor != "postgresql":
        with connection.constraint_checks_disabled():
            yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET maintenance_work_mem = '512MB'")
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND NOT EXISTS "
            "(SELECT 1 FROM pg_constraint WHERE conname = indexname)",
            [tables],
        )
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
    yield
    with connection.cursor() as cursor:
        for _, definition in indexes:
            cursor.execute(definition)
        cursor.execute("SET session_replication_role = DEFAULT")


def settle() -> None:
    """Leave the tables as the database's own upkeep would."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")
        else:
            keep_statistics()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
