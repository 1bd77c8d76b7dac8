"""A 5G cell: one performance report a minute for each of its objects, heartbeats, and alarms that come and go."""

import math
from collections.abc import Iterator
from random import Random
from typing import Any, Final

from connectors.simulator.counters import COUNTERS, cqi_histogram
from connectors.simulator.facts import Fact
from connectors.simulator.gateways import Place
from connectors.simulator.moments import SECOND_MS
from connectors.simulator.world import World, event_type
from schemas.reference import Asset

_MEASUREMENT: Final = event_type("cell.measurement")
_HEARTBEAT: Final = event_type("cell.heartbeat")
_ALARM: Final = event_type("cell.alarm")
GRANULARITY_S: Final = 60
_HEARTBEAT_S: Final = 30
_SUSPECT_SHARE: Final = 0.01
_ALARM_EVERY_S: Final = 1500.0
_UNCLEARED_SHARE: Final = 0.04
_CONDITIONS: Final = (
    ("high_uplink_interference", "warning", "interference above threshold"),
    ("sleeping_cell", "major", "no traffic although devices are attached"),
    ("n3_path_degraded", "minor", "packet loss towards the user plane"),
    ("radio_unit_overheated", "critical", "temperature above limit"),
)


class Cell:
    """One cell of a base station of its own; each has a slow wave of load."""

    def __init__(self, world: World, place: Place, asset: Asset) -> None:
        self._world = world
        self._asset = asset
        self._gateway = place.gateway_of(asset)
        self._dice: Random = world.dice(f"cell/{asset.asset_id}")
        site = place.site_id.rpartition("-")[2].lower()
        number = int(asset.asset_id[-2:])
        self._element = f"ManagedElement=gnb-{site}-{number:02d}"
        self._objects = {
            "du": f"{self._element},GNBDUFunction=1,NRCellDU={number}",
            "cu": f"{self._element},GNBCUCPFunction=1,NRCellCU={number}",
            "element": self._element,
        }
        self._load = 0.4

    def reports(self) -> Iterator[Fact]:
        """The reports of every full minute; their time is the end of the period."""
        for at_ms in self._world.minutes():
            wave = 0.45 + 0.25 * math.sin(at_ms / 2.4e6)
            self._load += (wave - self._load) * 0.2 + self._dice.gauss(0, 0.05)
            self._load = min(max(self._load, 0.02), 0.98)
            for key, name in self._objects.items():
                yield self._fact(at_ms, _MEASUREMENT, self._report(key, name))

    def heartbeats(self) -> Iterator[Fact]:
        """A sign of life every half minute."""
        first_ms = self._world.start_ms + self._dice.randrange(_HEARTBEAT_S * SECOND_MS)
        for at_ms in range(first_ms, self._world.end_ms, _HEARTBEAT_S * SECOND_MS):
            yield self._fact(at_ms, _HEARTBEAT, {"interval_s": _HEARTBEAT_S})

    def alarms(self) -> Iterator[Fact]:
        """Alarms, one after the other; a few are never cleared."""
        dice = self._world.dice(f"alarms/{self._asset.asset_id}")
        at_s, number = 0.0, 0
        name = self._asset.asset_id.partition("-")[2]
        while True:
            at_s += dice.expovariate(1 / _ALARM_EVERY_S)
            number += 1
            condition, severity, problem = dice.choice(_CONDITIONS)
            alarm = {
                "alarm_id": f"{name}-{self._world.run}-{number}",
                "condition": condition,
                "interface": "Uu" if "uplink" in condition else "N3",
                "specific_problem": problem,
            }
            yield self._fact(self._world.after(at_s), _ALARM, alarm | {"severity": severity})
            at_s += dice.uniform(30, 480)
            if dice.random() >= _UNCLEARED_SHARE:
                yield self._fact(self._world.after(at_s), _ALARM, alarm | {"severity": "cleared"})

    def _report(self, key: str, name: str) -> dict[str, Any]:
        dice = self._dice
        counters = [c.measurement(self._load, dice) for c in COUNTERS if c.object == key]
        if key == "du":
            counters.append(cqi_histogram(self._load, dice))
        return {
            "granularity_s": GRANULARITY_S,
            "object": name,
            "managed_element": self._element,
            "vendor": "simulated",
            "suspect": dice.random() < _SUSPECT_SHARE,
            "measurements": counters,
        }

    def _fact(self, at_ms: int, kind: str, data: dict[str, Any]) -> Fact:
        return Fact(at_ms, self._gateway, kind, self._asset.asset_id, data)
