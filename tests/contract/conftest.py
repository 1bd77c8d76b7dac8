"""Every test of a store runs on each of them."""

from collections.abc import AsyncIterator

import pytest

from connectors.timescale.pool import open_pool
from tests.support.stores import MemoryWorld, TimescaleWorld, World


@pytest.fixture(params=["memory", "timescale"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "memory":
        yield MemoryWorld()
        return
    database = request.getfixturevalue("database")
    pool = await open_pool(database.worker_dsn, 4)
    yield TimescaleWorld(database, pool)
    await pool.close()
