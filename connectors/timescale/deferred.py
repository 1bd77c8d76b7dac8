"""Minutes of reports, added up a moment later when they are many (docs/adr/0021).

The deltas of a batch are one row, written by the transaction that stored the reports. Whoever comes first takes some of
these rows away and adds them to the minutes in one transaction, so that nothing is added twice or forgotten.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from connectors.timescale import hours, rollups, sla
from connectors.timescale.pool import Connection
from schemas.tables import ROLLUPS, Rollup
from streams.core.rollup import merged

_MAY_WAIT: Final[Mapping[str, Rollup]] = {rollup.minute: rollup for rollup in ROLLUPS if rollup.may_wait}
_AT_ONCE: Final = 200_000
_LOCK: Final = 0x7156
_KEEP = "INSERT INTO ingest.deferred_minutes (table_name, buckets, deltas, payload) VALUES ($1, $2, $3, $4)"
# In a snapshot of its own, oldest first, and never less than one row.
_TAKE = """
DELETE FROM ingest.deferred_minutes WHERE id IN (
    SELECT id FROM (SELECT id, deltas, sum(deltas) OVER (ORDER BY id) AS total FROM ingest.deferred_minutes) AS waiting
    WHERE total - deltas < $1
) RETURNING id, table_name, payload
"""


@dataclass(frozen=True, slots=True)
class Deferred:
    """Deltas of one minute table, compressed."""

    buckets: Sequence[datetime]
    deltas: int
    payload: bytes


def deferred(minutes: Mapping[str, pa.Table]) -> dict[str, Deferred]:
    """The deltas that are many and may wait, by minute table."""
    return {
        table: _packed(deltas)
        for table, deltas in minutes.items()
        if table in _MAY_WAIT and deltas.num_rows > rollups.MANY
    }


async def keep(connection: Connection, some: Mapping[str, Deferred]) -> None:
    """Put deltas aside, in the caller's transaction."""
    for table, item in some.items():
        await connection.execute(_KEEP, table, list(item.buckets), item.deltas, item.payload)


async def add_up(connection: Connection) -> int | None:
    """Add some of what was put aside to the minutes, oldest first; how many deltas, or None when another is at it."""
    async with connection.transaction():
        if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
            return None
        rows = await connection.fetch(_TAKE, _AT_ONCE)
        taken: dict[str, list[pa.Table]] = {}
        for row in sorted(rows, key=lambda row: row["id"]):
            taken.setdefault(row["table_name"], []).append(_unpacked(row["payload"]))
        minutes = {table: merged(_MAY_WAIT[table], parts) for table, parts in sorted(taken.items())}
        streams = rollups.staged(minutes)
        for table, deltas in minutes.items():
            await rollups.add(connection, table, deltas, streams.get(table))
        await hours.mark(connection, minutes)
        await sla.mark(connection, minutes)
        return sum(len(part) for parts in taken.values() for part in parts)


def _packed(deltas: pa.Table) -> Deferred:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, deltas.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(deltas)
    return Deferred(pc.unique(deltas["bucket"]).to_pylist(), deltas.num_rows, sink.getvalue().to_pybytes())


def _unpacked(payload: bytes) -> pa.Table:
    with pa.ipc.open_stream(payload) as reader:
        return reader.read_all()
