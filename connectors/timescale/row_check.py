"""Counts against rows: what is stored per topic-partition, and whether any record is stored twice.

One record is one (record_offset, source, event_id) of a partition: a report of the cell domain may make
many rows, and a topic that was created again counts its offsets from 0 again. Rows of history have partitions below 0
(schemas/backfill.py).
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import asyncpg

from connectors.timescale.spans import EVERYTHING, Where
from schemas.backfill import SUFFIX, place_of
from schemas.events import EVENTS_BY_DOMAIN
from schemas.tables import CELL_MEASUREMENT, RAW_BY_TYPE, RawTable

Place = tuple[str, int]
SHOWN = 3

TOPIC_TABLES: dict[str, tuple[RawTable, ...]] = {
    f"{domain}-events": tuple(RAW_BY_TYPE[model.TYPE] for model in models)
    for domain, models in EVENTS_BY_DOMAIN.items()
}


@dataclass(frozen=True, slots=True)
class Counts:
    """Records per (topic, partition): stored now or retired. `reset`: outcomes that `offsets reset` set aside."""

    accepted: Counter[Place] = field(default_factory=Counter)
    rejected: Counter[Place] = field(default_factory=Counter)
    missing: Counter[Place] = field(default_factory=Counter)
    reset: Mapping[Place, Counter[str]] = field(default_factory=dict)


async def count_records(connection: asyncpg.Connection) -> Counts:
    """Count what is stored, and add what retention counted before it removed it."""
    counts = await count_beside(connection)
    for topic, tables in TOPIC_TABLES.items():
        for table in tables:
            for row in await connection.fetch(_records_of(table)):
                counts.accepted[place_of(topic, row["partition"])] += row["records"]
    return counts


async def count_beside(connection: asyncpg.Connection) -> Counts:
    """All counts without the raw rows that are stored now."""
    counts = Counts(reset=await _set_aside(connection))
    for row in await connection.fetch(_DEAD_LETTERS):
        counts.rejected[row["topic"], row["partition"]] += row["records"]
    for row in await connection.fetch(_LOST):
        counts.missing[row["topic"], row["partition"]] += row["records"]
    await _add_retired(connection, counts)
    return counts


async def check_rows(
    connection: asyncpg.Connection, next_offsets: Mapping[Place, int], reset: Mapping[Place, object]
) -> list[str]:
    """No record stored twice, none with two outcomes, none beyond its fence. `reset` partitions re-use offsets."""
    fences = {place: offset for place, offset in next_offsets.items() if place not in reset}
    differences: list[str] = []
    for topic, tables in TOPIC_TABLES.items():
        for table in tables:
            differences += await stored_twice(connection, topic, table)
            differences += await _beyond_the_fence(connection, topic, table, fences)
            differences += await two_outcomes(connection, topic, table, reset)
    return differences


async def check_identities(connection: asyncpg.Connection) -> list[str]:
    """No event stored under two offsets of one raw table: a repeat that was not recognised."""
    tables = [table for several in TOPIC_TABLES.values() for table in several]
    return [difference for table in tables for difference in await repeats(connection, table)]


async def stored_twice(
    connection: asyncpg.Connection, topic: str, table: RawTable, where: Where = EVERYTHING
) -> list[str]:
    """Records with more rows than one, where one is what they make."""
    if table is CELL_MEASUREMENT:
        return []
    rows = await connection.fetch(
        f"SELECT partition, record_offset, count(*) AS n FROM {table.name} WHERE {where.where()} "  # noqa: S608 -- our own names
        f"GROUP BY partition, record_offset, source, event_id HAVING count(*) > 1 ORDER BY 1, 2 LIMIT {SHOWN}",
        *where.args,
    )
    return [
        f"{table.name}: {shown(place_of(topic, row['partition']))} offset {row['record_offset']} "
        f"is stored {row['n']} times"
        for row in rows
    ]


async def two_outcomes(
    connection: asyncpg.Connection,
    topic: str,
    table: RawTable,
    reset: Collection[Place],
    where: Where = EVERYTHING,
) -> list[str]:
    """Records that have rows and are dead letters."""
    rows = await connection.fetch(_two_outcomes(table, where), topic, topic + SUFFIX, *where.args)
    places = [(place_of(topic, row["partition"]), row["record_offset"]) for row in rows]
    return [
        f"{shown(place)} offset {offset}: both in {table.name} and a dead letter"
        for place, offset in places
        if place not in reset
    ]


async def repeats(connection: asyncpg.Connection, table: RawTable, where: Where = EVERYTHING) -> list[str]:
    """Events (source, id, asset, time) stored under two offsets: repeats that were not recognised.

    A repeat keeps its time. An id that a sender gives to two times is two statements, and the sender's fault.
    """
    found = await connection.fetch(_identities(table, where), *where.args)
    differences = [
        f"{table.name}: event {row['source']} {row['event_id']} is stored {row['records']} times"
        for row in found[:SHOWN]
    ]
    if len(found) > SHOWN:
        differences.append(f"{table.name}: {found[0]['total'] - SHOWN} more events are stored more than once")
    return differences


async def _beyond_the_fence(
    connection: asyncpg.Connection, topic: str, table: RawTable, fences: Mapping[Place, int]
) -> list[str]:
    last = await connection.fetch(
        f"SELECT partition, max(record_offset) AS last FROM {table.name} GROUP BY 1 ORDER BY 1"  # noqa: S608
    )
    return [
        f"{shown(place)}: {table.name} has offset {row['last']}, the fence is at {fence}"
        for row in last
        if (fence := fences.get(place := place_of(topic, row["partition"]))) is not None and row["last"] >= fence
    ]


def shown(place: Place) -> str:
    """A partition, as differences name it."""
    topic, partition = place
    return f"{topic}[{partition}]"


async def _set_aside(connection: asyncpg.Connection) -> dict[Place, Counter[str]]:
    aside: dict[Place, Counter[str]] = {}
    for row in await connection.fetch(_RETIRED, ["ingest.partition_offset"]):
        for entry in json.loads(row["records"]):
            outcomes = Counter({name: entry[name] for name in ("accepted", "duplicate", "rejected", "missing")})
            aside.setdefault((entry["topic"], entry["partition"]), Counter()).update(outcomes)
    return aside


async def _add_retired(connection: asyncpg.Connection, counts: Counts) -> None:
    raw = [table.name for tables in TOPIC_TABLES.values() for table in tables]
    into = {"ingest.dead_letter": counts.rejected, "ingest.lost_range": counts.missing}
    for row in await connection.fetch(_RETIRED, [*raw, *into]):
        counter = into.get(row["table_name"], counts.accepted)
        for entry in json.loads(row["records"]):
            counter[entry["topic"], entry["partition"]] += entry["records"]


_RETIRED = "SELECT table_name, records FROM ingest.retired WHERE table_name = ANY($1::text[])"
_DEAD_LETTERS = "SELECT topic, partition, count(*) AS records FROM ingest.dead_letter GROUP BY 1, 2"
_LOST = """
SELECT topic, partition, sum(to_offset - from_offset)::bigint AS records FROM ingest.lost_range GROUP BY 1, 2
"""


def _records_of(table: RawTable) -> str:
    # Grouped, not count(DISTINCT): that would sort.
    return (
        f"SELECT partition, count(*) AS records FROM (SELECT partition FROM {table.name} "  # noqa: S608
        "GROUP BY partition, record_offset, source, event_id) AS records GROUP BY 1"
    )


def _two_outcomes(table: RawTable, where: Where) -> str:
    return (
        f"SELECT DISTINCT r.partition, r.record_offset FROM ingest.dead_letter AS d JOIN {table.name} AS r "  # noqa: S608
        "ON r.record_offset = d.record_offset "
        "AND r.partition = CASE WHEN d.topic = $2 THEN -1 - d.partition ELSE d.partition END "
        f"WHERE d.topic IN ($1, $2) AND {where.where(3, 'r.time')} ORDER BY 1, 2 LIMIT {SHOWN}"
    )


def _identities(table: RawTable, where: Where) -> str:
    return (
        "SELECT source, event_id, count(*) AS records, count(*) OVER () AS total FROM "  # noqa: S608
        f"(SELECT source, event_id, {table.asset} AS asset, time FROM {table.name} WHERE {where.where()} "
        f"GROUP BY source, event_id, {table.asset}, time, partition, record_offset) AS records "
        f"GROUP BY source, event_id, asset, time HAVING count(*) > 1 ORDER BY 1, 2 LIMIT {SHOWN + 1}"
    )
