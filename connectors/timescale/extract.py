"""Rows of a table or view between two times, in Arrow batches, through a server-side cursor.

Columns classed personal are never among them, nor any the role may not read.
"""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import pyarrow as pa

from schemas.classification import classified
from schemas.errors import ConfigurationError
from schemas.tables import RAW_TABLES, RawTable

BATCH_ROWS = 10_000
_TIMES = ("time", "bucket", "received_at", "updated_at", "noticed_at")
# The key columns of a dead letter and its content are as sensitive as what was in the record.
_CONTENT = {"ingest.dead_letter": frozenset({"key", "headers", "payload", "detail"})}

_COLUMNS = """
SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type,
       has_column_privilege(a.attrelid, a.attnum, 'SELECT') AS readable
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
_TABLES = """
SELECT n.nspname || '.' || c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('port', 'ingest', 'kpi') AND c.relkind IN ('r', 'v', 'm') ORDER BY 1
"""
_ARROW: dict[str, pa.DataType] = {
    "timestamp with time zone": pa.timestamp("us", tz="UTC"),
    "double precision": pa.float64(),
    "bigint": pa.int64(),
    "integer": pa.int32(),
    "smallint": pa.int16(),
    "boolean": pa.bool_(),
    "interval": pa.duration("us"),
}


@dataclass(frozen=True, slots=True)
class Extract:
    """What will be read: a table's columns with their Arrow types, and the column its rows are in time by."""

    table: str
    schema: pa.Schema
    time: str | None


async def plan_extract(connection: asyncpg.Connection, table: str) -> Extract:
    """Raises ConfigurationError for a table that does not exist or has no readable column."""
    schema, _, name = table.partition(".")
    if schema not in ("port", "ingest", "kpi"):
        schema, name = "port", table
    rows = await connection.fetch(_COLUMNS, schema, name)
    hidden = personal_columns(f"{schema}.{name}") | _CONTENT.get(f"{schema}.{name}", frozenset())
    columns = [(row["name"], row["type"]) for row in rows if row["readable"] and row["name"] not in hidden]
    if not columns:
        known = ", ".join(row[0] for row in await connection.fetch(_TABLES))
        raise ConfigurationError(f"there is no table {table} to export: name one of {known}")
    fields = [pa.field(column, _ARROW.get(kind, pa.string())) for column, kind in columns]
    time = next((column for column in _TIMES if column in dict(columns)), None)
    return Extract(f"{schema}.{name}", pa.schema(fields), time)


async def read_batches(
    connection: asyncpg.Connection, extract: Extract, since: datetime | None, until: datetime | None
) -> AsyncIterator[pa.RecordBatch]:
    """Rows with `since` <= time < `until`, oldest first, `BATCH_ROWS` at a time; one snapshot.

    Raises ConfigurationError when a time is given for a table that has none.
    """
    query, arguments = _query(extract, since, until)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        cursor = await connection.cursor(query, *arguments)
        while rows := await cursor.fetch(BATCH_ROWS):
            yield _batch(extract.schema, rows)


def personal_columns(table: str) -> frozenset[str]:
    """The columns of a raw table whose model field is classed personal."""
    return next((_personal(raw) for raw in RAW_TABLES if raw.name == table), frozenset())


def _personal(table: RawTable) -> frozenset[str]:
    found = {name: classified(field) for name, field in table.model.model_fields.items()}
    return frozenset(name for name, one in found.items() if one is not None and one.name == "personal")


def _query(extract: Extract, since: datetime | None, until: datetime | None) -> tuple[str, list[datetime]]:
    bounds = [(operator, at) for operator, at in ((">=", since), ("<", until)) if at is not None]
    if bounds and extract.time is None:
        raise ConfigurationError(f"{extract.table} has no time to choose by: leave out --from and --to")
    conditions = [f'"{extract.time}" {operator} ${i}' for i, (operator, _) in enumerate(bounds, 1)]
    columns = ", ".join(f'"{name}"' for name in extract.schema.names)
    query = f"SELECT {columns} FROM {extract.table}"  # noqa: S608 -- names come from the catalogue
    if conditions:
        query += f" WHERE {' AND '.join(conditions)}"
    if extract.time:
        query += f' ORDER BY "{extract.time}"'
    return query, [at for _, at in bounds]


def _batch(schema: pa.Schema, rows: Sequence[asyncpg.Record]) -> pa.RecordBatch:
    arrays = [pa.array([_plain(row[i], field.type) for row in rows], type=field.type) for i, field in enumerate(schema)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _plain(value: Any, kind: pa.DataType) -> Any:
    """Whatever has no Arrow type of its own (uuid, arrays) travels as text."""
    if value is None or not pa.types.is_string(kind) or isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, list) else str(value)
