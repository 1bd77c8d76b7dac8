"""Cranes driven from afar: what fades do to them is in the signals as the truth says, and nothing else changes."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from connectors.simulator import Simulation, SimulationOptions
from connectors.simulator.fades import Fade, Weather
from connectors.simulator.gateways import places
from connectors.simulator.scenarios.stage import play
from connectors.simulator.warp import Warp
from connectors.simulator.world import World
from schemas.attribution import PROFILE

HOUR = timedelta(hours=1)


def rows(name: str, seed: int = 11, duration: timedelta = HOUR) -> tuple[World, list[Any]]:
    options = SimulationOptions(seed=seed, duration=duration, rate_hz=2.0, scenario=name)
    world = World(options)
    play(world, places(options.run)[0], name)
    return world, list(world.agenda)


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_a_plan_stands_still_creeps_and_goes_on() -> None:
    warp = Warp()
    warp.go(10, 0.0)
    warp.go(15, 0.5)
    warp.go(19, 1.0)
    assert [warp.planned(at) for at in (5, 10, 14, 15, 17, 19, 20)] == [5, 10, 10, 10, 11, 12, 13]
    assert [warp.real(planned) for planned in (5, 10, 11, 12, 13)] == [5, 10, 17, 19, 20]
    assert [warp.speed(at) for at in (5, 12, 16, 30)] == [1.0, 0.0, 0.5, 1.0]


def test_the_same_seed_gives_the_same_bytes_and_another_others() -> None:
    def records(seed: int) -> list[Any]:
        options = SimulationOptions(seed=seed, duration=timedelta(minutes=6), rate_hz=1.0, scenario="radio_fades")
        return [(record.key, record.value) for record in Simulation(options).records()]

    assert records(1) == records(1)
    assert records(1) != records(2)


def test_fades_never_overlap_and_come_as_often_as_told() -> None:
    from random import Random

    weather = Weather(every_s=300, lasts_s=(6, 40), shares=(0.25, 0.25, 0.5))
    fades = weather.fades(Random(1), 0, 400_000)
    assert all(before.until_s <= after.from_s for before, after in pairwise(fades))
    assert 400_000 / len(fades) == pytest.approx(300 + 23, rel=0.1)


def test_while_a_stopping_fade_lasts_nothing_moves_once_it_has_reacted() -> None:
    world, facts = rows("radio_fades")
    fades: dict[str, list[Fade]] = {}
    for _, kind, row in world.chronicle.radio:
        if kind == "fades" and row["kind"] == "stopping":
            span = Fade(seconds(row["from"]), seconds(row["until"]), "stopping", 0)
            fades.setdefault(row["device_id"].removesuffix("_UE"), []).append(span)
    moving = 0
    for fact in facts:
        if fact.type.endswith("crane.sample.v1"):
            at = fact.time_ms / 1000
            if any(fade.from_s + 0.7 < at < fade.until_s for fade in fades.get(fact.subject, ())):
                assert fact.data["trolley_speed_mps"] == 0 or _hovers(fact.data), (fact.subject, at)
            elif fact.data["trolley_speed_mps"]:
                moving += 1
    assert moving > 1000


def _hovers(data: dict[str, Any]) -> bool:
    """The last of the way across may be under way while the crane already waits above the target."""
    return bool(data["hoist_speed_mps"] == 0)


def test_readings_are_out_of_the_profile_in_fades_that_matter_and_in_it_in_mild_ones() -> None:
    world, facts = rows("radio_fades")
    out = {"mild": [0, 0], "slowing": [0, 0], "stopping": [0, 0]}
    told = [row for _, kind, row in world.chronicle.radio if kind == "fades"]
    for fact in facts:
        if fact.type.endswith("cell.radio.v1"):
            at = fact.time_ms / 1000
            for row in told:
                if row["device_id"] == fact.subject and seconds(row["from"]) <= at < seconds(row["until"]):
                    bad = fact.data["rtt_ms"] > PROFILE.rtt_ms or fact.data["loss_ratio"] > PROFILE.loss_ratio
                    out[row["kind"]][bad] += 1
    assert out["slowing"][0] == out["stopping"][0] == 0
    assert out["mild"][1] < 0.1 * sum(out["mild"])


def lasted_s(world: World, crane: str) -> list[tuple[float, int]]:
    """How long each of a crane's lifts took from the unlock before it, and when it locked (ms)."""
    own = [cycle for cycle in world.chronicle.cycles if cycle["crane_id"] == crane]
    unlocks = [own[0]["unlocked_at"], *(cycle["unlocked_at"] for cycle in own)]
    return [((c["unlocked_at"] - before) / 1000, c["locked_at"]) for c, before in zip(own, unlocks, strict=False)][1:]


def test_each_lift_takes_longer_than_its_twin_without_fades_by_what_the_truth_says() -> None:
    faded, quiet = rows("radio_fades")[0], rows("radio_quiet")[0]
    cost: dict[str, dict[int, float]] = {}
    for _, kind, row in faded.chronicle.radio:
        if kind != "fades":
            (cycle,) = [
                cycle
                for cycle in faded.chronicle.cycles
                if cycle["crane_id"] == row["crane_id"]
                and abs(cycle["unlocked_at"] / 1000 - seconds(row["unlocked_at"])) < 0.01
            ]
            own = cost.setdefault(row["crane_id"], {})
            own[cycle["locked_at"]] = own.get(cycle["locked_at"], 0.0) + row["lost_s"]
    hindered = 0
    for crane in {cycle["crane_id"] for cycle in quiet.chronicle.cycles}:
        for (took_s, locked_ms), (usual_s, _) in zip(lasted_s(faded, crane), lasted_s(quiet, crane), strict=False):
            lost_s = cost.get(crane, {}).get(locked_ms, 0.0)
            hindered += lost_s > 0
            assert took_s - usual_s == pytest.approx(lost_s, abs=0.06), (crane, locked_ms)
    assert hindered > 5
    assert not quiet.chronicle.radio


def test_fades_while_idle_slow_nothing() -> None:
    world, _ = rows("radio_fades_idle", duration=timedelta(hours=3))
    kinds = {kind for _, kind, _ in world.chronicle.radio}
    assert kinds == {"fades"}
