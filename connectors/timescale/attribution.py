"""What the radio cost, made of stored facts and raw rows, and made again where these are others than it was made of.

A day of a crane or vehicle is read in one snapshot, worked out without the database, and written under a lock with its
restatements. Whoever changed something meanwhile changed the counts it was made of (`state`): the next turn sees it.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np

from connectors.timescale.facts import read_facts, write_changes
from connectors.timescale.pool import Connection, Pool
from connectors.timescale.raw_rows import LOOK_UP, read_crane_rows, read_samples
from schemas.attribution import METHOD, PROFILE
from schemas.facts import RADIO_ATTRIBUTION, RADIO_LOSS, FactTable
from streams.attribution.cycles import losses
from streams.attribution.daily import DEFINITION, Place, facts_of
from streams.attribution.day import cycles_of, day_of, idle_of, trips_of
from streams.attribution.radio import Readings
from streams.facts.crane_samples import Samples
from streams.facts.fact import Fact
from streams.facts.restate import Reason, Stored, compare

_LOCK_SPACE: Final = 0x7261
MARGIN: Final = timedelta(hours=1)  # a cycle of the day may have begun before it
_SAMPLES: Final = 250_000
_RADIO: Final = ("at", "rtt_ms", "loss_ratio", "sinr_db")


@dataclass(frozen=True, slots=True)
class Due:
    """A machine's day that is to be made: [since, until) of the site, and what it will have been made of."""

    place: Place
    until: datetime
    state: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Made:
    """What a turn did: days looked at, those made again, and facts restated."""

    days: int = 0
    changed: int = 0
    restated: int = 0


async def attribute(pool: Pool, since: datetime, until: datetime, site: str | None = None) -> Made:
    """Make every machine's day with cycles or trips that end in [since, until) which is new or was made of something else."""
    async with pool.acquire() as connection:
        due = await find_due(connection, since, until, site)
    changed = restated = 0
    for one in due:
        facts, day = await _made(pool, one)
        differences = await _written(pool, one.place, facts, day)
        changed += differences is not None
        restated += differences or 0
    return Made(len(due), changed, restated)


async def newest_work(connection: Connection) -> datetime | None:
    """When the newest cycle, visit or trip that is known of ended; None where nothing is."""
    found: datetime | None = await connection.fetchval(_NEWEST)
    return found


async def find_due(connection: Connection, since: datetime, until: datetime, site: str | None) -> list[Due]:
    """Days whose `state` is not what the database has now."""
    return [due for due, is_made in await _days(connection, since, until, site) if not is_made]


async def find_made(connection: Connection, since: datetime, until: datetime) -> list[Due]:
    """Days that are made of what the database has now."""
    return [due for due, is_made in await _days(connection, since, until, None) if is_made]


async def _days(connection: Connection, since: datetime, until: datetime, site: str | None) -> list[tuple[Due, bool]]:
    """Every day with work, and whether it is made of what the database has now."""
    method = {"definition": DEFINITION, **asdict(PROFILE), **asdict(METHOD)}
    rows = await connection.fetch(_DUE, since, until, site)
    found = []
    for row in rows:
        state = {"counts": json.loads(row["counts"]), "method": method}
        is_made = row["state"] is not None and json.loads(row["state"]) == state
        is_made = is_made and row["is_over"] == (row["outcome"] == "complete")
        place = Place(row["asset_id"], row["site"], row["day"], row["name"], row["is_over"])
        found.append((Due(place, row["day_end"], state), is_made))
    return found


async def read_days(connection: Connection, since: datetime, until: datetime, site: str | None) -> list[dict[str, Any]]:
    """The days that touch [since, until), in order."""
    return [dict(row) for row in await connection.fetch(_DAYS, since, until, site)]


async def _made(pool: Pool, due: Due) -> tuple[list[Fact], Fact]:
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(LOOK_UP)
        return await made_of(connection, due)


