"""Alarms in the database: whatever order rows come in, going on from stored facts ends where folding all of them does."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from connectors.prometheus import Registry
from connectors.timescale.fact_check import check_facts
from connectors.timescale.fact_store import foldings, open_fact_store
from connectors.timescale.pool import Pool, open_pool
from streams.facts import cell_alarm
from streams.facts.kinds import KEYED
from streams.refolding import Refolding, RefoldPace
from tests.support.raw import START, Row, arrive, at, row, stated

pytestmark = pytest.mark.asyncio
SITE = "VNHPH-TANVU"
CELL = f"{SITE}-CELL02"
AT_ONCE = RefoldPace(dict.fromkeys(RefoldPace().patience, timedelta(0)), close_s=0, hold=None)


def alarm(seconds: float, severity: str, cell: str = CELL, **values: Any) -> Row:
    said = {"alarm_id": "A", "condition": "sleeping_cell", "severity": severity, **values}
    return row("port.cell_alarm_event", cell, at(seconds), **said)


def beat(seconds: float, cell: str = CELL, interval_s: float = 30.0) -> Row:
    return row("port.cell_heartbeat", cell, at(seconds), interval_s=interval_s)


def beats(start_s: int, end_s: int, cell: str = CELL) -> list[Row]:
    return [beat(second, cell) for second in range(start_s, end_s, 30)]


@pytest_asyncio.fixture
async def owner(database: Any) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.owner_dsn, server_settings={"timezone": "UTC"})
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def pool(database: Any) -> AsyncIterator[Pool]:
    found = await open_pool(database.worker_dsn, 2)
    yield found
    await found.close()


async def settle(pool: Pool) -> None:
    task = Refolding(open_fact_store(pool), Registry(), lambda: False, AT_ONCE)
    for _ in range(50):
        if await task.is_settled():
            return
        await task.turn()
    pytest.fail("marks are left")


async def facts(owner: asyncpg.Connection, which: str = "true") -> list[dict[str, Any]]:
    rows = await owner.fetch(f"SELECT * FROM port.cell_alarm WHERE {which} ORDER BY first_at, cell_alarm_id")
    return [dict(one) for one in rows]


async def differences(owner: asyncpg.Connection) -> list[str]:
    async with owner.transaction(isolation="repeatable_read", readonly=True):
        return await check_facts(owner, foldings(), KEYED)


async def restatements(owner: asyncpg.Connection) -> list[tuple[str, str | None]]:
    rows = await owner.fetch("SELECT reason, new FROM kpi.restatement ORDER BY changed_at, revision")
    return [(one["reason"], one["new"] and json.loads(one["new"])["outcome"]) for one in rows]


async def folded_whole(owner: asyncpg.Connection, cell: str) -> list[dict[str, Any]]:
    rows = {
        table: [dict(one) for one in await owner.fetch(f"SELECT * FROM {table} WHERE cell_id = $1", cell)]
        for table in (cell_alarm.ALARMS, cell_alarm.HEARTBEATS)
    }
    newest = await owner.fetchval("SELECT newest FROM ingest.cell_time WHERE site = $1", SITE)
    found = cell_alarm.fold(f"{SITE}/{cell}", rows, newest)
    return sorted((dict(fact.values) for fact in found), key=lambda one: (one["first_at"], one["cell_alarm_id"]))


def history(dice: Random, cell: str) -> list[Row]:
    """Half a day of two alarms that come and go at all paces, some cleared by their id alone, and of heartbeats with holes."""
    found: list[Row] = []
    for condition in ("sleeping_cell", "n3_path_degraded"):
        second = 0.0
        while second < 40_000:
            second += dice.choice((5, 40, 290, 310, 2_000, 9_000)) * dice.random()
            severity = dice.choice(("minor", "major", "cleared", "cleared"))
            said = {"condition": condition, "alarm_id": dice.choice((condition, condition, "shared"))}
            if severity == "cleared" and dice.random() < 0.3:
                said["condition"] = dice.choice(("sleeping_cell", "all_is_well"))
            found.append(alarm(round(second), severity, cell, **said))
    second = dice.randrange(600)
    while second < 40_000:
        found.append(beat(second, cell))
        second += 30 if dice.random() < 0.97 else dice.choice((60, 90, 91, 200, 900, 4_000))
    return found


@pytest.mark.parametrize("seed", range(6))
async def test_rows_in_any_order_end_in_the_facts_of_all_of_them(
    owner: asyncpg.Connection, pool: Pool, seed: int
) -> None:
    dice = Random(seed)
    rows = history(dice, CELL)
    if seed % 2:
        dice.shuffle(rows)
    else:  # in order, but one in ten comes much later
        rows.sort(key=lambda one: (one["time"] + timedelta(seconds=8_000 * (dice.random() < 0.1)), one["event_id"]))
    while rows:
        size = dice.choice((1, 3, 20, 150))
        await arrive(owner, rows[:size])
        del rows[:size]
        if dice.random() < 0.6:
            await settle(pool)
    await settle(pool)
    assert [stated(one) for one in await facts(owner)] == await folded_whole(owner, CELL)
    assert len(await facts(owner)) > 10
    assert await differences(owner) == []


async def test_an_alarm_goes_on_without_being_restated_until_it_has_cleared(
    owner: asyncpg.Connection, pool: Pool
) -> None:
    for one in (alarm(0, "minor"), alarm(60, "critical"), alarm(120, "cleared")):
        await arrive(owner, [one])
        await settle(pool)
    (fact,) = await facts(owner)
    assert (fact["outcome"], fact["severity"], fact["duration_s"], fact["revision"]) == ("cleared", "critical", 120, 1)
    await arrive(owner, [alarm(200, "minor")])  # flapping: what had been told as cleared goes on
    await settle(pool)
    (fact,) = await facts(owner)
    assert (fact["outcome"], fact["flaps"], fact["revision"]) == ("open", 1, 2)
    assert await restatements(owner) == [("late", "open")]


async def test_a_late_clear_ends_an_alarm_where_it_ended(owner: asyncpg.Connection, pool: Pool) -> None:
    await arrive(owner, [alarm(0, "minor"), alarm(2_000, "minor"), alarm(2_100, "cleared")])
    await settle(pool)
    assert [one["duration_s"] for one in await facts(owner)] == [2_100]
    await arrive(owner, [alarm(100, "cleared")])
    await settle(pool)
    assert [(one["duration_s"], one["revision"]) for one in await facts(owner)] == [(100, 2), (100, 1)]


async def test_a_raise_that_comes_after_its_clear_takes_it_by_its_id(owner: asyncpg.Connection, pool: Pool) -> None:
    other = {"condition": "fan_failed", "alarm_id": "F"}
    await arrive(owner, [alarm(0, "minor", alarm_id="F"), alarm(100, "cleared", condition="all_is_well", alarm_id="F")])
    await settle(pool)
    assert [(one["condition"], one["duration_s"]) for one in await facts(owner)] == [("sleeping_cell", 100)]
    await arrive(owner, [alarm(50, "major", **other)])
    await settle(pool)
    found = [(one["condition"], one["cleared_at"], one["outcome"]) for one in await facts(owner)]
    assert found == [("sleeping_cell", None, "open"), ("fan_failed", at(100), "cleared")]
    assert await differences(owner) == []


async def test_silence_of_one_cell_is_told_when_another_goes_on(owner: asyncpg.Connection, pool: Pool) -> None:
    other = f"{SITE}-CELL03"
    await arrive(owner, beats(0, 301) + beats(0, 381, other))
    await settle(pool)
    assert await facts(owner) == []  # 300 s + 90 s are not over at 360 s
    await arrive(owner, beats(390, 421, other))
    await settle(pool)
    (lost,) = await facts(owner)
    assert (lost["cell_id"], lost["origin"], lost["raised_at"], lost["outcome"]) == (CELL, "heartbeat", at(390), "open")
    await arrive(owner, [beat(600)])
    await settle(pool)
    (regained,) = await facts(owner, f"cell_id = '{CELL}'")
    assert (regained["cleared_at"], regained["duration_s"], regained["revision"]) == (at(600), 210, 1)
    assert await differences(owner) == []


async def test_silence_that_the_worker_will_tell_is_no_difference(owner: asyncpg.Connection, pool: Pool) -> None:
    await arrive(owner, beats(0, 301))
    await settle(pool)
    await owner.execute("INSERT INTO ingest.site_clock VALUES ($1, $2)", SITE, at(391))
    assert await differences(owner) == []
    await settle(pool)
    assert [one["raised_at"] for one in await facts(owner)] == [at(390)]


async def test_cells_move_no_clock_that_cranes_and_gates_are_judged_by(owner: asyncpg.Connection, pool: Pool) -> None:
    await arrive(owner, [*beats(0, 61), alarm(90, "minor")])
    await settle(pool)
    assert await owner.fetchval("SELECT count(*) FROM ingest.site_clock") == 0
    assert await owner.fetchval("SELECT newest FROM ingest.cell_time WHERE site = $1", SITE) == at(90)


async def test_late_heartbeats_that_fill_the_hole_withdraw_the_loss(owner: asyncpg.Connection, pool: Pool) -> None:
    await arrive(owner, [*beats(0, 301), beat(600)])
    await settle(pool)
    assert [(one["raised_at"], one["cleared_at"]) for one in await facts(owner)] == [(at(390), at(600))]
    await arrive(owner, [beat(420)])  # a beat in the middle: lost twice, so soon that it flaps
    await settle(pool)
    (fact,) = await facts(owner)
    assert (fact["raised_at"], fact["cleared_at"], fact["flaps"], fact["active_s"]) == (at(390), at(600), 1, 120)
    assert fact["revision"] == 2
    await arrive(owner, beats(330, 600))
    await settle(pool)
    assert await facts(owner) == []
    assert (await restatements(owner))[-1] == ("withdrawn", None)
    assert await differences(owner) == []


async def test_an_alarm_not_heard_of_for_a_month_is_closed_by_the_clock_of_its_site(
    owner: asyncpg.Connection, pool: Pool
) -> None:
    await arrive(owner, [alarm(0, "major")])
    await settle(pool)
    await owner.execute("INSERT INTO ingest.site_clock VALUES ($1, $2)", SITE, START + timedelta(days=30))
    await settle(pool)
    (fact,) = await facts(owner)
    assert (fact["outcome"], fact["revision"]) == ("never_cleared", 1)
    assert await differences(owner) == []


async def test_an_open_alarm_whose_rows_are_gone_is_still_cleared(owner: asyncpg.Connection, pool: Pool) -> None:
    await arrive(owner, [alarm(0, "minor"), alarm(60, "major"), *beats(0, 61)])
    await settle(pool)
    await arrive(owner, [alarm(200, "major", f"{SITE}-CELL03")])
    await settle(pool)
    for table in ("port.cell_alarm_event", "port.cell_heartbeat"):
        await owner.execute(f"DELETE FROM {table} WHERE time < $1", at(100))
        await owner.execute(
            "INSERT INTO ingest.retired (table_name, from_time, to_time, rows, records) VALUES ($1, $2, $3, 1, '[]')",
            table, at(-100), at(100),
        )  # fmt: skip
    await arrive(owner, [alarm(500, "cleared"), beat(510)])
    await settle(pool)
    found = await facts(owner, f"cell_id = '{CELL}'")
    assert [(one["origin"], one["raised_at"], one["cleared_at"], one["severity"]) for one in found] == [
        ("network", at(0), at(500), "major"),
        ("heartbeat", at(150), at(510), "major"),
    ]
    assert await differences(owner) == []


async def test_a_fact_that_no_row_supports_is_found(owner: asyncpg.Connection, pool: Pool) -> None:
    await arrive(owner, [alarm(0, "minor"), alarm(60, "cleared")])
    await settle(pool)
    await owner.execute("UPDATE port.cell_alarm SET duration_s = 61")
    assert [line.split(": ", 1)[1] for line in await differences(owner)] == ["duration_s is 61.0, folded 60.0"]
    await owner.execute("DELETE FROM port.cell_alarm_event")
    (line,) = await differences(owner)
    assert line.endswith("no raw rows say so")
