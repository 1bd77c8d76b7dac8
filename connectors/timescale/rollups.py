"""Additive upserts of rollup deltas, keys sorted, all columns in one statement per table."""

from functools import cache

import pyarrow as pa

from connectors.timescale.pool import Connection
from schemas.tables import ROLLUPS, Measure, Rollup

_BY_TABLE: dict[str, Rollup] = {rollup.minute: rollup for rollup in ROLLUPS}
_ARRAY_TYPES = {
    pa.string(): "text[]",
    pa.int64(): "bigint[]",
    pa.float64(): "double precision[]",
    pa.timestamp("us", tz="UTC"): "timestamptz[]",
}


async def add(connection: Connection, table: str, deltas: pa.Table) -> None:
    """Add `deltas` (bucket, key, measures; sorted by key) to the rows of a minute table."""
    arrays = [column.to_pylist() for column in deltas.columns]
    await connection.execute(_statement(table, deltas.schema), *arrays)


@cache
def _statement(table: str, schema: pa.Schema) -> str:
    rollup = _BY_TABLE[table]
    names = schema.names
    casts = ", ".join(f"${i}::{_ARRAY_TYPES[f.type]}" for i, f in enumerate(schema, start=1))
    selected = ", ".join(f"{n}::jsonb" if n == "labels" else n for n in names)
    conflict = ", ".join((*(k for k in rollup.key if k != "site"), "bucket"))
    updates = ", ".join(_added(measure) for measure in rollup.measures)
    return (
        f"INSERT INTO {table} AS t ({', '.join(names)}) "  # noqa: S608  (names come from schemas/tables.py)
        f"SELECT {selected} FROM unnest({casts}) AS v({', '.join(names)}) "
        f"ON CONFLICT ({conflict}) DO UPDATE SET {updates}"
    )


def _added(measure: Measure) -> str:
    name = measure.column
    if measure.how in ("min", "max"):
        function = "LEAST" if measure.how == "min" else "GREATEST"
        return f"{name} = {function}(t.{name}, EXCLUDED.{name})"
    return f"{name} = t.{name} + EXCLUDED.{name}"