async def made_of(connection: Connection, due: Due) -> tuple[list[Fact], Fact]:
    """A day's cycles and the day, from facts and raw rows; writes nothing. Wants a transaction."""
    place = due.place
    span = (place.asset_id, place.day, due.until)
    cycles = cycles_of(map(dict, await connection.fetch(_CYCLES, *span)))
    cycles += trips_of(map(dict, await connection.fetch(_TRIPS, *span)))
    since = place.day - MARGIN
    statuses = await read_crane_rows(connection, ["port.crane_status"], place.asset_id, since, due.until)
    modems = [await _readings(connection, device, since, due.until) for device in await _modems(connection, place)]
    samples = await _samples(connection, place.asset_id, since, due.until)

    def work() -> tuple[list[Fact], Fact]:
        idle = idle_of(statuses["port.crane_status"], due.until)
        found = losses(day_of(cycles, idle, modems, samples))
        return facts_of(place, found, modems, due.state)

    return await asyncio.to_thread(work)


async def stored_of(connection: Connection, table: FactTable, place: Place) -> list[Stored]:
    """What is stored of a machine's day in one of the two tables."""
    return await read_facts(connection, table, "WHERE f.asset_id = $1 AND f.day = $2", place.asset_id, place.day)


async def _written(pool: Pool, place: Place, facts: Sequence[Fact], day: Fact) -> int | None:
    """How many facts were restated; None where nothing changed."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", _LOCK_SPACE, day.key)
        changed, restated = False, 0
        for table, made in ((RADIO_LOSS, list(facts)), (RADIO_ATTRIBUTION, [day])):
            stored = await stored_of(connection, table, place)
            changes = compare(table, stored, made)
            if not changes.is_empty:
                reason: Reason = "definition" if _is_redefined(table, stored, made) else "late"
                await write_changes(connection, table, changes, reason)
                changed, restated = True, restated + len(changes.restated)
        return restated if changed else None


def _is_redefined(table: FactTable, stored: Sequence[Stored], made: Sequence[Fact]) -> bool:
    if table is RADIO_LOSS:
        return any(fact.values["definition"] != DEFINITION for fact in stored)
    return any(fact.values["state"]["method"] != made[0].values["state"]["method"] for fact in stored)


async def _modems(connection: Connection, place: Place) -> list[str]:
    """Those declared as carried by the machine; else the machine, where it reports its radio under its own name."""
    rows = await connection.fetch("SELECT asset_id FROM port.asset WHERE carried_by = $1 ORDER BY 1", place.asset_id)
    return [row["asset_id"] for row in rows] or [place.asset_id]


async def _readings(connection: Connection, device: str, since: datetime, until: datetime) -> Readings:
    rows = await connection.fetch(_READINGS, device, since, until)
    at, rtt, loss, sinr = (np.array([row[name] for row in rows], dtype=np.float64) for name in _RADIO)
    return Readings(at, rtt, loss, sinr, [row["serving_cell"] for row in rows])


async def _samples(connection: Connection, crane: str, since: datetime, until: datetime) -> Samples:
    """All of a day, read in pieces."""
    pieces, after = [], since
    while len(piece := await read_samples(connection, crane, after, _SAMPLES)):
        last = int(np.searchsorted(piece.time_us, round(until.timestamp() * 1e6)))
        pieces.append(piece)
        if last < len(piece) or len(piece) < _SAMPLES:
            break
        after = datetime.fromtimestamp(int(piece.time_us[-1]) / 1e6, tz=until.tzinfo)
    return _joined(pieces, round(until.timestamp() * 1e6))


def _joined(pieces: Sequence[Samples], until_us: int) -> Samples:
    if not pieces:
        return Samples(np.zeros(0, np.int64), {}, {})
    times = np.concatenate([piece.time_us for piece in pieces])
    end = int(np.searchsorted(times, until_us))
    codes = {name: np.concatenate([p.codes[name] for p in pieces])[:end] for name in pieces[0].codes}
    numbers = {name: np.concatenate([p.numbers[name] for p in pieces])[:end] for name in pieces[0].numbers}
    return Samples(times[:end], codes, numbers)


_NEWEST = "SELECT greatest((SELECT max(newest) FROM ingest.site_clock), (SELECT max(time) FROM port.device_trip))"
_DAYS = """
SELECT day_id, asset_id, site, day, cycles, exposed, attributed, unmatched, unknown, bad_s, lost_s, moves_lost, moves_low,
       moves_high, completeness, definition, revision, outcome = 'complete' AS is_over
