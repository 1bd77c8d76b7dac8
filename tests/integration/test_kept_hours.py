"""What is kept so that nobody reads raw rows of a month: hours of numbered events, before and after, sites by index."""

from datetime import timedelta

import psycopg
import pytest
from psycopg.rows import dict_row

from connectors.timescale import hours
from connectors.timescale.connection import connection_to
from connectors.timescale.effects import store_effects
from connectors.timescale.kpis import Period, set_baseline
from connectors.timescale.pool import open_pool
from deploy.monitoring.dashboards.measure import Reader
from schemas.kpi import ExampleRow, current_definitions
from tests.support.databases import Database
from tests.support.kpis import DAY, SITE, fact, load

pytestmark = pytest.mark.asyncio
HOURLY = "SELECT * FROM kpi.completeness_hourly ORDER BY domain, asset, source, bucket"


def rows_of(kpi: str) -> tuple[ExampleRow, ...]:
    return current_definitions()[kpi].example.rows


async def count_all(database: Database) -> None:
    async with connection_to(database.worker_dsn) as connection:
        while await hours.roll_streams(connection):
            pass


async def test_completeness_is_the_same_from_hours_as_from_events(database: Database) -> None:
    """And an hour that is stored is read no more: its rows may go, as retention takes them."""
    load(database.owner_dsn, [*rows_of("completeness"), *rows_of("touch_points"), *rows_of("radio_rtt_mean")])
    counted = database.rows(HOURLY)
    assert {row[1] for row in counted} >= {"crane", "device"}
    assert database.total("kpi.stream_hour") == 0
    await count_all(database)
    assert database.total("kpi.stream_hour") > 0
    assert database.rows(HOURLY) == counted
    # The newest hour of a domain is never stored: it goes on.
    kept = database.value("SELECT max(bucket) FROM kpi.stream_hour WHERE domain = 'crane'")
    database.rows("DELETE FROM port.crane_sample WHERE time < %s RETURNING 1", kept + timedelta(hours=1))
    assert database.rows(HOURLY) == counted


async def test_what_comes_late_is_counted_before_its_hour_is_stored_again(database: Database) -> None:
    load(database.owner_dsn, rows_of("completeness"))
    query = "SELECT sum(received) FROM kpi.completeness_hourly WHERE domain = 'crane'"
    before = database.value(query)
    await count_all(database)
    load(database.owner_dsn, [fact("port.crane_status", time="8:10", bootid="late", sequence=1, status="idle")])
    assert database.value(query) == before + 1
    await count_all(database)
    assert database.value(query) == before + 1


async def test_before_and_after_is_kept_and_is_what_the_view_says(database: Database) -> None:
    times = ("first_at", "last_at", "left_at")
    visits = [
        fact("port.gate_visit", visit_id=f"{hour}-{n}", touch_points=touches, **dict.fromkeys(times, f"{hour}:00"))
        for hour, several in ((9, (12, 10, 11)), (33, (2, 3, 4, 3)))
        for n, touches in enumerate(several)
    ]
    load(database.owner_dsn, visits, DAY + timedelta(days=2))
    async with connection_to(database.owner_dsn) as connection:
        await set_baseline(connection, Period(SITE, DAY, DAY + timedelta(days=1)), "by hand")
    pool = await open_pool(database.worker_dsn, 1)
    try:
        assert await store_effects(pool) == 1
        assert await store_effects(pool) == 0, "an hour has not passed"
    finally:
        await pool.close()
    with psycopg.connect(database.reader_dsn, row_factory=dict_row) as connection:
        stored = connection.execute("SELECT * FROM kpi.effect_stored ORDER BY kpi_id, part").fetchall()
        answered = connection.execute("SELECT * FROM kpi.effect ORDER BY kpi_id, part").fetchall()
    assert [{name: value for name, value in row.items() if name != "stored_at"} for row in stored] == answered
    assert "touch_points" in {row["kpi_id"] for row in stored}


async def test_sites_are_found_without_reading_their_boxes(database: Database) -> None:
    database.rows(
        "INSERT INTO port.asset (asset_id, site_id, kind, declared) "
        "SELECT 'VNXXX-NEW-BOX' || n, 'VNXXX-NEW', 'cargo', false FROM generate_series(1, 5000) AS n RETURNING 1"
    )
    database.rows("ANALYZE port.asset")
    reader = Reader(database.reader_dsn)
    try:
        answer = reader.ask("SELECT site FROM kpi.site ORDER BY site")
    finally:
        reader.close()
    assert [row[0] for row in answer.rows] == ["VNHPH-DEEPC2", "VNHPH-DINHVU", "VNHPH-TANVU", "VNXXX-NEW"]
    assert answer.read.get("port.asset", 0) < 20
