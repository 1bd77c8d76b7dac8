"""The nightly pass: everything is read again from its raw rows, a day of a table at a time, whether anybody wrote to it or not.

Raw rows against what they were, rollups against raw rows, facts against raw rows, and what is made of facts. Spread over the
night: pieces that are done are noted, so a worker that stops leaves the rest to the next one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import NamedTuple

import asyncpg

from connectors.timescale.derived_check import check_radio_losses, check_sla_minutes
from connectors.timescale.fact_check import check_failing, check_kind
from connectors.timescale.fact_store import foldings
from connectors.timescale.ledger import check_partitions, read_partitions
from connectors.timescale.refolds import Folding
from connectors.timescale.spans import DAY, Period, Span, whole_day
from connectors.timescale.verification import (
    BY_HOUR,
    RAW,
    Covered,
    Ground,
    Looked,
    Report,
    look_at,
    read_ground,
    settle,
    snapshot,
)
from connectors.timescale.verified import read_held
from schemas.tables import RADIO
from streams.facts.kinds import CRANE, KEYED

SLA = "port.sla_minute"
RADIO_LOSS = "port.radio_loss"
_FOLDINGS: Mapping[str, Folding] = {folding.table.name: folding for folding in foldings().values()}


class Piece(NamedTuple):
    """A day (UTC) of a raw table, of a rollup (by its hour table), of a kind of facts, or of what is made of facts."""

    day: datetime
    name: str


@dataclass(slots=True)
class Pass:
    """A pass under way: what is still to be read."""

    left: list[Piece]


async def is_due(connection: asyncpg.Connection) -> bool:
    """Whether a pass is under way, or a day has gone by since the last began."""
    return bool(await connection.fetchval(_IS_DUE))


async def begin(connection: asyncpg.Connection) -> Pass:
    """Go on with the pass under way, or begin one. Wants `only_one`."""
    started_at = await connection.fetchval(_BEGIN)
    done = {Piece(row["day"], row["name"]) for row in await connection.fetch(_DONE, started_at)}
    return Pass([piece for piece in sorted(await find_pieces(connection)) if piece not in done])


async def turn(connection: asyncpg.Connection, under_way: Pass) -> list[str]:
    """Read the next piece, note it and what is wrong with it. Wants `only_one`."""
    started = monotonic()
    piece = under_way.left[0]
    looked = Looked()
    if piece.name in RAW or piece.name in BY_HOUR:
        differences = await _day_of_hours(connection, piece, looked)
    else:
        async with snapshot(connection):
            differences = await _day_of_facts(connection, piece)
    under_way.left.pop(0)
    async with connection.transaction():
        await connection.execute(_NOTE, piece.name, piece.day)
        await connection.execute(_FOUND, differences, looked.hours, looked.rows, monotonic() - started)
    return differences


async def end(connection: asyncpg.Connection) -> Report:
    """All pieces are read: the verdict on all of them, whoever read them."""
    async with snapshot(connection):
        lines = await read_partitions(connection)
        more = [*check_partitions(lines), *await check_failing(connection)]
    await connection.execute(_FOUND, more, 0, 0, 0.0)
    (row,) = await connection.fetch(_END)
    return Report("nightly", lines, tuple(row["differences"]), Covered(row["hours"], row["rows"]), row["seconds"])


async def verify_everything(connection: asyncpg.Connection) -> Report:
    """A whole pass at once, or the rest of the one under way. Wants `only_one`."""
    under_way = await begin(connection)
    while under_way.left:
        await turn(connection, under_way)
    return await end(connection)


async def find_pieces(connection: asyncpg.Connection) -> set[Piece]:
    """Every day of everything that has rows, or had some when it was looked at."""
    raw: dict[str, set[datetime]] = {name: set() for name in RAW}
    for row in await connection.fetch(_RAW_DAYS, list(RAW)):
        raw[row["name"]].add(row["day"])
    days = dict(raw)
    for hour, rollup in BY_HOUR.items():
        added = {row["day"] for row in await connection.fetch(_rollup_days(rollup.minute, hour)) if row["day"]}
        days[hour] = added.union(*(raw[name] for name in rollup.contributions))
    for name, folding in _FOLDINGS.items():
        began = "started_at" if folding.table is CRANE.table else "first_at"
        told = {row["day"] for row in await connection.fetch(_fact_days(name, began))}
        days[name] = told.union(*(raw[table] for table in folding.raw))
    days[SLA] = set(days[RADIO.hour])
    days[RADIO_LOSS] = days[CRANE.table.name] | raw["port.device_trip"]
    return {Piece(day, name) for name, several in days.items() for day in several}


async def _day_of_hours(connection: asyncpg.Connection, piece: Piece, looked: Looked) -> list[str]:
    span = whole_day(piece.day)
    async with snapshot(connection):
        ground = await read_ground(connection)
        await look_at(connection, {piece.name: span}, ground, looked)
        if piece.name in RAW:
            looked.add(piece.name, await _changed_unseen(connection, piece.name, span, looked, ground))
    await settle(connection, looked, ground)
    return looked.differences[piece.name]


async def _changed_unseen(
    connection: asyncpg.Connection, table: str, span: Span, looked: Looked, ground: Ground
) -> list[str]:
    """Hours that differ from what is remembered of them although no worker has written to them since."""
    before = await read_held(connection, table, span)
    changed = ground.marks.changed(table)
    differences = []
    for hour, held in sorted(looked.held[table].items()):
        known = before.get(hour)
        said = None
        if hour in changed:
            continue
        if known is not None:
            said = held.differs_from(known)
        elif held.rows:
            said = f"has {held.rows:,} rows that no worker told of"
        if said:
            differences.append(f"{table} {hour:%Y-%m-%d %H:00}: {said}; no worker has written there since")
    return differences


async def _day_of_facts(connection: asyncpg.Connection, piece: Piece) -> list[str]:
    period = Period(piece.day, piece.day + DAY)
    if piece.name == SLA:
        return await check_sla_minutes(connection, period)
    if piece.name == RADIO_LOSS:
        return await check_radio_losses(connection, period)
    folding = _FOLDINGS[piece.name]
    return await check_kind(connection, folding, KEYED.get(folding.table.kind), period)


def _rollup_days(minute: str, hour: str) -> str:
    """Days with minutes, by one look-up each, and days with hours."""
    first = f"SELECT date_trunc('day', min(bucket), 'UTC') FROM {minute}"  # noqa: S608  (our own names)
    return (
        f"WITH RECURSIVE d(day) AS ({first} UNION ALL SELECT ({first} WHERE bucket >= d.day + INTERVAL '1 day') "  # noqa: S608
        f"FROM d WHERE d.day IS NOT NULL) SELECT day FROM d UNION SELECT date_trunc('day', bucket, 'UTC') FROM {hour}"
    )


def _fact_days(table: str, began: str) -> str:
    return f"SELECT DISTINCT date_trunc('day', {began}, 'UTC') AS day FROM {table}"  # noqa: S608  (our own names)


_RAW_DAYS = """
SELECT hypertable_schema || '.' || hypertable_name AS name, date_trunc('day', range_start, 'UTC') AS day
FROM timescaledb_information.chunks WHERE hypertable_schema || '.' || hypertable_name = ANY($1::text[])
UNION SELECT table_name, date_trunc('day', bucket, 'UTC') FROM ingest.verified
"""
_IS_DUE = """
SELECT started_at IS NULL OR started_at > coalesce(finished_at, '-infinity') OR started_at < now() - INTERVAL '24 hours'
FROM ingest.verification WHERE scope = 'nightly'
"""
_BEGIN = """
WITH stands AS (
    SELECT started_at > coalesce(finished_at, '-infinity') AS is_under_way FROM ingest.verification WHERE scope = 'nightly'
), begun AS (
    UPDATE ingest.verification AS v SET started_at = now(), found = '{}', hours = 0, rows = 0, seconds = 0
    FROM stands AS s WHERE v.scope = 'nightly' AND s.is_under_way IS NOT TRUE RETURNING v.started_at
)
SELECT started_at FROM begun
UNION ALL SELECT v.started_at FROM ingest.verification AS v, stands AS s WHERE v.scope = 'nightly' AND s.is_under_way
"""
_DONE = "SELECT name, day FROM ingest.verified_day WHERE verified_at >= $1"
_NOTE = """
INSERT INTO ingest.verified_day (name, day) VALUES ($1, $2)
ON CONFLICT (name, day) DO UPDATE SET verified_at = now()
"""
_FOUND = """
UPDATE ingest.verification SET found = found || $1::text[], hours = hours + $2, rows = rows + $3, seconds = seconds + $4
WHERE scope = 'nightly'
"""
_END = """
UPDATE ingest.verification
SET finished_at = now(), differences = found, found = '{}',
    succeeded_at = CASE WHEN cardinality(found) = 0 THEN now() ELSE succeeded_at END
WHERE scope = 'nightly' RETURNING differences, hours, rows, seconds
"""
