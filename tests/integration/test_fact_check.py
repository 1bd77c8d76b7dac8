"""`verify --facts` folds every fact again and finds each way in which one may be wrong; a truth file judges facts too."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from connectors.prometheus import Registry
from connectors.timescale.crane_folding import CraneFolding
from connectors.timescale.fact_check import check_facts, check_failing
from connectors.timescale.fact_truth import check_fact_truth
from connectors.timescale.keyed_folding import KeyedFolding
from connectors.timescale.pool import open_pool
from connectors.timescale.refolds import Folding, TimescaleFactStore
from schemas.facts import CRANE_CYCLE
from streams.facts.kinds import KEYED, CraneKind
from streams.facts.store import Key
from streams.refolding import Refolding, RefoldPace
from tests.support.lifts import lifts, plain_fold
from tests.support.raw import arrive, at, gate_step, milestone, visit

pytestmark = pytest.mark.asyncio

BESIDE = ("port.crane_status", "port.crane_job", "port.crane_assignment")
CRANE = CraneKind(CRANE_CYCLE, plain_fold, BESIDE, reach=timedelta(seconds=5))
FOLDINGS: dict[str, Folding] = {
    "crane_cycle": CraneFolding(CRANE, 50),
    **{name: KeyedFolding(kind) for name, kind in KEYED.items()},
}
AT_ONCE = RefoldPace(dict.fromkeys(RefoldPace().patience, timedelta(0)), close_s=0, hold=None)


@pytest_asyncio.fixture
async def port(database: Any) -> AsyncIterator[asyncpg.Connection]:
    """The owner of a port with three lifts, two visits and a box, all folded."""
    owner = await asyncpg.connect(database.owner_dsn, server_settings={"timezone": "UTC"})
    await arrive(
        owner, [*lifts(3), *visit("V1"), *visit("V2", 50)[:4], milestone(0, "gated_in"), milestone(9, "loaded")]
    )
    pool = await open_pool(database.worker_dsn, 2)
    task = Refolding(TimescaleFactStore(pool, FOLDINGS, KEYED), Registry(), lambda: False, AT_ONCE)
    for _ in range(10):
        await task.turn()
    assert await task.is_settled()
    await pool.close()
    yield owner
    await owner.close()


async def differences(port: asyncpg.Connection) -> list[str]:
    return await check_facts(port, FOLDINGS, KEYED)


async def test_facts_that_their_rows_say_are_no_difference(port: asyncpg.Connection) -> None:
    assert await port.fetchval("SELECT count(*) FROM port.crane_cycle") == 3
    assert await port.fetchval("SELECT count(*) FROM port.gate_visit") == 2
    assert await differences(port) == []


DAMAGE = {
    "a number is wrong": (
        "UPDATE port.gate_visit SET turn_time_s = 1 WHERE visit_id = 'V1'",
        ["port.gate_visit V1: turn_time_s is 1.0, folded 200.0"],
    ),
    "a cycle is gone": (
        "DELETE FROM port.crane_cycle WHERE ended_at = (SELECT min(ended_at) FROM port.crane_cycle)",
        ["port.crane_cycle VNHPH-TANVU-STS01/1772352035000: its raw rows are there, the fact is not"],
    ),
    "a box nobody told of": (
        (
            "INSERT INTO port.cargo_visit (cargo_visit_id, equipment_reference, site, cargo_class, flow, wait_s_by_agency, "
            "agency_wait_s, first_at, last_at, outcome) VALUES ('X', 'X', 'VNHPH-TANVU', 'import', 'import', '{}', 0, "
            "'2026-03-01', '2026-03-01', 'complete')"
        ),
        ["port.cargo_visit X: no raw rows say so"],
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
async def test_damage_is_found_and_named(port: asyncpg.Connection, damage: str) -> None:
    change, said = DAMAGE[damage]
    await port.execute(change)
    assert await differences(port) == said


async def test_what_is_marked_is_not_judged_yet(port: asyncpg.Connection) -> None:
    await arrive(port, [gate_step(60, "weighed", actor="driver")])
    assert await differences(port) == []
    await port.execute("DELETE FROM ingest.refold")
    assert len(await differences(port)) == 1


async def test_what_the_worker_will_close_by_age_is_no_difference(port: asyncpg.Connection) -> None:
    await port.execute("UPDATE ingest.site_clock SET newest = newest + interval '2 days'")
    assert await differences(port) == []


async def test_a_key_that_cannot_be_folded_is_named(port: asyncpg.Connection, database: Any) -> None:
    pool = await open_pool(database.worker_dsn, 1)
    store = TimescaleFactStore(pool, FOLDINGS, KEYED)
    for _ in range(2):
        await store.fail({Key("gate_visit", "VNHPH-TANVU/V9"): "ValueError: no"})
    await pool.close()
    assert await check_failing(port) == ["gate_visit VNHPH-TANVU/V9: cannot be folded (2 times): ValueError: no"]


TRUE = {
    "visit_id": "V1",
    "site": "VNHPH-TANVU",
    "left_at": at(300).isoformat(),
    "turn_time_s": 200,
    "wait_s_by_actor": {"system": 300},
    "queued_at": at(0).isoformat(),
    "lane_in": "L1",
    "outcome": "complete",
}


async def test_a_truth_that_was_found_is_no_difference(port: asyncpg.Connection) -> None:
    assert await check_fact_truth(port, {"port.gate_visit": (TRUE,)}) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"turn_time_s": 201}, "V1: turn_time_s is 200.0, expected 201"),
        ({"turn_time_s": None}, "V1: turn_time_s is 200.0, expected None"),
        ({"wait_s_by_actor": {"driver": 300}}, 'V1: wait_s_by_actor is {"system": 300.0}, expected'),
        ({"visit_id": "V7"}, "V7: is missing"),
        ({"colour": "red"}, "V1: colour is no column"),
    ],
)
async def test_a_truth_that_was_not_found_is_named(port: asyncpg.Connection, change: dict[str, Any], said: str) -> None:
    (line,) = await check_fact_truth(port, {"port.gate_visit": ({**TRUE, **change},)})
    assert line.startswith(f"truth: port.gate_visit {said}")


async def test_a_cycle_of_the_same_crane_that_the_truth_does_not_know_is_named(port: asyncpg.Connection) -> None:
    rows = await port.fetch("SELECT cycle_id, crane_id, site, ended_at FROM port.crane_cycle ORDER BY ended_at")
    known = [{**row, "ended_at": row["ended_at"].isoformat()} for row in map(dict, rows)]
    assert await check_fact_truth(port, {"port.crane_cycle": tuple(known)}) == []
    assert await check_fact_truth(port, {"port.crane_cycle": (known[0], known[2])}) == [
        f"truth: port.crane_cycle {known[1]['cycle_id']}: is not expected"
    ]
