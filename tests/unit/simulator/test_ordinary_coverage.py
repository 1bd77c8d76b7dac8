"""The ordinary port keeps the SLA profiles of its devices, so that it calls nobody; its weak edge does not."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby
from typing import Any

from connectors.simulator import SimulationOptions
from connectors.simulator.gateways import Place, places
from connectors.simulator.radio import PLANNED, WEAK, Coverage, Device
from connectors.simulator.world import World
from schemas.reference import Asset
from schemas.sla import Device as Asked
from schemas.sla import load_profiles, profiles_of
from streams.facts.sla_minute import judge, readings_of

FIELDS = sorted({name for profile in load_profiles() for name in profile.fields})
MINUTES = 15
# SlaBudgetBurnFast: the burn over an hour, and the fewest minutes.
BURN, LEAST = 14.4, 3


def minutes_of(world: World, place: Place, asset: Asset, coverage: Coverage) -> Iterator[list[tuple[float, Any]]]:
    """The readings of each full minute, with the seconds after its start."""
    readings = []
    for fact in Device(world, place, asset, coverage).readings(0.5):
        at_s = (fact.time_ms - world.start_ms) / 1000
        if at_s >= MINUTES * 60:
            break
        readings.append((at_s, fact.data))
    for minute, group in groupby(readings, key=lambda one: int(one[0] // 60)):
        yield [(at_s - minute * 60, data) for at_s, data in group]


def states(coverage: Coverage) -> Counter[tuple[str, str, str]]:
    """Device minutes by (site, profile, state)."""
    found: Counter[tuple[str, str, str]] = Counter()
    world = World(SimulationOptions(seed=3, duration=timedelta(minutes=MINUTES)))
    for place in places(world.run):
        for asset in place.assets("device"):
            device = Asked(device_id=asset.asset_id, site=place.site_id, type=asset.type, carried_by=asset.carried_by)
            for minute in minutes_of(world, place, asset, coverage):
                names = (*FIELDS, "handover", "five_qi", "slice")
                rows = {name: [data[name] for _, data in minute] for name in names}
                told = readings_of(rows | {"time_s": [at_s for at_s, _ in minute]}, FIELDS)
                for profile in profiles_of(device):
                    judged = judge(profile, told)
                    if judged is not None:
                        found[place.site_id, profile.profile_id, judged.state] += 1
    return found


def burning(found: Counter[tuple[str, str, str]]) -> set[tuple[str, str]]:
    budgets = {profile.profile_id: profile.budget_share for profile in load_profiles()}
    return {
        (site, profile)
        for (site, profile, state), out in found.items()
        if state == "out" and out >= LEAST and out / (out + found[site, profile, "in"]) > BURN * budgets[profile]
    }


def test_the_ordinary_port_burns_no_budget() -> None:
    found = states(PLANNED)
    assert {profile for _, profile, _ in found} >= {"5qi-82", "remote-crane-control", "mobile-robot-control"}
    assert burning(found) == set()


def test_the_weak_edge_does() -> None:
    assert {"5qi-82", "remote-crane-control"} <= {profile for _, profile in burning(states(WEAK))}
