"""Crane cycles are folded on from what is stored, only as far as late rows reach, in windows, and end the same."""

import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from connectors.prometheus import Registry
from connectors.timescale import crane_folding
from connectors.timescale.crane_folding import CraneFolding
from connectors.timescale.pool import Pool, open_pool
from connectors.timescale.refolds import TimescaleFactStore
from schemas.facts import CRANE_CYCLE
from streams.facts.kinds import KEYED, CraneKind
from streams.refolding import Refolding, RefoldPace
from tests.support.lifts import LIFT_S, lifts, plain_fold, sample
from tests.support.raw import CRANE, Row, arrive, at, row, stated

pytestmark = pytest.mark.asyncio

BESIDE = ("port.crane_status", "port.crane_job", "port.crane_assignment")
PLAIN = CraneKind(CRANE_CYCLE, plain_fold, BESIDE, reach=timedelta(seconds=5))
AT_ONCE = RefoldPace(dict.fromkeys(RefoldPace().patience, timedelta(0)), close_s=0, hold=None)


@pytest_asyncio.fixture
async def owner(database: Any) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.owner_dsn, server_settings={"timezone": "UTC"})
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def pool(database: Any) -> AsyncIterator[Pool]:
    pool = await open_pool(database.worker_dsn, 4)
    yield pool
    await pool.close()


async def settle(pool: Pool, samples: int = 1_000) -> None:
    """Fold, in windows of that many samples, until nothing waits."""
    store = TimescaleFactStore(pool, {"crane_cycle": CraneFolding(PLAIN, samples)}, KEYED)
    task = Refolding(store, Registry(), lambda: False, AT_ONCE)
    for _ in range(50):
        await task.turn()
        if await task.is_settled():
            failed = await store.waiting()
            assert failed.failing == 0
            return
    raise AssertionError("marks are left after 50 turns")


async def cycles(owner: asyncpg.Connection) -> list[dict[str, Any]]:
    return list(map(dict, await owner.fetch("SELECT * FROM port.crane_cycle ORDER BY ended_at")))


async def reasons(owner: asyncpg.Connection) -> list[str]:
    return [line["reason"] for line in await owner.fetch("SELECT reason FROM kpi.restatement ORDER BY 1")]


async def test_each_lift_becomes_a_cycle(owner: asyncpg.Connection, pool: Pool) -> None:
    await arrive(owner, lifts(5))
    await settle(pool)
    found = await cycles(owner)
    assert [cycle["ended_at"] for cycle in found] == [at(LIFT_S * n) for n in range(1, 6)]
    assert {(cycle["laden_s"], cycle["revision"]) for cycle in found} == {(65.0, 1)}


@pytest.mark.parametrize("samples", [4, 30, 1_000])
async def test_windows_of_any_size_give_the_same_cycles(owner: asyncpg.Connection, pool: Pool, samples: int) -> None:
    await arrive(owner, lifts(12))
    await settle(pool, samples)
    assert [cycle["ended_at"] for cycle in await cycles(owner)] == [at(LIFT_S * n) for n in range(1, 13)]


