"""A factory's vehicle or robot: one trip after the other between two stations, told when each has ended.

Where its radio fades (a scenario says when), it stops until the radio is back.
"""

import math
from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from connectors.simulator.facts import Fact
from connectors.simulator.fades import Fade
from connectors.simulator.gateways import Place
from connectors.simulator.moments import rfc3339
from connectors.simulator.world import World, event_type
from schemas.reference import Asset

_TRIP: Final = event_type("cell.trip")
# There and back, and how long each usually takes.
_TRIPS: Final = {
    "AGV": {"line_to_store": 95.0, "store_to_line": 110.0},
    "ROBOT": {"belt_to_rack": 44.0, "rack_to_belt": 38.0},
}
MOVING: Final = tuple(_TRIPS)
"""The types of devices that have trips."""
_SIGMA: Final = 0.05
_PAUSE_S: Final = (5.0, 60.0)
_FULL_STATION_SHARE: Final = 0.1
_FULL_STATION_S: Final = (10.0, 60.0)
_RESUMES_S: Final = (1.0, 3.0)


class Vehicle:
    """`trips` for ever; what its `fades` cost is written into the chronicle."""

    def __init__(self, world: World, place: Place, asset: Asset, fades: Sequence[Fade] = ()) -> None:
        self._world = world
        self._asset = asset
        self._gateway = place.gateway_of(asset)
        self._fades = fades
        self._kinds = tuple(_TRIPS[asset.type].items())
        self._dice: Random = world.dice(f"trips/{asset.asset_id}")

    def trips(self) -> Iterator[Fact]:
        """Each trip at its end."""
        dice, at_s, number = self._dice, self._dice.uniform(*_PAUSE_S), 0
        while True:
            number += 1
            kind, median_s = self._kinds[number % 2]
            waited_s = dice.uniform(*_FULL_STATION_S) if dice.random() < _FULL_STATION_SHARE else 0.0
            drives_s = dice.lognormvariate(math.log(median_s), _SIGMA)
            lost_s = self._lost_s(at_s, drives_s)
            end_s = at_s + drives_s + lost_s + waited_s
            data = {
                "trip_id": f"{self._asset.asset_id.rpartition('-')[2]}-{self._world.run}-{number:05d}",
                "duration_s": round(end_s - at_s, 3),
                "kind": kind,
                "laden": number % 2 == 1,
                "waited_s": round(waited_s, 3),
                "completed": True,
            }
            if lost_s:
                row = {"asset_id": self._asset.asset_id, "trip_id": data["trip_id"], "lost_s": round(lost_s, 3)}
                end_ms = self._world.after(end_s)
                self._world.chronicle.radio.append((end_ms, "trips", row | {"ended_at": rfc3339(end_ms)}))
            yield Fact(self._world.after(end_s), self._gateway, _TRIP, self._asset.asset_id, data)
            at_s = end_s + dice.uniform(*_PAUSE_S)

    def _lost_s(self, from_s: float, drives_s: float) -> float:
        """What fades cost on the way; the wait at a full station comes after it."""
        lost_s = 0.0
        for fade in self._fades:
            if fade.kind == "mild" or fade.until_s <= from_s + lost_s:
                continue
            onset_s = max(fade.from_s, from_s)
            if onset_s >= from_s + drives_s + lost_s:
                break
            lost_s += fade.until_s + self._dice.uniform(*_RESUMES_S) - onset_s
        return lost_s
