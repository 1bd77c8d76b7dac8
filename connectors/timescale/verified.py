"""The memory of `verify`: which hours were written to since they were looked at, and what the others held then.

`hours.py` fills the first, in the transaction that adds up the hours; only what was seen is ever taken away, so a mark
that comes meanwhile stays. Retention forgets what it removes (migration 0048).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import asyncpg

from connectors.timescale.hour_check import Held
from connectors.timescale.row_check import Place
from connectors.timescale.spans import Span
from schemas.backfill import place_of
from schemas.tables import ROLLUPS

LOCK = 0x7158
_HOUR_OF = {rollup.minute: rollup.hour for rollup in ROLLUPS}


class Mark(NamedTuple):
    """An hour of a raw or hour table that was written to; `version` says how often it was passed on."""

    table: str
    bucket: datetime
    version: int


@dataclass(frozen=True, slots=True)
class Marks:
    """What was written to, in one snapshot.

    `waiting` stands in `ingest.stale_hour` or `ingest.written_hour`: the hour is not added up yet. `deferred`: minutes of the hour are not.
    """

    marks: Collection[Mark]
    waiting: frozenset[tuple[str, datetime]]
    deferred: frozenset[tuple[str, datetime]]

    def changed(self, table: str) -> set[datetime]:
        """The hours of a table that were written to."""
        return {mark.bucket for mark in self.marks if mark.table == table} | {
            h for name, h in self.waiting if name == table
        }

    def is_open(self, table: str, hour: datetime) -> bool:
        """Whether something of this hour table's hour is still to be added up."""
        return (table, hour) in self.waiting or (table, hour) in self.deferred


@dataclass(slots=True)
class Sums:
    """What remembered hours hold together, and when the oldest of them was looked at."""

    records: Counter[Place] = field(default_factory=Counter)
    hours: int = 0
    rows: int = 0
    oldest: datetime | None = None


async def read_marks(connection: asyncpg.Connection) -> Marks:
    """Everything that is to be looked at."""
    marks = [Mark(*row) for row in await connection.fetch("SELECT table_name, bucket, version FROM ingest.unverified")]
    waiting = frozenset(
        tuple(row)
        for row in await connection.fetch(
            "SELECT table_name, bucket FROM ingest.stale_hour UNION SELECT table_name, bucket FROM ingest.written_hour"
        )
    )
    deferred = frozenset((_HOUR_OF[row["table_name"]], row["hour"]) for row in await connection.fetch(_DEFERRED))
    return Marks(marks, waiting, deferred)


async def read_held(connection: asyncpg.Connection, table: str, span: Span) -> dict[datetime, Held]:
    """What is remembered of the hours of a span."""
    rows = await connection.fetch(_HELD, table, list(span.hours))
    return {row["bucket"]: Held.from_row(row) for row in rows}


async def add_up(connection: asyncpg.Connection, table: str, topic: str, without: Collection[datetime]) -> Sums:
    """What the remembered hours of a raw table hold, `without` some of them."""
    sums = Sums()
    total = await connection.fetchrow(_TOTAL, table, list(without))
    if total is not None:
        sums.hours, sums.rows, sums.oldest = total["hours"], total["rows"], total["oldest"]
    for row in await connection.fetch(_SUMS, table, list(without)):
        sums.records[place_of(topic, row["partition"])] += row["records"]
    return sums


async def remember(connection: asyncpg.Connection, table: str, held: Mapping[datetime, Held]) -> None:
    """Keep what hours hold; an hour without rows is forgotten."""
    empty = [hour for hour, one in held.items() if not one.rows]
    await connection.execute("DELETE FROM ingest.verified WHERE table_name = $1 AND bucket = ANY($2)", table, empty)
    kept = [(table, hour, one.rows, one.as_json(), one.digest) for hour, one in held.items() if one.rows]
    await connection.executemany(_KEEP, kept)


async def take_away(connection: asyncpg.Connection, marks: Iterable[Mark]) -> None:
    """These were looked at; one that has come again since stays."""
    columns = [list(column) for column in zip(*marks, strict=True)]
    if columns:
        await connection.execute(_TAKE_AWAY, *columns)


_DEFERRED = """
SELECT DISTINCT table_name, date_trunc('hour', bucket, 'UTC') AS hour
FROM ingest.deferred_minutes, unnest(buckets) AS bucket
"""
_HELD = "SELECT bucket, rows, records, digest FROM ingest.verified WHERE table_name = $1 AND bucket = ANY($2)"
_TOTAL = """
SELECT count(*) AS hours, coalesce(sum(rows), 0)::bigint AS rows, min(verified_at) AS oldest
FROM ingest.verified WHERE table_name = $1 AND bucket <> ALL($2::timestamptz[])
"""
_SUMS = """
SELECT r.key::int AS partition, sum(r.value::bigint)::bigint AS records
FROM ingest.verified AS v, jsonb_each_text(v.records) AS r
WHERE v.table_name = $1 AND v.bucket <> ALL($2::timestamptz[]) GROUP BY 1
"""
_KEEP = """
INSERT INTO ingest.verified (table_name, bucket, rows, records, digest) VALUES ($1, $2, $3, $4::text::jsonb, $5)
ON CONFLICT (table_name, bucket) DO UPDATE
SET rows = EXCLUDED.rows, records = EXCLUDED.records, digest = EXCLUDED.digest, verified_at = now()
"""
_TAKE_AWAY = """
DELETE FROM ingest.unverified AS u USING unnest($1::text[], $2::timestamptz[], $3::bigint[]) AS s(table_name, bucket, version)
WHERE u.table_name = s.table_name AND u.bucket = s.bucket AND u.version = s.version
"""
