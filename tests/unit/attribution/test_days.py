"""From stored rows to a machine's day: cycles, trips, idle time."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from streams.attribution.cycles import losses
from streams.attribution.daily import Place, facts_of
from streams.attribution.day import cycles_of, day_of, idle_of, trips_of
from streams.attribution.radio import Readings
from streams.attribution.spans import Span
from streams.facts.crane_samples import Samples

T0 = datetime(2026, 1, 5, tzinfo=UTC)
NOTHING = Samples(np.zeros(0, np.int64), {}, {})


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def trip(
    n: int, began: float, took: float, waited: float | None = None, completed: bool | None = None
) -> dict[str, object]:
    return {
        "device_id": "VNHPH-DEEPC2-AGV01",
        "trip_id": f"T{n}",
        "time": at(began + took),
        "duration_s": took,
        "waited_s": waited,
        "kind": "line",
        "laden": True,
        "completed": completed,
    }


def readings(bad: tuple[float, float], until: float = 3000) -> Readings:
    time_s = T0.timestamp() + np.arange(0, until, 0.5)
    inside = (time_s >= T0.timestamp() + bad[0]) & (time_s < T0.timestamp() + bad[1])
    nothing = np.full(len(time_s), np.nan)
    return Readings(time_s, np.where(inside, 200.0, 12.0), nothing, nothing, ["CELL01"] * len(time_s))


def test_idle_time_lasts_until_the_next_status_and_the_last_one_until_the_end() -> None:
    told = [("working", 0), ("idle", 100), ("working", 160), ("off", 200)]
    rows = [{"status": status, "time": at(second)} for status, second in told]
    base = T0.timestamp()
    assert idle_of(rows, at(300)) == [Span(base + 100, base + 160), Span(base + 200, base + 300)]
    assert idle_of([], at(300)) == []


def test_an_aborted_attempt_begins_where_it_locked_and_what_moved_nothing_is_left_out() -> None:
    common = {"started_at": at(0), "locked_at": at(50), "ended_at": at(60), "move_kind": None, "mode": "single"}
    rows = [
        common | {"cycle_id": outcome, "outcome": outcome}
        for outcome in ("aborted", "adjustment", "invalid", "counted")
    ]
    aborted, counted = cycles_of(rows)
    assert (aborted.from_s, counted.from_s) == (at(50).timestamp(), at(0).timestamp())


def test_a_trip_that_bad_radio_made_long_loses_its_excess_and_what_it_waited_is_its_own() -> None:
    usual = [trip(n, n * 150, 100 + n % 3) for n in range(12)]
    waiting = trip(12, 1800, 160, waited=60.0)
    slow = trip(13, 2000, 130)
    cycles = trips_of([*usual, waiting, slow])
    found = losses(day_of(cycles, [], [readings((2030, 2060))], NOTHING))
    assert [loss.how for loss in found] == [None] * 13 + ["slow"]
    assert found[-1].lost_s == pytest.approx(29, abs=1)


def test_a_day_says_which_cell_served_how_many_are_known_and_when_it_is_over() -> None:
    cycles = trips_of([trip(n, n * 150, 100) for n in range(12)] + [trip(12, 1800, 130), trip(13, 4000, 100)])
    modems = [readings((1830, 1860))]
    found = losses(day_of(cycles, [], modems, NOTHING))
    place = Place("VNHPH-DEEPC2-AGV01", "VNHPH-DEEPC2", T0, "2026-01-05", is_over=False)
    facts, day = facts_of(place, found, modems, {"made": "of this"})
    values = day.values
    assert (values["cycles"], values["exposed"], values["attributed"], values["unknown"]) == (14, 1, 1, 1)
    assert values["completeness"] == pytest.approx(13 / 14)
    assert values["cells"] == {"CELL01": 30.0}
    assert (values["outcome"], values["day_id"]) == ("open", "VNHPH-DEEPC2-AGV01/2026-01-05")
    assert values["lost_s"] == facts[12].values["lost_s"] == 30.0
    assert values["moves_lost"] == pytest.approx(0.3)
