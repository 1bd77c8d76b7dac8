"""Retention removes whole old days, counts them first, keeps what was loaded on purpose, and the ledger still adds up."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from connectors.timescale.ledger import read_ledger
from connectors.timescale.retention import (
    DEAD_LETTERS,
    EVIDENCE,
    Kept,
    effective_kept,
    find_expired,
    retire_expired,
)

pytestmark = pytest.mark.asyncio

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
KEPT = Kept(raw=90 * DAY)


@pytest_asyncio.fixture
async def worker(database: Any) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.worker_dsn, server_settings={"timezone": "UTC"})
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def owner(database: Any) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.owner_dsn, server_settings={"timezone": "UTC"})
    yield connection
    await connection.close()


async def store(worker: asyncpg.Connection, offset: int, at: datetime) -> None:
    """One accepted record at `offset` of cell-events[0], its two rows and its minute and hour."""
    await worker.execute(
        "INSERT INTO ingest.partition_offset (consumer_group, topic, partition, first_offset, next_offset, accepted) "
        "VALUES ('quaystream', 'cell-events', 0, $1::bigint, $1::bigint + 1, 1) ON CONFLICT (consumer_group, topic, partition) "
        "DO UPDATE SET next_offset = $1::bigint + 1, accepted = partition_offset.accepted + 1",
        offset,
    )
    for name in ("one", "two"):
        await worker.execute(
            "INSERT INTO port.cell_measurement (time, cell_id, site, source, event_id, partition, record_offset, object, "
            "granularity_s, name, labels, value_si) VALUES ($1, 'N1', 'S', '/gw', $2, 0, $3, 'o', 60, $4, '{}', 2)",
            at,
            f"event {offset}",
            offset,
            name,
        )
        for table, size in (("port.cell_minute", "minute"), ("port.cell_hour", "hour")):
            await worker.execute(
                f"INSERT INTO {table} AS r (bucket, cell_id, site, object, name, labels, samples, value_si_sum, "
                "value_si_count, value_si_min, value_si_max) "
                f"VALUES (date_trunc('{size}', $1::timestamptz), 'N1', 'S', 'o', $2, '{{}}', 1, 2, 1, 2, 2) "
                "ON CONFLICT (cell_id, object, name, labels, bucket) DO UPDATE SET samples = r.samples + 1, "
                "value_si_sum = r.value_si_sum + 2, value_si_count = r.value_si_count + 1",
                at,
                name,
            )


async def rows_of(worker: asyncpg.Connection) -> list[int]:
    rows = await worker.fetch("SELECT DISTINCT record_offset FROM port.cell_measurement ORDER BY 1")
    return [row[0] for row in rows]


async def test_whole_old_days_go_and_the_ledger_still_adds_up(
    worker: asyncpg.Connection, owner: asyncpg.Connection
) -> None:
    edge = (NOW - 90 * DAY).replace(hour=0)
    for offset, at in enumerate((NOW - 200 * DAY, edge - timedelta(seconds=1), edge, NOW)):
        await store(worker, offset, at)
    removed = {removal.table: removal.rows for removal in await retire_expired(worker, KEPT, NOW)}
    assert removed["port.cell_measurement"] == 4
    assert sum(removed.values()) == 4
    assert await rows_of(worker) == [2, 3]
    assert (await read_ledger(owner)).differences == ()
    assert await owner.fetchval("SELECT sum(samples) FROM port.cell_hour") == 8


async def test_a_late_row_in_a_day_already_removed_is_counted_when_it_goes(
    worker: asyncpg.Connection, owner: asyncpg.Connection
) -> None:
    await store(worker, 0, NOW - 100 * DAY)
    await retire_expired(worker, KEPT, NOW)
    await store(worker, 1, NOW - 100 * DAY)
    assert (await read_ledger(owner)).differences == ()
    await retire_expired(worker, KEPT, NOW)
    assert await rows_of(worker) == []
    assert (await read_ledger(owner)).differences == ()


async def test_what_retention_removed_is_written_down(worker: asyncpg.Connection) -> None:
    await store(worker, 0, NOW - 200 * DAY)
    await retire_expired(worker, KEPT, NOW)
    (row,) = await worker.fetch("SELECT * FROM ingest.retired")
    assert row["table_name"] == "port.cell_measurement"
    assert row["from_time"] <= NOW - 200 * DAY < row["to_time"] == row["from_time"] + DAY
    assert row["rows"] == 2
    assert row["records"] == '[{"topic": "cell-events", "records": 1, "partition": 0}]'


async def test_a_dry_run_says_the_same_and_removes_nothing(worker: asyncpg.Connection) -> None:
    await store(worker, 0, NOW - 200 * DAY)
    foreseen = await find_expired(worker, KEPT, NOW)
    assert await rows_of(worker) == [0]
    assert foreseen == await retire_expired(worker, KEPT, NOW)


async def test_history_loaded_on_purpose_stays(worker: asyncpg.Connection) -> None:
    await worker.execute(
        "INSERT INTO ingest.setting (name, value) VALUES ('max_age_s', to_jsonb($1::bigint))", 1000 * 86_400
    )
    kept = await effective_kept(worker, 90 * DAY, 90 * DAY)
    assert kept == Kept(raw=1000 * DAY, evidence=1000 * DAY)
    await store(worker, 0, NOW - 200 * DAY)
    await retire_expired(worker, kept, NOW)
    assert await rows_of(worker) == [0]


async def test_without_anything_remembered_the_longer_setting_holds(worker: asyncpg.Connection) -> None:
    assert await effective_kept(worker, 30 * DAY, 60 * DAY) == Kept(raw=60 * DAY, evidence=365 * DAY)


async def test_evidence_older_than_a_year_goes_and_its_counts_stay(
    worker: asyncpg.Connection, owner: asyncpg.Connection
) -> None:
    await worker.execute(
        "INSERT INTO ingest.partition_offset (consumer_group, topic, partition, first_offset, next_offset, rejected, missing) "
        "VALUES ('quaystream', 'gate-events', 4, 0, 12, 2, 10)"
    )
    for offset, at in ((0, NOW - 400 * DAY), (1, NOW - 300 * DAY)):
        await worker.execute(
            "INSERT INTO ingest.dead_letter (received_at, topic, partition, record_offset, reason) "
            "VALUES ($1, 'gate-events', 4, $2, 'too_old')",
            at,
            offset,
        )
        await worker.execute(
            "INSERT INTO ingest.lost_range VALUES ('quaystream', 'gate-events', 4, $1::bigint, $1::bigint + 5, 'retention', $2)",
            offset * 5 + 2,
            at,
        )
        await worker.execute(
            "INSERT INTO ingest.sequence_gap (stream_id, source, bootid, subject, type, from_sequence, to_sequence, noticed_at) "
            "VALUES (gen_random_uuid(), '/gw', 'b', 's', 't', 1, 2, $1)",
            at,
        )
    foreseen = await find_expired(worker, KEPT, NOW)
    removed = await retire_expired(worker, KEPT, NOW)
    assert removed == foreseen
    assert {removal.table: removal.rows for removal in removed if removal.rows} == {DEAD_LETTERS: 1, EVIDENCE: 2}
    for table in ("dead_letter", "lost_range", "sequence_gap"):
        assert await worker.fetchval(f"SELECT count(*) FROM ingest.{table}") == 1
    assert (await read_ledger(owner)).differences == ()


@pytest.mark.parametrize("table", ["port.cell_minute", "port.asset", "pg_catalog.pg_class", "port.cell_measurement; x"])
async def test_nothing_but_raw_tables_and_dead_letters_is_ever_dropped(worker: asyncpg.Connection, table: str) -> None:
    with pytest.raises(asyncpg.InvalidParameterValueError):
        await worker.execute("SELECT ingest.retire($1, now())", table)


async def test_a_day_that_is_being_written_is_waited_for(worker: asyncpg.Connection, owner: asyncpg.Connection) -> None:
    await store(worker, 0, NOW - 200 * DAY)
    transaction = worker.transaction()
    await transaction.start()
    await store(worker, 1, NOW - 200 * DAY)
    await owner.execute("ALTER FUNCTION ingest.retire(text, timestamptz) SET lock_timeout = '100ms'")
    with pytest.raises(asyncpg.LockNotAvailableError):
        await retire_expired(owner, KEPT, NOW)
    await transaction.commit()
    await retire_expired(owner, KEPT, NOW)
    assert await rows_of(worker) == []
    assert (await read_ledger(owner)).differences == ()


async def test_two_workers_may_tidy_up_at_once(worker: asyncpg.Connection, owner: asyncpg.Connection) -> None:
    for offset in range(3):
        await store(worker, offset, NOW - (200 + offset) * DAY)
    both = await asyncio.gather(*(retire_expired(each, KEPT, NOW) for each in (worker, owner)))
    assert sum(removal.rows for removals in both for removal in removals) == 6
    assert (await read_ledger(owner)).differences == ()


async def test_a_late_row_waits_for_a_day_that_is_being_removed(
    worker: asyncpg.Connection, owner: asyncpg.Connection
) -> None:
    await store(worker, 0, NOW - 200 * DAY)
    transaction = owner.transaction()
    await transaction.start()
    assert await owner.fetchval("SELECT ingest.retire('port.cell_measurement', $1)", NOW - 90 * DAY) == 2
    late = asyncio.create_task(store(worker, 1, NOW - 200 * DAY))
    await is_waiting(owner)
    await transaction.commit()
    await late
    assert await rows_of(worker) == [1]
    assert (await read_ledger(owner)).differences == ()


async def is_waiting(owner: asyncpg.Connection) -> None:
    """Returns when another connection waits for a lock that `owner` holds."""
    async with asyncio.timeout(10):
        while not await owner.fetchval(  # noqa: ASYNC110 -- the database tells nobody
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
        ):
            await asyncio.sleep(0.01)


async def test_history_is_counted_for_its_back_fill_topic_when_it_goes(
    worker: asyncpg.Connection, owner: asyncpg.Connection
) -> None:
    for offset in range(3):
        await store(worker, offset, NOW - 200 * DAY)
    # The last two came through partition 1 of the back-fill topic, from its offset 1 on.
    await owner.execute("UPDATE port.cell_measurement SET partition = -2 WHERE record_offset > 0")
    await owner.execute("UPDATE ingest.partition_offset SET next_offset = 1, accepted = 1")
    await owner.execute(
        "INSERT INTO ingest.partition_offset (consumer_group, topic, partition, first_offset, next_offset, accepted) "
        "VALUES ('quaystream', 'cell-events-backfill', 1, 1, 3, 2)"
    )
    assert (await read_ledger(owner)).differences == ()
    await retire_expired(worker, KEPT, NOW)
    assert await rows_of(worker) == []
    counted = "SELECT jsonb_array_elements(records::jsonb) AS entry FROM ingest.retired"
    entries = [json.loads(row["entry"]) for row in await owner.fetch(counted)]
    assert sorted((e["topic"], e["partition"], e["records"]) for e in entries) == [
        ("cell-events", 0, 1),
        ("cell-events-backfill", 1, 2),
    ]
    assert (await read_ledger(owner)).differences == ()
