"""A whole course, as short as one can be, on a real stack; and what is stored beforehand is what it says."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.timescale.retention import Kept, find_expired
from deploy.local.part import quiet
from streams.cli.benchmark.arena import Arena
from streams.cli.benchmark.scaling import course, ground, handover
from streams.cli.benchmark.scaling.extent import Extent
from streams.cli.benchmark.scaling.screen import CourseScreen

# The first test pays for all of them, beside the other half of the suite.
pytestmark = pytest.mark.timeout(900)

EXTENT = Extent(
    events=12_000,
    rounds=1,
    assets=(10,),
    partitions=(3,),
    rows=(21_000,),
    chunks=(2,),
    chunk_rows=400,
    workers=(2,),
    rebalance=300,
    backfill=(),
    memory=3,
    behind=20_000,
)
FIRST = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    arena = Arena(tmp_path_factory.mktemp("course"))
    arena.up(quiet)
    yield arena
    arena.end()


@pytest.fixture(scope="module")
def result(arena: Arena) -> dict[str, Any]:
    """Small batches, so that a small run has several commits; short waits before and after a worker comes and goes."""
    with pytest.MonkeyPatch.context() as patch, CourseScreen() as screen:
        patch.setenv("QUAYSTREAM_BATCH_ROWS", "600")
        patch.setattr(course, "CREW_BATCH_ROWS", 600)
        patch.setattr(handover, "BEFORE_S", 1.0)
        patch.setattr(handover, "AFTER_S", 2.0)
        return asyncio.run(course.play(arena, EXTENT, screen))


@pytest.mark.parametrize("curve", ["assets", "partitions", "rows", "chunks", "workers"])
def test_every_point_of_a_curve_stores_every_row_once(result: dict[str, Any], curve: str) -> None:
    (point,) = result["curves"][curve]["points"]
    assert point["at"] == getattr(EXTENT, curve)[0]
    assert point["faults"] == []
    assert point["events_per_s"] > 0
    assert all(micros >= 0 for micros in point["cpu_us_per_event"].values())
    assert point["cpu_us_per_event"]["worker"] > 0


def test_expired_chunks_are_dropped_beside_the_run(result: dict[str, Any]) -> None:
    (point,) = result["curves"]["chunks"]["points"]
    assert point["rows_dropped"] == EXTENT.chunks[0] * EXTENT.chunk_rows


def test_a_handover_stores_everything_and_has_its_pauses(result: dict[str, Any]) -> None:
    found = result["rebalance"]
    assert found["rows_ok"]
    assert 0 < found["join_s"] <= found["join_waited_s"]
    assert 0 < found["leave_s"] <= found["leave_waited_s"]


def test_a_worker_that_is_kept_behind_stores_and_is_still_behind(result: dict[str, Any]) -> None:
    found = result["memory"]
    assert found["events"] > 0
    assert 0 < found["least_waiting"] <= EXTENT.behind
    assert found["peak_mb"] >= max(found["minutes_mb"]) > 0


async def test_rows_stored_beforehand_are_spread_over_the_days_and_end_before_the_first_event(arena: Arena) -> None:
    await arena.clear()
    reached: list[int] = []
    await ground.store_before(arena, 4_200, FIRST, reached.append)
    async with arena.connection() as connection:
        days = await connection.fetch(
            "SELECT date_trunc('day', time, 'UTC') AS day, count(*) AS rows FROM port.crane_sample GROUP BY 1 ORDER BY 1"
        )
        last = await connection.fetchval("SELECT max(time) FROM port.crane_sample")
        sampled = await connection.fetchval("SELECT count(DISTINCT crane_id) FROM port.crane_sample")
    assert [row["rows"] for row in days] == [200] * (ground.DAYS + 1)
    assert days[-1]["day"] == FIRST.replace(hour=0)
    assert last < FIRST
    assert sampled == 200
    assert reached[-1] == 4_200


async def test_expired_rows_are_what_retention_would_remove(arena: Arena) -> None:
    await arena.clear()
    now = datetime.now(UTC)
    await ground.store_expired(arena, 3, 100, now, timedelta(days=90))
    async with arena.connection() as connection:
        removals = {r.table: r.rows for r in await find_expired(connection, Kept(timedelta(days=90)), now)}
    assert removals["port.crane_sample"] == 300
