"""KPIs of the truth: what the simulator works out is what the scenario's file says, and every difference is found."""

from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from connectors.simulator import Simulation, SimulationOptions, parse_faults
from connectors.simulator.kpis.crane import Diary
from connectors.simulator.kpis.window import Window, union, windows, without
from connectors.simulator.moments import HOUR_MS, rfc3339
from connectors.simulator.scenarios import NAMES, duration_of, read_scenario
from connectors.timescale.kpi_truth import compare_kpis
from schemas.kpi import DOMAINS, current_definitions
from schemas.reference import load_sites

# What a crane's motors draw is physics, not arithmetic: the truth takes it from the meter it simulates.
NOT_BY_HAND = {"energy_per_move"}
# The others are of the radio network: what they say is in the facts, and in what fades did to work.
STATED = [name for name in NAMES if "kpis" in read_scenario(name)]
LOW_RATE = {name: 0.1 for name in NAMES if name.startswith("berth")}


@cache
def truth(name: str, faults: str = "none", rate_hz: float = 2.0) -> dict[str, Any]:
    duration = duration_of(name)
    options = SimulationOptions(
        seed=5, duration=duration, scenario=name, faults=parse_faults(faults), rate_hz=LOW_RATE.get(name, rate_hz)
    )
    simulation = Simulation(options)
    for _ in simulation.records():
        pass
    return simulation.truth()


def of_the_site(name: str) -> dict[str, float]:
    """The numbers of the whole, by `kpi/part`."""
    return {
        f"{row['kpi']}/{row['part'] or ''}": row["value"]
        for row in truth(name)["kpis"]
        if row["by"] == "period" and row["asset"] is row["lane"] is None and row.get("value") is not None
    }


def test_every_scenario_of_the_port_states_its_numbers() -> None:
    assert {name.split("_")[0] for name in set(NAMES) - set(STATED)} == {"cell", "radio", "factory"}


@pytest.mark.parametrize("name", STATED)
def test_the_numbers_of_the_whole_are_those_that_the_file_says(name: str) -> None:
    said = read_scenario(name)["kpis"]
    used = set()
    for place, value in of_the_site(name).items():
        kpi = place.partition("/")[0]
        if kpi not in NOT_BY_HAND:
            key = place if place in said else kpi
            used.add(key)
            assert said[key] == pytest.approx(value, rel=3e-4 if name in LOW_RATE else 2.5e-5), place
    assert used == said.keys()


def test_the_scenarios_together_give_every_number_there_is() -> None:
    found = {row["kpi"] for name in STATED for row in truth(name)["kpis"]}
    assert found | {"delay_time", "rehandle_rate"} == {
        one.kpi_id for one in current_definitions().values() if one.domain in (*DOMAINS[:4], "any")
    }


@pytest.mark.parametrize("name", ["crane_steady", "gate_twelve_touches", "cargo_release"])
def test_hours_add_up_to_the_day_and_to_the_whole(name: str) -> None:
    sums: dict[tuple[str, ...], dict[str, float]] = {}
    for row in truth(name)["kpis"]:
        if row["kpi"] in ("gross_crane_rate", "touch_points", "dwell_mean"):
            place = tuple(row[column] or "" for column in ("kpi", "asset", "lane", "part"))
            by = sums.setdefault(place, {})
            by[row["by"]] = by.get(row["by"], 0) + row["numerator"]
    assert len(sums) >= 2
    assert all(len(set(by.values())) == 1 and len(by) == 4 for by in sums.values())


def test_what_is_lost_or_refused_is_said_by_completeness_and_changes_no_other_figure() -> None:
    whole, noisy = ({place(row): row for row in truth("crane_steady", faults)["kpis"]} for faults in ("none", "all"))
    assert whole.keys() == noisy.keys()
    told = {key: row["completeness"] for key, row in noisy.items() if row["domain"] == "crane"}
    assert {row["completeness"] for row in whole.values() if row["domain"] == "crane"} == {1.0}
    assert all(0.98 < complete < 1 for key, complete in told.items() if key[1] == "period")
    figures = ("value", "numerator", "denominator", "n")
    for key, row in noisy.items():
        if row["kpi"] != "completeness":
            assert [row.get(name) for name in figures] == [whole[key].get(name) for name in figures], key