FROM kpi.radio_attribution
WHERE day > $1::timestamptz - INTERVAL '1 day' AND day < $2 AND ($3::text IS NULL OR site = $3) ORDER BY day, asset_id
"""
_CYCLES = """
SELECT cycle_id, started_at, locked_at, ended_at, move_kind, mode, outcome FROM port.crane_cycle
WHERE crane_id = $1 AND ended_at >= $2 AND ended_at < $3 ORDER BY ended_at, cycle_id
"""
_TRIPS = """
SELECT device_id, trip_id, time, duration_s, waited_s, kind, laden, completed FROM port.device_trip
WHERE device_id = $1 AND time >= $2 AND time < $3 ORDER BY time, event_id
"""
_READINGS = """
SELECT extract(epoch FROM time)::float8 AS at, rtt_ms, loss_ratio, sinr_db, serving_cell FROM port.radio_sample
WHERE device_id = $1 AND time >= $2 AND time < $3 ORDER BY time, event_id
"""
# The counts of everything a day is made of: minutes equal the raw rows they add up, late ones included.
_DUE = """
WITH sites AS (
    SELECT s.site, extract(epoch FROM s.utc_offset)::float8 AS offset_s,
           greatest(s.newest, (SELECT max(t.time) FROM port.device_trip AS t
                               WHERE t.site = s.site AND t.time >= $1::timestamptz)) AS newest
    FROM kpi.site AS s
), work AS (
    SELECT c.site, c.crane_id AS asset_id, c.ended_at, c.recorded_at FROM port.crane_cycle AS c
    WHERE c.ended_at >= $1::timestamptz - INTERVAL '1 day' AND c.ended_at < $2::timestamptz + INTERVAL '1 day'
    UNION ALL
    SELECT t.site, t.device_id, t.time, NULL FROM port.device_trip AS t
    WHERE t.time >= $1::timestamptz - INTERVAL '1 day' AND t.time < $2::timestamptz + INTERVAL '1 day'
), days AS (
    SELECT w.site, w.asset_id, s.offset_s, s.newest,
           floor((extract(epoch FROM w.ended_at)::float8 + s.offset_s) / 86400)::bigint AS k,
           count(*) AS cycles, max(w.recorded_at) AS recorded_at
    FROM work AS w JOIN sites AS s ON s.site = w.site WHERE $3::text IS NULL OR w.site = $3
    GROUP BY 1, 2, 3, 4, 5
), dated AS (
    SELECT d.*, to_timestamp(k * 86400 - offset_s) AS day, to_timestamp((k + 1) * 86400 - offset_s) AS day_end,
           to_char(to_timestamp(k * 86400) AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS name
    FROM days AS d
)
SELECT d.site, d.asset_id, d.day, d.day_end, d.name, coalesce(d.newest >= d.day_end, false) AS is_over,
       a.state, a.outcome,
       jsonb_build_object(
           'cycles', d.cycles, 'recorded_at', d.recorded_at,
           'samples', (SELECT coalesce(sum(m.samples), 0) FROM port.crane_minute AS m
                       WHERE m.crane_id = d.asset_id AND m.bucket >= d.day - INTERVAL '1 hour' AND m.bucket < d.day_end),
           'statuses', (SELECT count(*) FROM port.crane_status AS t
                        WHERE t.crane_id = d.asset_id AND t.time >= d.day - INTERVAL '1 hour' AND t.time < d.day_end),
           'readings', (SELECT coalesce(jsonb_object_agg(r.device_id, r.samples), '{}') FROM (
               SELECT m.device_id, sum(m.samples) AS samples FROM port.radio_minute AS m
               WHERE (m.device_id IN (SELECT asset_id FROM port.asset WHERE carried_by = d.asset_id)
                      OR m.device_id = d.asset_id)
                   AND m.bucket >= d.day - INTERVAL '1 hour' AND m.bucket < d.day_end
               GROUP BY m.device_id) AS r)
       ) AS counts
FROM dated AS d
LEFT JOIN kpi.radio_attribution AS a ON a.site = d.site AND a.day_id = d.asset_id || '/' || d.name
WHERE d.day_end > $1::timestamptz AND d.day < $2::timestamptz
ORDER BY d.day, d.asset_id
"""
