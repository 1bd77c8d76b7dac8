"""What a run finds: a topic with so many partitions, and rows stored on the days before and today.

Stored rows are made by the server itself, as dense as cranes at 10 Hz leave them: the last minutes of each day,
and today the minutes up to the first event.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient

from connectors.kafka.options import client_options
from connectors.kafka.topics import topic_admin
from connectors.timescale.connection import connection_to
from schemas.topics import BACKFILL_OF, load_topics
from streams.cli.benchmark.arena import POLL_S, VISIBLE_S, Arena
from streams.cli.benchmark.workload import CRANES, STEP_US, TOPIC

DAYS = 20
_DAY = timedelta(days=1)
# The same columns as the worker's events have, with values as scattered as theirs.
_ROWS = """
INSERT INTO port.crane_sample (time, crane_id, site, source, event_id, bootid, sequence, partition, record_offset,
  hoist_position_m, hoist_speed_mps, load_t, wind_mps, power_kw)
SELECT $1::timestamptz + n / $3 * interval '1 microsecond' * $4,
  'VNHPH-TANVU-STS' || lpad((n % $3)::text, 3, '0'), 'VNHPH-TANVU', '/vnhph/tanvu/gw-0' || n % $3 % 5,
  'before-' || extract(epoch FROM $1::timestamptz)::bigint || '-' || n, 'before', n / $3 + 1, n % $3 % 12, n,
  (mixed & 4095) / 100.0, (mixed >> 4 & 255) / 100.0,
  CASE WHEN mixed & 65536 = 0 THEN (mixed >> 8 & 4095) / 100.0 END, (mixed >> 12 & 1023) / 100.0,
  (mixed >> 16 & 32767) / 100.0
FROM (SELECT n, n * 2654435761 & 4294967295 AS mixed FROM generate_series(0, $2::bigint - 1) AS n) AS numbered
"""
_MINUTES = """
INSERT INTO port.crane_minute (bucket, crane_id, site, samples, load_t_max, load_t_sum, load_t_count, wind_mps_max,
  power_kw_sum, power_kw_count, hoist_speed_mps_max)
SELECT date_trunc('minute', $1::timestamptz) + minute * interval '1 minute',
  'VNHPH-TANVU-STS' || lpad(crane::text, 3, '0'), 'VNHPH-TANVU', 600, 40.9, 6000, 300, 10.2, 98000, 600, 2.5
FROM generate_series(0, ceil($2::float8 / $3 * $4 / 6e7)::int - 1) AS minute, generate_series(0, $3::int - 1) AS crane
ON CONFLICT DO NOTHING
"""


async def fresh_topic(arena: Arena, partitions: int) -> None:
    """The cranes' topic and its back-fill anew, empty, with so many partitions; returns when the broker shows them."""
    names = [TOPIC, BACKFILL_OF[TOPIC]]
    declared = [load_topics()[name].model_copy(update={"partitions": partitions}) for name in names]
    client = AIOKafkaAdminClient(**client_options(arena.access))
    await client.start()
    try:
        await client.delete_topics(names)
        async with asyncio.timeout(VISIBLE_S):
            while set(names) & set(await client.list_topics()):  # noqa: ASYNC110  (only asking again tells)
                await asyncio.sleep(POLL_S)
    finally:
        await client.close()
    async with topic_admin(arena.access) as admin:
        await admin.create(declared, 1)


async def store_before(arena: Arena, rows: int, first: datetime, progress: Callable[[int], None]) -> None:
    """Add `rows` rows: to each of the `DAYS` days before `first` and, just before it, to its own day."""
    if not rows:
        return
    share = rows // (DAYS + 1)
    async with arena.connection() as connection:
        for back in range(DAYS, 0, -1):
            await _store(connection, _ends(first, back), share)
            progress((DAYS - back + 1) * share)
        await _store(connection, first, rows - DAYS * share)
    await _settle(arena)
    progress(rows)


async def store_expired(arena: Arena, chunks: int, rows: int, now: datetime, kept: timedelta) -> None:
    """Add `chunks` days of `rows` rows each that are older than what is kept."""
    async with arena.connection() as connection:
        for back in range(chunks):
            await _store(connection, _ends(now - kept - 2 * _DAY, back), rows)
    await _settle(arena)


async def forget_progress(arena: Arena) -> None:
    """As if no partition had ever been read; rows stay."""
    async with arena.connection() as connection:
        await connection.execute("DELETE FROM ingest.partition_offset")


@asynccontextmanager
async def nothing_lands(arena: Arena) -> AsyncIterator[None]:
    """Hold every fence meanwhile, so that all workers begin together: the first of their transactions waits for it."""
    async with arena.connection() as connection, connection.transaction():
        await connection.execute("SELECT 1 FROM ingest.partition_offset WHERE topic = $1 FOR UPDATE", TOPIC)
        yield


def _ends(moment: datetime, days_back: int) -> datetime:
    """The last moment of a day before that of `moment`."""
    midnight = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - (days_back - 1) * _DAY


async def _store(connection: asyncpg.Connection, end: datetime, rows: int) -> None:
    if rows:
        first = end - timedelta(microseconds=-(-rows // CRANES) * STEP_US)
        await connection.execute(_ROWS, first, rows, CRANES, STEP_US, timeout=None)
        await connection.execute(_MINUTES, first, rows, CRANES, STEP_US, timeout=None)


async def _settle(arena: Arena) -> None:
    """What would otherwise begin in the background while something is measured."""
    async with connection_to(arena.stack.superuser_url()) as superuser:
        await superuser.execute("VACUUM (ANALYZE) port.crane_sample", timeout=None)
        await superuser.execute("CHECKPOINT", timeout=None)
