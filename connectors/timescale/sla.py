"""Minutes of devices in or out of their SLA profiles: marked by the ingest transaction, judged a moment later.

A minute is judged when no more readings of it come; and again whenever it has more than it was judged by, so late ones
count. One worker at a time; each turn takes a bounded number of minutes.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import asyncpg
import pyarrow as pa
import pyarrow.compute as pc

from connectors.timescale.pool import Connection, Pool
from connectors.timescale.raw_rows import LOOK_UP
from schemas.sla import Device, Profile, profiles_of
from streams.facts.sla_minute import LOOK_BACK_S, Judged, judge, readings_of

MINUTES: Final = "port.radio_minute"
MOST_MINUTES: Final = 30
RESTS: Final = timedelta(seconds=20)
OVER_RESTS: Final = timedelta(seconds=3)
RECENT: Final = timedelta(hours=1)
_CHUNK: Final = 200
_LOCK: Final = 0x7155


class Minute(NamedTuple):
    """A minute of a device that is to be judged, and how many readings it has by now."""

    device: Device
    bucket: datetime
    samples: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a turn judged: device minutes, and whether none was left.

    `states`: by (site, profile, state), those judged the first time that are not older than an hour.
    """

    minutes: int = 0
    states: Mapping[tuple[str, str, str], int] = field(default_factory=Counter)
    is_all: bool = True


async def mark(connection: Connection, rollups: Mapping[str, pa.Table]) -> None:
    """The minutes of these deltas are to be judged: one row each, whatever the number of devices."""
    if MINUTES in rollups:
        buckets = pc.unique(rollups[MINUTES]["bucket"]).to_pylist()
        await connection.execute(
            "INSERT INTO ingest.stale_sla (bucket) SELECT * FROM unnest($1::timestamptz[])", buckets
        )


async def judge_minutes(pool: Pool, rests: timedelta = RESTS) -> Judgement | None:
    """Judge some marked minutes in one transaction; None when another worker is at it. `is_all`: none is left."""
    async with pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
            return None
        await connection.execute(LOOK_UP)
        buckets = [row["bucket"] for row in await connection.fetch(_TAKE, rests, OVER_RESTS, MOST_MINUTES)]
        if not buckets:
            return Judgement()
        minutes = [minute_of(row) for row in await connection.fetch(_CHANGED, buckets)]
        states: Counter[tuple[str, str, str]] = Counter()
        for chunk in (minutes[at : at + _CHUNK] for at in range(0, len(minutes), _CHUNK)):
            states += await _judge(connection, chunk)
        return Judgement(len(minutes), states, is_all=len(buckets) < MOST_MINUTES)


async def _judge(connection: Connection, minutes: Sequence[Minute]) -> Counter[tuple[str, str, str]]:
    judged = await judged_of(connection, minutes)
    written = await connection.fetch(_WRITE, *_columns(judged), RECENT)
    await connection.execute(_MARK_HOURS, [minute.bucket for minute, _, _ in judged])
    return Counter((row["site"], row["profile"], row["state"]) for row in written if row["is_first"])


async def judged_of(connection: Connection, minutes: Sequence[Minute]) -> list[tuple[Minute, Profile, Judged]]:
    """What readings say of minutes, by each profile that is asked of the device; writes nothing."""
    if not minutes:
        return []
    profiles = {minute.device: profiles_of(minute.device) for minute in minutes}
    fields = sorted({name for several in profiles.values() for one in several for name in one.fields})
    rows = await connection.fetch(
        _readings(fields), *_places(minutes), min(m.bucket for m in minutes), max(m.bucket for m in minutes)
    )

    def run() -> list[tuple[Minute, Profile, Judged]]:
        found = []
        for row in rows:
            minute = minutes[row["n"] - 1]
            readings = readings_of(dict(row), fields)
            for profile in profiles[minute.device]:
                judged = judge(profile, readings)
                if judged is not None:
                    found.append((minute, profile, judged))
        return found

    return await asyncio.to_thread(run)


async def count_due(connection: Connection) -> int:
    """Marked minutes that have rested and wait to be judged."""
    due: int = await connection.fetchval(f"SELECT count(*) FROM ({_RESTED}) AS due", RESTS, OVER_RESTS)  # noqa: S608
    return due


async def judged_minutes(connection: Connection, since: datetime, until: datetime) -> AsyncIterator[list[Minute]]:
    """All minutes from `since` on, before `until`, that no mark is about, some at a time; wants a transaction."""
    found: list[Minute] = []
    async for row in connection.cursor(_UNMARKED, since, until, prefetch=_CHUNK):
        found.append(minute_of(row))
        if len(found) == _CHUNK:
            yield found
            found = []
    yield found


def minute_of(row: asyncpg.Record) -> Minute:
    device = Device(device_id=row["device_id"], site=row["site"], type=row["type"], carried_by=row["carried_by"])
    return Minute(device, row["bucket"], row["samples"])


def _places(minutes: Iterable[Minute]) -> list[list[object]]:
    return [list(column) for column in zip(*((m.device.device_id, m.bucket) for m in minutes), strict=True)]