async def test_what_follows_is_folded_on_from_the_last_cycle(
    owner: asyncpg.Connection, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tails = await arrive(owner, lifts(10))
    await settle(pool)
    read: list[int] = []
    monkeypatch.setattr(crane_folding, "read_samples", _counting(read))
    await arrive(owner, lifts(1, 10 * LIFT_S)[1:], tails)
    await settle(pool)
    assert len(await cycles(owner)) == 11
    assert await reasons(owner) == []
    assert sum(read) <= 20 + 21


def _counting(read: list[int]) -> Any:
    original = crane_folding.read_samples

    async def count(*arguments: Any) -> Any:
        samples = await original(*arguments)
        read.append(len(samples))
        return samples

    return count


async def test_a_late_unlock_restates_its_cycle_and_no_other(owner: asyncpg.Connection, pool: Pool) -> None:
    tails = await arrive(owner, lifts(30))
    await settle(pool)
    before = await cycles(owner)
    await arrive(owner, [sample(4 * LIFT_S + 92, locked=False)], tails)
    await settle(pool, 60)
    after = await cycles(owner)
    changed = [n for n, (one, other) in enumerate(zip(before, after[:5] + after[6:], strict=True)) if one != other]
    assert changed == [4]
    assert after[4]["laden_s"] == 57.0
    assert after[4]["revision"] == 2
    assert await reasons(owner) == ["late"]


async def test_a_late_sample_that_joins_two_cycles_withdraws_one(owner: asyncpg.Connection, pool: Pool) -> None:
    rows = [one for one in lifts(6) if one["time"] != at(3 * LIFT_S)]
    missing = [one for one in lifts(6) if one["time"] == at(3 * LIFT_S)]
    tails = await arrive(owner, lifts(2))
    tails = await arrive(owner, [one for one in rows if one["time"] > at(2 * LIFT_S)], tails)
    await settle(pool)
    moved = [cycle["cycle_id"] for cycle in await cycles(owner)]
    await arrive(owner, missing, tails)
    await settle(pool)
    assert [cycle["ended_at"] for cycle in await cycles(owner)] == [at(LIFT_S * n) for n in range(1, 7)]
    assert moved == [cycle["cycle_id"] for cycle in await cycles(owner)]
    assert await reasons(owner) == ["late", "late"]


async def test_a_late_lock_withdraws_the_cycle_it_begins_earlier(owner: asyncpg.Connection, pool: Pool) -> None:
    tails = await arrive(owner, lifts(6))
    await settle(pool)
    known = await owner.fetchval("SELECT clock_timestamp()")
    await arrive(owner, [sample(3 * LIFT_S + 12, locked=True)], tails)
    await arrive(owner, [sample(3 * LIFT_S + 13, locked=None)], tails)
    await settle(pool)
    found = await cycles(owner)
    assert len(found) == 7
    assert found[3]["ended_at"] == at(3 * LIFT_S + 15)
    assert await owner.fetchval("SELECT count(*) FROM kpi.crane_cycle_as_known($1)", known) == 6


async def test_the_job_told_after_the_lift_restates_it(owner: asyncpg.Connection, pool: Pool) -> None:
    tails = await arrive(owner, lifts(3))
    await settle(pool)
    job = row("port.crane_job", CRANE, at(2 * LIFT_S - 1), job_id="J2", step="delivered")
    await arrive(owner, [job], tails)
    await settle(pool)
    assert [(cycle["job_id"], cycle["revision"]) for cycle in await cycles(owner)] == [(None, 1), ("J2", 2), (None, 1)]


@pytest.mark.parametrize("seed", range(4))
async def test_shuffled_and_delayed_samples_end_in_the_same_cycles(
    owner: asyncpg.Connection, pool: Pool, seed: int
) -> None:
    chance = random.Random(seed)
    rows: list[Row] = [
        *lifts(8),
        *(row("port.crane_job", CRANE, at(LIFT_S * n - 3), job_id=f"J{n}", step="delivered") for n in range(1, 9)),
    ]
    await arrive(owner, rows)
    await settle(pool)
    ordered = [stated(cycle) for cycle in await cycles(owner)]
    assert [cycle["job_id"] for cycle in ordered] == [f"J{n}" for n in range(1, 9)]
    await owner.execute("TRUNCATE port.crane_sample, port.crane_job, port.crane_cycle, ingest.site_clock")
    delayed = sorted(rows, key=lambda one: one["time"] + timedelta(seconds=chance.choice([0, 0, 0, 250])))
    if seed % 2:
        chance.shuffle(delayed)
    tails: Any = {}
    for start in range(0, len(delayed), 15):
        tails = await arrive(owner, delayed[start : start + 15], tails)
        if chance.random() < 0.7:
            await settle(pool, chance.choice([10, 1_000]))
    await settle(pool)
    assert [stated(cycle) for cycle in await cycles(owner)] == ordered
