"""One suite for every store: minutes and hours add up whatever comes when."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from schemas.examples import APPENDED_AT
from streams.core.record import TopicPartition
from tests.support.records import CRANES, crane, stretch
from tests.support.stores import World, claimed, commit, moved

MINUTE = APPENDED_AT.replace(second=0)
CELL = TopicPartition("cell-events", 0)
HOUR = APPENDED_AT.replace(minute=0, second=0)


async def test_rollups_add_up_over_transactions(world: World) -> None:
    store = world.store("a")
    fences = await claimed(store, CRANES)
    await commit(store, [stretch([crane("e1", load_t=10.0), crane("e2", load_t=None)])], fences)
    await commit(store, [stretch([crane("e3", load_t=30.0), crane("e4", ago_s=70.0)], first=2)], moved(fences, 2))
    assert await store.roll_hours() == 2
    minutes = {row["bucket"]: row for row in await world.rollup("port.crane_minute")}
    (hour, earlier) = sorted(await world.rollup("port.crane_hour"), key=lambda row: row["bucket"], reverse=True)
    assert picked(minutes[MINUTE]) == (3, 30.0, 40.0, 2)
    assert picked(minutes[MINUTE - timedelta(minutes=1)]) == (1, 20.5, 20.5, 1)
    assert (hour["bucket"], *picked(hour)) == (HOUR, 3, 30.0, 40.0, 2)
    assert (earlier["bucket"], *picked(earlier)) == (HOUR - timedelta(hours=1), 1, 20.5, 20.5, 1)


async def test_many_minutes_add_up_like_few(world: World) -> None:
    store = world.store("a")
    fences = await claimed(store, CRANES)
    subjects = [f"VNHPH-TANVU-STS{number}" for number in range(1_500)]
    for time in range(2):
        events = [crane(f"e{time}-{subject}", subject=subject, load_t=10.0 + time) for subject in subjects]
        await commit(store, [stretch(events, first=1_500 * time)], moved(fences, 1_500 * time))
    minutes = await world.rollup("port.crane_minute")
    assert len(minutes) == 1_500
    assert {picked(row) for row in minutes} == {(2, 11.0, 21.0, 2)}


def picked(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("samples", "load_t_max", "load_t_sum", "load_t_count"))


async def test_minimum_of_nothing_gives_way_to_a_value(world: World) -> None:
    store = world.store("a")
    fences = await claimed(store, CRANES)
    for offset, energy in enumerate((None, 5.0, 3.0, None)):
        event = crane(f"e{offset}", data={"energy_total_kwh": energy, "load_t": 1.0})
        await commit(store, [stretch([event], first=offset)], moved(fences, offset))
    (minute,) = await world.rollup("port.crane_minute")
    assert (minute["energy_total_kwh_min"], minute["energy_total_kwh_max"]) == (3.0, 5.0)
    assert minute["moves_total_min"] is None


async def test_hours_are_added_up_anew_whenever_their_minutes_change(world: World) -> None:
    store, other = world.store("a"), world.store("b")
    fences = await claimed(store, CRANES)
    await commit(store, [stretch([crane("e1", load_t=10.0)])], fences)
    assert (await store.roll_hours(), await other.roll_hours()) == (1, 0)
    await commit(store, [stretch([crane("e2", load_t=5.0)], first=1)], moved(fences, 1))
    assert await other.roll_hours() == 1
    assert [picked(row) for row in await world.rollup("port.crane_hour")] == [(2, 10.0, 15.0, 2)]


async def test_minutes_of_many_reports_add_up_a_moment_later(world: World) -> None:
    store, other = world.store("a"), world.store("b")
    fences = await claimed(store, CELL)
    for time in range(2):
        values = [{"name": f"pmCounter{number}", "value": number + time, "unit": "s"} for number in range(1_500)]
        await commit(
            store,
            [stretch([report(f"e{time}", values)], tp=CELL, first=time)],
            moved(fences, time, CELL),
            domain="cell",
        )
    few = report("e2", [{"name": "pmCounter7", "value": 1, "unit": "s"}])
    await commit(store, [stretch([few], tp=CELL, first=2)], moved(fences, 2, CELL), domain="cell")
    while await other.add_minutes():
        pass
    assert await store.add_minutes() == 0
    assert await other.roll_hours() == 1
    for table in ("port.cell_minute", "port.cell_hour"):
        rows = {row["name"]: row for row in await world.rollup(table)}
        assert len(rows) == 1_500
        seventh = rows.pop("pmCounter7")
        assert (seventh["samples"], seventh["value_si_sum"], seventh["value_si_min"]) == (3, 7 + 8 + 1, 1)
        assert all(
            (row["samples"], row["value_si_sum"], row["value_si_max"]) == (2, 2 * number + 1, number + 1)
            for row in rows.values()
            for number in [int(row["name"].removeprefix("pmCounter"))]
        )


def report(event_id: str, values: list[dict[str, Any]]) -> dict[str, Any]:
    data = {"granularity_s": 900, "object": "NRCellDU=1", "measurements": values}
    return crane(event_id, type="io.quaystream.cell.measurement.v1", subject="VNHPH-TANVU-CELL01", data=data)
