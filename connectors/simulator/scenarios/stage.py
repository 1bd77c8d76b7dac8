"""Plays the scenario of a run, and beside it, when faults are asked for, something that may be lost or spoiled.

A scenario's own events are held up, repeated and surrounded by poison like any others, but those that its facts rest on
are never lost, skewed or spoiled (faults.py): what would come of them then, no intent can know.
"""

from collections.abc import Sequence
from datetime import timedelta

from connectors.simulator.cells import Cell
from connectors.simulator.gateways import Place
from connectors.simulator.scenarios import BESIDE, duration_of, read_scenario
from connectors.simulator.scenarios.factory import Factory
from connectors.simulator.scenarios.quay import Quay
from connectors.simulator.scenarios.remote import RemoteQuay
from connectors.simulator.scenarios.script import Script
from connectors.simulator.world import World
from schemas.errors import ConfigurationError


def play(world: World, place: Place, name: str) -> None:
    """Put scenario `name` on the agenda, at the site of `place`."""
    content = read_scenario(name)
    if "kpis" in content:
        world.chronicle.site = place.site
    if "quay" in content:
        Quay(world, place, content["quay"]).play()
    elif "factory" in content:
        Factory(world, place, content["factory"]).play()
    elif "remote" in content:
        RemoteQuay(world, place, content["remote"]).play()
    else:
        _check_whole(name, world.options.duration)
        Script(world, place, content).play()
    if world.options.faults:
        beside = next(asset for asset in place.assets("cell") if asset.asset_id.endswith(f"-{BESIDE}"))
        cell = Cell(world, place, beside)
        for facts in (cell.heartbeats(), cell.alarms()):
            world.agenda.follow(facts)


def place_of(places: Sequence[Place], name: str) -> Place:
    """Where a scenario plays: the site it names, else the first."""
    site = read_scenario(name).get("site", places[0].site_id)
    return next(place for place in places if place.site_id == site)


def _check_whole(name: str, duration: timedelta) -> None:
    """A script has one end: cut short, its facts would be others."""
    lasts = duration_of(name)
    if duration < lasts:
        seconds = round(lasts.total_seconds())
        raise ConfigurationError(f"scenario {name} lasts {lasts}: leave --duration away, or write at least {seconds}s")
