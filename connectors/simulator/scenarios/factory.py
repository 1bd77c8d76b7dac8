"""A factory: vehicles and robots whose radio fades, sensors, and the cells that serve them. No crane, no ship, no gate."""

from collections.abc import Mapping
from typing import Any

from connectors.simulator.cells import Cell
from connectors.simulator.fades import FadingDevice, Weather
from connectors.simulator.gateways import Place
from connectors.simulator.scenarios.remote import tell_fade
from connectors.simulator.vehicles import Vehicle
from connectors.simulator.world import World


class Factory:
    """Plays the site's cells, and as many of its vehicles, robots and sensors as the scenario says."""

    def __init__(self, world: World, place: Place, content: Mapping[str, Any]) -> None:
        self._world = world
        self._place = place
        said = content["fades"]
        self._weather = Weather(every_s=said["every_s"], lasts_s=tuple(said["lasts_s"]), shares=tuple(said["shares"]))
        self._moving = {"AGV": content["vehicles"], "ROBOT": content.get("robots", 0)}
        self._sensors = content.get("sensors", 0)

    def play(self) -> None:
        """Put all of them on the agenda."""
        world, place = self._world, self._place
        for asset in place.assets("cell"):
            cell = Cell(world, place, asset)
            for facts in (cell.reports(), cell.heartbeats()):
                world.agenda.follow(facts)
        for asset in place.assets("device", "SENSOR")[: self._sensors]:
            world.agenda.follow(FadingDevice(world, place, asset, ()).readings(1 / world.options.rate_hz))
        for asset in (asset for kind, n in self._moving.items() for asset in place.assets("device", kind)[:n]):
            length_s = world.options.duration.total_seconds()
            fades = self._weather.fades(world.dice(f"fades/{asset.asset_id}"), 0, length_s)
            for fade in fades:
                tell_fade(world, asset.asset_id, fade)
            world.agenda.follow(Vehicle(world, place, asset, fades).trips())
            world.agenda.follow(FadingDevice(world, place, asset, fades).readings(1 / world.options.rate_hz))