def _columns(judged: Sequence[tuple[Minute, Profile, Judged]]) -> list[list[object]]:
    rows = [
        (
            *(minute.bucket, minute.device.device_id, minute.device.site, profile.profile_id, profile.version),
            *(minute.samples, one.good, one.bad, one.outage_s, one.state),
        )
        for minute, profile, one in judged
    ]
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(10)]


def _readings(fields: Collection[str]) -> str:
    order = "ORDER BY r.time, r.event_id"
    said = ", ".join(f"array_agg(r.{name} {order}) AS {name}" for name in (*fields, "handover", "five_qi", "slice"))
    return (
        f"SELECT k.n, array_agg(extract(epoch FROM r.time - k.bucket)::float8 {order}) AS time_s, {said} "  # noqa: S608
        "FROM unnest($1::text[], $2::timestamptz[]) WITH ORDINALITY AS k(device_id, bucket, n) "
        "JOIN port.radio_sample AS r ON r.device_id = k.device_id "
        f"AND r.time >= k.bucket - INTERVAL '{LOOK_BACK_S} s' AND r.time < k.bucket + INTERVAL '1 minute' "
        # The range lets TimescaleDB leave out the chunks that cannot hold any of them.
        f"WHERE r.time >= $3::timestamptz - INTERVAL '{LOOK_BACK_S} s' AND r.time < $4::timestamptz + INTERVAL '1 minute' "
        "GROUP BY k.n"
    )


# While readings of a minute go on coming it rests: what belongs together is judged once. Shortly, once there are readings of
# a later one.
_RESTED = """
SELECT bucket FROM ingest.stale_sla GROUP BY bucket
HAVING max(marked_at) <= now() - CASE WHEN bucket < (SELECT max(bucket) FROM ingest.stale_sla)
                                 THEN least($1::interval, $2::interval) ELSE $1::interval END
"""
_TAKE = f"""
WITH chosen AS (
    {_RESTED} ORDER BY bucket LIMIT $3
), taken AS (
    DELETE FROM ingest.stale_sla AS s USING chosen AS c WHERE s.bucket = c.bucket RETURNING s.bucket
)
SELECT DISTINCT bucket FROM taken ORDER BY bucket
"""  # noqa: S608  (of constants)
# Of a minute after a marked one, the first reading may tell of another time.
_UNMARKED = """
SELECT m.bucket, m.device_id, m.site, m.samples, a.type, a.carried_by
FROM port.radio_minute AS m LEFT JOIN port.asset AS a ON a.asset_id = m.device_id AND a.declared
WHERE m.bucket >= $1 AND m.bucket < $2 AND NOT EXISTS (
    SELECT FROM ingest.stale_sla AS s WHERE s.bucket IN (m.bucket, m.bucket - INTERVAL '1 minute')
)
ORDER BY m.bucket, m.device_id
"""
# The first reading of a minute tells of the time since the last of the minute before: a judged minute after a changed one
# is judged again.
_CHANGED = """
WITH changed AS (
    SELECT m.bucket, m.device_id FROM unnest($1::timestamptz[]) AS b(bucket)
    JOIN port.radio_minute AS m ON m.bucket = b.bucket
    WHERE m.samples IS DISTINCT FROM (
        SELECT min(s.samples) FROM port.sla_minute AS s WHERE s.device_id = m.device_id AND s.bucket = m.bucket
    )
), chosen AS (
    SELECT * FROM changed
    UNION
    SELECT s.bucket, s.device_id FROM changed AS c
    JOIN port.sla_minute AS s ON s.device_id = c.device_id AND s.bucket = c.bucket + INTERVAL '1 minute'
)
SELECT m.bucket, m.device_id, m.site, m.samples, a.type, a.carried_by
FROM chosen AS c JOIN port.radio_minute AS m ON m.device_id = c.device_id AND m.bucket = c.bucket
LEFT JOIN port.asset AS a ON a.asset_id = m.device_id AND a.declared
ORDER BY m.bucket, m.device_id
"""
_WRITE = """
INSERT INTO port.sla_minute AS s (bucket, device_id, site, profile, version, samples, good, bad, outage_s, state)
SELECT * FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::int[], $6::bigint[], $7::bigint[],
                     $8::bigint[], $9::float8[], $10::text[])
ON CONFLICT (device_id, bucket, profile) DO UPDATE
SET version = EXCLUDED.version, samples = EXCLUDED.samples, good = EXCLUDED.good, bad = EXCLUDED.bad,
    outage_s = EXCLUDED.outage_s, state = EXCLUDED.state, judged_at = now()
RETURNING site, profile, state, xmax = 0 AND bucket > now() - $11::interval AS is_first
"""
# Stored by who adds up hours (hours.py), once they are over.
_MARK_HOURS = """
INSERT INTO kpi.stale_hour (kind, bucket)
SELECT DISTINCT 'sla', date_trunc('hour', bucket, 'UTC') FROM unnest($1::timestamptz[]) AS bucket
"""
