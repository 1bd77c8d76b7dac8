"""Cranes behave like cranes: what a sample says agrees with the sample before it."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

import pytest

from connectors.simulator import SimulationOptions, rtg, sts
from connectors.simulator.berth_work import BerthWork
from connectors.simulator.gateways import places
from connectors.simulator.sts import QuayCrane
from connectors.simulator.vessels import Berth
from connectors.simulator.wind import Wind
from connectors.simulator.world import World
from connectors.simulator.yard import Yard

Samples = dict[str, list[tuple[float, dict[str, Any]]]]


@pytest.fixture(scope="module")
def samples(events: tuple[Any, ...]) -> Samples:
    by_crane: Samples = defaultdict(list)
    for event in events:
        if event.is_("crane.sample"):
            at_s = datetime.fromisoformat(event.attributes["time"]).timestamp()
            by_crane[event.attributes["subject"]].append((at_s, event.data))
    return by_crane


def durations_s(truth: dict[str, Any], kind: str) -> list[float]:
    """Cycle times without what the crane stood still for, whole cycles only."""
    return [
        (moment(cycle["unlocked_at"]) - moment(cycle["started_at"])) - cycle["stopped_s"]
        for cycle in truth["cycles"]
        if kind in cycle["crane_id"] and cycle["started_at"]
    ]


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def per_hour(truth: dict[str, Any], kind: str, measure: Any) -> Iterator[float]:
    hours = truth["duration_s"] / 3600
    for crane in {cycle["crane_id"] for cycle in truth["cycles"] if kind in cycle["crane_id"]}:
        yield sum(measure(cycle) for cycle in truth["cycles"] if cycle["crane_id"] == crane) / hours


def test_every_declared_crane_reports(samples: Samples) -> None:
    assert len(samples) == 15
    assert all(len(readings) > 1000 for readings in samples.values())


def test_spreader_locks_only_while_landed_and_unlocks_only_while_landed(samples: Samples) -> None:
    changes = 0
    for readings in samples.values():
        for (_, before), (_, after) in pairwise(readings):
            if before["spreader_locked"] != after["spreader_locked"]:
                changes += 1
                assert before["spreader_landed"]
                assert after["spreader_landed"]
    assert changes > 200


def test_landing_and_locking_last_for_at_least_two_samples(samples: Samples) -> None:
    for crane, readings in samples.items():
        if "STS" not in crane:
            continue
        flags = [(data["spreader_landed"], data["spreader_locked"]) for _, data in readings]
        for before, here, after in zip(flags, flags[1:], flags[2:], strict=False):
            assert here in (before, after)


def test_moves_total_counts_up_by_one_with_each_unlock_and_never_down(samples: Samples) -> None:
    for readings in samples.values():
        for (_, before), (_, after) in pairwise(readings):
            unlocked = before["spreader_locked"] and not after["spreader_locked"]
            assert after["moves_total"] - before["moves_total"] == unlocked


def test_energy_never_falls_and_grows_with_power(samples: Samples) -> None:
    for readings in samples.values():
        for (_, before), (_, after) in pairwise(readings):
            assert after["energy_total_kwh"] >= before["energy_total_kwh"]
        used_kwh = readings[-1][1]["energy_total_kwh"] - readings[0][1]["energy_total_kwh"]
        moves = readings[-1][1]["moves_total"] - readings[0][1]["moves_total"]
        assert 1.0 < used_kwh / moves < 12.0


def test_trolley_and_hoist_stay_within_reach(samples: Samples) -> None:
    for crane, readings in samples.items():
        machine = sts if "STS" in crane else rtg
        for _, data in readings:
            assert machine.REACH_M[0] <= data["trolley_position_m"] <= machine.REACH_M[1]
            assert machine.LIFT_M[0] <= data["hoist_position_m"] <= machine.LIFT_M[1]


def test_no_axis_moves_faster_than_its_drive(samples: Samples) -> None:
    for readings in samples.values():
        for (t0, before), (t1, after) in pairwise(readings):
            assert abs(after["trolley_position_m"] - before["trolley_position_m"]) <= 3.6 * (t1 - t0) + 0.02
            assert abs(after["hoist_position_m"] - before["hoist_position_m"]) <= 2.2 * (t1 - t0) + 0.02
            assert abs(after["gantry_position_m"] - before["gantry_position_m"]) <= 2.0 * (t1 - t0) + 0.02


def test_load_hangs_on_the_spreader_only_when_it_is_not_landed(samples: Samples) -> None:
    for crane, readings in samples.items():
        spreader_t = 12.0 if "STS" in crane else 9.5
        for _, data in readings:
            if data["spreader_landed"]:
                assert data["load_t"] < 2
            elif data["spreader_locked"]:
                assert data["load_t"] > spreader_t + 2
            else:
                assert data["load_t"] == pytest.approx(spreader_t, abs=0.1)
            assert data["load_t"] <= 77


def test_only_twenty_foot_boxes_travel_as_twins(samples: Samples) -> None:
    twins = [data for readings in samples.values() for _, data in readings if data["spreader_mode"] == "twin"]
    assert twins
    assert all(data["spreader_length_ft"] == 20 for data in twins)


@pytest.mark.parametrize(("kind", "low_s", "high_s"), [("STS", 90, 180), ("RTG", 180, 260)])
def test_cycles_take_a_plausible_time(long_run: Any, kind: str, low_s: float, high_s: float) -> None:
    durations = durations_s(long_run.truth, kind)
    assert len(durations) > 60
    assert all(40 <= duration <= 600 for duration in durations)
    assert low_s <= median(durations) <= high_s


def test_quay_cranes_move_a_plausible_number_of_boxes_an_hour(long_run: Any) -> None:
    rates = list(per_hour(long_run.truth, "STS", lambda cycle: cycle["boxes"]))
    assert 20 <= median(rates) <= 36


def test_yard_cranes_make_twelve_to_eighteen_moves_an_hour(long_run: Any) -> None:
    rates = list(per_hour(long_run.truth, "RTG", lambda _: 1))
    assert 12 <= median(rates) <= 18


def test_samples_show_every_cycle_that_the_truth_tells_of(samples: Samples, long_run: Any) -> None:
    for crane, readings in samples.items():
        unlocks = sum(a["spreader_locked"] and not b["spreader_locked"] for (_, a), (_, b) in pairwise(readings))
        told = sum(cycle["crane_id"] == crane for cycle in long_run.truth["cycles"])
        assert abs(unlocks - told) <= 1  # the last one may fall between two samples


def test_each_delivered_job_walked_through_its_steps_in_order(events: tuple[Any, ...]) -> None:
    steps: dict[str, list[str]] = defaultdict(list)
    for event in events:
        if event.is_("crane.job"):
            steps[event.data["job_id"]].append(event.data["step"])
    finished = [walked for walked in steps.values() if "delivered" in walked]
    in_order = ["assigned", "dispatched", "movingtocollect", "readytocollect", "movingtodeliver", "readytodeliver"]
    assert finished
    for walked in finished:
        assert [step for step in walked if step != "queuingtodeliver"] == [*in_order, "delivered"]


def test_a_status_is_told_only_when_it_changes(events: tuple[Any, ...]) -> None:
    told: dict[str, list[str]] = defaultdict(list)
    for event in events:
        if event.is_("crane.status"):
            told[event.attributes["subject"]].append(event.data["status"])
    assert all(status[0] == "on" for status in told.values())
    assert all(a != b for status in told.values() for a, b in pairwise(status))


def test_every_stopping_fault_is_cleared_and_is_a_delay() -> None:
    world = World(SimulationOptions(seed=1, duration=timedelta(hours=12)))
    place = places(world.run)[0]
    work = BerthWork(Berth(world, place), Yard(world, place))
    asset = place.assets("crane", "STS")[0]
    crane = QuayCrane(world, place, asset, work, Wind(world.dice("wind"), world.start_ms))
    world.agenda.follow(crane.samples(crane.program(), 10.0))
    facts = list(world.agenda)
    stops = [f for f in facts if f.type.endswith("crane.fault.v1") and f.data["stops_work"]]
    delays = [f for f in facts if f.data.get("delay_code") == "BRK"]
    assert [f.data["active"] for f in stops[:4]] == [True, False, True, False]
    assert [f.time_ms for f in stops] == [f.time_ms for f in delays]
    assert [f.data["state"] for f in delays[:2]] == ["delay_start", "delay_end"]
    for began, ended in zip(stops[::2], stops[1::2], strict=False):
        assert not [f for f in facts if f.data.get("step") == "delivered" and began.time_ms < f.time_ms < ended.time_ms]