def place(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(row[name] or "" for name in ("kpi", "by", "period_start", "asset", "lane", "part"))


def test_an_interrupted_run_says_nothing_of_kpis() -> None:
    simulation = Simulation(SimulationOptions(seed=1, duration=timedelta(minutes=34), scenario="crane_twin"))
    for number, _ in enumerate(simulation.records()):
        if number == 2000:
            break
    assert "kpis" not in simulation.truth()


def test_a_meter_that_is_not_read_at_the_end_of_a_lift_leaves_its_energy_open() -> None:
    rows = [row for row in truth("crane_twin", rate_hz=0.013)["kpis"] if row["kpi"] == "energy_per_move"]
    assert rows
    assert all("value" not in row for row in rows)


def test_periods_are_those_of_the_site_in_which_anything_lies() -> None:
    site = next(one for one in load_sites() if one.site_id == "VNHPH-TANVU")
    start_ms = 1_767_225_600_000  # 2026-01-01T00:00Z, seven in the morning there
    found = [(w.by, w.shift, rfc3339(w.start_ms)[5:16]) for w in windows(site, start_ms, start_ms + 8 * HOUR_MS)]
    assert next(place for place in found if place[0] == "hour")[2] == "01-01T00:00"
    assert sum(place[0] == "hour" for place in found) == 9
    assert [place for place in found if place[0] == "shift"] == [
        ("shift", "morning", "12-31T23:00"),
        ("shift", "afternoon", "01-01T07:00"),
    ]
    assert [place for place in found if place[0] in ("day", "period")] == [
        ("day", None, "12-31T17:00"),
        ("period", None, "01-01T00:00"),
    ]


def test_time_is_counted_once_and_taken_away_once() -> None:
    assert union([(5, 9), (1, 3), (2, 4), (9, 9)]) == [(1, 4), (5, 9)]
    assert without([(0, 10)], [(2, 3), (2, 5), (8, 12)]) == [(0, 2), (5, 8)]


def test_delays_that_overlap_belong_to_the_first_cause_that_claims_them() -> None:
    """The shift of the trade: 480 minutes, four delays of 170 that cover 130."""
    diary = Diary("VNHPH-TANVU-STS01", "STS")
    delays = (("BRK", 120, 180), ("WEA", 150, 210), ("TRK", 300, 320), ("MEA", 310, 340))
    for code, since, until in delays:
        for minute, state in ((since, "delay_start"), (until, "delay_end")):
            diary.told.append((minute * 60_000, "assignment", {"state": state, "delay_code": code, "call_id": "C"}))
    diary.told.sort(key=lambda one: one[0])
    window = Window("period", None, 0, 8 * HOUR_MS, 8 * HOUR_MS)
    found = {cause: round(60 * window.hours_of(stretches)) for cause, stretches in diary.delays()}
    assert found == {"weather": 60, "breakdown": 30, "planned_break": 30, "no_transport": 10}


NUMBER = {
    "kpi": "touch_points",
    "site": "VNHPH-TANVU",
    "by": "day",
    "period_start": "2026-01-01T00:00:00.000Z",
    "asset": None,
    "lane": None,
    "part": None,
    "value": 12.0,
    "numerator": 12.0,
    "denominator": 1.0,
    "n": 1.0,
    "completeness": 0.97,
    "provisional": True,
}


@pytest.mark.parametrize("name", ["value", "numerator", "denominator", "n", "completeness"])
def test_a_figure_that_differs_is_named_with_its_period(name: str) -> None:
    assert list(compare_kpis([NUMBER], [NUMBER | {name: NUMBER[name] * (1 + 1e-9)}])) == []  # type: ignore[operator]
    (said,) = compare_kpis([NUMBER], [NUMBER | {name: 11.5}])
    assert f"touch_points of VNHPH-TANVU in the day of 2026-01-01 00:00: {name} is 11.5, expected" in said
    (said,) = compare_kpis([NUMBER], [NUMBER | {name: None}])
    assert f"{name} is None" in said


def test_a_number_too_few_and_one_too_many_are_differences() -> None:
    (missing,) = compare_kpis([NUMBER], [])
    assert missing.endswith("is missing")
    (surplus,) = compare_kpis([], [NUMBER | {"asset": "VNHPH-TANVU-GATE01"}])
    assert surplus.endswith("touch_points of VNHPH-TANVU-GATE01 in the day of 2026-01-01 00:00: is not expected")


def test_a_number_nobody_can_know_must_only_be_there() -> None:
    unknown = {key: value for key, value in NUMBER.items() if key not in ("value", "numerator", "denominator", "n")}
    assert list(compare_kpis([unknown], [NUMBER | {"value": 3.0}])) == []
    assert len(list(compare_kpis([unknown], []))) == 1
