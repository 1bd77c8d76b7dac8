"""The modem of a crane, vehicle, robot or sensor: what it hears of two cells, with shadowing, fades behind stacks, and handovers."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from connectors.simulator.facts import Fact
from connectors.simulator.gateways import Place
from connectors.simulator.world import World, event_type
from schemas.reference import Asset

_RADIO: Final = event_type("cell.radio")
_SHADOW_FORGETS_S: Final = 25.0
_FADE_EVERY_S: Final = {"AGV": 150.0, "ROBOT": 150.0, "UE": 240.0}
_SENSOR_PACE: Final = 20
_FADE_S: Final = (2.0, 20.0)
_HYSTERESIS_DB: Final = 4.0
_FLOOR_DBM: Final = -118.0
_RSRP_DBM: Final = (-125.0, -62.0)
_SINR_DB: Final = (-18.0, 34.0)
_SLICE: Final = "1-000001"

Span = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How well a site is covered: levels of a device's two cells, how far they wander, and what a fade costs.

    `slow_ms` is what the way back and forth takes longer at the worst SINR, `gap_ms` in a handover; `fade_loss` the
    most that is lost in a fade.
    """

    first_dbm: Span
    second_dbm: Span
    shadowing_db: float
    fade_db: Span
    fade_loss: float
    slow_ms: float
    gap_ms: Span


# As planned for what rides on it: over days its devices keep the profiles of schemas/sla, fades and handovers included.
PLANNED: Final = Coverage(
    first_dbm=(-80, -68),
    second_dbm=(-88, -78),
    shadowing_db=4.0,
    fade_db=(11.0, 17.0),
    fade_loss=3e-4,
    slow_ms=15.0,
    gap_ms=(25.0, 55.0),
)
# At the edge of its cells, where remote control suffers.
WEAK: Final = Coverage(
    first_dbm=(-93, -79),
    second_dbm=(-99, -88),
    shadowing_db=6.0,
    fade_db=(15.0, 25.0),
    fade_loss=2e-2,
    slow_ms=45.0,
    gap_ms=(30.0, 80.0),
)


class Device:
    """One device. A cell's level = that of its place + a slow wander (first order) - a fade, which hits both."""

    def __init__(self, world: World, place: Place, asset: Asset, coverage: Coverage = PLANNED) -> None:
        self._world = world
        self._coverage = coverage
        self._subject = asset.asset_id
        self._gateway = place.gateway_of(asset)
        self._pace = _SENSOR_PACE if asset.type == "SENSOR" else 1
        self._dice: Random = world.dice(f"radio/{asset.asset_id}")
        cells = [cell.asset_id for cell in place.assets("cell")]
        nearest = self._dice.randrange(len(cells))
        self._cells = (cells[nearest], cells[(nearest + 1) % len(cells)])
        self._around_dbm = (self._dice.uniform(*coverage.first_dbm), self._dice.uniform(*coverage.second_dbm))
        self._wander_db = [self._dice.gauss(0, coverage.shadowing_db) for _ in self._cells]
        self._fade_every_s = _FADE_EVERY_S.get(asset.type, _FADE_EVERY_S["UE"])
        self._serving = 0
        self._fade_db = 0.0
        self._fade_from_s = self._dice.expovariate(1 / self._fade_every_s)
        self._fade_until_s = self._fade_from_s

    def readings(self, step_s: float) -> Iterator[Fact]:
        """A reading every `step_s` (a sensor's is twenty times as long), for ever."""
        step_s *= self._pace
        keep = math.exp(-step_s / _SHADOW_FORGETS_S)
        renew_db = self._coverage.shadowing_db * math.sqrt(1 - keep * keep)
        phase_s = self._dice.random() * step_s
        tick = 0
        while True:
            at_s = phase_s + tick * step_s
            tick += 1
            gauss = self._dice.gauss
            self._wander_db = [wander * keep + gauss(0, renew_db) for wander in self._wander_db]
            self._move_fade(at_s)
            yield Fact(self._world.after(at_s), self._gateway, _RADIO, self._subject, self._reading())

    def _move_fade(self, at_s: float) -> None:
        if at_s >= self._fade_until_s and self._fade_db:
            self._fade_db = 0.0
            self._fade_from_s = at_s + self._dice.expovariate(1 / self._fade_every_s)
        elif at_s >= self._fade_from_s and not self._fade_db:
            self._fade_db = self._dice.uniform(*self._coverage.fade_db)
            self._fade_until_s = at_s + self._dice.uniform(*_FADE_S)

    def _reading(self) -> dict[str, Any]:
        random = self._dice.random
        levels = [a + w - self._fade_db for a, w in zip(self._around_dbm, self._wander_db, strict=True)]
        handover = levels[1 - self._serving] > levels[self._serving] + _HYSTERESIS_DB
        if handover:
            self._serving = 1 - self._serving
        rsrp_dbm = _within(levels[self._serving], _RSRP_DBM)
        sinr_db = _within(rsrp_dbm - _FLOOR_DBM - 8 + 3 * random(), _SINR_DB)
        quality = (sinr_db - _SINR_DB[0]) / (_SINR_DB[1] - _SINR_DB[0])
        rtt_ms = 9 + 6 * random() + self._coverage.slow_ms * (1 - quality) ** 3
        if handover:
            rtt_ms += self._dice.uniform(*self._coverage.gap_ms)
        return {
            "serving_cell": self._cells[self._serving],
            "rsrp_dbm": round(rsrp_dbm, 1),
            "rsrq_db": round(-17 + 11 * quality, 1),
            "sinr_db": round(sinr_db, 1),
            "cqi": round(15 * quality),
            "rtt_ms": round(rtt_ms, 2),
            "loss_ratio": round((self._coverage.fade_loss if self._fade_db else 2e-5) * random(), 7),
            "uplink_mbps": round(4 + 62 * quality * (0.85 + 0.3 * random()), 2),
            "downlink_mbps": round(12 + 210 * quality, 1),
            "handover": handover,
            "slice": _SLICE,
            "five_qi": 82,
            "network_mode": "SA",
        }


def _within(value: float, bounds: tuple[float, float]) -> float:
    return min(max(value, bounds[0]), bounds[1])
