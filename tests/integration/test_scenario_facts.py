"""Scenarios in the database: their rows arrive in any order, are folded by the worker's own task, and are the truth."""

from collections.abc import AsyncIterator
from itertools import islice
from random import Random
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from connectors.prometheus import Registry
from connectors.simulator.scenarios import NAMES, read_scenario
from connectors.timescale.fact_store import open_fact_store
from connectors.timescale.fact_truth import check_fact_truth
from connectors.timescale.pool import Pool, open_pool
from streams.refolding import Refolding
from tests.support.raw import arrive
from tests.support.scenarios import played

pytestmark = pytest.mark.asyncio
CRANES = [name for name in NAMES if name.startswith("crane_")]
SCRIPTS = [name for name in NAMES if "told" in read_scenario(name)]


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


async def settle(pool: Pool) -> None:
    """Fold until nothing waits."""
    task = Refolding(open_fact_store(pool), Registry(), lambda: False)
    for _ in range(200):
        await task.turn()
        if await task.is_settled():
            return
    raise AssertionError("marks are left after 200 turns")


async def test_every_script_ends_as_its_truth_says_however_its_rows_arrive(
    owner: asyncpg.Connection, pool: Pool
) -> None:
    dice, scripts = Random(5), [played(name, "all") for name in SCRIPTS]
    rows = [{"table": table, **row} for run in scripts for table, told in run.rows.items() for row in told]
    waiting = iter(dice.sample(rows, len(rows)))
    while batch := list(islice(waiting, 4000)):
        await arrive(owner, batch)
        await settle(pool)
    for name, run in zip(SCRIPTS, scripts, strict=True):
        assert await check_fact_truth(owner, run.truth["facts"]) == [], name


@pytest.mark.parametrize("name", CRANES)
async def test_every_scenario_of_cranes_ends_as_its_truth_says(
    owner: asyncpg.Connection, pool: Pool, name: str
) -> None:
    run = played(name, "all")
    rows = [{"table": table, **row} for table, told in run.rows.items() for row in told]
    half = len(rows) // 2
    order = Random(5).sample(rows, len(rows))
    for batch in (order[:half], order[half:]):
        await arrive(owner, batch)
        await settle(pool)
    assert await check_fact_truth(owner, run.truth["facts"]) == []
