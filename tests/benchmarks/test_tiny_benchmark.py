"""A whole benchmark, as small as one can be, on a real stack; and the oracle against rows that were tampered with."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local.part import quiet
from streams.cli.benchmark import match
from streams.cli.benchmark.arena import Arena
from streams.cli.benchmark.contestants import AIOKAFKA_INSERT, LIMIT, OURS, STOCK_FAUST
from streams.cli.benchmark.courses import CRANE, DUPLICATES, MIXED
from streams.cli.benchmark.oracle import check, check_rollups, expect
from streams.cli.benchmark.plan import Plan
from streams.cli.benchmark.screen import TerminalScreen
from streams.cli.benchmark.workload import Workload

# The first test pays for all of them, beside the other half of the suite.
pytestmark = pytest.mark.timeout(900)

OWN = (OURS, AIOKAFKA_INSERT, STOCK_FAUST, LIMIT)
"""Those that need nothing but our dependencies; Telegraf and Quix Streams are played by `make bench` where they are."""
PLAN = Plan(OWN, 1, 12_000, (400,), 2.0, (CRANE, MIXED, DUPLICATES))


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    arena = Arena(tmp_path_factory.mktemp("bench"))
    arena.up(quiet)
    yield arena
    arena.end()


@pytest.fixture(scope="module")
def result(arena: Arena) -> dict[str, Any]:
    """Small batches, so that a small run has several commits."""
    with pytest.MonkeyPatch.context() as patch, TerminalScreen() as screen:
        patch.setenv("QUAYSTREAM_BATCH_ROWS", "2000")
        patch.setenv("QUAYSTREAM_BROKERS", "127.0.0.1:1")  # the user's own, which must not be used
        return asyncio.run(match.play(arena, PLAN, screen))


PLAYED = [(course.name, player.name) for course in PLAN.courses for player in PLAN.players(course)]


@pytest.mark.parametrize(("course", "name"), PLAYED)
def test_every_contestant_stores_every_row_once(result: dict[str, Any], course: str, name: str) -> None:
    (workload,) = (workload for workload in result["workloads"] if workload["name"] == course)
    (entry,) = (entry for entry in workload["contestants"] if entry["name"] == name)
    assert entry["faults"] == []
    assert entry["rows_ok"]
    assert entry["events_per_s"] > 0
    assert entry["rss_mb"] > 10


def test_ratios_are_there(result: dict[str, Any]) -> None:
    assert result["ratios"].keys() == {"aiokafka_insert", "stock_faust", "limit"}
    assert all(value > 0 for value in result["ratios"].values())


def test_work_is_charged_to_who_did_it(result: dict[str, Any]) -> None:
    cpu = {entry["name"]: entry["cpu_us_per_event"] for entry in result["workloads"][0]["contestants"]}
    assert cpu["stock_faust"]["worker"] > 20
    assert all(parts["database"] > 0 for parts in cpu.values())


def test_what_reads_from_kafka_has_a_latency(result: dict[str, Any]) -> None:
    waits = {entry["name"]: entry["latency_ms"] for entry in result["workloads"][0]["contestants"]}
    assert waits["limit"] == {}
    for name in ("quaystream", "aiokafka_insert", "stock_faust"):
        assert waits[name]["400"]["events"] == 800
        assert waits[name]["400"]["unseen"] == 0
        assert 0 < waits[name]["400"]["p50"] <= waits[name]["400"]["p99"]


def test_the_machine_is_named(result: dict[str, Any]) -> None:
    assert result["machine"]["cores"] >= 1
    assert result["machine"]["synchronous_commit"] == "on"


TAMPERED = {
    "a lost row": (
        "DELETE FROM port.crane_sample WHERE event_id = 'tampered-7'",
        ["499 rows instead of 500", "499 identities instead of 500"],
    ),
    "a row stored twice": (
        "INSERT INTO port.crane_sample SELECT * FROM port.crane_sample WHERE event_id = 'tampered-7'",
        ["501 rows instead of 500"],
    ),
    "a value that changed": (
        "UPDATE port.crane_sample SET power_kw = power_kw + 0.01 WHERE event_id = 'tampered-7'",
        ["raw 2026-03-01T09:00Z VNHPH-TANVU-STS007: power_kw_sum"],
    ),
}
_INSERT = """
INSERT INTO port.crane_sample (time, crane_id, site, source, event_id, bootid, sequence, partition, record_offset,
  hoist_position_m, hoist_speed_mps, load_t, wind_mps, power_kw)
VALUES (to_timestamp($1::float8), $2, 'VNHPH-TANVU', $3, $4, $5, $6, 0, 0, $7, $8, $9, $10, $11)
"""
WORKLOAD = Workload("tampered", 1_772_355_600_000_000)


async def faults_after(arena: Arena, tampering: str) -> list[str]:
    await arena.clear()
    async with arena.connection() as connection:
        rows = [
            (
                *(s.time_us / 1e6, s.crane, s.source, s.event_id, s.bootid, s.sequence),
                *(s.hoist_position_m, s.hoist_speed_mps, s.load_t, s.wind_mps, s.power_kw),
            )
            for s in WORKLOAD.samples(500)
        ]
        await connection.executemany(_INSERT, rows)
        await connection.execute(tampering)
        return await check(connection, expect(WORKLOAD.samples(500)))


@pytest.mark.parametrize("what", TAMPERED)
async def test_the_oracle_notices(arena: Arena, what: str) -> None:
    tampering, expected = TAMPERED[what]
    faults = await faults_after(arena, tampering)
    for words in expected:
        assert any(fault.startswith(words) for fault in faults), faults


async def test_the_oracle_is_content_with_right_rows(arena: Arena) -> None:
    assert await faults_after(arena, "SELECT 1") == []


async def test_the_oracle_notices_rollups_that_were_not_kept(arena: Arena) -> None:
    assert await faults_after(arena, "SELECT 1") == []
    async with arena.connection() as connection:
        faults = await check_rollups(connection, expect(WORKLOAD.samples(500)))
    assert any(fault.startswith("minute") for fault in faults)
    assert any(fault.startswith("hour") for fault in faults)


def test_nothing_of_it_stays(tmp_path: Path) -> None:
    arena = Arena(tmp_path / "home")
    arena.end()
    assert not arena.home.exists()
