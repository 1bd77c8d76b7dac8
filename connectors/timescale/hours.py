"""Hours from minutes, a moment after the minutes: marked by the ingest transaction, added up by whoever comes first.

An hour is computed anew from all its minutes, so adding it up twice, or after a crash, changes nothing.

The hours that the KPIs read (`kpi.cell_hour`, `kpi.radio_hour`, `kpi.sla_hour`, `kpi.stream_hour`) are marked and stored in
the same way, but from raw rows or judged minutes, and only once they are over: until then a reader computes them.

The marks go on to `ingest.unverified`, those of raw tables too: what was written to is to be looked at again by `verify`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from connectors.timescale.pool import Connection
from schemas.tables import ROLLUPS, Measure, Rollup
from streams.core.rollup import HOUR_US, MINUTE_US, floored

_BY_MINUTE: Mapping[str, Rollup] = {rollup.minute: rollup for rollup in ROLLUPS}
_BY_HOUR: Mapping[str, Rollup] = {rollup.hour: rollup for rollup in ROLLUPS}
_LOCK = 0x7154
_MARK = """
WITH written AS (
    INSERT INTO ingest.written_hour (table_name, bucket) SELECT * FROM unnest($3::text[], $4::timestamptz[])
), streams AS (
    INSERT INTO kpi.stale_stream (domain, bucket) SELECT * FROM unnest($5::text[], $6::timestamptz[])
)
INSERT INTO ingest.stale_hour (table_name, bucket) SELECT * FROM unnest($1::text[], $2::timestamptz[])
"""
# In a snapshot of its own: the statements after it see every minute whose mark it took.
_TAKE = "WITH taken AS (DELETE FROM ingest.stale_hour RETURNING *) SELECT DISTINCT table_name, bucket FROM taken ORDER BY 1, 2"
_TAKE_WRITTEN = _TAKE.replace("stale_hour", "written_hour")

_HAND_ON = """
INSERT INTO ingest.unverified AS u (table_name, bucket) SELECT * FROM unnest($1::text[], $2::timestamptz[])
ON CONFLICT (table_name, bucket) DO UPDATE SET version = u.version + 1
"""

# A report belongs to the hour in which it ends, and one that ends on the stroke to the hour before.
_NETWORK: Mapping[str, tuple[str, int]] = {"port.cell_minute": ("cell", MINUTE_US), "port.radio_minute": ("radio", 0)}
_MARK_NETWORK = "INSERT INTO kpi.stale_hour (kind, bucket) SELECT * FROM unnest($1::text[], $2::timestamptz[])"
# The newest hour of each kind goes on: it stays marked, whatever is stored of it.
_TAKE_NETWORK = """
WITH newest AS (
    SELECT kind, max(bucket) AS bucket FROM kpi.stale_hour GROUP BY kind
), taken AS (
    DELETE FROM kpi.stale_hour AS s USING newest AS n WHERE n.kind = s.kind AND s.bucket < n.bucket RETURNING s.*
)
SELECT DISTINCT kind, bucket FROM taken ORDER BY 1, 2
"""

# Of these raw tables kpi.stream_hour counts which numbers came.
_DOMAINS: Mapping[str, str] = {
    **dict.fromkeys(("port.crane_sample", "port.crane_status", "port.crane_fault"), "crane"),
    **dict.fromkeys(("port.crane_job", "port.crane_assignment"), "crane"),
    **dict.fromkeys(("port.gate_step", "port.ocr_read"), "gate"),
    **dict.fromkeys(("port.cell_measurement", "port.cell_alarm_event", "port.cell_heartbeat"), "cell"),
    **dict.fromkeys(("port.radio_sample", "port.device_trip"), "device"),
    "port.cargo_milestone": "cargo",
    "port.vessel_milestone": "vessel",
}
_STREAM_LOCK = 0x7159
_AT_ONCE = 6
_MOST_MARKS = 500
_PATIENCE_S = 1_800.0
_TAKE_STREAMS = """
WITH newest AS (
    SELECT domain, max(bucket) AS bucket FROM kpi.stale_stream GROUP BY domain
), due AS (
    SELECT DISTINCT s.domain, s.bucket FROM kpi.stale_stream AS s JOIN newest AS n ON n.domain = s.domain
    WHERE s.bucket < n.bucket ORDER BY s.bucket LIMIT $1
), taken AS (
    DELETE FROM kpi.stale_stream AS s USING due AS d WHERE d.domain = s.domain AND d.bucket = s.bucket RETURNING s.*
)
SELECT DISTINCT domain, bucket FROM taken ORDER BY 1, 2
"""
# Every transaction marks the newest hour again: one mark of it is enough.
_THIN_STREAMS = """
WITH newest AS (
    SELECT domain, max(bucket) AS bucket FROM kpi.stale_stream GROUP BY domain HAVING count(*) > $1
), taken AS (
    DELETE FROM kpi.stale_stream AS s USING newest AS n WHERE n.domain = s.domain AND n.bucket = s.bucket RETURNING s.*
)
INSERT INTO kpi.stale_stream (domain, bucket) SELECT DISTINCT domain, bucket FROM taken
"""


Hours = Sequence[tuple[str, datetime]]
"""Names (of a table, a domain) and the beginnings of hours."""


async def mark(connection: Connection, minutes: Mapping[str, pa.Table], written: Hours = ()) -> None:
    """The hours of these minute deltas are to be added up; of those of raw tables, rows are to be verified, numbers counted."""
    stale = [(_BY_MINUTE[name].hour, bucket) for name, deltas in minutes.items() for bucket in _hours(deltas["bucket"])]
    if stale or written:
        streams = sorted({(_DOMAINS[name], hour) for name, hour in written})
        columns = ([mark[n] for mark in marks] for marks in (stale, written, streams) for n in range(2))
        await connection.execute(_MARK, *columns)
    network = [mark for name, deltas in minutes.items() if name in _NETWORK for mark in _network_hours(name, deltas)]
    if network:
        await connection.execute(_MARK_NETWORK, *map(list, zip(*network, strict=True)))


def row_hours(rows: Mapping[str, pa.RecordBatch]) -> Hours:
    """Which hours of which raw table these rows are of."""
    return [(name, hour) for name, batch in rows.items() if batch.num_rows for hour in _hours(batch["time"])]


async def roll(connection: Connection) -> int | None:
    """Add up every marked hour in one transaction; how many, or None when another worker is at it."""
    async with connection.transaction():
        # Only one at a time: an older sum must not overwrite a newer one.
        if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
            return None
        stale = await connection.fetch(_TAKE)
        for row in stale:
            await connection.execute(_statement(row["table_name"]), row["bucket"])
        for row in await connection.fetch(_TAKE_NETWORK):
            await connection.execute("SELECT kpi.store_hour($1, $2)", row["kind"], row["bucket"])
        if taken := [*stale, *await connection.fetch(_TAKE_WRITTEN)]:
            await connection.execute(_HAND_ON, *([row[name] for row in taken] for name in ("table_name", "bucket")))
        return len(stale)


async def roll_streams(connection: Connection) -> int | None:
    """Count the numbers of some marked hours that are over; how many, or None when another worker is at it.

    Apart from `roll`, with patience of its own: an hour of a large port is millions of events, and nothing waits for it.
    """
    async with connection.transaction():
        if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _STREAM_LOCK):
            return None
        await connection.execute(f"SET LOCAL statement_timeout = '{_PATIENCE_S:.0f}s'")
        taken = await connection.fetch(_TAKE_STREAMS, _AT_ONCE)
        for row in taken:
            await connection.execute(
                "SELECT kpi.store_streams($1, $2)", row["domain"], row["bucket"], timeout=_PATIENCE_S
            )
        await connection.execute(_THIN_STREAMS, _MOST_MARKS)
        return len(taken)


def _hours(times: pa.Array) -> Iterable[datetime]:
    return pc.unique(floored(times, HOUR_US)).to_pylist()  # type: ignore[no-any-return]


def _network_hours(name: str, deltas: pa.Table) -> Iterable[tuple[str, datetime]]:
    """The marks of these minutes: their hours, and the hours of the minutes before them where those may differ."""
    kind, before_us = _NETWORK[name]
    before = pc.subtract(deltas["bucket"], pa.scalar(before_us, pa.duration("us")))
    hours = {*_hours(deltas["bucket"]), *pc.unique(floored(before, HOUR_US)).to_pylist()}
    return [(kind, hour) for hour in sorted(hours)]


@cache
def _statement(table: str) -> str:
    rollup = _BY_HOUR[table]
    key = ", ".join(rollup.key)
    names = [measure.column for measure in rollup.measures]
    unique = ", ".join((*(k for k in rollup.key if k != "site"), "bucket"))
    stored, added = (", ".join(f"{side}.{name}" for name in names) for side in ("t", "EXCLUDED"))
    return (
        f"INSERT INTO {table} AS t (bucket, {key}, {', '.join(names)}) "  # noqa: S608  (names come from schemas/tables.py)
        f"SELECT $1, {key}, {', '.join(map(_added, rollup.measures))} FROM {rollup.minute} "
        f"WHERE bucket >= $1 AND bucket < $1 + INTERVAL '1 hour' GROUP BY {key} "
        f"ON CONFLICT ({unique}) DO UPDATE SET ({', '.join(names)}) = ROW({added}) "
        f"WHERE ROW({stored}) IS DISTINCT FROM ROW({added})"
    )


def _added(measure: Measure) -> str:
    return f"{measure.how if measure.how in ('min', 'max') else 'sum'}({measure.column})"
