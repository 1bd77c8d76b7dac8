"""Additive upserts of rollup deltas, keys sorted, all columns in one statement per table.

Few deltas are arguments of the statement. Many (a PM file has one for every value it holds) are copied to a temporary
table of the session first: as arguments they cost more time here than all the rest of the batch.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

import pyarrow as pa

from connectors.timescale.copy import Stream, chunks, encode_minutes
from connectors.timescale.pool import Connection
from schemas.tables import ROLLUPS, Measure, Rollup

_BY_TABLE: dict[str, Rollup] = {rollup.minute: rollup for rollup in ROLLUPS}
MANY: Final = 1_000
_ARRAY_TYPES = {
    pa.string(): "text[]",
    pa.int64(): "bigint[]",
    pa.float64(): "double precision[]",
    pa.timestamp("us", tz="UTC"): "timestamptz[]",
}


def staged(minutes: Mapping[str, pa.Table]) -> dict[str, Stream]:
    """The deltas that are many, encoded for COPY, by minute table."""
    return {table: encode_minutes(deltas) for table, deltas in minutes.items() if deltas.num_rows > MANY}


async def add(connection: Connection, table: str, deltas: pa.Table, stream: Stream | None = None) -> None:
    """Add `deltas` (bucket, key, measures; sorted by key) to the rows of a minute table; `stream` as `staged` gives it."""
    if stream is None:
        arrays = [column.to_pylist() for column in deltas.columns]
        await connection.execute(_statement(table, deltas.schema), *arrays)
        return
    stage = f"staged_{table.partition('.')[2]}"
    await connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS {stage} (LIKE {table}) ON COMMIT DELETE ROWS")
    await connection.copy_to_table(stage, columns=stream.columns, source=chunks(stream.payload), format="binary")
    names = ", ".join(stream.columns)
    await connection.execute(_insert(table, stream.columns, f"SELECT {names} FROM {stage}"))  # noqa: S608  (our own names)


@cache
def _statement(table: str, schema: pa.Schema) -> str:
    names = schema.names
    casts = ", ".join(f"${i}::{_ARRAY_TYPES[f.type]}" for i, f in enumerate(schema, start=1))
    selected = ", ".join(f"{n}::jsonb" if n == "labels" else n for n in names)
    return _insert(table, names, f"SELECT {selected} FROM unnest({casts}) AS v({', '.join(names)})")  # noqa: S608


def _insert(table: str, names: Sequence[str], rows: str) -> str:
    rollup = _BY_TABLE[table]
    conflict = ", ".join((*(k for k in rollup.key if k != "site"), "bucket"))
    updates = ", ".join(_added(measure) for measure in rollup.measures)
    return f"INSERT INTO {table} AS t ({', '.join(names)}) {rows} ON CONFLICT ({conflict}) DO UPDATE SET {updates}"


def _added(measure: Measure) -> str:
    name = measure.column
    if measure.how in ("min", "max"):
        function = "LEAST" if measure.how == "min" else "GREATEST"
        return f"{name} = {function}(t.{name}, EXCLUDED.{name})"
    return f"{name} = t.{name} + EXCLUDED.{name}"
