"""What verification costs on a month: `python -m streams.cli.benchmark.verifying [--days N] [--cranes N] [--devices N]`.

Fills a database of its own on the local stack that is up, verifies it in every way, prints a table in Markdown, and
removes the database. Takes minutes and gigabytes; a benchmark, not a test.
"""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from time import monotonic

import asyncpg

from connectors.timescale import hours
from connectors.timescale.ledger import read_ledger
from connectors.timescale.nightly import verify_everything
from connectors.timescale.rollup_check import hours_from_minutes, minutes_from_raw
from connectors.timescale.verification import Report, snapshot, verify_changed
from deploy.local.own_database import own_database
from deploy.local.stack import Stack
from schemas.tables import CRANE, RADIO, Rollup
from streams.settings import load_settings

UNTIL = datetime(2026, 11, 28, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
# Every ten seconds a sample of a crane, every twenty a reading of a device. Offsets go on where the partition stands.
_CRANE = """
INSERT INTO port.crane_sample (time, crane_id, site, source, event_id, partition, record_offset, load_t, wind_mps, power_kw,
    hoist_position_m, trolley_position_m, spreader_locked, energy_total_kwh, moves_total)
SELECT t, 'VNHPH-TANVU-STS' || c, 'VNHPH-TANVU', '/gw', 'c' || c || extract(epoch FROM t), 0, row_number() OVER () - 1 + $4,
       40 * random(), 12 * random(), 90 * random(), 30 * random(), 50 * random(), random() < 0.5, extract(epoch FROM t) / 1000, 7
FROM generate_series($1::timestamptz, $2, INTERVAL '10 s') AS t, generate_series(1, $3::int) AS c WHERE t < $2
"""
_DEVICE = """
INSERT INTO port.radio_sample (time, device_id, site, source, event_id, partition, record_offset, rsrp_dbm, sinr_db, rtt_ms)
SELECT t, 'VNHPH-TANVU-DEV' || d, 'VNHPH-TANVU', '/gw', 'd' || d || extract(epoch FROM t), 0, row_number() OVER () - 1 + $4,
       -95 + 10 * random(), 20 * random(), 40 * random()
FROM generate_series($1::timestamptz, $2, INTERVAL '20 s') AS t, generate_series(1, $3::int) AS d WHERE t < $2
"""
_COUNT = """
INSERT INTO ingest.partition_offset AS o (consumer_group, topic, partition, first_offset, next_offset, accepted)
VALUES ('quaystream', $1, 0, 0, $2, $2) ON CONFLICT (consumer_group, topic, partition)
DO UPDATE SET next_offset = o.next_offset + EXCLUDED.next_offset, accepted = o.accepted + EXCLUDED.accepted
"""
_NEXT = "SELECT coalesce(max(next_offset), 0) FROM ingest.partition_offset WHERE topic = $1"


async def store(connection: asyncpg.Connection, since: datetime, until: datetime, machines: tuple[int, int]) -> int:
    """Rows, rollups, counts and marks of [since, until), as a worker would leave them; how many rows."""
    total = 0
    plan = (("crane-events", _CRANE, machines[0], CRANE), ("cell-events", _DEVICE, machines[1], RADIO))
    for topic, insert, many, rollup in plan:
        (raw,) = rollup.contributions
        start = await connection.fetchval(_NEXT, topic)
        rows = int((await connection.execute(insert, since, until, many, start)).rpartition(" ")[2])
        await connection.execute(_COUNT, topic, rows)
        await _roll_up(connection, rollup, since, until)
        for name, where in ((raw, "written_hour"), (rollup.hour, "stale_hour")):
            marks = [(name, since + n * HOUR) for n in range((until - since) // HOUR)]
            await connection.executemany(f"INSERT INTO ingest.{where} VALUES ($1, $2)", marks)  # noqa: S608
        total += rows
    await hours.roll(connection)
    return total


async def _roll_up(connection: asyncpg.Connection, rollup: Rollup, since: datetime, until: datetime) -> None:
    names = ", ".join(("bucket", *rollup.key, *(measure.column for measure in rollup.measures)))
    for table, computed in (
        (rollup.minute, minutes_from_raw(rollup, "time >= $1 AND time < $2")),
        (rollup.hour, hours_from_minutes(rollup, "bucket >= $1 AND bucket < $2")),
    ):
        await connection.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM ({computed}) AS c", since, until)  # noqa: S608


async def measure(dsn: str, days: int, machines: tuple[int, int]) -> None:
    """Fill, verify, print."""
    connection = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
    rows = 0
    for day in range(days, 0, -1):
        rows += await store(
            connection, UNTIL - day * timedelta(days=1), UNTIL - (day - 1) * timedelta(days=1), machines
        )
    await connection.execute("ANALYZE")
    print(f"{days} days, {rows:,} raw rows, {machines[0]} cranes, {machines[1]} devices\n")
    print("| | raw rows read | seconds | differences |\n|---|---|---|---|")
    await _whole(connection, rows)
    await _line("`--incremental`, the first time", verify_changed, connection)
    more = await store(connection, UNTIL, UNTIL + HOUR, machines)
    await _line(f"`--incremental`, an hour later ({more:,} rows more)", verify_changed, connection)
    await _line("`--incremental`, nothing written since", verify_changed, connection)
    await _line("`--nightly`, all in one go, without facts to fold", verify_everything, connection)
    await connection.close()


async def _whole(connection: asyncpg.Connection, rows: int) -> None:
    started = monotonic()
    async with snapshot(connection):
        ledger = await read_ledger(connection)
    print(f"| `verify` | {rows:,} | {monotonic() - started:.1f} | {len(ledger.differences)} |", flush=True)


async def _line(
    what: str, verify: Callable[[asyncpg.Connection], Awaitable[Report]], connection: asyncpg.Connection
) -> None:
    report = await verify(connection)
    print(f"| {what} | {report.covered.rows:,} | {report.seconds:.1f} | {len(report.differences)} |", flush=True)


def main() -> None:
    """Read the arguments, make the database, measure, remove it."""
    parser = argparse.ArgumentParser(prog="python -m streams.cli.benchmark.verifying", description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--cranes", type=int, default=10)
    parser.add_argument("--devices", type=int, default=15)
    asked = parser.parse_args()
    with own_database(Stack(load_settings().home), "quaystream_verifying") as dsn:
        asyncio.run(measure(dsn, asked.days, (asked.cranes, asked.devices)))


if __name__ == "__main__":
    main()
